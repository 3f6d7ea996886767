"""Stores money requests: those that reach this process while a batch is on its way become the next one, one INSERT."""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, TypeAlias
from uuid import UUID

from api.http import idempotency
from api.intake.micro_batches import MicroBatches
from core import ids, log, metrics, transfers, wallets
from core.errors import Unavailable
from core.failpoint import failpoint
from core.ids import Prefix
from core.ledger.kinds import KINDS
from core.postgres.connections import AsyncConnection
from core.postgres.pool import Database
from core.postgres.queries import fence
from core.redis.shard_doorbell import ShardDoorbell
from core.transfers import Submission, Transfer

# Under load a worker stays for longer than this and looks by itself (worker/ledger/shards.py): rings are saved up for so long.
RING_AGAIN_AFTER_S = 0.01
BUSY_FROM = 8  # submissions at a ring

BATCH_MAX = 1000  # a whole batch of the API; beyond it an INSERT gains little and its callers wait for longer


logger = log.get(__name__)


class Accepted(NamedTuple):
    """Stored and durable, for the first time."""

    created_at: datetime


class Existing(NamedTuple):
    """The key has been used before; `transfer` is what it stands for, whether or not by the same request."""

    transfer: Transfer


class UnknownWallets(NamedTuple):
    """Nothing was stored: these of the submission's wallets do not exist for such a use."""

    ids: frozenset[UUID]


class KeyOfAnotherKind(NamedTuple):
    """Nothing was stored: the key belongs to a request of another kind."""


Key: TypeAlias = tuple[str, str]  # its owner, and what the owner has given
Answer: TypeAlias = Accepted | Existing | UnknownWallets | KeyOfAnotherKind


@dataclass(frozen=True, slots=True)
class ShardCount:
    shards: int


class Intake:
    """Stores submissions in batches, an owner's in order of arrival, and rings for the shards that they touched."""

    def __init__(self, database: Database, doorbell: ShardDoorbell) -> None:
        self._database = database
        self._doorbell = doorbell
        self._shards: int | None = None
        self._batches = MicroBatches(self._store, BATCH_MAX)
        self._lookups = MicroBatches(self._look_up, BATCH_MAX)
        self._to_ring: list[int] = []  # a shard for each submission that was stored
        self._ringing: asyncio.Task[None] | None = None
        # A thread of its own: those of asyncio.to_thread are shared with all other requests, such as /metrics.
        self._thread = ThreadPoolExecutor(1, "doorbell")

    async def submit(self, submissions: Sequence[Submission]) -> list[Answer]:
        """Return what became of each submission, in order, after COMMIT; up to BATCH_MAX of them are stored by one INSERT.

        Raises Unavailable when that is unknown: then repeat all of them. Raises Busy when nothing was stored, because as much of
        their owner waits as may.
        """
        return await self._batches.ask_all(submissions)

    async def known(self, submissions: Sequence[Submission]) -> list[Existing | None]:
        """Return of each submission what its key stands for already, if anything. Stores nothing. Raises Unavailable."""
        found = await self._lookups.ask_all([(submission.owner, submission.idempotency_key) for submission in submissions])
        count_replays(submissions, found)
        return found

    async def shards(self) -> int:
        """Return how many shards there are: asked once, because it never changes. Raises Unavailable."""
        if self._shards is None:
            [counted] = await self._database.fetch("queue/count_shards", {}, ShardCount)
            if not counted.shards:
                raise Unavailable("the database is not migrated")
            self._shards = counted.shards
        return self._shards

    def start(self) -> None:
        self._batches.start()
        self._lookups.start()

    async def stop(self) -> None:
        """End, after the last answer. What is rung for is rung."""
        self._lookups.stop()
        self._batches.stop()
        if self._ringing is not None:
            await asyncio.wait({self._ringing})
        self._thread.shutdown(wait=False)

    async def _store(self, submissions: Sequence[Submission]) -> list[Answer]:
        """Store a batch and ring; repeated when the connection is lost, because what is stored by then is found by its key."""
        began = time.monotonic()
        answers = await self._database.run(lambda connection: insert(connection, submissions))
        stored = [submission for submission, answer in zip(submissions, answers, strict=True) if isinstance(answer, Accepted)]
        self._ring([submission.shard for submission in stored])
        metrics.INTAKE_SECONDS.observe(time.monotonic() - began)
        note(submissions, answers, stored)
        return answers

    async def _look_up(self, keys: Sequence[Key]) -> list[Existing | None]:
        rows = await self._database.run(lambda connection: find_fenced(connection, keys))
        found = {(row.owner, row.idempotency_key): Existing(row) for row in rows}
        return [found.get(key) for key in keys]

    def _ring(self, shards: Sequence[int]) -> None:
        self._to_ring += shards
        if self._to_ring and (self._ringing is None or self._ringing.done()):
            self._ringing = asyncio.create_task(self._ring_off_the_loop())

    async def _ring_off_the_loop(self) -> None:
        while self._to_ring:
            shards, self._to_ring = self._to_ring, []
            await asyncio.get_running_loop().run_in_executor(self._thread, self._doorbell.ring, set(shards))
            if len(shards) >= BUSY_FROM:
                await asyncio.sleep(RING_AGAIN_AFTER_S)


async def insert(connection: AsyncConnection, submissions: Sequence[Submission]) -> list[Answer]:
    """Store the submissions and say of each what became of it. Safe to repeat: the same submissions get the same answers."""
    failpoint("accept.before_insert")
    inserted = await transfers.insert(connection, submissions)
    failpoint("accept.after_commit")
    answers: dict[UUID, Answer] = {row.id: Accepted(row.created_at) for row in inserted}
    left_out = [submission for submission in submissions if submission.id not in answers]
    if left_out:
        answers |= await explain(connection, left_out)
    return [answers[submission.id] for submission in submissions]


async def explain(connection: AsyncConnection, left_out: Sequence[Submission]) -> dict[UUID, Answer]:
    """Return why each of these was not inserted. Statements of their own: they see what others committed meanwhile."""
    failpoint("accept.before_explain")
    keys = [(submission.owner, submission.idempotency_key) for submission in left_out]
    by_key = {(found.owner, found.idempotency_key): found for found in await find_fenced(connection, keys)}
    wallet_ids = {id for submission in left_out for id in (submission.source, submission.destination)}
    kinds = await wallets.kinds(connection, list(wallet_ids))
    return {
        submission.id: why_left_out(submission, by_key.get((submission.owner, submission.idempotency_key)), kinds)
        for submission in left_out
    }


async def find_fenced(connection: AsyncConnection, keys: Sequence[Key]) -> list[Transfer]:
    """Return the transfers of these keys, which are durable by then: this answers "stored" without a write of its own."""
    found = await transfers.find_by_keys(connection, keys)
    if found:
        await fence(connection)
    return found


def why_left_out(submission: Submission, found: Transfer | None, wallet_kinds: Mapping[UUID, str]) -> Answer:
    if found is not None:
        return Accepted(found.created_at) if found.id == submission.id else Existing(found)
    # Pairs, no mapping: a deposit into an external wallet has one wallet on both sides.
    kind = KINDS[submission.type]
    wanted = [(submission.source, kind.source), (submission.destination, kind.destination)]
    unknown = frozenset(id for id, side in wanted if wallet_kinds.get(id) != side)
    return UnknownWallets(unknown) if unknown else KeyOfAnotherKind()


def note(submissions: Sequence[Submission], answers: Sequence[Answer], stored: Sequence[Submission]) -> None:
    """Count a batch, what was stored and what had been before, and log it for who looks closely."""
    metrics.INTAKE_TRANSFERS.observe(len(submissions))
    for type, accepted in Counter(submission.type for submission in stored).items():
        metrics.ACCEPTED[type].inc(accepted)
    if len(stored) < len(submissions):
        count_replays(submissions, answers)
    if log.writes_debug(__name__):
        logger.debug("stored", transfers=[ids.text(Prefix.TRANSFER, submission.id) for submission in stored])


def count_replays(submissions: Sequence[Submission], answers: Sequence[Answer | None]) -> None:
    metrics.REPLAYED.inc(
        sum(
            isinstance(answer, Existing) and idempotency.is_repetition(submission, of=answer.transfer)
            for submission, answer in zip(submissions, answers, strict=True)
        )
    )
