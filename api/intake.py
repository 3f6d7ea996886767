"""Micro-batching: the money requests that reach this process while a batch is on its way become the next one, one INSERT."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from core import db, log, transfers, wallets
from core.db import Connection, Database
from core.doorbell import Doorbell
from core.errors import Unavailable
from core.transfers import Submission, Transfer

BATCH_MAX = 1000  # a whole batch of the API; beyond it an INSERT gains little and its callers wait for longer

logger = log.get(__name__)


@dataclass(frozen=True, slots=True)
class Accepted:
    """Stored and durable, for the first time."""

    created_at: datetime


@dataclass(frozen=True, slots=True)
class Existing:
    """The key has been used before; `transfer` is what it stands for, whether or not by the same request."""

    transfer: Transfer


@dataclass(frozen=True, slots=True)
class UnknownWallets:
    """Nothing was stored: these of the submission's wallets do not exist for such a use."""

    ids: frozenset[UUID]


@dataclass(frozen=True, slots=True)
class KeyOfAnotherKind:
    """Nothing was stored: the key belongs to a request of another kind."""


Answer: TypeAlias = Accepted | Existing | UnknownWallets | KeyOfAnotherKind


@dataclass(frozen=True, slots=True)
class ShardCount:
    shards: int


@dataclass(frozen=True, slots=True)
class Pending:
    submission: Submission
    answer: asyncio.Future[Answer]


class Intake:
    """Stores submissions in batches, one at a time, in order of arrival, and rings for the shards that they touched."""

    def __init__(self, database: Database, doorbell: Doorbell) -> None:
        self._database = database
        self._doorbell = doorbell
        self._shards: int | None = None
        self._pending: list[Pending] = []
        self._arrived = asyncio.Event()
        self._storing: asyncio.Task[None] | None = None
        self._to_ring: set[int] = set()
        self._ringing: asyncio.Task[None] | None = None

    async def submit(self, submission: Submission) -> Answer:
        """Return what became of the submission, after COMMIT. Raises Unavailable when that is unknown: then repeat it."""
        [answer] = await self.submit_all([submission])
        return answer

    async def submit_all(self, submissions: Sequence[Submission]) -> list[Answer]:
        """Return what became of each, in order; up to BATCH_MAX of them are stored by one INSERT. Raises Unavailable for all."""
        loop = asyncio.get_running_loop()
        pending = [Pending(submission, loop.create_future()) for submission in submissions]
        self._pending += pending
        self._arrived.set()
        try:
            async with asyncio.timeout(db.time_left_s()):
                return await asyncio.gather(*(one.answer for one in pending))
        except TimeoutError:
            raise Unavailable("the submissions were not stored in time") from None

    async def shards(self) -> int:
        """Return how many shards there are: asked once, because it never changes. Raises Unavailable."""
        if self._shards is None:
            [counted] = await self._database.fetch("count_shards", {}, ShardCount)
            if not counted.shards:
                raise Unavailable("the database is not migrated")
            self._shards = counted.shards
        return self._shards

    def start(self) -> None:
        self._storing = asyncio.create_task(self._store_for_ever())

    async def stop(self) -> None:
        """End, after the last answer: the server has let its callers finish before. What is rung for is rung."""
        if self._storing is not None:
            self._storing.cancel()
        if self._ringing is not None:
            await asyncio.wait({self._ringing})

    async def _store_for_ever(self) -> None:
        while True:
            await self._arrived.wait()
            await self._store(self._next_batch())

    def _next_batch(self) -> list[Pending]:
        waiting = [pending for pending in self._pending if not pending.answer.done()]  # the others have been answered 503
        batch, self._pending = waiting[:BATCH_MAX], waiting[BATCH_MAX:]
        if not self._pending:
            self._arrived.clear()
        return batch

    async def _store(self, batch: Sequence[Pending]) -> None:
        """Store a batch, answer each of its callers, ring. A row that Postgres refuses must not fail its neighbours."""
        if not batch:
            return
        try:
            answers = await self._insert([pending.submission for pending in batch])
        except Exception as error:  # noqa: BLE001  # whatever it is, each caller must be told
            if len(batch) > 1 and not isinstance(error, Unavailable):
                for pending in batch:
                    await self._store([pending])
                return
            tell(batch, error)
            return
        for pending, answer in zip(batch, answers, strict=True):
            if not pending.answer.done():
                pending.answer.set_result(answer)
        accepted = (pending for pending, answer in zip(batch, answers, strict=True) if isinstance(answer, Accepted))
        self._ring({pending.submission.shard for pending in accepted})

    async def _insert(self, submissions: Sequence[Submission]) -> list[Answer]:
        """Insert; repeated when the connection is lost, because what is stored by then is found by its key."""
        return await self._database.run(lambda connection: insert(connection, submissions), db.ANSWER_WITHIN_S)

    def _ring(self, shards: set[int]) -> None:
        self._to_ring |= shards
        if self._to_ring and (self._ringing is None or self._ringing.done()):
            self._ringing = asyncio.create_task(self._ring_off_the_loop())

    async def _ring_off_the_loop(self) -> None:
        while self._to_ring:
            shards, self._to_ring = self._to_ring, set()
            await asyncio.to_thread(self._doorbell.ring, shards)


async def insert(connection: Connection, submissions: Sequence[Submission]) -> list[Answer]:
    """Store the submissions and say of each what became of it. Safe to repeat: the same submissions get the same answers."""
    inserted = {row.id: row.created_at for row in await transfers.insert(connection, submissions)}
    left_out = [submission for submission in submissions if submission.id not in inserted]
    answers: dict[UUID, Answer] = {id: Accepted(created_at) for id, created_at in inserted.items()}
    if left_out:
        answers |= await explain(connection, left_out)
    return [answers[submission.id] for submission in submissions]


async def explain(connection: Connection, left_out: Sequence[Submission]) -> dict[UUID, Answer]:
    """Return why each of these was not inserted. Statements of their own: they see what others committed meanwhile."""
    keys = [(submission.owner, submission.idempotency_key) for submission in left_out]
    by_key = {(found.owner, found.idempotency_key): found for found in await transfers.find_by_keys(connection, keys)}
    wallet_ids = {id for submission in left_out for id in (submission.source, submission.destination)}
    kinds = await wallets.kinds(connection, list(wallet_ids))
    return {
        submission.id: why_left_out(submission, by_key.get((submission.owner, submission.idempotency_key)), kinds)
        for submission in left_out
    }


def why_left_out(submission: Submission, found: Transfer | None, kinds: Mapping[UUID, str]) -> Answer:
    if found is not None:
        return Accepted(found.created_at) if found.id == submission.id else Existing(found)
    # Pairs, no mapping: a deposit into an external wallet has one wallet on both sides.
    wanted = [(submission.source, "external" if submission.type == "deposit" else "client"), (submission.destination, "client")]
    unknown = frozenset(id for id, kind in wanted if kinds.get(id) != kind)
    return UnknownWallets(unknown) if unknown else KeyOfAnotherKind()


def tell(batch: Sequence[Pending], error: Exception) -> None:
    """Raise the error at each caller that still waits."""
    if not isinstance(error, Unavailable):
        logger.error("submission failed", exc_info=error)
    for pending in batch:
        if not pending.answer.done():
            pending.answer.set_exception(error)
