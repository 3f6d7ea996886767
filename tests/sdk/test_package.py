"""The wheel is built, installed into an environment of its own with httpx alone, and runs the README's example there."""

import os
import re
import subprocess
import venv
import zipfile
from pathlib import Path

import pytest

from core.version import VERSION
from tests.caller import OPERATOR_KEY
from tests.fresh import build_wheel, link, required
from tests.system import ROOT, System

SDK = ROOT / "sdk" / "python"
README = SDK / "README.md"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built without a network: the build system is one of the requirements for tests."""
    folder = tmp_path_factory.mktemp("wheel")
    return build_wheel(SDK, folder)


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a fresh environment that holds the wheel and what it requires, and nothing else."""
    folder = tmp_path_factory.mktemp("fresh")
    venv.create(folder, with_pip=False, symlinks=True)
    [packages] = folder.glob("lib/python*/site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    for needed in required("httpx"):
        link(needed, packages)
    return folder / "bin" / "python"


def run(python: Path, code: str, **environment: str) -> str:
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "TELLER_"))}
    done = subprocess.run(
        [python, "-W", "error", "-c", code], env=plain | environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_holds_the_package_its_types_and_its_licence(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        [metadata] = [archive.read(name).decode() for name in names if name.endswith("METADATA")]

    assert wheel.name == f"teller_client-{VERSION}-py3-none-any.whl"
    assert {"teller_client/py.typed", "teller_client/models.py", "teller_client/_sync/client.py"} <= set(names)
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert {name.partition("/")[0] for name in names} == {"teller_client", f"teller_client-{VERSION}.dist-info"}
    assert re.findall(r"^Requires-Dist: (\w+)", metadata, re.MULTILINE) == ["httpx"]
    assert "Requires-Python: >=3.10" in metadata


def test_the_installed_package_is_imported_and_names_its_version(python: Path) -> None:
    printed = run(python, "import teller_client; print(teller_client.__file__, teller_client.__version__)").split()

    assert Path(printed[0]).is_relative_to(python.parents[1])
    assert printed[1] == VERSION


def example() -> str:
    [code, *_] = re.findall(r"^```python\n(.*?)^```$", README.read_text(), re.MULTILINE | re.DOTALL)
    return str(code)


def test_the_readmes_first_transfer_has_at_most_twelve_lines() -> None:
    assert len(example().strip().splitlines()) <= 12


def test_the_readmes_first_transfer_runs_twice_and_pays_once(python: Path, own_system: System) -> None:
    own_system.start_api()
    own_system.start_workers(1)
    own_system.start_sweeper()

    for _ in range(2):
        printed = run(python, example(), TELLER_URL=own_system.url, TELLER_KEY=OPERATOR_KEY)
        assert printed == "applied 1050\n"
        assert f"`{printed.strip()}`" in README.read_text()


def test_the_readme_names_only_what_is_there() -> None:
    """Each `teller.…(` of the README is a function of the client."""
    import teller_client  # noqa: PLC0415 - the package of this tree, not the installed one

    teller = teller_client.Teller("http://127.0.0.1:1", "key")
    calls = set(re.findall(r"\bteller\.([a-z_.]+)\(", README.read_text()))
    assert len(calls) > 10
    for call in calls:
        found: object = teller
        for name in call.split("."):
            found = getattr(found, name)
        assert callable(found)
    teller.close()
