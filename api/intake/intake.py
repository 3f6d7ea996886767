"""Stores money requests: the submissions that reach this process while one INSERT runs are stored by the next INSERT."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, TypeAlias
from uuid import UUID

from api.http import idempotency
from api.intake.micro_batches import MicroBatches
from api.intake.ringer import Ringer
from core import ids, log, metrics, transfers, wallets
from core.errors import Unavailable
from core.failpoint import failpoint
from core.ids import Prefix
from core.ledger.kinds import KINDS, Side
from core.postgres.connections import AsyncConnection
from core.postgres.pool import Database
from core.postgres.queries import fence
from core.redis.shard_doorbell import ShardDoorbell
from core.transfers import Submission, Transfer

BATCH_MAX = 1000  # the items of one batch request; a larger INSERT saves little and its callers wait longer. A guess.

CLIENTS_ALONE: frozenset[Side] = frozenset({"client"})  # lines are of no external wallet

logger = log.get(__name__)


class Accepted(NamedTuple):
    """The submission was stored, durably, for the first time."""

    created_at: datetime


class Existing(NamedTuple):
    """The key was used before. `transfer` is what it stands for; the request that used it may have been a different one."""

    transfer: Transfer


class UnknownWallets(NamedTuple):
    """Nothing was stored: these of the submission's wallets do not exist, or not for such a use."""

    ids: frozenset[UUID]


class OtherCurrency(NamedTuple):
    """Nothing was stored: one of the submission's wallets has another currency than it."""


class KeyOfAnotherKind(NamedTuple):
    """Nothing was stored: the key belongs to a request of another kind."""


IdempotencyKey: TypeAlias = tuple[str, str]  # the owner, and the key that the owner has sent
SubmitResult: TypeAlias = Accepted | Existing | UnknownWallets | OtherCurrency | KeyOfAnotherKind


@dataclass(frozen=True, slots=True)
class ShardCount:
    shards: int


class Intake:
    """Stores submissions in batches, those of an owner in order of arrival, and rings for the shards that they are in."""

    def __init__(self, database: Database, doorbell: ShardDoorbell) -> None:
        self._database = database
        self._ringer = Ringer(doorbell)
        self._shards: int | None = None
        self._batches = MicroBatches(self._store, BATCH_MAX)
        self._lookups = MicroBatches(self._look_up, BATCH_MAX)

    async def submit(self, submissions: Sequence[Submission]) -> list[SubmitResult]:
        """Return the result of each submission, in order, after COMMIT. One INSERT stores up to BATCH_MAX of them.

        Raises Unavailable when the results are unknown: then all of them may be sent again. Raises Busy when nothing was stored,
        because the owner has its maximum of waiting submissions.
        """
        return await self._batches.ask_all(submissions)

    async def find_existing(self, submissions: Sequence[Submission]) -> list[Existing | None]:
        """Return for each submission what its key stands for, or None for a free key. Stores nothing. Raises Unavailable."""
        found = await self._lookups.ask_all([(submission.owner, submission.idempotency_key) for submission in submissions])
        count_replays(submissions, found)
        return found

    async def shards(self) -> int:
        """Return the number of shards. It never changes, so one query a process reads it. Raises Unavailable."""
        if self._shards is None:
            [counted] = await self._database.fetch("queue/count_shards", {}, ShardCount)
            if not counted.shards:
                raise Unavailable("the database is not migrated")
            self._shards = counted.shards
        return self._shards

    def ring_if_asked(self, shard: int) -> None:
        """Ring for a shard that this process has locked and released, if a worker has passed it by."""
        self._ringer.ring_if_asked(shard)

    def start(self) -> None:
        self._batches.start()
        self._lookups.start()

    async def stop(self) -> None:
        """Stop, after the last request was answered. Rings for what was stored are sent first."""
        self._lookups.stop()
        self._batches.stop()
        await self._ringer.stop()

    async def _store(self, submissions: Sequence[Submission]) -> list[SubmitResult]:
        """Store a batch and ring. When the connection is lost, run it again: the keys say what the first run has stored."""
        began = time.monotonic()
        results = await self._database.run(lambda connection: store_batch(connection, submissions))
        stored = [submission for submission, result in zip(submissions, results, strict=True) if isinstance(result, Accepted)]
        self._ringer.ring([submission.shard for submission in stored])
        metrics.INTAKE_SECONDS.observe(time.monotonic() - began)
        count_and_log(submissions, results, stored)
        return results

    async def _look_up(self, keys: Sequence[IdempotencyKey]) -> list[Existing | None]:
        rows = await self._database.run(lambda connection: find_durable(connection, keys))
        found = {(row.owner, row.idempotency_key): Existing(row) for row in rows}
        return [found.get(key) for key in keys]


async def store_batch(connection: AsyncConnection, submissions: Sequence[Submission]) -> list[SubmitResult]:
    """Store the submissions and return the result of each. Safe to repeat: the same submissions get the same results."""
    failpoint("accept.before_insert")
    inserted = await transfers.insert(connection, submissions)
    failpoint("accept.after_commit")
    if len(inserted) == len(submissions):
        accepted: SubmitResult = Accepted(inserted[0].created_at)  # of all: one transaction has one now()
        return [accepted] * len(submissions)
    results: dict[UUID, SubmitResult] = {row.id: Accepted(row.created_at) for row in inserted}
    omitted = [submission for submission in submissions if submission.id not in results]
    if omitted:
        results |= await explain_omitted(connection, omitted)
    return [results[submission.id] for submission in submissions]


async def explain_omitted(connection: AsyncConnection, omitted: Sequence[Submission]) -> dict[UUID, SubmitResult]:
    """Return why the INSERT omitted each of these. New statements see what other sessions committed while the INSERT ran."""
    failpoint("accept.before_explain")
    keys = [(submission.owner, submission.idempotency_key) for submission in omitted]
    by_key = {(found.owner, found.idempotency_key): found for found in await find_durable(connection, keys)}
    wallet_ids = {id for submission in omitted for id, _ in wanted_of(submission)}
    sides = await wallets.sides(connection, list(wallet_ids))
    return {
        submission.id: result_of_omitted(submission, by_key.get((submission.owner, submission.idempotency_key)), sides)
        for submission in omitted
    }


async def find_durable(connection: AsyncConnection, keys: Sequence[IdempotencyKey]) -> list[Transfer]:
    """Return the transfers of these keys, as durable as after a COMMIT of this connection: the caller may say "stored"."""
    found = await transfers.find_by_keys(connection, keys)
    if found:
        await fence(connection)
    return found


def result_of_omitted(submission: Submission, found: Transfer | None, sides: Mapping[UUID, wallets.Side]) -> SubmitResult:
    """Return why the INSERT left the submission out. `sides` has its wallets, as far as they exist."""
    if found is not None:
        return Accepted(found.created_at) if found.id == submission.id else Existing(found)
    wanted = wanted_of(submission)
    # The external wallet of a currency that no client has does not exist: then the client's wallet has another one.
    unknown = frozenset(id for id, kinds in wanted if kind_of(id, sides) not in kinds)
    if unknown:
        return UnknownWallets(unknown)
    if any(id not in sides or sides[id].currency != submission.currency for id, _ in wanted):
        return OtherCurrency()
    return KeyOfAnotherKind()


def kind_of(id: UUID, sides: Mapping[UUID, wallets.Side]) -> str | None:
    """Return the kind of a wallet, also of an external one that does not exist; None if there is no such client's wallet."""
    if ids.is_external_wallet(id):
        return "external"
    return sides[id].kind if id in sides else None


def wanted_of(submission: Submission) -> list[tuple[UUID, frozenset[Side]]]:
    """Return the submission's wallets, each with the kinds that it may be of.

    Pairs and no mapping: a deposit into an external wallet has the same wallet on both sides.
    """
    if submission.lines is not None:
        return [(wallet_id, CLIENTS_ALONE) for wallet_id, _ in submission.lines]
    kind = KINDS[submission.type]
    return [(submission.source, kind.sources), (submission.destination, kind.destinations)]


def count_and_log(submissions: Sequence[Submission], results: Sequence[SubmitResult], stored: Sequence[Submission]) -> None:
    """Count the batch, its accepted and its repeated submissions. Log the accepted ids at DEBUG."""
    metrics.INTAKE_TRANSFERS.observe(len(submissions))
    for type, accepted in Counter(submission.type for submission in stored).items():
        metrics.ACCEPTED[type].inc(accepted)
    if len(stored) < len(submissions):
        count_replays(submissions, results)
    if log.writes_debug(__name__):
        logger.debug("stored", transfers=[ids.text(Prefix.TRANSFER, submission.id) for submission in stored])


def count_replays(submissions: Sequence[Submission], results: Sequence[SubmitResult | None]) -> None:
    metrics.REPLAYED.inc(
        sum(
            isinstance(result, Existing) and idempotency.is_repetition(submission, of=result.transfer)
            for submission, result in zip(submissions, results, strict=True)
        )
    )
