"""Transfers: how they are stored, and how they are read.

How transfers of one status are searched: only the queued ones have an index of their own, the queue. An index on the status would
end the HOT update that makes a transfer final. So a list by another status reads a window: the next SEARCH_WINDOW_ROWS transfers,
newest first, whatever their status. It returns those that match and, if the window was full, the id of its last row. The next page
starts below that id. A page may then hold fewer than `limit` transfers, or none, although more match further down.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from core.ledger.kinds import Status, Type
from core.postgres.connections import AsyncConnection
from core.postgres.pool import Database
from core.postgres.queries import fetch

SEARCH_WINDOW_ROWS = 10_000  # read in some ten milliseconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A validated request for a transfer, with the id it will have. Each field is a column of core/sql/parts/submission.sql."""

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


SUBMITTED = tuple(field.name for field in fields(Submission))


class Inserted(NamedTuple):
    id: UUID
    created_at: datetime


class TransferEntry(NamedTuple):
    """A transfer's entry in one of its two wallets."""

    wallet_id: UUID
    version: int
    amount: int
    balance_after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer(Submission):
    """A stored submission, its state and, when it is applied, its two entries: the debit first. See core/sql/parts/transfer.sql."""

    status: Status
    failure_code: str | None
    created_at: datetime
    finished_at: datetime | None
    entries: Sequence[TransferEntry]


class SearchRow(NamedTuple):
    """A row that a search returns: a transfer with the status, or the last one of a full window, or both."""

    transfer: Transfer
    ends_window: bool

    @classmethod
    def from_row(cls, *, ends_window: bool, **columns: Any) -> "SearchRow":
        return cls(from_row(**columns), ends_window)


class SearchResult(NamedTuple):
    """Transfers of a list. `searched_to` is the id at which the window ended, None if nothing is left below."""

    rows: list[Transfer]
    searched_to: UUID | None = None


def from_row(*, entries: list[list[Any]], **columns: Any) -> Transfer:
    """Return the transfer of a row. Postgres sends its entries as JSON."""
    read = [
        TransferEntry(wallet_id=UUID(wallet_id), version=version, amount=amount, balance_after=balance_after)
        for wallet_id, version, amount, balance_after in entries
    ]
    return Transfer(**columns, entries=sorted(read, key=lambda entry: entry.amount))


def just_queued(submission: Submission, created_at: datetime) -> Transfer:
    """Return the transfer that an INSERT has stored, without reading it again."""
    given = {name: getattr(submission, name) for name in SUBMITTED}
    return Transfer(**given, status="queued", failure_code=None, created_at=created_at, finished_at=None, entries=[])


async def insert(connection: AsyncConnection, submissions: Sequence[Submission]) -> list[Inserted]:
    """Store the submissions and queue them, in one transaction. Return those that were stored.

    A submission is left out if its owner has used its key before, or if one of its wallets does not exist. A repeated call stores
    nothing twice and leaves out what the first one stored: find these by their keys.
    """
    return await fetch(connection, "transfers/insert", columns_of(submissions), Inserted)


def columns_of(submissions: Sequence[Submission]) -> dict[str, list[Any]]:
    """Return the submissions' values by column, as core/sql/parts/submission.sql takes them."""
    columns = {name: [getattr(submission, name) for submission in submissions] for name in SUBMITTED}
    columns["metadata"] = [json.dumps(metadata) if metadata else "{}" for metadata in columns["metadata"]]
    return columns


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
    status: Status | None,
    key: tuple[str, str] | None,
    before: UUID,
    limit: int,
    window: int = SEARCH_WINDOW_ROWS,
) -> SearchResult:
    """Return up to `limit` transfers with an id below `before`, newest first. A filter of None matches all.

    There are four ways to read them: by key, the queue, one wallet's transfers, or all. See the module for `window`.
    """
    if key is not None:
        return SearchResult(await find_in_list(database, key, wallet_id, status, before))
    params = {"wallet_id": wallet_id, "status": status, "before": before, "limit": limit}
    if status == "queued" and wallet_id is None:
        return SearchResult(await database.fetch("transfers/list_queued", params, from_row))
    name = "transfers/list" if wallet_id is None else "transfers/list_of_wallet"
    params["window"] = limit if status is None else max(window, limit)
    searched = await database.fetch(name, params, SearchRow.from_row)
    rows = [row.transfer for row in searched if status in (None, row.transfer.status)]
    return SearchResult(rows, next((row.transfer.id for row in searched if status and row.ends_window), None))


async def find_in_list(
    database: Database, key: tuple[str, str], wallet_id: UUID | None, status: Status | None, before: UUID
) -> list[Transfer]:
    """Return the transfer of the key, if the other filters match it too."""
    return [
        transfer
        for transfer in await database.run(lambda connection: find_by_keys(connection, [key]))
        if transfer.id < before and status in (None, transfer.status) and wallet_id in (None, transfer.source, transfer.destination)
    ]
