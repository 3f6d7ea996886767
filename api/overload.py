"""Overload is refused at once, before anything is stored: a caller that asks too fast, and a queue that has grown too long."""

import asyncio
import math
import time
from collections import Counter
from contextlib import suppress
from typing import NamedTuple

from api.auth import Caller
from api.problems import Problem
from core import db, log
from core.buckets import Buckets
from core.db import Database
from core.errors import Unavailable

COUNT_EVERY_S = 1.0
BACKLOG_RETRY_AFTER_S = 5  # a worker finishes thousands a second

logger = log.get(__name__)


class Gate:
    """Tells, before anything is stored, whether more money requests may come in."""

    def __init__(self, backlog: "Backlog", buckets: Buckets | None) -> None:
        self._backlog = backlog
        self._buckets = buckets

    async def refusal(self, caller: Caller, transfers: int) -> Problem | None:
        """Return why so many more of this caller's transfers must not be stored now, or None. They count against its key's rate."""
        if not self._backlog.has_room(caller):
            return retry_after("backlog_full", BACKLOG_RETRY_AFTER_S)
        if self._buckets is None:
            return None
        wait_s = await self._buckets.take(caller.key, transfers)
        return retry_after("rate_limited", wait_s) if wait_s else None

    def note(self, caller: Caller, stored: int) -> None:
        """Note that so many of the caller's transfers have been stored."""
        self._backlog.add(caller, stored)


def retry_after(code: str, wait_s: float) -> Problem:
    return Problem(code, headers={"Retry-After": str(math.ceil(wait_s))})


class Queued(NamedTuple):
    queued: int


class QueuedByClient(NamedTuple):
    owner: str
    queued: int


class Backlog:
    """How much waits: counted once a second, and what this process has accepted since."""

    def __init__(self, database: Database, most: int, most_by_client: int) -> None:
        self._database = database
        self._most = most
        self._most_by_client = most_by_client
        self._queued = 0
        self._by_client: Counter[str] = Counter()
        self._counting: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._counting = asyncio.create_task(self._count_for_ever())

    def stop(self) -> None:
        if self._counting is not None:
            self._counting.cancel()

    def has_room(self, caller: Caller) -> bool:
        """Tell whether more of this caller's transfers may be queued."""
        if self._queued >= self._most:
            return False
        return caller.is_operator or self._by_client[caller.owner] < self._most_by_client

    def add(self, caller: Caller, accepted: int) -> None:
        self._queued += accepted
        if not caller.is_operator:
            self._by_client[caller.owner] += accepted

    async def count(self) -> None:
        """Count what waits. A database that does not answer leaves the count as it is."""
        db.start_clock()
        with suppress(Unavailable):
            [total] = await self._database.fetch("count_queue", {"most": self._most}, Queued)
            self._queued = total.queued
            clients = await self._count_by_client() if total.queued >= self._most_by_client else []
            self._by_client = Counter({client.owner: client.queued for client in clients})

    async def _count_by_client(self) -> list[QueuedByClient]:
        """Count those who may be near their limit."""
        params = {"most": self._most, "at_least": self._most_by_client // 2}
        return await self._database.fetch("count_queue_by_client", params, QueuedByClient)

    async def _count_for_ever(self) -> None:
        """Count each second, or less often where counting is dear: never more than a tenth of the time."""
        while True:
            began = time.monotonic()
            try:
                await self.count()
            except Exception:  # whatever it is: without counts everybody would be refused some day
                logger.exception("queue not counted")
            await asyncio.sleep(max(COUNT_EVERY_S, 9 * (time.monotonic() - began)))
