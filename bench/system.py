"""The system that is measured: one that is started here, on embedded servers, or one that runs already."""

import os
import secrets
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import LiteralString, TypeVar

import psycopg
from psutil import NoSuchProcess, Process  # type: ignore[import-untyped]
from psycopg.rows import class_row

from bench.errors import CannotBench
from local.process import MARK, Child, family, tail
from local.server import free_port

READY_WITHIN_S = 30.0
EMPTY_WITHIN_S = 900.0  # a backlog of a million on a slow machine
POLL_S = 0.02
POLL_QUEUE_S = 0.25  # counting a long queue takes milliseconds of the machine that is measured

# Along queue_pkey, one shard after the other, from a position on.
ANY_QUEUED: LiteralString = """
    SELECT EXISTS (
        SELECT
          FROM shards s
         CROSS JOIN LATERAL (SELECT FROM queue q WHERE q.shard = s.shard AND q.position > %s ORDER BY q.position LIMIT 1) head
    )
"""

Value = TypeVar("Value")


@dataclass(frozen=True)
class Finished:
    """The transfers that became final since some instant: their counts, the first created_at and the last finished_at."""

    applied: int
    rejected: int
    first_created_at: datetime | None
    last_finished_at: datetime | None


class System:
    """A running Teller, reached by its URL and its database. Without a Redis URL, its sweeper finds what is queued here.

    `database_url` has the rights of its processes. `connection` has the owner's, for queries and maintenance.
    """

    def __init__(self, url: str, operator_key: str, database_url: str, admin_database_url: str, redis_url: str | None) -> None:
        self.url = url
        self.operator_key = operator_key
        self.database_url = database_url
        self.admin_database_url = admin_database_url
        self.redis_url = redis_url
        self.connection = psycopg.connect(admin_database_url, autocommit=True)
        self._drained_up_to = 0

    def clock(self) -> datetime:
        """The database's clock. All measured times but those of a client come from it."""
        return self._value("SELECT clock_timestamp()", datetime)

    def shards(self) -> int:
        return self._value("SELECT count(*) FROM shards", int)

    def setting(self, name: LiteralString) -> str:
        return self._value(f"SHOW {name}", str)

    def queued(self) -> int:
        return self._value("SELECT count(*) FROM queue", int)

    def any_queued(self) -> bool:
        return self._value(ANY_QUEUED, bool, [self._drained_up_to])

    def wait_until_empty(self) -> None:
        """Return when the queue is empty. Each look waits POLL_QUEUE_S: a request that wrk has dropped may still be stored."""

        def empty() -> bool:
            time.sleep(POLL_QUEUE_S)
            return not self.any_queued()

        wait_for(empty, "the queue to become empty", EMPTY_WITHIN_S)

    def skip_drained(self) -> None:
        """Let later looks begin behind the last position so far, where all is drained; passing dead rows takes time."""
        self._drained_up_to = self._value("SELECT last_value FROM queue_position_seq", int)

    def finished_since(self, since: datetime) -> Finished:
        query = """
            SELECT count(*) FILTER (WHERE status = 'applied') AS applied, count(*) FILTER (WHERE status = 'rejected') AS rejected,
                   min(created_at) AS first_created_at, max(finished_at) AS last_finished_at
              FROM transfers
             WHERE finished_at >= %s
        """
        with self.connection.cursor(row_factory=class_row(Finished)) as cursor:
            finished = cursor.execute(query, [since]).fetchone()
        assert finished is not None
        return finished

    def verdicts_since(self, since: datetime) -> list[float]:
        """The first created_at of the transfers that became final, then each finished_at, ascending, in seconds since the epoch."""
        query = """
            SELECT extract(epoch FROM min(created_at))::float8,
                   array_agg(extract(epoch FROM finished_at)::float8 ORDER BY finished_at)
              FROM transfers
             WHERE finished_at >= %s
        """
        row: tuple[float, list[float]] | None = self.connection.execute(query, [since]).fetchone()
        assert row is not None
        first_created_at, finished_at = row
        return [first_created_at, *finished_at]

    def cpu_s(self) -> dict[str, float]:
        """CPU seconds that each group of processes has used so far; empty for a system that was not started here."""
        return {}

    def close(self) -> None:
        self.connection.close()

    def _value(self, query: LiteralString, type: type[Value], parameters: Sequence[object] = ()) -> Value:
        row = self.connection.execute(query, parameters).fetchone()
        assert row is not None
        assert isinstance(row[0], type)
        return row[0]


class OwnSystem(System):
    """The processes of `make run`; a measurement starts and stops each group of them."""

    def __init__(
        self, folder: Path, urls: Mapping[str, str], admin_database_url: str, redis_url: str, server_pids: Mapping[str, int]
    ) -> None:
        """`urls` are the settings by which the processes connect to Postgres, `server_pids` the pids of the servers by title."""
        self._port, self._console_port = free_port(), free_port()
        url, key = f"http://127.0.0.1:{self._port}", secrets.token_urlsafe(32)
        super().__init__(url, key, urls["DATABASE_URL"], admin_database_url, redis_url)
        self._urls = urls
        self._server_pids = server_pids
        self._folder = folder
        self._children: dict[str, list[Child]] = {"api": [], "worker": [], "sweeper": [], "deliverer": [], "console": []}

    def start_api(self) -> None:
        [api] = self._start("api", ("api",), 1)
        wait_for(partial(self._ready, api), "the API to become ready", READY_WITHIN_S)

    def start_workers(self, count: int) -> None:
        """Start `count` workers and return when each waits for work."""
        self._start_until_heartbeat("worker", ("worker", "apply"), count)

    def start_sweeper(self) -> None:
        self._start_until_heartbeat("sweeper", ("worker", "sweep"), 1)

    def start_others(self, workers: int) -> None:
        """Start all processes that `make run` runs beside the API."""
        self.start_workers(workers)
        self.start_sweeper()
        self.start_deliverer()

    def start_deliverer(self) -> None:
        self._start_until_heartbeat("deliverer", ("worker", "deliver"), 1)

    def start_console(self) -> str:
        """Start a console of this system, and return its URL when it answers."""
        url = f"http://127.0.0.1:{self._console_port}"
        [console] = self._start("console", ("console",), 1)
        wait_for(partial(self._answers, console, f"{url}/healthz"), "the console to answer", READY_WITHIN_S)
        return url

    def stop(self, group: str) -> None:
        children, self._children[group] = self._children[group], []
        for child in children:
            child.ask_to_stop()
        for child in children:
            child.stop()

    def groups(self) -> dict[str, list[Process]]:
        """All processes by group; the workers, the sweeper and the deliverer are one group."""
        own = {group: [p for child in children for p in family(child.pid)] for group, children in self._children.items()}
        return {
            "API": own["api"],
            "workers": own["worker"] + own["sweeper"] + own["deliverer"],
            **{title: family(pid) for title, pid in self._server_pids.items()},
        }

    def cpu_s(self) -> dict[str, float]:
        return {group: sum(map(cpu_of, running)) for group, running in self.groups().items()}

    def stop_all(self) -> None:
        for group in self._children:
            self.stop(group)

    def close(self) -> None:
        self.stop_all()
        super().close()

    def _start(self, name: str, argv: tuple[str, ...], count: int) -> list[Child]:
        children = [self._child(f"{name}-{number}", argv) for number in range(1, count + 1)]
        self._children[name] += children
        for child in children:
            child.start()
        return children

    def _start_until_heartbeat(self, name: str, argv: tuple[str, ...], count: int) -> None:
        """Start the processes, and return when each has begun the first turn of its loop."""
        for child in self._start(name, argv, count):
            wait_for(partial(self._beats, child), f"the first heartbeat of {child.title}", READY_WITHIN_S)

    def _child(self, title: str, argv: tuple[str, ...]) -> Child:
        self._heartbeat_file(title).unlink(missing_ok=True)
        environment = {
            **os.environ,
            **self._urls,
            "TELLER_ADMIN_DATABASE_URL": "",
            "REDIS_URL": self.redis_url or "",
            "TELLER_HOST": "127.0.0.1",
            "TELLER_PORT": str(self._port),
            "TELLER_OPERATOR_KEY": self.operator_key,
            "TELLER_URL": self.url,
            "TELLER_CONSOLE_PORT": str(self._console_port),
            "TELLER_HEARTBEAT_FILE": str(self._heartbeat_file(title)),
            MARK: str(self._folder.parent),
        }
        return Child(title, argv, environment, self._folder / f"{title}.log")

    def _ready(self, api: Child) -> bool:
        return self._answers(api, f"{self.url}/readyz")

    def _answers(self, child: Child, url: str) -> bool:
        refuse_dead(child)
        try:
            with urllib.request.urlopen(url, timeout=READY_WITHIN_S) as answer:  # noqa: S310 - made above
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def _beats(self, worker: Child) -> bool:
        refuse_dead(worker)
        return self._heartbeat_file(worker.title).exists()

    def _heartbeat_file(self, title: str) -> Path:
        return self._folder / f"{title}.heartbeat"


def running(environment: Mapping[str, str]) -> System | None:
    """The system that the environment names, None if it names none. Raises CannotBench when its key or its database is missing."""
    url, key, database_url = (environment.get(name) for name in ("TELLER_URL", "TELLER_OPERATOR_KEY", "DATABASE_URL"))
    if not url:
        return None
    if not key or not database_url:
        raise CannotBench("TELLER_URL names a running Teller: set TELLER_OPERATOR_KEY and DATABASE_URL as well")
    admin_database_url = environment.get("TELLER_ADMIN_DATABASE_URL") or database_url
    return System(url.rstrip("/"), key, database_url, admin_database_url, environment.get("REDIS_URL"))


def wait_for(condition: Callable[[], bool], what: str, within_s: float) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            raise CannotBench(f"waited {within_s:g} s for {what}, and it did not come")
        time.sleep(POLL_S)


def cpu_of(process: Process) -> float:
    """CPU seconds of the process and of its children that have ended; 0 when the process has just ended."""
    with suppress(NoSuchProcess):
        return float(sum(process.cpu_times()[:4]))
    return 0.0


def refuse_dead(child: Child) -> None:
    if not child.running:
        raise CannotBench(f"{child.title} ended by itself; the end of its log:\n{tail(child.log_file)}")
