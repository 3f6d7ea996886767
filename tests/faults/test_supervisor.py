"""`python -m local` as a whole: real processes, in a data directory of their own, on a free port."""

import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import psycopg
import pytest

from core.cores import default_api_processes
from local.orphans import stop_orphans
from local.process import MARK, marked
from local.server import free_port, is_taken
from tests import cluster
from tests.databases import Databases

ROOT = Path(__file__).parents[2]
DEADLINE_S = 90.0


class Local:
    """One `python -m local`."""

    def __init__(self, folder: Path, port: int | None = None, **environment: str) -> None:
        self.data_dir = folder / "data"
        self.port = port or free_port()
        self.output_file = folder / f"output-{time.monotonic_ns()}"
        inherited = {name: value for name, value in os.environ.items() if not re.match("TELLER_|DATABASE_URL|REDIS_URL", name)}
        own = {
            "TELLER_DATA_DIR": str(self.data_dir),
            "TELLER_PORT": str(self.port),
            "TELLER_WORKERS": "2",
            "TELLER_CONSOLE_PORT": "0",
        }
        with self.output_file.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "local"],
                cwd=ROOT,
                env={**inherited, **own, **environment},
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        return self.output_file.read_text()

    @property
    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = json.loads((self.data_dir / "local.json").read_text())
        return state

    @property
    def pids(self) -> dict[str, Any]:
        pids: dict[str, Any] = self.state["pids"]
        return pids

    def all_pids(self) -> list[int]:
        return system_pids(self.pids)

    def wait_until(self, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < deadline, f"waited {DEADLINE_S} s in vain; it said:\n{self.output}"
            time.sleep(0.02)

    def wait_until_ready(self) -> None:
        self.wait_until(lambda: "Ctrl-C stops everything" in self.output or self.process.poll() is not None)
        assert self.process.poll() is None, self.output

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(DEADLINE_S)


def system_pids(pids: dict[str, Any]) -> list[int]:
    return [pid for value in pids.values() for pid in (value if isinstance(value, list) else [value])]


@contextmanager
def local(folder: Path, port: int | None = None, **environment: str) -> Iterator[Local]:
    """Start one; in the end nothing of it is left, whatever the test did to it."""
    running = Local(folder, port, **environment)
    try:
        yield running
    finally:
        running.process.kill()
        running.process.wait()
        stop_orphans(running.data_dir, print)


def free_ports_in_a_row(how_many: int) -> int:
    """Return the first of them."""
    first = free_port()
    while any(is_taken(port) for port in range(first, first + how_many)):
        first = free_port()
    return first


URLS = {  # in local.json, and the role of each
    "database_url": "teller_api",
    "worker_database_url": "teller_worker",
    "deliverer_database_url": "teller_deliverer",
    "admin_database_url": "postgres",
}
CONSOLE_PORT = free_port()
CONSOLE_SECRET = "a-console-secret-of-32-characters-or-more"
OPERATOR_KEY, METRICS_KEY = "an-operator-key-of-32-characters-or-more", "a-metrics-key-of-32-characters-or-more"
METRICS_PORT = free_ports_in_a_row(3)


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    """One that runs for several tests; each leaves it as whole as it was."""
    with local(tmp_path_factory.mktemp("local"), TELLER_METRICS_PORT=str(METRICS_PORT)) as running:
        running.wait_until_ready()
        yield running


def status(port: int, path: str) -> int | None:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()


def alive(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_each_worker_and_the_sweeper_has_a_metrics_port_in_a_row(system: Local) -> None:
    ports = range(METRICS_PORT, METRICS_PORT + 3)

    system.wait_until(lambda: all(status(port, "/metrics") == 200 for port in ports))
    assert status(system.port, "/metrics") == 200


def test_it_says_where_everything_is_and_shows_the_first_operator_key(system: Local) -> None:
    api_url = f"http://127.0.0.1:{system.port}"
    assert status(system.port, "/readyz") == 200
    assert f"ready  {api_url}  docs {api_url}/docs" in system.output
    shown = re.search(r"^operator key: (\S+)", system.output, re.MULTILINE)
    assert shown
    assert f"Authorization: Bearer {shown[1]}" in system.output


def test_local_json_is_private_and_names_every_process(system: Local) -> None:
    assert stat.S_IMODE((system.data_dir / "local.json").stat().st_mode) == 0o600
    assert system.state.keys() == {"api_url", *URLS, "redis_url", "metrics_urls", "pids"}
    counts = {name: len(value) if isinstance(value, list) else value for name, value in system.pids.items()}
    assert counts == {
        "api": 1,
        "apply": 2,
        "sweep": 1,
        "deliver": 1,
        "postgres": system.pids["postgres"],
        "redis": system.pids["redis"],
    }
    assert all(alive(pid) for pid in system.all_pids())
    for name, role in URLS.items():
        with psycopg.connect(system.state[name]) as connection:
            assert (connection.info.dbname, connection.info.user) == ("teller", role)


def test_the_api_has_a_process_a_core_where_no_setting_says_how_many(system: Local) -> None:
    count = default_api_processes()
    assert len(api_processes(system)) == (count if count > 1 else 0)


def api_processes(system: Local) -> list[int]:
    """The processes that the API has started to answer; none where it answers by itself."""
    (api,) = system.pids["api"]
    return [process.pid for process in psutil.Process(api).children() if any("spawn_main" in part for part in process.cmdline())]


def test_a_second_one_in_the_same_directory_is_refused_and_harms_nothing(system: Local) -> None:
    before = system.state
    second = Local(system.data_dir.parent)
    assert second.process.wait(DEADLINE_S) == 1
    url = f"http://127.0.0.1:{system.port}"
    assert f"already running in {system.data_dir} (pid {system.process.pid}): {url}\n" in second.output
    assert system.state == before
    assert status(system.port, "/readyz") == 200


@pytest.mark.parametrize("name", ["api", "apply", "sweep", "deliver", "redis", "postgres"])
def test_what_is_killed_is_started_again_and_everything_else_stays(system: Local, name: str) -> None:
    before, size = system.pids, len(system.all_pids())
    killed = before[name][0] if isinstance(before[name], list) else before[name]
    os.kill(killed, signal.SIGKILL)
    system.wait_until(lambda: killed not in (now := system.all_pids()) and len(now) == size and None not in now)
    system.wait_until(lambda: status(system.port, "/readyz") == 200)
    after = system.pids
    assert {**after, name: None} == {**before, name: None}
    (successor,) = set(after[name] if isinstance(after[name], list) else [after[name]]) - {*system_pids(before)}
    assert f"runs again (pid {successor})" in system.output


def outside(databases: Databases, redis_url: str, url: str) -> dict[str, str]:
    """The settings of servers that are not embedded."""
    return {"DATABASE_URL": url, "TELLER_ADMIN_DATABASE_URL": databases.owner_url(url), "REDIS_URL": redis_url}


def test_a_database_of_a_newer_version_is_named_at_once(tmp_path: Path, databases: Databases, redis_url: str) -> None:
    url = databases.migrated()
    with psycopg.connect(databases.owner_url(url)) as owner:
        owner.execute("INSERT INTO migrations (name) VALUES ('9999_future')")

    with local(tmp_path, None, **outside(databases, redis_url, url)) as running:
        assert running.process.wait(DEADLINE_S) == 1
        assert "this database was migrated by a newer Teller (9999_future)" in running.output
        assert "API" not in running.output.replace("TELLER_API", "")


def test_the_checks_that_keep_the_api_from_being_ready_are_named(tmp_path: Path, postgres_cluster: Path, redis_url: str) -> None:
    server = cluster.copy(postgres_cluster, tmp_path / "postgres", {"fsync": "off"})
    server.start()
    try:
        databases = Databases(server.url("postgres"))
        with local(tmp_path, None, **outside(databases, redis_url, databases.migrated()), TELLER_API_PROCESSES="1") as running:
            running.wait_until(lambda: "waiting for up to" in running.output or running.process.poll() is not None)
            assert "API ... not ready: database_durable; waiting for up to 60 s" in running.output
    finally:
        server.kill()


@pytest.fixture(scope="module")
def configured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    """One with keys of its own and a console, no metrics port, a variable that is mistyped, and an API of one process."""
    folder = tmp_path_factory.mktemp("configured")
    (folder / "metrics").write_text(f"{METRICS_KEY}\n")
    keys = {"TELLER_OPERATOR_KEY": OPERATOR_KEY, "TELLER_METRICS_KEY_FILE": str(folder / "metrics")}
    console = {"TELLER_CONSOLE_SECRET": CONSOLE_SECRET, "TELLER_CONSOLE_PORT": str(CONSOLE_PORT)}
    with local(folder, None, **keys, **console, TELLER_PROT="8502", TELLER_API_PROCESSES="1") as running:
        running.wait_until_ready()
        yield running


def test_each_process_is_given_the_secrets_that_it_uses_and_no_others(configured: Local) -> None:
    state = configured.state
    secrets = {
        "operator": OPERATOR_KEY,
        "metrics": str(configured.data_dir.parent / "metrics"),
        "console": CONSOLE_SECRET,
        **{name: state[name] for name in (*URLS, "redis_url")},
    }
    told = {
        name: {secret for secret, value in secrets.items() if value in psutil.Process(configured.pids[name][0]).environ().values()}
        for name in ("api", "apply", "sweep", "deliver", "console")
    }
    assert told == {
        "api": {"operator", "metrics", "database_url", "redis_url"},
        "apply": {"worker_database_url", "redis_url"},
        "sweep": {"worker_database_url", "redis_url"},
        "deliver": {"deliverer_database_url", "redis_url"},
        "console": {"console"},
    }
    assert status(configured.port, "/metrics") == 401


def test_the_console_runs_beside_the_api_and_is_named(configured: Local) -> None:
    assert f"  console http://127.0.0.1:{CONSOLE_PORT}  running" in configured.output
    configured.wait_until(lambda: status(CONSOLE_PORT, "/login") == 200)


def test_workers_serve_their_metrics_on_free_ports_that_one_line_names(configured: Local) -> None:
    [(first, last)] = re.findall(r"^metrics .* on ports (\d+) to (\d+) ", configured.output, re.MULTILINE)
    ports = range(int(first), int(last) + 1)
    urls = [f"http://127.0.0.1:{port}/metrics" for port in ports]
    assert configured.state["metrics_urls"] == dict(zip(["apply-1", "apply-2", "sweep", "deliver"], urls, strict=True))
    configured.wait_until(lambda: all(status(port, "/metrics") == 200 for port in ports))


def test_an_unknown_setting_is_warned_of_once_with_the_nearest_one(configured: Local) -> None:
    said = "warning: TELLER_PROT is not a setting of Teller, and nothing reads it; did you mean TELLER_PORT?"
    assert configured.output.count(said) == 1
    assert "8502" not in configured.output
    logged = (configured.data_dir / "logs" / "api.log").read_text()
    assert '"name": "TELLER_PROT", "nearest": "TELLER_PORT"' in logged


@pytest.mark.parametrize("after_s", [0.0, 0.1, 0.3])
def test_an_early_ctrl_c_ends_it_without_a_traceback(tmp_path: Path, after_s: float) -> None:
    with local(tmp_path) as running:
        running.wait_until(lambda: "psutil" in Path(f"/proc/{running.process.pid}/maps").read_text())  # an early one of its imports
        time.sleep(after_s)  # each moment of the start must do
        running.end(signal.SIGINT)
        assert "Traceback" not in running.output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.long
def test_a_signal_stops_everything_and_the_data_stays_for_the_next_start(tmp_path: Path, number: int) -> None:
    with local(tmp_path) as first:
        first.wait_until_ready()
        with psycopg.connect(first.state["admin_database_url"]) as connection:
            connection.execute("CREATE TABLE marks AS SELECT 'kept' AS mark")
        pids = [*first.all_pids(), *api_processes(first)]
        assert first.end(number) == 0, first.output
        assert not any(alive(pid) for pid in pids)
        assert not (tmp_path / "data" / "local.json").exists()
    with local(tmp_path, TELLER_WORKERS="1") as second:
        second.wait_until_ready()
        assert "operator key:" not in second.output
        assert "Authorization: Bearer <your operator key>" in second.output
        assert "Lost the key?" in second.output
        assert len(second.pids["apply"]) == 1
        with psycopg.connect(second.state["admin_database_url"]) as connection:
            assert connection.execute("SELECT mark FROM marks").fetchone() == ("kept",)


@pytest.mark.long
def test_after_a_kill_of_the_supervisor_the_next_start_cleans_up_and_goes_on(tmp_path: Path) -> None:
    with local(tmp_path) as first:
        first.wait_until_ready()
        pids = [*first.all_pids(), *api_processes(first)]
        first.end(signal.SIGKILL)
        assert all(alive(pid) for pid in pids)
        with local(tmp_path, port=first.port) as second:  # which the API of the first one still holds
            second.wait_until_ready()
            assert not any(alive(pid) for pid in pids)
            assert second.output.count("left by an earlier run") == 3
            assert second.end() == 0


def test_a_signal_in_the_middle_of_the_start_stops_what_was_started(tmp_path: Path) -> None:
    with local(tmp_path) as running:
        running.wait_until(lambda: "Redis" in running.output)
        running.process.send_signal(signal.SIGINT)
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(DEADLINE_S) == 0, running.output
        assert "stopped; the data stays" in running.output
        assert "Traceback" not in running.output


def test_a_signal_in_the_middle_of_the_migration_loses_no_operator_key(tmp_path: Path) -> None:
    with local(tmp_path) as running:
        running.wait_until(lambda: any(age_s(child) > 0.1 for child in marked(MARK, str(running.data_dir))))
        assert running.end(signal.SIGINT) == 0, running.output
        assert re.search(r"^operator key: tlr_\S+", running.output, re.MULTILINE)
        assert "ready  http" not in running.output


def age_s(process: psutil.Process) -> float:
    return time.time() - float(process.create_time())


@pytest.mark.long
def test_another_count_of_shards_is_said_and_a_failing_api_is_quoted_from_this_run_alone(tmp_path: Path) -> None:
    with local(tmp_path, TELLER_SHARDS="4") as first:
        first.wait_until_ready()
        assert "warning" not in first.output
        assert first.end() == 0
    (tmp_path / "data" / "logs" / "api.log").write_text("said by an earlier run\n")
    with local(tmp_path, TELLER_SHARDS="8", TELLER_OPERATOR_KEY="chosen" * 6, PYTHONPATH=str(broken_uvicorn(tmp_path))) as second:
        assert second.process.wait(DEADLINE_S) == 1
        assert "warning: TELLER_SHARDS=8 is ignored: this database has 4 shards" in second.output
        assert "the API did not become ready" in second.output
        assert "broken on purpose" in second.output
        assert "said by an earlier run" not in second.output


def broken_uvicorn(folder: Path) -> Path:
    """A folder whose uvicorn comes before the real one."""
    (folder / "broken").mkdir()
    (folder / "broken" / "uvicorn.py").write_text("raise SystemExit('broken on purpose')\n")
    return folder / "broken"


@pytest.mark.long
def test_a_configured_operator_key_is_neither_repeated_nor_called_lost(tmp_path: Path) -> None:
    with local(tmp_path, TELLER_OPERATOR_KEY="swordfish" * 4) as running:
        running.wait_until_ready()
        assert 'Authorization: Bearer $TELLER_OPERATOR_KEY"' in running.output
        assert "Lost the key?" not in running.output
        assert "swordfish" not in running.output


def test_a_database_that_is_away_is_said_in_one_line(tmp_path: Path) -> None:
    with local(tmp_path, DATABASE_URL="postgresql://teller:secret@127.0.0.1:1/teller") as running:
        assert running.process.wait(DEADLINE_S) == 1
        assert "using DATABASE_URL (no embedded PostgreSQL)" in running.output
        assert running.output.endswith("the database that DATABASE_URL names is away, or refuses the connection\n")
        assert "Traceback" not in running.output
        assert "secret" not in running.output


def test_a_taken_port_is_said_in_one_line_before_anything_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, local(tmp_path, port=taken.getsockname()[1]) as running:
        assert running.process.wait(DEADLINE_S) == 1
        assert running.output == f"teller: port {running.port} is taken; choose another one with TELLER_PORT\n"
        assert not (running.data_dir / "postgres").exists()


def test_all_bad_settings_are_named_at_once_and_no_value_is_repeated(tmp_path: Path) -> None:
    bad = {
        "TELLER_WORKERS": "0",
        "DATABASE_URL": "mysql://u:secret@h/d",
        "TELLER_ADMIN_DATABASE_URL": "mysql://o:secret@h/d",
        "REDIS_URL": "nonsense",
        "TELLER_OPERATOR_KEY": "has secret",
        "TELLER_SHARDS": "3",
        "TELLER_LOG_LEVEL": "debug",
    }
    with local(tmp_path, port=70_000, **bad) as running:
        assert running.process.wait(DEADLINE_S) == 1
        for name in ("TELLER_PORT", *bad):
            assert f"  {name}: " in running.output
        assert not (running.data_dir / "postgres").exists()
        assert "secret" not in running.output
        assert "Traceback" not in running.output


@pytest.mark.long
def test_servers_from_outside_are_used_and_left_alone(system: Local, tmp_path: Path) -> None:
    given = {
        "DATABASE_URL": "database_url",
        "TELLER_WORKER_DATABASE_URL": "worker_database_url",
        "TELLER_DELIVERER_DATABASE_URL": "deliverer_database_url",
        "TELLER_ADMIN_DATABASE_URL": "admin_database_url",
        "REDIS_URL": "redis_url",
    }
    urls = {variable: system.state[name] for variable, name in given.items()}
    with local(tmp_path, **urls) as guest:
        guest.wait_until_ready()
        assert "using DATABASE_URL (no embedded PostgreSQL)\nusing REDIS_URL (no embedded Redis)\n" in guest.output
        assert guest.pids["postgres"] is None
        assert guest.pids["redis"] is None
        assert {variable: guest.state[name] for variable, name in given.items()} == urls
        assert guest.end() == 0
    assert all(alive(pid) for pid in system.all_pids())
    assert status(system.port, "/readyz") == 200


def test_the_audit_of_the_running_system_is_clean(system: Local) -> None:
    audited = run_audit(TELLER_DATA_DIR=str(system.data_dir))
    assert audited.returncode == 0, audited.stderr
    assert "audit clean" in audited.stdout


def test_a_command_without_a_database_works_on_the_running_system_and_says_so(system: Local) -> None:
    inherited = {name: value for name, value in os.environ.items() if not re.match("TELLER_|DATABASE_URL|REDIS_URL", name)}
    listed = subprocess.run(
        [sys.executable, "-m", "core", "keys", "list"],
        cwd=ROOT,
        env={**inherited, "TELLER_DATA_DIR": str(system.data_dir)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (listed.returncode, listed.stderr) == (0, f"teller: on the system that runs in {system.data_dir}\n")
    assert " operator " in listed.stdout


def test_the_audit_says_in_one_line_that_nothing_runs(tmp_path: Path) -> None:
    audited = run_audit(TELLER_DATA_DIR=str(tmp_path))
    assert audited.returncode == 2
    assert audited.stderr == f"teller: nothing to audit: nothing runs in {tmp_path}; `make run` starts it\n"


def test_the_audit_names_bad_settings(tmp_path: Path) -> None:
    audited = run_audit(TELLER_DATA_DIR=str(tmp_path), TELLER_SHARDS="3")
    assert audited.returncode == 2
    assert audited.stderr.startswith("teller: these settings are not valid:\n  TELLER_SHARDS: ")


def run_audit(**environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not re.match("TELLER_|DATABASE_URL|REDIS_URL", name)}
    command = [sys.executable, "-m", "local.audit"]
    return subprocess.run(command, cwd=ROOT, env={**inherited, **environment}, capture_output=True, text=True, check=False)
