"""Where the data of a system is, and how a command finds the databases of one that runs."""

import json
from pathlib import Path

import pytest

from core import running
from local.state import State

URLS = {name: f"postgresql://{name}@127.0.0.1/teller" for name in running.DATABASES.values()}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder of an installed Teller, without `.teller`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(running, "is_checkout", lambda: False)
    return tmp_path


def state(folder: Path, **changes: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "local.json"
    file.write_text(json.dumps({**URLS, **changes}))
    return file


def test_a_checkout_keeps_its_data_in_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert running.is_checkout()
    assert running.data_dir({}) == tmp_path / ".teller"
    assert running.data_dir({"TELLER_DATA_DIR": "x"}) == tmp_path / "x"


def test_an_installed_teller_has_one_data_directory_a_user_but_where_the_current_folder_has_one(here: Path) -> None:
    assert running.data_dir({"HOME": "/home/ada"}) == Path("/home/ada/.local/share/teller")
    assert running.data_dir({"HOME": "/home/ada", "XDG_DATA_HOME": "/data"}) == Path("/data/teller")
    assert running.data_dir({"HOME": "/home/ada", "XDG_DATA_HOME": "data"}) == Path("/home/ada/.local/share/teller")
    assert running.data_dir({"TELLER_DATA_DIR": str(here / "x"), "XDG_DATA_HOME": "/data"}) == here / "x"

    (here / ".teller").mkdir()
    assert running.data_dir({"XDG_DATA_HOME": "/data"}) == here / ".teller"


def test_the_databases_of_a_system_that_runs_are_found(here: Path) -> None:
    assert running.databases({}) == {}

    state(here / ".teller")
    assert running.databases({}) == {setting: URLS[name] for setting, name in running.DATABASES.items()}
    assert set(running.DATABASES.values()) <= set(State.__annotations__)


@pytest.mark.parametrize("name", running.DATABASES)
@pytest.mark.parametrize("suffix", ["", "_FILE"])
def test_a_configured_database_is_never_mixed_with_one_that_runs(here: Path, name: str, suffix: str) -> None:
    state(here / ".teller")

    assert running.databases({f"{name}{suffix}": "given"}) == {}


def test_a_link_is_not_followed(here: Path) -> None:
    file = state(here / "elsewhere")
    (here / ".teller").mkdir()
    (here / ".teller" / "local.json").symlink_to(file)

    assert running.databases({}) == {}
