"""The whole system, each process behind its own proxies, which can break, and a supervisor that restarts dead processes."""

import asyncio
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import redis

from core.postgres.pool import CONNECTIONS
from local.postgres import Postgres
from local.redis import Redis
from local.server import errno_of, free_port
from tests.databases import Databases
from tests.nemesis.proxy import Line
from tests.system import System
from worker.webhooks import process as delivering

POLL_S = 0.02
SUPERVISE_EVERY_S = 0.05
GRACE_S = 10.0  # what every way to run containers gives a process between SIGTERM and SIGKILL, at least
RESTART_AFTER_S = 0.5
START_WITHIN_S = 60.0
SNAPSHOT = "dump.rdb"  # what Redis loads when it starts, if it is there


@dataclass(frozen=True)
class Kind:
    """A kind of process: the command that runs it, how many of them there are, how many sessions with Postgres each may have."""

    argv: tuple[str, ...]
    count: int
    sessions: int


# A new kind of process needs one more line here, and no more.
KINDS = {
    "api": Kind(("api",), 2, sessions=CONNECTIONS),
    "worker": Kind(("worker", "apply"), 3, sessions=1),
    "sweeper": Kind(("worker", "sweep"), 1, sessions=2),
    "deliverer": Kind(("worker", "deliver"), 1, sessions=delivering.CONNECTIONS),
}


def titles_of(kinds: Mapping[str, Kind]) -> list[str]:
    return [title_of(name, number) for name, kind in kinds.items() for number in range(kind.count)]


def title_of(name: str, number: int) -> str:
    return f"{name}-{number}"


def name_of(title: str) -> str:
    return title.rpartition("-")[0]


TITLES = titles_of(KINDS)
SESSIONS_MAX = sum(kind.count * kind.sessions for kind in KINDS.values())
ELDERS = [title_of(name, 0) for name in KINDS]  # those that a long run keeps alive, to see whether they leak
DOORS = [title for title in TITLES if name_of(title) == "api"]


@dataclass
class Seat:
    """A place for a process: each process in it has the same connections to the servers as the one before."""

    title: str
    argv: tuple[str, ...]
    postgres: Line
    redis: Line
    environment: dict[str, str]
    process: subprocess.Popen[bytes] | None = None
    is_held: bool = False  # no process may start in this place now
    restart_after_s: float = RESTART_AFTER_S
    expected_exits: set[int] = field(default_factory=set)
    died_at: float | None = None

    @property
    def heartbeat_file(self) -> Path:
        return Path(self.environment["TELLER_HEARTBEAT_FILE"])

    @property
    def port(self) -> int:
        return int(self.environment["TELLER_PORT"])

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)


class House:
    """Opened and closed in one event loop. `say` gets a line for each fault and start, `complain` one for each violation."""

    def __init__(
        self, folder: Path, say: Callable[[str], None], complain: Callable[[str], None], kinds: Mapping[str, Kind] = KINDS
    ) -> None:
        self._folder = folder
        self._say = say
        self._complain = complain
        self._kinds = kinds
        self.postgres = Postgres(folder / "postgres")
        self.redis = Redis(folder / "redis")
        self.seats: dict[str, Seat] = {}
        self.doors: dict[str, Line] = {}  # from clients to each API
        self.owner_url = ""
        self._system: System | None = None
        self._supervisor: asyncio.Task[None] | None = None

    @property
    def urls(self) -> list[str]:
        """The URLs of the APIs for clients."""
        return [f"http://127.0.0.1:{line.port}" for line in self.doors.values()]

    async def open(self) -> None:
        await asyncio.gather(asyncio.to_thread(self.postgres.start), asyncio.to_thread(self.redis.start))
        databases = Databases(self.postgres.url("postgres"))
        database_url = await asyncio.to_thread(databases.migrated)
        self.owner_url = databases.owner_url(database_url)
        (self._folder / "logs").mkdir()
        self._system = System(self._folder / "logs", database_url, self.redis.url)
        for title in titles_of(self._kinds):
            self.seats[title] = await self._seat(title)
        self.start_all()
        self._supervisor = asyncio.create_task(self._supervise())
        await self.wait_until_open()

    async def close(self) -> None:
        if self._supervisor is not None:
            self._supervisor.cancel()
            await asyncio.gather(self._supervisor, return_exceptions=True)
        if self._system is not None:
            await asyncio.to_thread(self._system.close)
        await asyncio.gather(*(line.close() for line in self.lines().values()))
        await asyncio.to_thread(self.redis.kill)
        await asyncio.to_thread(self.postgres.kill)

    def lines(self) -> dict[str, Line]:
        """Return all proxies by their titles: from clients to each API, and from each process to both servers."""
        to_servers = [line for seat in self.seats.values() for line in (seat.postgres, seat.redis)]
        return {line.title: line for line in [*self.doors.values(), *to_servers]}

    def logs(self) -> str:
        return self._system.logs() if self._system else ""

    def start_all(self) -> None:
        for seat in self.seats.values():
            seat.is_held = False
            self._start(seat)

    async def wait_until_open(self) -> None:
        """Wait until every API listens."""
        await wait_for(lambda: all(self.is_ready(self.seats[title]) for title in self.doors), "the APIs to listen", START_WITHIN_S)

    def is_ready(self, seat: Seat) -> bool:
        """Whether the process there has begun its work."""
        return seat.is_running and (errno_of(seat.port) is not None if seat.title in self.doors else seat.heartbeat_file.exists())

    async def scale(self, name: str, count: int) -> None:
        """Start more processes of this kind, or ask some to end, all at once; return when they have begun, or have ended."""
        seats = {title: seat for title, seat in self.seats.items() if name_of(title) == name}
        for number in range(len(seats), count):
            title = title_of(name, number)
            self.seats[title] = seats[title] = await self._seat(title)
            self._start(seats[title])
        superfluous = list(seats.values())[count:]
        for seat in superfluous:
            seat.is_held = True
            seat.expected_exits = {0}
            seat.signal(signal.SIGTERM)
        await asyncio.gather(*(self._wait_until_gone(seat) for seat in superfluous))
        await wait_for(lambda: all(self.is_ready(seat) for seat in self.seats.values()), "all to begin", START_WITHIN_S)

    async def _wait_until_gone(self, seat: Seat) -> None:
        await wait_for(lambda: seat.died_at, f"the end of {seat.title}", GRACE_S)
        del self.seats[seat.title]
        await asyncio.gather(seat.postgres.close(), seat.redis.close())

    async def kill_all(self) -> None:
        """Kill all processes of Teller, then both servers, as a power cut does: what is only in memory is lost."""
        for seat in self.seats.values():
            seat.is_held = True
            if seat.is_running:
                seat.expected_exits = {-signal.SIGKILL}
                seat.signal(signal.SIGKILL)
        await asyncio.gather(asyncio.to_thread(self.postgres.kill), asyncio.to_thread(self.redis.kill))

    async def start_servers(self) -> None:
        """Start both again: Postgres with its durable data, Redis empty."""
        self.forget_snapshot()
        await asyncio.gather(asyncio.to_thread(self.postgres.start), asyncio.to_thread(self.redis.start))

    def snapshot(self) -> bytes:
        """Return all that Redis holds now."""
        with self._redis_client() as client:
            client.save()
        return (self.redis.data_dir / SNAPSHOT).read_bytes()

    def forget_snapshot(self) -> None:
        (self.redis.data_dir / SNAPSHOT).unlink(missing_ok=True)

    def put_snapshot(self, snapshot: bytes) -> None:
        file = self.redis.data_dir / SNAPSHOT
        file.write_bytes(snapshot)
        self.redis.account.own(file)

    def terminate_backends(self, share: float) -> int:
        """Make Postgres end about this share of the sessions of Teller's processes; return how many."""
        ended = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = %s AND random() < %s"
        user = urlsplit(self._database_url).username
        with psycopg.connect(self.owner_url, autocommit=True) as connection:
            [(count,)] = connection.execute(ended, [user, share]).fetchall()
        return int(count)

    def count_backends(self) -> int:
        """Return how many sessions Teller's processes have."""
        counted = "SELECT count(*) FROM pg_stat_activity WHERE usename = %s"
        with psycopg.connect(self.owner_url, autocommit=True) as connection:
            [(count,)] = connection.execute(counted, [urlsplit(self._database_url).username]).fetchall()
        return int(count)

    @property
    def _database_url(self) -> str:
        assert self._system is not None
        return self._system.database_url

    def _redis_client(self) -> redis.Redis:
        return redis.Redis.from_url(self.redis.url)

    async def _seat(self, title: str) -> Seat:
        postgres = Line(f"{title}→postgres", self.postgres.port)
        doorbell = Line(f"{title}→redis", self.redis.port)
        environment = {
            "DATABASE_URL": through(postgres, self._database_url),
            "REDIS_URL": through(doorbell, self.redis.url),
            "TELLER_PORT": str(free_port()),
            "TELLER_HEARTBEAT_FILE": str(self._folder / f"{title}.heartbeat"),
            "TELLER_WEBHOOK_ALLOW_PRIVATE": "true",  # the receiver is on this host
        }
        if name_of(title) == "api":
            self.doors[title] = Line(f"clients→{title}", int(environment["TELLER_PORT"]))
            await self.doors[title].open()
        await asyncio.gather(postgres.open(), doorbell.open())
        return Seat(title, KINDS[name_of(title)].argv, postgres, doorbell, environment)

    def _start(self, seat: Seat) -> None:
        assert self._system is not None
        seat.expected_exits = set()
        seat.restart_after_s = RESTART_AFTER_S
        seat.died_at = None
        seat.heartbeat_file.unlink(missing_ok=True)
        seat.process = self._system.start(*seat.argv, environment=seat.environment)

    async def _supervise(self) -> None:
        while True:
            for seat in self.seats.values():
                self._look_after(seat)
            await asyncio.sleep(SUPERVISE_EVERY_S)

    def _look_after(self, seat: Seat) -> None:
        if seat.is_running or seat.process is None:
            return
        if seat.died_at is None:
            seat.died_at = time.monotonic()
            if seat.process.returncode not in seat.expected_exits:
                self._complain(
                    f"{seat.title} ended with {seat.process.returncode} instead of {seat.expected_exits or 'not at all'}"
                )
        elif not seat.is_held and time.monotonic() >= seat.died_at + seat.restart_after_s:
            self._start(seat)
            self._say(f"{seat.title} is started again")


async def wait_for(condition: Callable[[], object], what: str, within_s: float) -> None:
    """Wait until it holds; fail with `what` when that takes too long. See tests/waiting.py."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {within_s} s in vain for {what}")
        await asyncio.sleep(POLL_S)


def through(line: Line, url: str) -> str:
    """The same server, at the other end of the line."""
    parts = urlsplit(url)
    account = parts.netloc.rpartition("@")[0]
    return urlunsplit(parts._replace(netloc=f"{account}@127.0.0.1:{line.port}"))
