"""Postgres without disk, without connections, read-only, or broken off under load: 503 at once, never a 202 that is not true, and
everything goes on by itself when the need is over.
"""

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest

from local.postgres import Postgres
from local.redis import Redis
from tests import cluster, flood
from tests.caller import Answer, Caller, new_key
from tests.databases import Databases
from tests.system import System
from tests.waiting import LOADED_S, wait_for

ANSWER_WITHIN_S = 2.0 + LOADED_S
HEALED_WITHIN_S = 60.0
DISK = "192m"
SMALL = {"max_wal_size": "64MB", "min_wal_size": "32MB", "shared_buffers": "16MB"}
BLOCKS = (1 << 20, 4096, 1)  # bytes


@contextmanager
def system_on(server: Postgres, redis: Redis, folder: Path) -> Iterator[System]:
    """A whole system on this server."""
    (folder / "logs").mkdir()
    system = System(folder / "logs", Databases(server.url("postgres")).migrated(), redis.url)
    try:
        system.start_api()
        system.start_workers(1)
        system.start_sweeper()
        yield system
    finally:
        system.close()


@contextmanager
def started(server: Postgres) -> Iterator[Postgres]:
    server.start()
    try:
        yield server
    finally:
        server.stop("immediate")


@pytest.fixture
def system(own_postgres: Postgres, own_redis: Redis, tmp_path: Path) -> Iterator[System]:
    with system_on(own_postgres, own_redis, tmp_path) as system:
        yield system


def ask(server: Postgres, statement: str, *params: object) -> list[tuple[object, ...]]:
    """As the superuser: Postgres reserves some connections for it."""
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        cursor = connection.execute(statement.encode(), params or None)
        return cursor.fetchall() if cursor.description else []


def deposit_in_time(caller: Caller, wallet: str, key: str | None = None) -> Answer:
    """Deposit a cent. Answered 202 or 503, and within the time that is promised."""
    began = time.monotonic()
    answer = caller.deposit(wallet, 1, key)
    assert time.monotonic() - began < ANSWER_WITHIN_S, answer
    assert answer.status == 202 or (answer.status, answer.code) == (503, "unavailable"), answer
    assert answer.status == 202 or int(answer.headers["retry-after"]) > 0
    return answer


def assert_healed(system: System, server: Postgres, wallet: str, accepted: list[str], key: str) -> None:
    """All that was accepted is applied, and so is what was refused, sent again: by the same processes, on the same server."""
    caller = system.caller()
    again = wait_for(lambda: caller.deposit(wallet, 1, key).body.get("id"), "a 202 after the need", HEALED_WITHIN_S)
    outcomes = {caller.wait_final(id, HEALED_WITHIN_S)["status"] for id in [*accepted, again]}
    assert outcomes == {"applied"}
    assert caller.balance(wallet) == len(accepted) + 1
    assert caller.get("/readyz").status == 200
    assert all(process.poll() is None for process in system.processes), system.logs()
    system.audit()


# --- A full disk ---


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of DISK, for the test alone. Mounting takes root; without it the test is skipped, with the reason."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "teller-test", folder], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"a full disk was NOT tested, no file system can be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)


def fill(disk: Path) -> Path:
    """Leave no byte free. Returns the file that has taken them."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for block in BLOCKS:
            with suppress(OSError):
                while file.write(b"x" * block) == block:
                    pass
    return ballast


def test_a_full_disk_means_503_and_no_restart_afterwards(small_disk: Path, own_redis: Redis, tmp_path: Path) -> None:
    with started(Postgres(small_disk / "postgres", SMALL)) as server, system_on(server, own_redis, tmp_path) as system:
        caller, pid = system.caller(), server.pid
        wallet, key = caller.new_wallet(), new_key()
        ballast = fill(small_disk)

        accepted = []
        for _ in range(500):  # until the last page that is free is full
            answer = deposit_in_time(caller, wallet)
            if answer.status == 503:
                break
            accepted.append(answer.body["id"])
        during = [deposit_in_time(caller, wallet, key) for _ in range(3)]

        assert {answer.status for answer in during} == {503}
        assert caller.get(f"/v1/wallets/{wallet}").status == 200
        ballast.unlink()
        assert_healed(system, server, wallet, accepted, key)
        assert server.pid == pid


def test_a_disk_too_full_for_the_log_costs_a_restart_of_postgres_and_nothing_that_was_accepted(
    small_disk: Path, own_redis: Redis, tmp_path: Path
) -> None:
    """Postgres breaks off then, and cannot recover before there is room again. Teller's processes need no restart."""
    with started(Postgres(small_disk / "postgres", SMALL)) as server, system_on(server, own_redis, tmp_path) as system:
        caller = system.caller()
        wallet, key = caller.new_wallet(), new_key()
        accepted = [deposit_in_time(caller, wallet).body["id"] for _ in range(20)]
        ballast = fill(small_disk)

        with pytest.raises(psycopg.Error):
            use_up_log(server)
        assert {deposit_in_time(caller, wallet, key).status for _ in range(3)} == {503}

        ballast.unlink()
        restart(server)
        assert_healed(system, server, wallet, accepted, key)


def use_up_log(server: Postgres) -> None:
    """Begin one file of the log after the other, as far as there is room for them."""
    for _ in range(10):
        ask(server, "SELECT pg_logical_emit_message(false, '', 'x')")
        ask(server, "SELECT pg_switch_wal()")


LACKS = ("53100", "53200", "53300")  # disk_full, out_of_memory, too_many_connections


def test_a_server_that_lacks_something_is_a_503_and_rejects_nothing(
    own_system: System, connection: psycopg.Connection[object]
) -> None:
    """What Postgres says without disk, without memory and so on, also where no disk can be filled."""
    own_system.start_api()
    caller = own_system.caller()
    wallet = caller.new_wallet()
    own_system.start_sweeper()
    for sqlstate in LACKS:
        key = new_key()
        raise_it = f"BEGIN RAISE EXCEPTION 'in need' USING ERRCODE = '{sqlstate}'; END"
        connection.execute(f"CREATE FUNCTION lack() RETURNS trigger LANGUAGE plpgsql AS $${raise_it}$$".encode())
        connection.execute(b"CREATE TRIGGER lack BEFORE INSERT ON entries EXECUTE FUNCTION lack()")
        queued = caller.deposit(wallet, 1).body["id"]
        connection.execute(b"CREATE TRIGGER lack BEFORE INSERT ON transfers EXECUTE FUNCTION lack()")

        assert deposit_in_time(caller, wallet, key).status == 503
        wait_for(lambda: f'"{sqlstate}"' in put_off(own_system), "a drain that is put off")  # noqa: B023

        assert caller.get(f"/v1/transfers/{queued}").body["status"] == "queued"
        connection.execute(b"DROP FUNCTION lack CASCADE")
        assert caller.wait_final(caller.deposit(wallet, 1, key).body["id"])["status"] == "applied"
    assert caller.balance(wallet) == 2 * len(LACKS)
    own_system.audit()


def put_off(system: System) -> str:
    return "\n".join(line for line in system.logs().splitlines() if "drain put off" in line)


# --- No connections left ---


def test_without_a_free_connection_a_503_comes_in_time_and_no_restart_is_needed(
    own_redis: Redis, tmp_path: Path, postgres_cluster: Path
) -> None:
    server = cluster.copy(postgres_cluster, tmp_path / "postgres", {"max_connections": "20"})
    with started(server), system_on(server, own_redis, tmp_path) as system:
        caller = system.caller()
        wallet, key = caller.new_wallet(), new_key()
        hog: list[psycopg.Connection[object]] = []

        wait_for(lambda: take_all(server, system.database_url, hog), "a hog that has every connection")
        during = [deposit_in_time(caller, wallet, key) for _ in range(3)]

        assert {answer.status for answer in during} == {503}
        assert caller.get("/readyz").status == 503
        assert caller.get("/healthz").status == 200
        for connection in hog:
            connection.close()
        assert_healed(system, server, wallet, [], key)


def take_all(server: Postgres, url: str, hog: list[psycopg.Connection[object]]) -> bool:
    """Take the free connections, and end all other sessions. Returns whether there were none."""
    with suppress(psycopg.OperationalError):
        while True:
            hog.append(psycopg.connect(url, autocommit=True))
    end = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE backend_type = 'client backend' AND usename <> current_user AND pid <> ALL(%s)"
    )
    return not ask(server, end, [connection.info.backend_pid for connection in hog])


# --- Read-only ---


def set_read_only(server: Postgres, value: str) -> None:
    ask(server, f"ALTER SYSTEM SET default_transaction_read_only = {value}")
    ask(server, "SELECT pg_reload_conf()")


def test_a_server_that_turns_read_only_is_a_503_rejects_nothing_and_heals_by_itself(system: System, own_postgres: Postgres) -> None:
    caller = system.caller()
    wallet, key = caller.new_wallet(), new_key()
    workers = system.processes[1:]
    for worker in workers:
        worker.send_signal(signal.SIGSTOP)
    queued = caller.deposit(wallet, 1).body["id"]

    set_read_only(own_postgres, "on")
    wait_for(lambda: caller.get("/readyz").status == 503, "a readyz that says so")
    assert caller.get("/readyz").body["detail"] == "not ready: database_writable"
    for worker in workers:
        worker.send_signal(signal.SIGCONT)
    assert {deposit_in_time(caller, wallet, key).status for _ in range(3)} == {503}
    wait_for(lambda: '"25006"' in put_off(system), "a drain that is put off")
    assert caller.get(f"/v1/transfers/{queued}").body["status"] == "queued"

    set_read_only(own_postgres, "off")
    assert_healed(system, own_postgres, wallet, [queued], key)


@pytest.mark.long
def test_a_standby_is_a_503_until_it_is_promoted(system: System, own_postgres: Postgres) -> None:
    """As after a failover, when the address leads to the new primary before it is one."""
    caller = system.caller()
    wallet, key = caller.new_wallet(), new_key()
    own_postgres.stop()
    (own_postgres.cluster / "standby.signal").touch()
    own_postgres.start()

    wait_for(lambda: "database_writable" in caller.get("/readyz").body["detail"], "a readyz that says so")
    assert "is a standby" in caller.get("/readyz").body["detail"]
    assert {deposit_in_time(caller, wallet, key).status for _ in range(3)} == {503}
    assert caller.get(f"/v1/wallets/{wallet}").status == 200

    ask(own_postgres, "SELECT pg_promote()")
    assert_healed(system, own_postgres, wallet, [], key)


# --- Broken off under load ---


def restart(server: Postgres) -> None:
    server.stop("immediate")
    server.start()


def terminate_again_and_again(server: Postgres) -> None:
    ended = 0
    for _ in range(5):
        sessions = "FROM pg_stat_activity WHERE usename <> current_user AND datname IS NOT NULL"
        ended += len(ask(server, f"SELECT pg_terminate_backend(pid) {sessions}"))
        time.sleep(0.2)  # so that they come anywhere in a batch
    assert ended > 0


@pytest.mark.parametrize("fault", [restart, terminate_again_and_again])
def test_what_was_accepted_around_a_fault_under_load_is_applied_and_the_rest_may_be_repeated(
    system: System, own_postgres: Postgres, fault: Callable[[Postgres], None]
) -> None:
    caller = system.caller()
    wallets = [caller.new_wallet(10_000) for _ in range(8)]
    posts = [flood.between(wallets, 1) for _ in range(600)]

    def fault_under_load() -> None:
        enough = "SELECT count(*) > 100 FROM transfers"
        with psycopg.connect(system.database_url, autocommit=True) as connection:
            wait_for(lambda: connection.execute(enough).fetchone() == (True,), "some load")
        fault(own_postgres)

    answers = flood.send_while(system.url, posts, fault_under_load)

    assert len(answers) == len(posts)
    assert {status for status, _ in answers} <= {202, 200, 503}
    wait_for(lambda: caller.get("/readyz").status == 200, "the end of the fault", HEALED_WITHIN_S)
    again = flood.send_all(system.url, posts)
    assert {status for status, _ in again} <= {200, 202}
    first = [body["id"] if status != 503 else None for status, body in answers]
    assert all(before in (None, body["id"]) for before, (_, body) in zip(first, again, strict=True))
    assert {caller.wait_final(body["id"], HEALED_WITHIN_S)["status"] for _, body in again} == {"applied"}
    assert sum(caller.balance(wallet) for wallet in wallets) == 8 * 10_000
    system.audit()
