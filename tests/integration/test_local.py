"""The embedded servers of `make run` and of these tests themselves."""

import errno
import os
import signal
import socket
import stat
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from redis import Redis as Client
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, RedisError
from redis.retry import Retry

from local.account import Account, allow, let_in
from local.postgres import Postgres
from local.redis import Redis
from local.server import ServerFailed, free_port, is_taken
from local.start import described


def wait_until(condition: Callable[[], bool], timeout_s: float = 10.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"waited {timeout_s} s in vain"
        time.sleep(0.01)


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[Postgres]:
    server = Postgres(tmp_path / "postgres", {"max_connections": "20", "shared_buffers": "16MB"})
    try:
        server.start()
        yield server
    finally:
        server.kill()


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Redis]:
    server = Redis(tmp_path / "redis")
    try:
        server.start()
        yield server
    finally:
        server.kill()


def query(server: Postgres, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(server.url("test"), autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def test_postgres_keeps_port_and_data_over_every_way_to_end(postgres: Postgres) -> None:
    postgres.create_database("test")
    postgres.create_database("test")
    query(postgres, "CREATE TABLE marks (mark text)")
    url = postgres.url("test")
    endings: dict[str, Callable[[], None]] = {
        "fast": postgres.stop,
        "immediate": lambda: postgres.stop("immediate"),
        "kill": postgres.kill,
    }
    for name, end in endings.items():
        query(postgres, f"INSERT INTO marks VALUES ('{name}')")
        pid = postgres.pid
        end()
        assert not postgres.running
        assert not postgres.processes()
        postgres.start()
        assert postgres.pid != pid
    assert postgres.url("test") == url
    assert query(postgres, "SELECT mark FROM marks") == [("fast",), ("immediate",), ("kill",)]


def test_postgres_starts_again_although_sessions_outlived_its_postmaster(postgres: Postgres) -> None:
    postgres.create_database("test")
    with psycopg.connect(postgres.url("test"), autocommit=True) as busy:
        session = busy.info.backend_pid
        os.kill(session, signal.SIGSTOP)  # one that cannot notice the end of its postmaster
        os.kill(postgres.pid, signal.SIGKILL)
        wait_until(lambda: not postgres.running)
        assert session in {process.pid for process in postgres.processes()}
        postgres.start()
        assert query(postgres, "SELECT 1") == [(1,)]
        assert session not in {process.pid for process in postgres.processes()}


def test_a_stale_postmaster_pid_that_names_another_program_stops_no_process(postgres: Postgres) -> None:
    postgres.stop()
    (postgres.cluster / "postmaster.pid").write_text(f"{os.getppid()}\n")
    postgres.start()
    assert postgres.running


def test_a_second_postgres_in_the_same_directory_is_refused_and_harms_nothing(postgres: Postgres) -> None:
    with pytest.raises(ServerFailed, match=f"already runs .*pid {postgres.pid}"):
        Postgres(postgres.data_dir).start()
    postgres.create_database("test")
    assert query(postgres, "SELECT 1") == [(1,)]


def test_two_of_each_run_side_by_side(tmp_path: Path, postgres: Postgres, redis: Redis) -> None:
    other_postgres, other_redis = Postgres(tmp_path / "other"), Redis(tmp_path / "other-redis")
    try:
        other_postgres.start()
        other_redis.start()
        assert len({postgres.port, redis.port, other_postgres.port, other_redis.port}) == 4
    finally:
        other_redis.kill()
        other_postgres.kill()


def test_an_interrupted_initdb_is_not_taken_for_a_cluster(tmp_path: Path) -> None:
    (tmp_path / "postgres" / "data.draft" / "base").mkdir(parents=True)
    server = Postgres(tmp_path / "postgres")
    try:
        server.start()
        assert server.running
    finally:
        server.kill()


def test_a_failed_start_shows_the_tail_of_the_log_and_leaves_nothing_running(tmp_path: Path) -> None:
    server = Postgres(tmp_path / "postgres", {"shared_buffers": "lots"})
    with pytest.raises(ServerFailed, match='invalid value for parameter "shared_buffers"'):
        server.start()
    assert not server.running


def test_postgres_is_durable_and_lets_in_only_with_the_password(postgres: Postgres) -> None:
    postgres.create_database("test")
    for setting in ("fsync", "synchronous_commit", "full_page_writes", "data_checksums"):
        assert query(postgres, f"SHOW {setting}") == [("on",)]
    assert query(postgres, "SHOW listen_addresses") == [("127.0.0.1",)]
    assert query(postgres, "SHOW unix_socket_directories") == [("",)]
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(postgres.url("test").replace(postgres.password, "wrong"))


def test_each_role_of_postgres_has_a_password_of_its_own_that_outlives_a_restart(postgres: Postgres) -> None:
    users = ("postgres", "teller_app", "other")
    before = [postgres.password_of(user) for user in users]
    assert len(set(before)) == 3
    assert before[0] == postgres.password

    again = Postgres(postgres.data_dir)

    assert [again.password_of(user) for user in users] == before
    assert postgres.url("test", "teller_app") == f"postgresql://teller_app:{before[1]}@127.0.0.1:{postgres.port}/test"


def test_redis_keeps_its_port_and_forgets_everything_else(redis: Redis) -> None:
    url = redis.url
    for end in (redis.stop, redis.kill):
        with Client.from_url(url) as client:
            client.set("bell", "rung")
        end()
        assert not redis.running
        redis.start()
        assert redis.url == url
        with Client.from_url(url) as client:
            assert client.get("bell") is None


def test_redis_lets_in_only_with_the_password(redis: Redis) -> None:
    with Client(port=redis.port, retry=Retry(NoBackoff(), 0)) as client, pytest.raises(AuthenticationError):
        client.ping()
    with Client.from_url(redis.url) as client:
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert client.config_get("bind") == {"bind": "127.0.0.1"}


def test_a_restart_waits_for_its_port_while_another_process_has_it(redis: Redis) -> None:
    port = redis.port
    redis.stop()
    with ThreadPoolExecutor() as pool, socket.create_server(("127.0.0.1", port)) as squatter:
        restart = pool.submit(redis.start)
        wait_until(lambda: "Address already in use" in redis.log_file.read_text())
        squatter.close()
        restart.result(timeout=10)
    assert redis.port == port


def test_a_second_redis_in_the_same_directory_is_refused(redis: Redis) -> None:
    with pytest.raises(ServerFailed, match=f"already runs .*pid {redis.pid}"):
        Redis(redis.data_dir).start()


def test_secrets_are_in_files_that_only_their_owner_can_read(postgres: Postgres, redis: Redis) -> None:
    for path in (postgres.password_file, redis.password_file, redis.configuration):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for server in (postgres, redis):
        command_line = Path(f"/proc/{server.pid}/cmdline").read_text()
        assert server.password not in command_line


def test_a_free_port_is_not_taken_until_a_process_listens(redis: Redis) -> None:
    assert not is_taken(free_port())
    assert is_taken(redis.port)


def test_a_stopped_redis_refuses_connections(redis: Redis) -> None:
    redis.stop()
    with Client.from_url(redis.url, retry=None) as client, pytest.raises(RedisError):
        client.ping()


def test_a_privileged_port_is_not_called_taken() -> None:
    assert described(errno.EADDRINUSE) == "is taken"
    assert described(errno.EACCES) == "is privileged, and this account may not listen on it"
    assert described(errno.EADDRNOTAVAIL) == f"cannot be used ({os.strerror(errno.EADDRNOTAVAIL)})"


def test_which_folders_were_made_traversable_is_said_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stranger = Account(os.getuid() + 1, os.getgid())
    inner = tmp_path / "inner"
    inner.mkdir(mode=0o700)
    allow(tmp_path, 0o001)

    let_in(stranger, inner)
    let_in(stranger, inner)

    assert capsys.readouterr().out.count(str(inner)) == 1
    assert stat.S_IMODE(inner.stat().st_mode) == 0o701
