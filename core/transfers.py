"""Transfers as they are stored: how they get in, and how they are read."""

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

WINDOW = 10_000  # some ten milliseconds


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


class Searched(NamedTuple):
    """A transfer that a search for a status met: it has the status, or is the last one that was searched, or both."""

    transfer: Transfer
    is_end: bool

    @classmethod
    def of(cls, *, is_end: bool, **columns: Any) -> "Searched":
        return cls(stored(**columns), is_end)


class Page(NamedTuple):
    """Transfers of a list and, where a search ended before it had found enough, how far it went: there may be more below."""

    rows: list[Transfer]
    end: UUID | None = None


def stored(*, entries: list[list[Any]], **columns: Any) -> Transfer:
    """Return the transfer of a row; Postgres hands the entries over as JSON."""
    read = [
        TransferEntry(wallet_id=UUID(wallet_id), version=version, amount=amount, balance_after=balance_after)
        for wallet_id, version, amount, balance_after in entries
    ]
    return Transfer(**columns, entries=sorted(read, key=lambda entry: entry.amount))


def just_queued(submission: Submission, created_at: datetime) -> Transfer:
    """Return the transfer as it is stored, from what the API gave of it."""
    given = {name: getattr(submission, name) for name in SUBMITTED}
    return Transfer(**given, status="queued", failure_code=None, created_at=created_at, finished_at=None, entries=[])


async def insert(connection: AsyncConnection, submissions: Sequence[Submission]) -> list[Inserted]:
    """Store the submissions and their places in the queue, in one transaction; return those that were stored.

    Not stored, and not returned: one whose key its owner has used before, and one whose wallets don't both exist.
    When the same submissions come again, those stored the first time are not returned: find them by key.
    """
    return await fetch(connection, "transfers/insert", columns_of(submissions), Inserted)


def columns_of(submissions: Sequence[Submission]) -> dict[str, list[Any]]:
    """Return the submissions' values by column, as core/sql/parts/submission.sql takes them."""
    columns = {name: [getattr(submission, name) for submission in submissions] for name in SUBMITTED}
    columns["metadata"] = [json.dumps(metadata) if metadata else "{}" for metadata in columns["metadata"]]
    return columns


async def find_all(database: Database, ids: Sequence[UUID]) -> list[Transfer | None]:
    """Return each of these transfers, or None, in order."""
    rows = await database.fetch("transfers/find", {"ids": list(ids)}, stored)
    found = {row.id: row for row in rows}
    return [found.get(id) for id in ids]


async def find_by_keys(connection: AsyncConnection, keys: Sequence[tuple[str, str]]) -> list[Transfer]:
    """Return the transfers of these (owner, idempotency key) pairs, in no order."""
    owners, idempotency_keys = zip(*keys, strict=True)
    params = {"owners": list(owners), "idempotency_keys": list(idempotency_keys)}
    return await fetch(connection, "transfers/find_by_key", params, stored)


async def list_page(
    database: Database,
    *,
    wallet_id: UUID | None,
    status: Status | None,
    key: tuple[str, str] | None,
    before: UUID,
    limit: int,
    window: int = WINDOW,
) -> Page:
    """Return up to `limit` transfers with an id below `before`, newest first; each filter that is None lets all pass.

    No more than `window` transfers are searched for those of a status.
    """
    if key is not None:
        found = await database.run(lambda connection: find_by_keys(connection, [key]))
        return Page(
            [t for t in found if t.id < before and status in (None, t.status) and wallet_id in (None, t.source, t.destination)]
        )
    params = {"wallet_id": wallet_id, "status": status, "before": before, "limit": limit}
    if status == "queued" and wallet_id is None:
        return Page(await database.fetch("transfers/list_queued", params, stored))
    name = "transfers/list" if wallet_id is None else "transfers/list_of_wallet"
    searched = await database.fetch(name, {**params, "window": limit if status is None else max(window, limit)}, Searched.of)
    rows = [one.transfer for one in searched if status in (None, one.transfer.status)]
    return Page(rows, next((one.transfer.id for one in searched if status and one.is_end), None))
