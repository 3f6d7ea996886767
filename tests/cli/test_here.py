"""What is done on the machine of the system: run, doctor, audit, db, and the key that is made for the system of the folder."""

import json
import stat
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.caller import OPERATOR_KEY, Caller
from tests.cli.conftest import Teller, started
from tests.databases import Databases
from tests.system import System


@pytest.fixture
def here(command: Teller, databases: Databases, shared_system: System, tmp_path: Path) -> Path:
    """The folder of a system, as `teller run` leaves it: local.json names the shared system, as if its servers were embedded."""
    folder = tmp_path / ".teller"
    folder.mkdir(mode=0o700)
    state = {
        "api_url": shared_system.url,
        "database_url": shared_system.database_url,
        "worker_database_url": shared_system.database_url,
        "deliverer_database_url": shared_system.database_url,
        "admin_database_url": databases.owner_url(shared_system.database_url),
        "pids": {"postgres": 1},
    }
    (folder / "local.json").write_text(json.dumps(state))
    (folder / "local.json").chmod(0o600)
    return folder


def test_beside_a_running_system_nothing_has_to_be_set(command: Teller, here: Path) -> None:
    first = command("clients", "list", "--limit", "1", "--json")
    second = command("clients", "list", "--limit", "1", "--json")

    assert (first.status, "made an operator key" in first.err) == (0, True)
    assert (second.status, second.err) == (0, "")
    assert stat.S_IMODE((here / "login.json").stat().st_mode) == 0o600
    key = json.loads((here / "login.json").read_text())["key"]
    assert command("login").status == 0
    assert json.loads((here / "login.json").read_text())["key"] != key
    assert command("clients", "list", "--url", "http://127.0.0.1:9").status == 2


def test_the_ledger_is_proved_beside_a_running_system(command: Teller, caller: Caller, here: Path) -> None:
    told = command("audit")
    assert (told.status, "audit clean" in told.out) == (0, True)
    proof = command("audit", "--json")
    assert (proof.status, proof.json["clean"]) == (0, True)
    assert "key_" in command("db", "keys", "list").out
    assert "teller db" in command("db", "--help").out
    assert command("db", "wrong").status == 2
    made = command("keys", "make", "--operator", "--name", "boss")
    assert (made.status, "operator key: tlr_" in made.out) == (0, True)
    assert caller.post("/v1/keys", {"role": "viewer", "name": "boss\u200f"}).status == 201
    assert "boss\\u200f" in command("db", "keys", "list").out


def test_a_damaged_ledger_ends_with_1(command: Teller, database_url: str, owner_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("ALTER TABLE wallets DROP CONSTRAINT moved_only_by_entries")
        connection.execute("UPDATE wallets SET balance = balance + 1 WHERE id = (SELECT id FROM wallets LIMIT 1)")
    monkeypatch.setenv("DATABASE_URL", database_url)

    told = command("audit", "--json")
    assert (told.status, told.json["clean"]) == (1, False)
    assert "BROKEN" in command("audit").out


def test_a_database_that_is_not_named_or_is_away_is_said(command: Teller, monkeypatch: pytest.MonkeyPatch) -> None:
    unnamed = command("audit")
    assert (unnamed.status, "DATABASE_URL" in unnamed.err) == (2, True), unnamed
    assert command("db", "keys", "list").status == 2
    monkeypatch.setenv("DATABASE_URL", "postgresql://127.0.0.1:9/none")
    away = command("audit")
    assert (away.status, away.out, len(away.err.splitlines())) == (2, "", 1)


def test_a_folder_that_cannot_be_used_ends_run_with_2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TELLER_DATA_DIR", str(tmp_path / "file"))
    process = started("run", url="")  # as a program: it sets signal handlers
    _, err = process.communicate(timeout=30)

    assert (process.returncode, "cannot use the data directory" in err) == (2, True), err


def test_doctor_finds_all_well_beside_a_running_system(command: Teller, here: Path, ada: Any) -> None:
    told = command("doctor")
    assert told.status == 0, told.out
    for found in ("database writable: yes", "clock: as the API's", "it opens all clients", "would be applied", "all is well"):
        assert found in told.out
    answer = command("doctor", "--json")
    assert answer.json["ok"] is True
    assert {finding["state"] for finding in answer.json["findings"]} <= {"ok", "warning"}


def test_doctor_says_what_is_bad(command: Teller, caller: Caller) -> None:
    nothing = command("doctor")
    assert (nothing.status, "BAD      settings" in nothing.out) == (2, True)
    away = command("doctor", "--url", "http://127.0.0.1:9", "--key", OPERATOR_KEY)
    assert (away.status, "it does not answer" in away.out) == (2, True)
    locked_out = command("doctor", "--url", caller.url, "--key", "tlr_wrong", "--json")
    assert (locked_out.status, locked_out.json["ok"]) == (2, False)
    [key] = [finding for finding in locked_out.json["findings"] if finding["check"] == "key"]
    assert (key["state"], "401" in key["text"]) == ("BAD", True)


def test_doctor_with_a_clients_key_looks_at_what_it_may_see(
    command: Teller, caller: Caller, ada: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TELLER_URL", caller.url)
    made = caller.request("POST", f"/v1/clients/{ada['id']}/keys").body

    told = command("doctor", "--key", made["key"])
    assert (told.status, "it is a client's" in told.out) == (0, True)
