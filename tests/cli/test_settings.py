"""Where the address and the key come from, and what is kept of them."""

import json
import stat
from pathlib import Path

import pytest

from cli import profiles
from tests.caller import OPERATOR_KEY, Caller
from tests.cli.conftest import Teller

OTHER = "http://127.0.0.1:9"


def test_without_an_api_the_command_says_how_to_name_one(command: Teller) -> None:
    done = command("clients", "list")

    assert (done.status, done.out) == (2, "")
    assert "teller login" in done.err
    assert "TELLER_URL" in done.err


def test_a_login_is_stored_for_its_owner_alone_and_used(command: Teller, caller: Caller) -> None:
    assert command("login", "--url", caller.url, stdin=f"{OPERATOR_KEY}\n").status == 0

    assert stat.S_IMODE(profiles.file().stat().st_mode) == 0o600
    assert stat.S_IMODE(profiles.file().parent.stat().st_mode) == 0o700
    assert command("clients", "list", "--limit", "1").status == 0
    assert command("login", "--remove").status == 0
    assert command("clients", "list").status == 2
    assert command("login", "--remove").status == 2


def test_a_key_that_does_not_open_is_not_stored(command: Teller, caller: Caller) -> None:
    done = command("login", "--url", caller.url, "--key", "tlr_wrong")

    assert (done.status, profiles.file().exists()) == (2, False)
    assert "unauthorized" in done.err


def test_profiles_are_kept_apart_and_named(command: Teller, caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    assert command("login", "--profile", "live", "--url", caller.url, "--key", OPERATOR_KEY).status == 0

    assert command("clients", "list").status == 2
    assert command("clients", "list", "--profile", "live").status == 0
    assert "stored are: live" in command("clients", "list", "--profile", "dead").err
    monkeypatch.setenv("TELLER_PROFILE", "live")
    assert command("clients", "list").status == 0
    monkeypatch.setenv("TELLER_URL", OTHER)
    monkeypatch.setenv("TELLER_KEY", "other")
    assert command("clients", "list", "--profile", "live").status == 0


def test_the_environment_wins_over_a_login(command: Teller, caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    profiles.store(profiles.DEFAULT, OTHER, "other")
    monkeypatch.setenv("TELLER_URL", caller.url)
    monkeypatch.setenv("TELLER_KEY", OPERATOR_KEY)

    assert command("clients", "list").status == 0


def test_a_logins_key_is_not_sent_to_another_address(command: Teller, caller: Caller) -> None:
    profiles.store(profiles.DEFAULT, OTHER, OPERATOR_KEY)
    done = command("clients", "list", "--url", caller.url)

    assert done.status == 2
    assert f"no key for {caller.url}" in done.err


def test_a_file_that_others_may_read_is_not_used(command: Teller, caller: Caller) -> None:
    profiles.store(profiles.DEFAULT, caller.url, OPERATOR_KEY)
    profiles.file().chmod(0o644)

    done = command("clients", "list")
    assert (done.status, "chmod 600" in done.err) == (2, True)
    profiles.file().chmod(0o600)
    profiles.file().write_text("[]")
    assert command("clients", "list").status == 2


def test_an_api_that_is_away_is_said_in_a_line(command: Teller) -> None:
    done = command("clients", "list", "--url", OTHER, "--key", "k", "--retry-within", "0.1")

    assert (done.status, "was not reached" in done.err, len(done.err.splitlines())) == (2, True, 1)
    assert command("clients", "list", "--url", "ftp://x", "--key", "k").status == 2
    assert command("clients", "list", "--url", OTHER, "--key", "a b").status == 2


def write_state(folder: Path, url: str, mode: int = 0o600) -> None:
    (folder / ".teller").mkdir(exist_ok=True)
    file = folder / ".teller" / "local.json"
    file.write_text(json.dumps({"api_url": url, "pids": {"postgres": None}}))
    file.chmod(mode)


def test_the_system_of_the_folder_is_found_from_below(
    command: Teller, caller: Caller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_state(tmp_path, caller.url)
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert command("clients", "list").status == 2  # a database that it has not started itself: no key is made in it

    monkeypatch.setenv("TELLER_OPERATOR_KEY", OPERATOR_KEY)
    assert command("clients", "list").status == 0
    profiles.store(profiles.DEFAULT, OTHER, "other")
    assert command("clients", "list", "--retry-within", "0.1").status == 2  # a login is not redirected by a folder
    assert command("clients", "list", "--profile", "local").status == 0


@pytest.mark.parametrize("mode", [0o644, 0o620])
def test_a_state_that_others_may_read_or_write_is_not_followed(
    command: Teller, caller: Caller, tmp_path: Path, mode: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TELLER_OPERATOR_KEY", OPERATOR_KEY)
    write_state(tmp_path, caller.url, mode)

    assert command("clients", "list").status == 2
