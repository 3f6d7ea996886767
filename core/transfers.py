"""The record of a transfer: how it is stored, and how it is read. core/transfer_lists.py lists them."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any, Literal, NamedTuple
from uuid import UUID

from core import metrics
from core.ledger.kinds import Fit, Status, Type
from core.ledger.lines import Lines, are_several_legs
from core.postgres import arrays
from core.postgres.connections import AsyncConnection
from core.postgres.pool import Database
from core.postgres.queries import fetch

# What a list is filtered by: "queued" leaves out what is stored as queued and scheduled for later.
StatusFilter = Status | Literal["scheduled"]


# Submissions and transfers are made once and never changed. They are not frozen all the same: a frozen dataclass of this size takes
# three times as long to make, 4 µs of a POST.


@dataclass(slots=True, kw_only=True)
class Attached:
    """What a caller attaches to a transfer of any verb: stored, shown and sent along by these names. It moves no money."""

    reference: str | None
    metadata: Mapping[str, str]
    callback_url: str | None


ATTACHED = tuple(field.name for field in fields(Attached))
attached_values = attrgetter(*ATTACHED)


@dataclass(slots=True, kw_only=True)
class Plain(Attached):
    """What every transfer is stored with. Each field is a column of core/sql/parts/submission.sql.

    `submitted_by` is the id of the key that submitted it, or "configured"; None where no key did, and in rows of earlier versions.
    """

    id: UUID
    type: Type
    source: UUID
    destination: UUID
    amount: int
    currency: str
    owner: str
    idempotency_key: str
    fingerprint: bytes
    shard: int
    submitted_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a special submission says beyond two wallets and an amount.

    Each field but `lines` is a parameter of core/sql/transfers/insert_special.sql; `lines` are two: wallet_ids and amounts.

    `parent` is the hold of a capture or a release, or what a reversal reverses. `fit` says how an open amount is found when the
    transfer is applied: "rest" is all that is left of the parent, "funds" as much as the debited wallet has available (`up_to`),
    "rest_and_funds" the smaller of the two (a reversal with `up_to` and without an amount). The submission's amount is then the
    most that it may be. `closes`: a final capture, which releases the rest. `scheduled_for` is a time with an offset; one that has
    passed at acceptance means now, and is not stored. `apply_within_s` counts from acceptance, or from the moment when a scheduled
    one gets its place in the queue. `expires_in_s`, given for every hold and for nothing else, counts from acceptance or from
    `scheduled_for`. The database's clock decides. `sweeps`: a closure that moves the balance to the destination. A closure has
    terms, whatever they say. `lines` are given where the submission does not simply move its amount from its source to its
    destination: these two are then the wallets of the first debit and of the first credit, and all credits sum to the amount.
    """

    parent: UUID | None = None
    fit: Fit | None = None
    closes: bool = False
    scheduled_for: datetime | None = None
    apply_within_s: int | None = None
    expires_in_s: int | None = None
    sweeps: bool = False
    lines: Lines | None = None

    def is_scheduled(self, created_at: datetime) -> bool:
        """Whether the transfer waits for its time. `created_at` is its acceptance by the database's clock, which decides."""
        return self.scheduled_for is not None and self.scheduled_for > created_at


@dataclass(slots=True, kw_only=True)
class Submission(Plain):
    """A validated request for a transfer, with the id it will have. `terms` is None for a plain one.

    Its shard is that of the first client's wallet that it debits or reserves, else of the one that it credits. So the children of a
    parent are all in one shard. A capture or a release names the wallets of its hold, and a reversal those of its parent turned
    round.
    """

    terms: Terms | None = None

    @property
    def lines(self) -> Lines | None:
        return None if self.terms is None else self.terms.lines


SUBMITTED = tuple(field.name for field in fields(Plain))
submitted_values = attrgetter(*SUBMITTED)
TERMS = tuple(field.name for field in fields(Terms) if field.name != "lines")
PACK: Mapping[str, Callable[[Sequence[Any]], arrays.Packed]] = {
    "id": arrays.uuids,
    "type": arrays.texts,
    "source": arrays.uuids,
    "destination": arrays.uuids,
    "amount": arrays.bigints,
    "currency": arrays.texts,
    "reference": arrays.texts,
    "metadata": arrays.texts,
    "callback_url": arrays.texts,
    "owner": arrays.texts,
    "idempotency_key": arrays.texts,
    "fingerprint": arrays.values_of_bytes,
    "shard": arrays.integers,
    "submitted_by": arrays.texts,
}
NO_TERMS = Terms()


class Inserted(NamedTuple):
    id: UUID
    created_at: datetime


class TransferEntry(NamedTuple):
    """A transfer's entry in one of its wallets."""

    wallet_id: UUID
    version: int
    amount: int
    balance_after: int


@dataclass(slots=True, kw_only=True)
class Transfer(Plain):
    """A stored transfer, its state and, when it is applied, its entries: debits first. See core/sql/parts/transfer.sql.

    What does not apply to it is None. `parent`, `fit`, `closes`, `scheduled_for` are those of its terms. `captured` and `returned`
    are what its children have taken: of a hold what was captured, and what was released; of any other what was reversed. None is 0.
    `moved` is what a special one came to, and 0 if it was not applied. A drain that begins after `apply_by` rejects it. `lines` are
    those of its terms. `available` and `needed` are the figures of a rejection that has some; rows of earlier versions have none.
    """

    status: Status
    failure_code: str | None
    available: int | None
    needed: int | None
    created_at: datetime
    finished_at: datetime | None
    parent: UUID | None
    fit: Fit | None
    closes: bool | None
    captured: int | None
    returned: int | None
    moved: int | None
    scheduled_for: datetime | None
    apply_by: datetime | None
    expires_at: datetime | None
    lines: Lines | None
    entries: Sequence[TransferEntry]

    @property
    def parties(self) -> Sequence[UUID]:
        """The wallets that it debits, credits, or reserves money of or for."""
        return (self.source, self.destination) if self.lines is None else [wallet_id for wallet_id, _ in self.lines]

    @property
    def debited(self) -> Sequence[UUID]:
        """The wallets that it debits, or reserves money of."""
        return (self.source,) if self.lines is None else [wallet_id for wallet_id, amount in self.lines if amount < 0]

    @property
    def is_multi_leg(self) -> bool:
        """Whether it has more than one debit and one credit. It is then reversed as a whole."""
        return are_several_legs(self.lines)

    @property
    def total(self) -> int:
        """What it came to, in minor units; before it is applied, the most that it may come to."""
        return self.amount if self.moved is None or self.status != "applied" else self.moved

    @property
    def remaining(self) -> int:
        """What its children may still take, if it is applied."""
        return self.total - (self.captured or 0) - (self.returned or 0)

    @property
    def is_scheduled(self) -> bool:
        """Whether it waits for its time, by this machine's clock. It is stored as queued."""
        return self.status == "queued" and self.scheduled_for is not None and self.scheduled_for > datetime.now(UTC)

    @property
    def is_expiry(self) -> bool:
        """Whether it is the release of a hold that has expired. Callers' keys have no space."""
        return self.idempotency_key.startswith("expiry ")


JUST_QUEUED: dict[str, Any] = {
    "status": "queued",
    **dict.fromkeys(("failure_code", "available", "needed", "finished_at", "captured", "returned", "moved")),
}
NOTHING_SAID: dict[str, Any] = dict.fromkeys(("parent", "fit", "closes", "scheduled_for", "apply_by", "expires_at", "lines"))


class Canceled(NamedTuple):
    """A transfer was canceled. `webhooks_due` says whether the deliverer has to be rung."""

    webhooks_due: bool


def from_row(
    *, entries: list[list[Any]], wallet_ids: Sequence[UUID] | None, amounts: Sequence[int] | None, **columns: Any
) -> Transfer:
    """Return the transfer of a row. Postgres sends its entries as JSON, in no order: they get that of its lines."""
    read = [
        TransferEntry(wallet_id=UUID(wallet_id), version=version, amount=amount, balance_after=balance_after)
        for wallet_id, version, amount, balance_after in entries
    ]
    if wallet_ids is None or amounts is None:
        return Transfer(**columns, lines=None, entries=sorted(read, key=lambda entry: entry.amount))
    lines = tuple(zip(wallet_ids, amounts, strict=True))
    return Transfer(**columns, lines=lines, entries=sorted(read, key=lambda entry: wallet_ids.index(entry.wallet_id)))


def just_queued(submission: Submission, created_at: datetime) -> Transfer:
    """Return the transfer that an INSERT has stored, without reading it again."""
    given = dict(zip(SUBMITTED, submitted_values(submission), strict=True))
    said = NOTHING_SAID if submission.terms is None else said_by(submission.terms, created_at)
    return Transfer(**given, **JUST_QUEUED, **said, created_at=created_at, entries=[])


def said_by(terms: Terms, created_at: datetime) -> dict[str, Any]:
    """Return the fields of a transfer that an INSERT has stored with these terms."""
    scheduled_for = terms.scheduled_for if terms.is_scheduled(created_at) else None
    return {
        "parent": terms.parent,
        "fit": terms.fit,
        "closes": terms.closes or None,
        "scheduled_for": scheduled_for,
        "apply_by": None if scheduled_for else after(created_at, terms.apply_within_s),
        "expires_at": after(scheduled_for or created_at, terms.expires_in_s),
        "lines": terms.lines,
    }


def after(begin: datetime, seconds: int | None) -> datetime | None:
    return None if seconds is None else begin + timedelta(seconds=seconds)


async def insert(connection: AsyncConnection, submissions: Sequence[Submission]) -> list[Inserted]:
    """Store the submissions and queue them, or schedule them, in one transaction. Return those that were stored.

    A submission is left out if its owner has used its key before, or if one of its wallets does not exist. A repeated call stores
    nothing twice and leaves out what the first one stored: find these by their keys.

    One special submission makes all of them take the statement that has columns for it: two statements would lock keys in two
    orders, and give places in another order than that of arrival.
    """
    if any(submission.terms is not None for submission in submissions):
        return await fetch(connection, "transfers/insert_special", packed(special_columns_of(submissions)), Inserted)
    return await fetch(connection, "transfers/insert", packed(columns_of(submissions)), Inserted)


def packed(columns: Mapping[str, Sequence[Any]]) -> dict[str, object]:
    """Return the columns with those of every submission in PostgreSQL's binary form (core/postgres/arrays.py)."""
    return {name: PACK[name](values) if name in PACK else values for name, values in columns.items()}


def columns_of(submissions: Sequence[Submission]) -> dict[str, list[Any]]:
    """Return the submissions' values by column, as core/sql/parts/submission.sql takes them."""
    columns = {name: [getattr(submission, name) for submission in submissions] for name in SUBMITTED}
    columns["metadata"] = [json.dumps(metadata) if metadata else "{}" for metadata in columns["metadata"]]
    return columns


def special_columns_of(submissions: Sequence[Submission]) -> dict[str, list[Any]]:
    """Return the same with the values of their terms, as transfers/insert_special takes them."""
    terms = [submission.terms or NO_TERMS for submission in submissions]
    lines = {
        "wallet_ids": [array_text(wallet_id for wallet_id, _ in one.lines) if one.lines else None for one in terms],
        "amounts": [array_text(amount for _, amount in one.lines) if one.lines else None for one in terms],
    }
    return columns_of(submissions) | {name: [getattr(one, name) for one in terms] for name in TERMS} | lines


def array_text(values: Iterable[UUID | int]) -> str:
    """Return PostgreSQL's text of an array (manual, 8.15.2). An array of arrays must be a rectangle; one of such texts need not."""
    return "{" + ",".join(map(str, values)) + "}"


async def cancel(database: Database, transfer_id: UUID) -> Canceled | None:
    """Make a queued or scheduled transfer final as canceled, unless a drain is faster. None: it is final, or does not exist.

    A drain and a cancellation exclude each other by the lock of the shard. Waits for a drain of the shard for a second, then raises
    Unavailable with nothing changed. The caller publishes the news, and rings the deliverer where webhooks are due.
    """
    canceled = await database.fetch_one("transfers/cancel", {"id": transfer_id}, Canceled)
    if canceled is None or canceled.webhooks_due is None:
        return None
    metrics.CANCELED.inc()
    return canceled


async def find_all(database: Database, ids: Sequence[UUID]) -> list[Transfer | None]:
    """Return each of these transfers, or None, in order."""
    rows = await database.fetch("transfers/find", {"ids": list(ids)}, from_row)
    found = {row.id: row for row in rows}
    return [found.get(id) for id in ids]


async def find_by_keys(connection: AsyncConnection, keys: Sequence[tuple[str, str]]) -> list[Transfer]:
    """Return the transfers of these (owner, idempotency key) pairs, in no order."""
    owners, idempotency_keys = zip(*keys, strict=True)
    params = {"owners": list(owners), "idempotency_keys": list(idempotency_keys)}
    return await fetch(connection, "transfers/find_by_key", params, from_row)
