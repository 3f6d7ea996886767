"""The backlog: how many transfers are queued, in all and by client, and how many more may be stored."""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from api.admission.auth import Caller
from core import log
from core.errors import Unavailable
from core.postgres import deadline
from core.postgres.pool import Database

COUNT_EVERY_S = 1.0  # a guess: the count lags behind the workers by so much, and one count a second is cheap
TOTAL = ""  # stands beside the owners in the counters; no owner has this name

logger = log.get(__name__)


class Queued(NamedTuple):
    queued: int


class Due(NamedTuple):
    due: int


class QueuedByClient(NamedTuple):
    owner: str
    queued: int


class Backlog:
    """An upper bound of the queued transfers, in all and by client. It is exact while this is the only process that accepts.

    The bound is the last count, at most a second old, plus what this process has reserved since that count began. Each API process
    counts for itself and learns of the others' transfers by its next count. So N processes may queue up to N times the limit.

    `most` transfers may be queued in all, `most_by_client` of each client. Operators have no limit of their own.
    """

    def __init__(self, database: Database, most: int, most_by_client: int) -> None:
        self._database = database
        self._most = most
        self._most_by_client = most_by_client
        self._counted: Counter[str] = Counter()  # by client, and TOTAL
        self._reserved: Counter[str] = Counter()  # since the last count began
        self._settled: Counter[str] = Counter()  # the part of _reserved that is stored, or may be
        self._counting: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._counting = asyncio.create_task(self._count_for_ever())

    def stop(self) -> None:
        if self._counting is not None:
            self._counting.cancel()

    def reserve(self, caller: Caller, transfers: int) -> bool:
        """Reserve places for all of the caller's transfers. Return False, and reserve none, when they do not all fit."""
        limits = self._limits(caller)
        for name, most in limits:
            if self._counted[name] + self._reserved[name] + transfers > most:
                return False
        for name, _ in limits:
            self._reserved[name] += transfers
        return True

    def settle(self, caller: Caller, reserved: int, kept: int) -> None:
        """End a reservation of so many places. Free at once all but the `kept` ones: their transfers are stored, or may be.

        A kept place is freed when a count that begins after this call has ended: that count has the transfer.
        """
        for name, _ in self._limits(caller):
            self._reserved[name] -= reserved - kept
            self._settled[name] += kept

    async def has_room_for_due(self, caller: Caller) -> bool:
        """Return whether scheduled transfers or holds of the caller, with their places reserved, are within the limit of a client.

        What already waits in the client's wallets for a time counts with what is queued: its scheduled transfers and open holds, as
        far as the table `due` shows them now. An operator has no such limit. Raises Unavailable.
        """
        if caller.is_operator:
            return True
        params = {"client_id": caller.client_id, "most": self._most_by_client}
        [waiting] = await self._database.fetch("queue/count_due", params, Due)
        return waiting.due + self._counted[caller.owner] + self._reserved[caller.owner] <= self._most_by_client

    def _limits(self, caller: Caller) -> Sequence[tuple[str, int]]:
        """Return the names under which the caller's transfers are counted, each with its limit."""
        total = (TOTAL, self._most)
        return (total,) if caller.is_operator else (total, (caller.owner, self._most_by_client))

    async def count(self) -> None:
        """Count the queue. If the database does not answer, the last count stays.

        A transfer that is settled while the count runs may or may not be in it. So it stays in `_reserved` until the next count.
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
        """Return an upper bound of each client's queued transfers. It is exact for clients with a quarter of their limit or more.

        The statement names only those. Any other client has its bound from `before`, or one less than the quarter: the smaller one.
        """
        at_least = max(self._most_by_client // 4, 1)
        most_of_the_rest = min(at_least - 1, queued)
        rest = {name: min(known, most_of_the_rest) for name, known in before.items() if name != TOTAL and most_of_the_rest}
        if queued < at_least:
            return rest
        params = {"most": self._most, "at_least": at_least}
        counted = await self._database.fetch("queue/count_by_client", params, QueuedByClient)
        return {**rest, **{client.owner: client.queued for client in counted}}

    async def _count_for_ever(self) -> None:
        """Count each second. A slow count is followed by a pause of nine times its duration: a tenth of the time at most."""
        while True:
            began = time.monotonic()
            try:
                await self.count()
            except Exception:  # of any kind: without counts _reserved only grows, and the API would refuse all transfers in the end
                logger.exception("queue not counted")
            await asyncio.sleep(max(COUNT_EVERY_S, 9 * (time.monotonic() - began)))
