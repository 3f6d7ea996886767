"""No log holds a secret, whatever is sent, at the level that says most, in good times and in bad."""

import json
import os
import secrets
import subprocess
import sys
import traceback
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from core.__main__ import main
from local.postgres import Postgres
from local.redis import Redis
from local.server import free_port
from tests import cluster
from tests.caller import OPERATOR_KEY, Caller, new_key
from tests.databases import Databases
from tests.http.raw import exchange
from tests.system import ROOT, System
from tests.waiting import wait_for

MARK = "swordfish"
LOUD = {"TELLER_LOG_LEVEL": "DEBUG", "TELLER_METRICS_KEY": f"metrics-{MARK}-that-is-long-enough"}


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory, postgres_cluster: Path) -> Iterator[Postgres]:
    server = cluster.copy(postgres_cluster, tmp_path_factory.mktemp("postgres") / "postgres")
    server.start()
    yield server
    server.stop("immediate")


@pytest.fixture(scope="module")
def lasting(postgres: Postgres, module_redis: Redis, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system that says all it can, for the tests that stop its Postgres in turn."""
    system = System(tmp_path_factory.mktemp("lasting"), Databases(postgres.url("postgres")).migrated(), module_redis.url)
    system.start_api(LOUD)
    system.start("worker", "apply", environment=LOUD)
    system.start("worker", "sweep", environment=LOUD)
    yield system
    system.close()


@pytest.fixture
def system(lasting: System, postgres: Postgres) -> System:
    if not postgres.running:
        postgres.start()
    wait_for(lambda: lasting.caller().get("/readyz").status == 200, "a system that is whole again")
    return lasting


def written(system: System) -> str:
    return "".join(file.read_text() for file in system.folder.glob("*.log"))


def lines(system: System) -> list[dict[str, Any]]:
    """All that was logged. Whatever is not JSON makes this fail."""
    return [json.loads(line) for line in written(system).splitlines(keepends=True) if line.endswith("\n")]


def refused_at_the_door(system: System) -> list[dict[str, Any]]:
    return [line for line in lines(system) if line.get("code") == "malformed_request"]


def test_a_transfer_is_followed_by_its_id_and_a_request_by_its_own(system: System) -> None:
    caller = system.caller()
    wallet = caller.new_wallet()
    headers = {"X-Request-Id": "the-deposit", "Idempotency-Key": new_key()}
    at_the_door_before = len(refused_at_the_door(system))

    sent = caller.post("/v1/deposits", {"wallet_id": wallet, "amount": 5}, headers=headers)
    assert caller.wait_final(sent.body["id"])["status"] == "applied"
    caller.post("/v1/deposits", {}, headers={"X-Request-Id": "no-deposit"})
    exchange(system.url, b"GET /healthz HTTP/1.1\r\n\r\n")

    def told() -> list[dict[str, Any]]:
        """The lines about the transfer, once all three are there."""
        about = [line for line in lines(system) if sent.body["id"] in (line.get("transfer"), *line.get("transfers", []))]
        return about if len(about) == 3 else []

    by_event = {line["event"]: line for line in wait_for(told, "the three lines about the transfer")}
    assert set(by_event) == {"stored", "answered", "final"}
    assert (by_event["answered"]["request_id"], by_event["answered"]["status"]) == ("the-deposit", 202)
    refused = [line for line in lines(system) if line.get("request_id") == "no-deposit"]
    assert [(line["event"], line["status"]) for line in refused] == [("problem answered", 400), ("answered", 400)]
    [at_the_door] = refused_at_the_door(system)[at_the_door_before:]
    assert at_the_door["request_id"]


def test_a_fault_is_a_warning_with_its_request_and_a_refusal_is_not(system: System, postgres: Postgres) -> None:
    caller = system.caller()
    postgres.stop("immediate")

    assert caller.get("/v1/clients", headers={"X-Request-Id": "in-vain"}).status == 503
    assert caller.get("/nothing", headers={"X-Request-Id": "nowhere"}).status == 404

    [fault] = [line for line in lines(system) if line.get("request_id") == "in-vain" and line["event"] == "problem answered"]
    assert (fault["level"], fault["code"]) == ("warning", "unavailable")
    [refusal] = [line for line in lines(system) if line.get("request_id") == "nowhere" and line["event"] == "problem answered"]
    assert refusal["level"] == "debug"


def test_nothing_that_is_secret_is_logged(system: System, postgres: Postgres) -> None:
    caller = system.caller()
    client = caller.new_client(name=f"name-{MARK}", metadata={"m": f"metadata-{MARK}"}, external_id=f"external-{MARK}")
    key = caller.request("POST", f"/v1/clients/{client['id']}/keys").body["key"]
    secret = [OPERATOR_KEY, key, MARK, urlsplit(system.database_url).password or "", urlsplit(system.redis_url).password or ""]

    for authorization in (f"Bearer {OPERATOR_KEY}", f"Bearer {key}", f"Bearer {MARK}", f"Basic {MARK}", f"Bearer {key} {MARK}"):
        drive(caller, client["wallet"]["id"], key, authorization)
    postgres.stop("immediate")
    drive(caller, client["wallet"]["id"], key, f"Bearer {OPERATOR_KEY}")
    postgres.start()
    wait_for(lambda: caller.get("/readyz").status == 200, "the database to be back")
    caller.deposit(client["wallet"]["id"], 5)

    assert all(secret)
    assert len(lines(system)) > 100
    found = [one for one in secret if one in written(system)]
    assert not found


def drive(caller: Caller, wallet_id: str, key: str, authorization: str) -> None:
    """Send a secret wherever a caller can put one, rightly or wrongly."""
    headers = {"Authorization": authorization, "X-Request-Id": f"{MARK} is no id", "Cookie": MARK, "User-Agent": MARK}
    for path in (f"/v1/{MARK}", f"/{key}", f"/v1/keys/{key}", f"/v1/clients?external_id={MARK}", f"/v1/transfers?x={key}"):
        caller.get(path, headers=headers)
    caller.request("DELETE", f"/v1/keys/{key}", headers=headers)
    caller.get("/metrics", headers=headers)
    for body in (
        b'{"wallet_id": "' + MARK.encode(),
        {MARK: MARK},
        {"wallet_id": wallet_id, "amount": 5, "reference": MARK, "metadata": {MARK: MARK}},
        {"wallet_id": MARK, "amount": MARK},
        {"name": MARK, "metadata": {"m": MARK}},
    ):
        for path in ("/v1/deposits", "/v1/transfers", "/v1/transfers/batch", "/v1/clients"):
            caller.post(path, body, key=f"{MARK}-{secrets.token_hex(4)}", headers=headers)
    exchange(caller.url, f"GET /{MARK} HTTP/1.1\r\nX: {MARK}\r\n\r\n".encode())
    exchange(caller.url, f"{MARK}\r\n\r\n".encode())


NOT_VALID = {
    "not decodable": {"DATABASE_URL": f"postgresql://teller:{MARK}%zz@127.0.0.1/teller"},
    "not encoded": {"DATABASE_URL": f"postgresql://teller:a@{MARK}@127.0.0.1/teller"},
    "no Redis URL": {"REDIS_URL": f"redis://:{MARK}/@127.0.0.1:6379"},
}
NOWHERE = {
    "no server there": {"DATABASE_URL": f"postgresql://teller:{MARK}@127.0.0.1:1/teller"},
    "no Redis there": {"REDIS_URL": f"redis://:{MARK}@127.0.0.1:1/0"},
}
URLS = {**NOT_VALID, **NOWHERE}
API, APPLY, SWEEP = ("api",), ("worker", "apply"), ("worker", "sweep")


@pytest.mark.parametrize("fault", URLS)
@pytest.mark.parametrize("verb", ["audit", "migrate"])
def test_a_command_whose_url_leads_nowhere_never_repeats_it(
    verb: str, fault: str, database_url: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    given = {"DATABASE_URL": database_url, "TELLER_ADMIN_DATABASE_URL": "", **LOUD, **URLS[fault]}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("core.log.configure", lambda level: None)  # the log is that of all tests
    raised = ""

    try:
        main([verb])
    except Exception:  # noqa: BLE001 - as the interpreter would print it
        raised = traceback.format_exc()

    said = capfd.readouterr()
    assert said.out + said.err + raised
    assert MARK not in said.out + said.err + raised


# All kinds of worker read their settings in the same function, so one of them stands for the others where those are not valid.
@pytest.mark.parametrize(("argv", "fault"), [*product((API, APPLY), URLS), *product((SWEEP,), NOWHERE)])
def test_a_url_that_leads_nowhere_is_never_repeated(argv: tuple[str, ...], fault: str, database_url: str, tmp_path: Path) -> None:
    log_file, beat = tmp_path / "log", tmp_path / "beat"
    given = {"DATABASE_URL": database_url, "TELLER_ADMIN_DATABASE_URL": "", "TELLER_PORT": str(free_port()), **LOUD, **URLS[fault]}
    environment = {**os.environ, **given, "TELLER_HEARTBEAT_FILE": str(beat)}
    beats = set()

    def has_tried() -> bool:
        """Whether it has ended, said something, or gone round its loop."""
        if beat.exists():
            beats.add(beat.stat().st_mtime_ns)
        return process.poll() is not None or log_file.stat().st_size > 300 or len(beats) > 1

    with log_file.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *argv], cwd=ROOT, env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL
        )
    try:
        wait_for(has_tried, "an attempt", 60)
    finally:
        process.kill()
        process.wait()

    assert MARK not in log_file.read_text()
