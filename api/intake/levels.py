"""Metrics of a process that are levels and no counters: what is in use now."""

import asyncio
import time
from typing import NamedTuple

from api.intake.long_poll import Waiting
from core import metrics
from core.postgres.pool import Database

LEVELS_EVERY_S = 1.0


class Open(NamedTuple):
    """The id of the oldest transaction that has not ended, and the next id that is not given yet."""

    oldest: int
    next: int


class Horizon:
    """For how long one transaction has been the oldest: remembered here, because Postgres shows a role its own sessions alone."""

    def __init__(self) -> None:
        self._oldest = -1
        self._since = 0.0  # monotonic seconds

    def age_s(self, seen: Open) -> float:
        """Return for how long, at least, this transaction has kept later events back; 0 when none is open."""
        now = time.monotonic()
        if seen.oldest != self._oldest or seen.oldest == seen.next:
            self._oldest, self._since = seen.oldest, now
        return now - self._since


class Levels:
    """Shows how much of what this process has is in use, each second: a scrape that another process answers cannot ask it."""

    def __init__(self, database: Database, waiting: Waiting) -> None:
        self._database = database
        self._waiting = waiting
        self.horizon = Horizon()
        self._showing: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._showing = asyncio.create_task(self._show_for_ever())

    def stop(self) -> None:
        if self._showing is not None:
            self._showing.cancel()

    def show(self) -> None:
        use = self._database.use()
        metrics.CONNECTIONS.labels("used").set(use["used"])
        metrics.CONNECTIONS.labels("free").set(use["free"])
        metrics.CONNECTIONS_AWAITED.set(use["awaited"])
        metrics.WAITERS.set(self._waiting.count())

    async def _show_for_ever(self) -> None:
        while True:
            self.show()
            await asyncio.sleep(LEVELS_EVERY_S)
