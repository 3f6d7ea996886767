"""A primary and its synchronous standby, with a line between them that can be stalled."""

import asyncio
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from local.postgres import Postgres, Standby
from local.process import signal_all
from tests.databases import Databases
from tests.nemesis.proxy import Break, Line
from tests.waiting import wait_for

NO_WAIT = {"wal_receiver_timeout": "0", "wal_sender_timeout": "0"}  # a stalled proxy stays stalled


class Pair:
    """Two servers. What the primary commits waits for the standby as soon as `replicate` has returned."""

    def __init__(self, folder: Path) -> None:
        self.primary = Postgres(folder / "primary", NO_WAIT)
        self.primary.start()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._line = Line("replication", self.primary.port)
        self._in_loop(self._line.open())
        self.standby = Standby(folder / "standby", self.primary, self._line.port, NO_WAIT)

    def replicate(self) -> None:
        self.standby.start()
        self.ask(self.primary, "ALTER SYSTEM SET synchronous_standby_names = '*'")
        self.ask(self.primary, "SELECT pg_reload_conf()")
        in_sync = "SELECT true FROM pg_stat_replication WHERE sync_state = 'sync'"
        wait_for(lambda: self.ask(self.primary, in_sync), "the standby to be synchronous")

    def stall(self) -> None:
        """Let nothing more of the primary's log reach the standby."""
        self._loop.call_soon_threadsafe(self._line.break_, Break.HOLE)

    def freeze_primary(self) -> None:
        signal_all(self.primary.processes(), signal.SIGSTOP)

    def promote(self) -> None:
        self.ask(self.standby, "SELECT pg_promote()")

    def ask(self, server: Postgres, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """As the superuser, with a commit that waits for no standby."""
        with psycopg.connect(server.url(database), autocommit=True, options="-c synchronous_commit=local") as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def migrated(self) -> str:
        """Return the application's URL of a migrated database on the primary."""
        return Databases(self.primary.url("postgres")).migrated()

    def url_of_both(self, url: str) -> str:
        """The same database, on whichever of the two is the primary."""
        parts = urlsplit(url)
        address = f"127.0.0.1:{self.primary.port},127.0.0.1:{self.standby.port}"
        return f"postgresql://{parts.netloc.rpartition('@')[0]}@{address}{parts.path}"

    def close(self) -> None:
        for server in (self.primary, self.standby):
            if server.running:
                server.kill()
        self._in_loop(self._line.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _in_loop(self, work: "asyncio.Future[None] | object") -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(20)  # type: ignore[arg-type]


@contextmanager
def pair(folder: Path) -> Iterator[Pair]:
    made = Pair(folder)
    try:
        yield made
    finally:
        made.close()
