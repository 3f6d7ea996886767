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
from tests.faults.lasting import complete
from tests.system import System
from tests.waiting import LOADED_S, wait_for

ANSWER_WITHIN_S = 2.0 + LOADED_S
HEALED_WITHIN_S = 60.0
DISK = "192m"
SMALL = {"max_wal_size": "64MB", "min_wal_size": "32MB", "shared_buffers": "16MB"}
BLOCKS = (1 << 20, 4096, 1)  # bytes


@contextmanager
def system_on(server: Postgres, redis_url: str, folder: Path) -> Iterator[System]:
    """A whole system on this server."""
    (folder / "logs").mkdir()
    system = System(folder / "logs", Databases(server.url("postgres")).migrated(), redis_url)
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


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory, postgres_cluster: Path) -> Iterator[Postgres]:
    with started(cluster.copy(postgres_cluster, tmp_path_factory.mktemp("postgres") / "postgres")) as server:
        yield server


@pytest.fixture(scope="module")
def lasting(postgres: Postgres, module_redis: Redis, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """One system for the tests that bring its Postgres into need in turn."""
    with system_on(postgres, module_redis.url, tmp_path_factory.mktemp("lasting")) as system:
        yield system


@pytest.fixture
def system(lasting: System, postgres: Postgres) -> System:
    """The system, in order: the processes of the test before, and no need that a failed one has left."""
    if not postgres.running:
        postgres.start()
    ask(postgres, "ALTER SYSTEM RESET ALL")
    ask(postgres, "SELECT pg_reload_conf()")
    return whole(lasting)


def whole(system: System) -> System:
    complete(system)
    wait_for(lambda: system.caller().get("/readyz").status == 200, "a system that is whole again", HEALED_WITHIN_S)
    return system


@pytest.fixture
def connection(system: System, postgres: Postgres) -> Iterator[psycopg.Connection[object]]:
    """A connection to the system's database, as its owner."""
    with psycopg.connect(Databases(postgres.url("postgres")).owner_url(system.database_url), autocommit=True) as connection:
        yield connection


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


@pytest.fixture(scope="module")
def small_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A file system of DISK, for these tests alone. Mounting takes root; without it they are skipped, with the reason."""
    folder = tmp_path_factory.mktemp("disk")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "teller-test", folder], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"a full disk was NOT tested, no file system can be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)


@pytest.fixture(scope="module")
def small_server(small_disk: Path) -> Iterator[Postgres]:
    with started(Postgres(small_disk / "postgres", SMALL)) as server:
        yield server


@pytest.fixture(scope="module")
def small_lasting(small_server: Postgres, module_redis: Redis, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    # another database of the Redis: the two systems must not take each other's doorbells
    with system_on(small_server, f"{module_redis.url.removesuffix('0')}1", tmp_path_factory.mktemp("small")) as system:
        yield system


@pytest.fixture
def small_system(small_lasting: System, small_server: Postgres, small_disk: Path) -> System:
    """A system on that disk, with the room that it had at first."""
    (small_disk / "ballast").unlink(missing_ok=True)
    if not small_server.running:
        small_server.start()
    return whole(small_lasting)


def fill(disk: Path) -> Path:
    """Leave no byte free. Returns the file that has taken them."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for block in BLOCKS:
            with suppress(OSError):
                while file.write(b"x" * block) == block:
                    pass
    return ballast


def test_a_full_disk_means_503_and_no_restart_afterwards(small_system: System, small_server: Postgres, small_disk: Path) -> None:
    system, server = small_system, small_server
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
    small_system: System, small_server: Postgres, small_disk: Path
) -> None:
    """Postgres breaks off then, and cannot recover before there is room again. Teller's processes need no restart."""
    system, server = small_system, small_server
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


def test_a_server_that_lacks_something_is_a_503_and_rejects_nothing(system: System, connection: psycopg.Connection[object]) -> None:
    """What Postgres says without disk, without memory and so on, also where no disk can be filled."""
    caller = system.caller()
    wallet = caller.new_wallet()
    for sqlstate in LACKS:
        key = new_key()
        raise_it = f"BEGIN RAISE EXCEPTION 'in need' USING ERRCODE = '{sqlstate}'; END"
        connection.execute(f"CREATE FUNCTION lack() RETURNS trigger LANGUAGE plpgsql AS $${raise_it}$$".encode())
        connection.execute(b"CREATE TRIGGER lack BEFORE INSERT ON entries EXECUTE FUNCTION lack()")
        queued = caller.deposit(wallet, 1).body["id"]
        connection.execute(b"CREATE TRIGGER lack BEFORE INSERT ON transfers EXECUTE FUNCTION lack()")

        assert deposit_in_time(caller, wallet, key).status == 503
        wait_for(lambda: f'"{sqlstate}"' in put_off(system), "a drain that is put off")  # noqa: B023

        assert caller.get(f"/v1/transfers/{queued}").body["status"] == "queued"
        connection.execute(b"DROP FUNCTION lack CASCADE")
        assert caller.wait_final(caller.deposit(wallet, 1, key).body["id"])["status"] == "applied"
    assert caller.balance(wallet) == 2 * len(LACKS)
    system.audit()


def put_off(system: System) -> str:
    return "\n".join(line for line in system.logs().splitlines() if "drain put off" in line)


# --- No connections left ---


@pytest.fixture
def few_connections(system: System, postgres: Postgres) -> Iterator[None]:
    """Let the server have few connections, as long as the test runs."""
    many = postgres.settings["max_connections"]
    postgres.settings["max_connections"] = "20"
    restart(postgres)
    whole(system)
    yield
    postgres.settings["max_connections"] = many
    restart(postgres)


def test_without_a_free_connection_a_503_comes_in_time_and_no_restart_is_needed(
    system: System, postgres: Postgres, few_connections: None
) -> None:
    server = postgres
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


def test_a_server_that_turns_read_only_is_a_503_rejects_nothing_and_heals_by_itself(system: System, postgres: Postgres) -> None:
    caller = system.caller()
    wallet, key = caller.new_wallet(), new_key()
    workers = system.processes[1:]
    for worker in workers:
        worker.send_signal(signal.SIGSTOP)
    queued = caller.deposit(wallet, 1).body["id"]

    set_read_only(postgres, "on")
    wait_for(lambda: caller.get("/readyz").status == 503, "a readyz that says so")
    assert caller.get("/readyz").body["detail"] == "not ready: database_writable"
    for worker in workers:
        worker.send_signal(signal.SIGCONT)
    assert {deposit_in_time(caller, wallet, key).status for _ in range(3)} == {503}
    wait_for(lambda: '"25006"' in put_off(system), "a drain that is put off")
    assert caller.get(f"/v1/transfers/{queued}").body["status"] == "queued"

    set_read_only(postgres, "off")
    assert_healed(system, postgres, wallet, [queued], key)


@pytest.mark.long
def test_a_standby_is_a_503_until_it_is_promoted(system: System, postgres: Postgres) -> None:
    """As after a failover, when the address leads to the new primary before it is one."""
    caller = system.caller()
    wallet, key = caller.new_wallet(), new_key()
    postgres.stop()
    (postgres.cluster / "standby.signal").touch()
    postgres.start()

    wait_for(lambda: "database_writable" in caller.get("/readyz").body["detail"], "a readyz that says so")
    assert "is a standby" in caller.get("/readyz").body["detail"]
    assert {deposit_in_time(caller, wallet, key).status for _ in range(3)} == {503}
    assert caller.get(f"/v1/wallets/{wallet}").status == 200

    ask(postgres, "SELECT pg_promote()")
    assert_healed(system, postgres, wallet, [], key)


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
    system: System, postgres: Postgres, fault: Callable[[Postgres], None]
) -> None:
    caller = system.caller()
    wallets = [caller.new_wallet(10_000) for _ in range(8)]
    posts = [flood.between(wallets, 1) for _ in range(600)]

    def fault_under_load() -> None:
        enough = "SELECT count(*) > 100 FROM transfers WHERE idempotency_key = ANY(%s)"
        keys = [post.key for post in posts]
        with psycopg.connect(system.database_url, autocommit=True) as connection:
            wait_for(lambda: connection.execute(enough, [keys]).fetchone() == (True,), "some load")
        fault(postgres)

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
