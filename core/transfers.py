"""Transfers: how they are stored, and how they are read.

How transfers of one status are searched: only the queued and the scheduled ones have an index of their own. An index on the status
would end the HOT update that makes a transfer final. So a list by another status, or by a type, reads a window: the next
SEARCH_WINDOW_ROWS transfers, newest first, whatever they are. It returns those that match and, if the window was full, the id of
its last row. The next page starts below that id. A page may then hold fewer than `limit` transfers, or none, although more match
further down.
"""

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

SEARCH_WINDOW_ROWS = 10_000  # read in some ten milliseconds

# What a list is filtered by: "queued" leaves out what is stored as queued and scheduled for later.
StatusFilter = Status | Literal["scheduled"]

# Lists with an index of their own, if there is no other filter.
LISTED_APART: Mapping[StatusFilter | None, str] = {"queued": "transfers/list_queued", "scheduled": "transfers/list_scheduled"}


# Submissions and transfers are made once and never changed. They are not frozen all the same: a frozen dataclass of this size takes
# three times as long to make, 4 µs of a POST.


@dataclass(slots=True, kw_only=True)
class Plain:
    """What every transfer is stored with. Each field is a column of core/sql/parts/submission.sql."""

    id: UUID
    type: Type
    source: UUID
    destination: UUID
    amount: int
    currency: str
    reference: str | None
    metadata: Mapping[str, str]
    callback_url: str | None
    owner: str
    idempotency_key: str
    fingerprint: bytes
    shard: int


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
submitted_by = attrgetter(*SUBMITTED)
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
    those of its terms.
    """

    status: Status
    failure_code: str | None
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
    **dict.fromkeys(("failure_code", "finished_at", "captured", "returned", "moved")),
}
NOTHING_SAID: dict[str, Any] = dict.fromkeys(("parent", "fit", "closes", "scheduled_for", "apply_by", "expires_at", "lines"))


class SearchRow(NamedTuple):
    """A row that a search returns: a transfer that matches the filters, or the last one of a full window, or both."""

    transfer: Transfer
    matches: bool
    ends_window: bool

    @classmethod
    def from_row(cls, *, matches: bool, ends_window: bool, **columns: Any) -> "SearchRow":
        return cls(from_row(**columns), matches, ends_window)


class Canceled(NamedTuple):
    """A transfer was canceled. `webhooks_due` says whether the deliverer has to be rung."""

    webhooks_due: bool


class ClientScope(NamedTuple):
    """A client that sees the transfers of its own wallets alone, and about how many wallets it has."""

    client_id: UUID
    wallets: int


class SearchResult(NamedTuple):
    """Transfers of a list. `searched_to` is the id at which the window ended, None if nothing is left below."""

    rows: list[Transfer]
    searched_to: UUID | None = None


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
    given = dict(zip(SUBMITTED, submitted_by(submission), strict=True))
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


async def list_page(
    database: Database,
    *,
    wallet_id: UUID | None,
    status: StatusFilter | None,
    key: tuple[str, str] | None,
    before: UUID,
    limit: int,
    client: ClientScope | None = None,
    parent: UUID | None = None,
    type: Type | None = None,
    window: int = SEARCH_WINDOW_ROWS,
) -> SearchResult:
    """Return up to `limit` transfers with an id below `before`, newest first. A filter of None matches all.

    `client`: only those that this client sees. The caller checks that a given `wallet_id` and `key` are that client's.

    "queued" are those that wait for a worker, "scheduled" those that wait for their time. There are six ways to read them: by key,
    the children of one, the queue, what is scheduled, a wallet's or a client's transfers, or all.
    See the module for `window`: the wallets of a client share it.
    """
    if key is not None:
        found = await find_in_list(database, key, before, wallet_id=wallet_id, status=status, type=type, parent=parent)
        return SearchResult(found)
    params = {"wallet_id": wallet_id, "status": status, "type": type, "before": before, "limit": limit}
    if client is None and wallet_id is None and parent is None and type is None and status in LISTED_APART:
        return SearchResult(await database.fetch(LISTED_APART[status], params, from_row))
    if parent is not None:
        name = "transfers/list_children"
        params |= {"parent": parent, "client_id": client and client.client_id}
    elif wallet_id is None and client is None:
        name = "transfers/list"
    else:
        name = "transfers/list_of_wallet"
        params["client_id"] = client and client.client_id
        window //= max(client.wallets, 1) if client and wallet_id is None else 1
    is_search = status is not None or type is not None or (parent is not None and (wallet_id or client) is not None)
    params["window"] = max(window, limit) if is_search else limit
    searched = await database.fetch(name, params, SearchRow.from_row)
    rows = [row.transfer for row in searched if row.matches]
    return SearchResult(rows, next((row.transfer.id for row in searched if is_search and row.ends_window), None))


async def list_open_holds(database: Database, wallet_id: UUID, *, before: UUID, limit: int) -> list[Transfer]:
    """Return up to `limit` open holds of the wallet with an id below `before`, newest first. They make up what it has held."""
    return await database.fetch("transfers/list_open_holds", {"wallet_id": wallet_id, "before": before, "limit": limit}, from_row)


async def find_in_list(
    database: Database,
    key: tuple[str, str],
    before: UUID,
    *,
    wallet_id: UUID | None,
    status: StatusFilter | None,
    type: Type | None,
    parent: UUID | None,
) -> list[Transfer]:
    """Return the transfer of the key, if the other filters match it too."""
    return [
        transfer
        for transfer in await database.run(lambda connection: find_by_keys(connection, [key]))
        if transfer.id < before
        and status in (None, "scheduled" if transfer.is_scheduled else transfer.status)
        and wallet_id in (None, *transfer.parties)
        and type in (None, transfer.type)
        and parent in (None, transfer.parent)
    ]
