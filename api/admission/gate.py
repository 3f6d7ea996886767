"""Overload is refused at once, before anything is stored: a caller that asks too fast, and a queue that has grown too long."""

import asyncio
import math
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from api.admission.auth import Caller
from api.admission.buckets import AT_ONCE as BUCKET_CONNECTIONS
from api.admission.buckets import Buckets
from api.http.problems import Problem
from core import log
from core.errors import Unavailable
from core.postgres import deadline
from core.postgres.pool import POOL_TIMEOUT_S, Database
from core.turns import Turns

COUNT_EVERY_S = 1.0
BACKLOG_RETRY_AFTER_S = 5  # a worker finishes thousands a second
OWNER_BUCKET_CONNECTIONS = 5  # to Redis, that one owner's requests may take
OWNER_WAITING_MAX = 1000  # requests of one owner that wait for them, in a process
BATCHES_READ_AT_ONCE = 4  # each of another owner
OWNER_BATCHES_WAITING_MAX = 64  # of one owner that wait to be read, in a process: up to 64 MiB
BATCH_READ_WITHIN_S = 1.0
TOTAL = ""  # beside the owners, none of which is named so

logger = log.get(__name__)


class Gate:
    """Tells, before anything is stored, whether more money requests may come in, and keeps their places in the backlog."""

    def __init__(self, backlog: "Backlog", buckets: Buckets | None) -> None:
        self._backlog = backlog
        self._buckets = buckets
        self._turns = Turns(BUCKET_CONNECTIONS, OWNER_BUCKET_CONNECTIONS, OWNER_WAITING_MAX, POOL_TIMEOUT_S)

    def start(self) -> None:
        self._backlog.start()

    async def stop(self) -> None:
        self._backlog.stop()
        if self._buckets is not None:
            await self._buckets.close()

    async def reserve(self, caller: Caller, transfers: int, tokens: int) -> Problem | None:
        """Return why so many more of this caller's transfers must not be stored now, or None: then `settle` must be called.

        They are reserved in the backlog, all of them or none, before they are stored: requests at once do not pass the limit
        together. `tokens` count against the key's rate; a request without room in the backlog costs one. Raises Busy.
        """
        if not self._backlog.reserve(caller, transfers):
            return await self.charge(caller, 1) or retry_after("backlog_full", BACKLOG_RETRY_AFTER_S)
        try:
            problem = await self.charge(caller, tokens)
        except BaseException:
            self._backlog.settle(caller, transfers, 0)
            raise
        if problem is not None:
            self._backlog.settle(caller, transfers, 0)
        return problem

    async def charge(self, caller: Caller, tokens: int) -> Problem | None:
        """Take tokens from the key's rate. Return a problem when it has too few. Raises Busy."""
        if self._buckets is None:
            return None
        async with self._turns.turn(caller.owner):
            wait_s = await self._buckets.take(caller.key, tokens)
        return retry_after("rate_limited", wait_s) if wait_s else None

    async def priced(self, caller: Caller, problem: Problem) -> Problem:
        """Take a token for a request with this problem. Return the problem, or that there is no token."""
        return await self.charge(caller, 1) or problem

    def settle(self, caller: Caller, reserved: int, kept: int) -> None:
        """Give back what was reserved but for `kept`: what has been stored, or may have been."""
        self._backlog.settle(caller, reserved, kept)


def retry_after(code: str, wait_s: float) -> Problem:
    return Problem(code, headers={"Retry-After": str(math.ceil(wait_s))})


def turns_at_batches() -> Turns:
    """Return the turns of a process at reading batches: else many batches of one owner would take the event loop for seconds."""
    return Turns(BATCHES_READ_AT_ONCE, 1, OWNER_BATCHES_WAITING_MAX, BATCH_READ_WITHIN_S)


class Queued(NamedTuple):
    queued: int


class QueuedByClient(NamedTuple):
    owner: str
    queued: int


class Backlog:
    """How much waits, in all and by client: an upper bound of it, exact while this is the only process that accepts.

    It is what was counted, at most a second ago, and what has been reserved since the count began. Each of several processes counts
    for itself, and may accept up to the limit before it counts what the others have accepted: with N processes up to N times the
    limit may wait.
    """

    def __init__(self, database: Database, most: int, most_by_client: int) -> None:
        self._database = database
        self._most = most
        self._most_by_client = most_by_client
        self._counted: Counter[str] = Counter()  # by client, and TOTAL
        self._reserved: Counter[str] = Counter()  # since the last count began
        self._settled: Counter[str] = Counter()  # the part of it that is stored, or may be
        self._counting: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._counting = asyncio.create_task(self._count_for_ever())

    def stop(self) -> None:
        if self._counting is not None:
            self._counting.cancel()

    def reserve(self, caller: Caller, transfers: int) -> bool:
        """Reserve places for all of these transfers of the caller's; return False, and reserve none, when they do not all fit."""
        limits = self._limits(caller)
        if any(self._counted[name] + self._reserved[name] + transfers > most for name, most in limits):
            return False
        for name, _ in limits:
            self._reserved[name] += transfers
        return True

    def settle(self, caller: Caller, reserved: int, kept: int) -> None:
        """Keep so many of the reserved places until a count that begins from now on; give the others back at once."""
        for name, _ in self._limits(caller):
            self._reserved[name] -= reserved - kept
            self._settled[name] += kept

    def _limits(self, caller: Caller) -> Sequence[tuple[str, int]]:
        total = (TOTAL, self._most)
        return (total,) if caller.is_operator else (total, (caller.owner, self._most_by_client))

    async def count(self) -> None:
        """Count what waits. A database that does not answer leaves the count as it is.

        What is settled while the count is under way may be in it or not, so it is kept beside it until the next one.
        """
        deadline.start()
        settled = self._settled.copy()
        with suppress(Unavailable):
            [total] = await self._database.fetch("queue/count", {"most": self._most}, Queued)
            clients = await self._count_by_client(total.queued, self._counted + settled)
            self._counted = Counter({**clients, TOTAL: total.queued})
            self._reserved -= settled
            self._settled -= settled

    async def _count_by_client(self, queued: int, before: Mapping[str, int]) -> Mapping[str, int]:
        """Count what waits of each client that may be near its limit. Of the others no more waits than `before`."""
        at_least = max(self._most_by_client // 4, 1)
        most_of_the_rest = min(at_least - 1, queued)
        rest = {name: min(known, most_of_the_rest) for name, known in before.items() if name != TOTAL and most_of_the_rest}
        if queued < at_least:
            return rest
        params = {"most": self._most, "at_least": at_least}
        counted = await self._database.fetch("queue/count_by_client", params, QueuedByClient)
        return {**rest, **{client.owner: client.queued for client in counted}}

    async def _count_for_ever(self) -> None:
        """Count each second, or less often where counting is dear: never more than a tenth of the time."""
        while True:
            began = time.monotonic()
            try:
                await self.count()
            except Exception:  # whatever it is: without counts all would be refused some day
                logger.exception("queue not counted")
            await asyncio.sleep(max(COUNT_EVERY_S, 9 * (time.monotonic() - began)))
