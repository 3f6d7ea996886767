"""Embedded servers in a temporary folder, on which any number of systems run, each with its own data."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import redis

from bench import pgbench
from bench.system import OwnSystem
from core.admin.migrate import migrate
from core.settings import Settings
from local.orphans import stop_orphans
from local.postgres import Postgres
from local.redis import Redis
from local.settings import ROLES
from local.terminal import say

REDIS_DATABASES = 16
TEMPLATE = "teller_bench_template"


class Servers:
    """A PostgreSQL with a migrated database, which is copied for each system, and a Redis."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.postgres = Postgres(folder / "postgres")
        self.redis = Redis(folder / "redis")
        self._systems = 0

    @property
    def admin_database_url(self) -> str:
        """The superuser's URL of a database that no system uses."""
        return self.postgres.url("postgres")

    def start(self) -> None:
        self.postgres.start()
        self.redis.start()
        self.postgres.create_database(TEMPLATE)
        urls = {**self._urls(TEMPLATE), "TELLER_ADMIN_DATABASE_URL": self.postgres.url(TEMPLATE)}
        migrate(Settings.model_validate({**urls, "TELLER_OPERATOR_KEY": secrets.token_urlsafe(32)}))

    def stop(self) -> None:
        self.redis.stop()
        self.postgres.stop("immediate")  # without a checkpoint: its data is deleted
        stop_orphans(self.folder, say)  # a signal may come after a process has started and before its system knows it

    @contextmanager
    def system(self) -> Iterator[OwnSystem]:
        """A system on an empty database, without processes. At the end its processes are stopped and its database is dropped."""
        self._systems += 1
        name = f"teller_bench_{self._systems}"
        pids = {"Postgres": self.postgres.pid, "Redis": self.redis.pid}
        folder = self.folder / name
        folder.mkdir()
        with pgbench.database(self.admin_database_url, name, TEMPLATE) as admin_url:
            redis_url = self._empty_redis(self._systems % REDIS_DATABASES)
            system = OwnSystem(folder, self._urls(name), admin_url, redis_url, pids)
            try:
                yield system
            finally:
                system.close()

    def _urls(self, database: str) -> dict[str, str]:
        """The database URL of each kind of process, with the role that `make run` gives it."""
        return {
            "DATABASE_URL": self.postgres.url(database, ROLES["api"]),
            "TELLER_WORKER_DATABASE_URL": self.postgres.url(database, ROLES["worker"]),
            "TELLER_DELIVERER_DATABASE_URL": self.postgres.url(database, ROLES["deliverer"]),
        }

    def _empty_redis(self, number: int) -> str:
        url = f"{self.redis.url.rpartition('/')[0]}/{number}"
        with redis.Redis.from_url(url) as client:
            client.flushdb()
        return url


@contextmanager
def embedded(before_stop: Callable[[], None]) -> Iterator[Servers]:
    """Servers for the time of a run. `before_stop` is called before they stop: it should make signals be ignored."""
    with TemporaryDirectory(prefix="teller-bench-") as folder:
        servers = Servers(Path(folder))
        try:
            servers.start()
            yield servers
        finally:
            before_stop()
            servers.stop()
