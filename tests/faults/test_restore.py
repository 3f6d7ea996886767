"""docs/operating/back-up-and-restore.md, run: the dump of one cluster, taken while it works, becomes a ledger in another."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import psycopg
import pytest

from core.admin.audit import audit
from local.postgres import INSTALLED, Postgres
from tests.caller import OPERATOR_KEY, new_key
from tests.databases import Databases, with_role
from tests.system import ROOT, System
from tests.waiting import wait_for
from tests.world import World

DOCS = (ROOT / "docs" / "operating" / "back-up-and-restore.md").read_text()


def documented(program: str, **variables: str) -> list[str]:
    """The command of this program as the docs have it, in the folder where they have it, with these in its variables' place."""
    found = re.search(rf"^{program} .*$", DOCS, re.MULTILINE)
    assert found, program
    command = found[0]
    for name, value in variables.items():
        command = command.replace(f"${name}", value)
    return shlex.split(command)


def run(argv: list[str], folder: Path, environment: Mapping[str, str] | None = None) -> str:
    done = subprocess.run(argv, cwd=folder, env={**os.environ, **(environment or {})}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def count_far(source: World) -> None:
    """Let this cluster count more transactions than the other one will have, as it is in earnest."""
    with psycopg.connect(source.owner_url, autocommit=True) as connection:
        for _ in range(5000):
            connection.execute("SELECT pg_current_xact_id()")


@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_dump_is_restored_in_another_cluster_and_goes_on(
    databases: Databases, own_postgres: Postgres, redis_url: str, tmp_path: Path
) -> None:
    # A ledger with a past, and with two that still wait.
    source_url = databases.migrated()
    source = World(source_url, databases.owner_url(source_url))
    count_far(source)
    (tmp_path / "logs").mkdir()
    system = System(tmp_path / "logs", source_url, "redis://127.0.0.1:1/0")
    try:
        system.start_api()
        caller = system.caller()
        wallet, other = caller.new_client()["wallet"]["id"], caller.new_client()["wallet"]["id"]
        key, waiting_key = new_key(), new_key()
        deposited = caller.deposit(wallet, 100, key).body["id"]
        source.drain()
        moved = caller.transfer(wallet, other, 30, waiting_key).body["id"]
        feed = [event["id"] for event in caller.get("/v1/events").body["data"]]
    finally:
        system.close()

    owner_url = own_postgres.url("teller")
    for program, variables in (
        ("pg_dump", {"TELLER_ADMIN_DATABASE_URL": source.owner_url}),
        ("createdb", {"SERVER_URL": own_postgres.url("postgres")}),
        ("pg_restore", {"TELLER_ADMIN_DATABASE_URL": owner_url}),
    ):
        argv = documented(program, **variables)
        run([str(INSTALLED / "bin" / argv[0]), *argv[1:]], tmp_path)

    restored = World(with_role(owner_url, "teller_app", "a-password"), owner_url)
    [(is_behind,)] = restored.query("SELECT (SELECT max(moment) FROM events) >= feed_horizon()")
    assert is_behind, "the other cluster has counted further than this one: the restore is not what migrate is there for"
    urls = {"DATABASE_URL": restored.url, "TELLER_ADMIN_DATABASE_URL": owner_url, "TELLER_OPERATOR_KEY": OPERATOR_KEY}
    run([sys.executable, "-m", "core", "migrate"], ROOT, urls)
    report = run([sys.executable, "-m", "core", "audit"], ROOT, {**urls, "TELLER_ADMIN_DATABASE_URL": ""})
    assert "audit clean: 2 transfers, 2 entries" in report

    again = System(tmp_path / "logs", restored.url, redis_url)
    try:
        again.start_api()
        again.start_workers(1)
        again.start_sweeper()
        caller = again.caller()
        assert caller.wait_final(moved)["status"] == "applied"
        assert caller.deposit(wallet, 100, key).body["id"] == deposited
        assert caller.transfer(wallet, other, 30, waiting_key).body["id"] == moved
        assert (caller.balance(wallet), caller.balance(other)) == (70, 30)
        new = caller.deposit(wallet, 5).body["id"]
        assert caller.wait_final(new)["status"] == "applied"

        def told() -> list[str]:
            after = [event["id"] for event in caller.get(f"/v1/events?after={feed[-1]}").body["data"]]
            return after if len(after) == 2 else []

        assert wait_for(told, "both events") == [moved.replace("trf_", "evt_"), new.replace("trf_", "evt_")]
        again.audit()
    finally:
        again.close()
    with psycopg.connect(restored.url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("DELETE FROM entries")
    assert audit(restored.url).clean
