"""What consoles and the command line show: the queue, the processes and the database."""

import os
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from core.admin.audit import audit, store
from core.admin.migrate import migration_names
from core.postgres.connections import connect_command, connect_worker
from core.settings import SECRETS
from core.version import VERSION
from tests.caller import OPERATOR_KEY, Caller
from tests.databases import Databases
from tests.system import System
from tests.waiting import LOADED_S, wait_for


def seen(caller: Caller, path: str, is_wanted: Callable[[Any], object], what: str) -> Any:
    """Return the answer once it is as wanted: it may be a second old."""

    def look() -> Any:
        answer = caller.get(f"/v1/ops/{path}")
        assert answer.status == 200, answer
        return answer.body if is_wanted(answer.body) else None

    return wait_for(look, what)


def owner_of(databases: Databases, system: System) -> psycopg.Connection[Any]:
    return psycopg.connect(databases.owner_url(system.database_url), autocommit=True)


def test_the_queue_says_what_waits_by_shard_without_redis(idle_caller: Caller, idle_system: System, databases: Databases) -> None:
    source, destination = (idle_caller.new_client()["wallet"]["id"] for _ in range(2))
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    for _ in range(3):
        assert idle_caller.deposit(source, 1).status == 202
    assert idle_caller.transfer(source, destination, 1, scheduled_for=tomorrow).status == 202
    with owner_of(databases, idle_system) as owner:
        [(queued,)] = owner.execute("SELECT count(*) FROM queue").fetchall()
        [(scheduled,)] = owner.execute("SELECT count(*) FROM due WHERE verb = 'apply'").fetchall()
        by_shard = dict(owner.execute("SELECT shard, count(*) FROM queue GROUP BY shard").fetchall())

    queue = seen(idle_caller, "queue", lambda body: body["queued"] == queued, "all that is queued")

    assert set(queue) == {"queued", "limit", "oldest_seconds", "scheduled", "due_oldest_seconds", "shards"}
    assert (queue["limit"], queue["scheduled"]) == (1_000_000, scheduled)
    assert {one["shard"]: one["queued"] for one in queue["shards"]} == by_shard
    assert queue["oldest_seconds"] == max(one["oldest_seconds"] for one in queue["shards"]) > 0
    assert {one["drained_by"] for one in queue["shards"]} == {None}


def test_the_queue_names_the_process_that_has_a_shard(idle_caller: Caller, idle_system: System, databases: Databases) -> None:
    idle_caller.deposit(idle_caller.new_client()["wallet"]["id"], 1)
    with owner_of(databases, idle_system) as owner:
        [(shard,)] = owner.execute("SELECT shard FROM queue LIMIT 1").fetchall()

    def drained_by(queue: Any) -> str | None:
        return {one["shard"]: one["drained_by"] for one in queue["shards"]}.get(shard)

    with closing(connect_worker(databases.owner_url(idle_system.database_url))) as worker, worker.transaction():
        worker.execute("SELECT FROM shards WHERE shard = %s FOR UPDATE", [shard])
        name = f"{socket.gethostname()[:38]}:{os.getpid()}"
        seen(idle_caller, "queue", lambda queue: drained_by(queue) == name, "the name of the process")
    seen(idle_caller, "queue", lambda queue: drained_by(queue) is None, "the end of the drain")


def test_a_process_is_listed_while_it_has_a_session(caller: Caller, shared_system: System) -> None:
    began = datetime.now(UTC) - timedelta(seconds=5)
    started = {"worker": shared_system.start("worker", "apply"), "sweeper": shared_system.start_sweeper()}
    names = {kind: f"{socket.gethostname()[:38]}:{process.pid}" for kind, process in started.items()}

    def listed(body: Any) -> dict[tuple[str, str], Any]:
        return {(one["kind"], one["name"]): one for one in body["processes"]}

    def is_there(kind: str) -> Callable[[Any], bool]:
        return lambda body: (kind, names[kind]) in listed(body)

    are_there = "the new processes, before their first work"
    processes = listed(seen(caller, "processes", lambda body: is_there("sweeper")(body) and is_there("worker")(body), are_there))
    sweeper = processes["sweeper", names["sweeper"]]
    assert sweeper["host"] == socket.gethostname()[:38]
    assert datetime.fromisoformat(sweeper["since"]) > began
    assert datetime.fromisoformat(sweeper["last_seen_at"]) >= datetime.fromisoformat(sweeper["since"])
    assert sweeper["state"] in {"active", "idle", "idle in transaction"}
    assert "api" in {kind for kind, _ in processes}

    for process in started.values():
        process.kill()
        process.wait()
    seen(caller, "processes", lambda body: not is_there("sweeper")(body) and not is_there("worker")(body), "their absence")


def test_sessions_of_a_role_that_the_owner_may_not_see_have_no_times(
    idle_caller: Caller, idle_system: System, databases: Databases
) -> None:
    role = databases.new_role()
    with owner_of(databases, idle_system) as owner:
        [(before,)] = owner.execute("SELECT proowner::regrole::text FROM pg_proc WHERE proname = 'sessions_of_teller'").fetchall()
        owner.execute(f"CREATE ROLE {role}".encode())
        owner.execute(f"ALTER FUNCTION sessions_of_teller OWNER TO {role}".encode())
        try:
            body = seen(
                idle_caller, "processes", lambda body: body["processes"] and not body["processes"][0]["since"], "what is hidden"
            )
        finally:
            owner.execute(f"ALTER FUNCTION sessions_of_teller OWNER TO {before}".encode())

    api = body["processes"][0]
    assert (api["kind"], api["since"], api["state"], api["last_seen_at"]) == ("api", None, None, None)
    assert api["name"].endswith(f":{idle_system.processes[0].pid}")


def test_the_database_shows_what_waits_for_a_lock_and_what_keeps_events_back(
    idle_caller: Caller, idle_system: System, databases: Databases
) -> None:
    url = databases.owner_url(idle_system.database_url)
    with closing(connect_command(url)) as holder, closing(connect_command(url)) as waiting, ThreadPoolExecutor(1) as threads:
        holder.execute("SELECT feed_moment()")  # which takes a transaction id
        holder.execute("LOCK TABLE parties IN ACCESS EXCLUSIVE MODE")
        blocked = threads.submit(waiting.execute, "LOCK TABLE parties IN ACCESS EXCLUSIVE MODE")
        pids = (waiting.info.backend_pid, holder.info.backend_pid)
        idle_caller.new_client()  # a transaction that ends: until one does, the open one has kept nothing back
        body = seen(
            idle_caller,
            "database",
            lambda body: any(one["pid"] == pids[0] for one in body["blocked"]) and body["feed"]["horizon_seconds"] > 0.5,
            "the session that waits",
        )
        holder.rollback()
        blocked.result()
        waiting.rollback()

    [one] = [one for one in body["blocked"] if one["pid"] == pids[0]]
    assert one["blocked_by"] == [pids[1]]
    assert one["application"].startswith("teller command ")
    assert 0 <= one["waiting_seconds"] < 60
    assert one["state"] == "active"
    holder_seen = body["feed"]["holder"]
    assert (holder_seen["pid"], holder_seen["state"]) == (pids[1], "idle in transaction")
    assert datetime.fromisoformat(holder_seen["since"]) <= datetime.now(UTC)
    after = seen(idle_caller, "database", lambda body: not body["blocked"], "the end of the wait")
    assert after["schema"] == migration_names()[-1]
    assert after["version"].partition(".")[0].isdigit()
    assert after["size_bytes"] > 1_000_000
    assert 0 < after["connections"]["used"] <= after["connections"]["allowed"]


def test_the_database_shows_the_last_audit(idle_caller: Caller, idle_system: System) -> None:
    url = idle_system.database_url
    report = audit(url)
    assert store(url, report, 1.0) is None
    report.counts["zero_sum"] = 2  # as of a damaged ledger
    assert store(url, report, 1.5) is None

    last = seen(idle_caller, "database", lambda body: body["last_audit"] and not body["last_audit"]["ok"], "the damaged audit")[
        "last_audit"
    ]

    assert {name: last[name] for name in ("failures", "broken", "wallets")} == {
        "failures": 2,
        "broken": {"zero_sum": 2},
        "wallets": report.wallets,
    }
    took = datetime.fromisoformat(last["finished_at"]) - datetime.fromisoformat(last["began_at"])
    assert abs(took.total_seconds() - 1.5) < 0.1


def test_a_read_that_takes_too_long_is_given_up_and_holds_nothing_else_up(
    idle_caller: Caller, idle_system: System, databases: Databases
) -> None:
    with owner_of(databases, idle_system) as owner, owner.transaction():
        owner.execute("LOCK TABLE audits IN ACCESS EXCLUSIVE MODE")
        wait_for(lambda: idle_caller.get("/v1/ops/database").status == 503, "the refusal")
        began = time.monotonic()
        answer = idle_caller.get("/v1/ops/database")
        took_s = time.monotonic() - began
        assert idle_caller.get("/v1/ops/queue").status == 200

    assert (answer.status, answer.code) == (503, "unavailable")
    assert took_s < 2 + LOADED_S
    assert idle_caller.get("/v1/ops/database").status == 200


@pytest.mark.parametrize("path", ["queue", "processes", "database", "settings"])
def test_these_routes_take_no_parameters(idle_caller: Caller, path: str) -> None:
    assert idle_caller.get(f"/v1/ops/{path}?limit=5").code == "invalid_parameter"


def test_the_settings_are_those_of_the_process_without_a_secret(caller: Caller, shared_system: System) -> None:
    answer = caller.get("/v1/ops/settings")

    told = {one["name"]: one for one in answer.body["settings"]}
    assert (answer.status, answer.body["version"]) == (200, VERSION)
    assert told["TELLER_BACKLOG_MAX"] == {"name": "TELLER_BACKLOG_MAX", "value": "1000000", "is_default": True}
    assert told["TELLER_PORT"] == {"name": "TELLER_PORT", "value": shared_system.url.rpartition(":")[2], "is_default": False}
    assert told["TELLER_RATE_LIMIT"]["value"] is None
    assert not set(told) & set(SECRETS)
    assert "TELLER_METRICS_PORT" not in told, "the API does not read it"
    assert [secret for secret in (OPERATOR_KEY, "postgresql:", "redis:", "unix:") if secret in str(answer.body)] == []
