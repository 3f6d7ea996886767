"""Gauges of one API process: connections in use, requests that wait, and how long the oldest transaction has been open."""

import asyncio
import time
from typing import NamedTuple

from api.intake.long_poll import LongPoll
from core import metrics
from core.postgres.pool import Database

UPDATE_EVERY_S = 1.0  # Prometheus scrapes every 15 s in the example configuration; a value is at most this much older. A guess.


class OpenTransactions(NamedTuple):
    """The id of the oldest transaction that has not ended, and the next id that PostgreSQL will assign."""

    oldest: int
    next: int


class Horizon:
    """Measures how long one transaction has been the oldest open one.

    The process keeps the time itself: PostgreSQL shows a role the start times of its own sessions only.
    """

    def __init__(self) -> None:
        self._oldest = -1
        self._since = 0.0  # monotonic seconds

    def age_s(self, seen: OpenTransactions) -> float:
        """Return for how long, at least, the oldest open transaction has kept later events back; 0 when none is open."""
        now = time.monotonic()
        if seen.oldest != self._oldest or seen.oldest == seen.next:
            self._oldest, self._since = seen.oldest, now
        return now - self._since


class PoolGauges:
    """Copies the use of the connection pool and the number of waiting requests into gauges, once a second.

    With several API processes one of them answers the scrape. It reads the gauges of the others and cannot query their pools.
    """

    def __init__(self, database: Database, long_poll: LongPoll) -> None:
        self._database = database
        self._long_poll = long_poll
        self.horizon = Horizon()
        self._updating: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._updating = asyncio.create_task(self._update_for_ever())

    def stop(self) -> None:
        if self._updating is not None:
            self._updating.cancel()

    def update(self) -> None:
        use = self._database.use()
        metrics.CONNECTIONS.labels("used").set(use["used"])
        metrics.CONNECTIONS.labels("free").set(use["free"])
        metrics.CONNECTIONS_AWAITED.set(use["awaited"])
        metrics.WAITERS.set(self._long_poll.count())

    async def _update_for_ever(self) -> None:
        while True:
            self.update()
            await asyncio.sleep(UPDATE_EVERY_S)
