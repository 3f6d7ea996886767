"""Transfers as they are stored: how they get in, and how they are read."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from core import db
from core.ledger.kinds import Status, Type

WINDOW = 10_000  # some ten milliseconds


class Submission(NamedTuple):
    """A validated request for a transfer, with the id it will have."""

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


class Inserted(NamedTuple):
    id: UUID
    created_at: datetime


class TransferEntry(NamedTuple):
    """A transfer's entry in one of its two wallets."""

    wallet_id: UUID
    version: int
    amount: int
    balance_after: int


class Transfer(NamedTuple):
    """A transfer and, when it is applied, its two entries: the debit first."""

    id: UUID
    type: Type
    status: Status
    failure_code: str | None
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
    read = [TransferEntry(UUID(wallet_id), *numbers) for wallet_id, *numbers in entries]
    return Transfer(**columns, entries=sorted(read, key=lambda entry: entry.amount))


async def insert(connection: db.Connection, submissions: Sequence[Submission]) -> list[Inserted]:
    """Store the submissions and their places in the queue, in one transaction; return those that were stored.

    Not stored, and not returned: one whose key its owner has used before, and one whose wallets don't both exist.
    When the same submissions come again, those stored the first time are not returned: find them by key.
    """
    columns = {
        "ids": [s.id for s in submissions],
        "types": [s.type for s in submissions],
        "sources": [s.source for s in submissions],
        "destinations": [s.destination for s in submissions],
        "amounts": [s.amount for s in submissions],
        "currencies": [s.currency for s in submissions],
        "references": [s.reference for s in submissions],
        "metadata": [json.dumps(s.metadata) if s.metadata else "{}" for s in submissions],
        "callback_urls": [s.callback_url for s in submissions],
        "owners": [s.owner for s in submissions],
        "idempotency_keys": [s.idempotency_key for s in submissions],
        "fingerprints": [s.fingerprint for s in submissions],
        "shards": [s.shard for s in submissions],
    }
    return await db.fetch(connection, "insert_transfers", columns, Inserted)


async def find_all(database: db.Database, ids: Sequence[UUID]) -> list[Transfer | None]:
    """Return each of these transfers, or None, in order."""
    rows = await database.fetch("find_transfers", {"ids": list(ids)}, stored)
    found = {row.id: row for row in rows}
    return [found.get(id) for id in ids]


async def find_by_keys(connection: db.Connection, keys: Sequence[tuple[str, str]]) -> list[Transfer]:
    """Return the transfers of these (owner, idempotency key) pairs, in no order."""
    owners, idempotency_keys = zip(*keys, strict=True)
    params = {"owners": list(owners), "idempotency_keys": list(idempotency_keys)}
    return await db.fetch(connection, "find_transfers_by_key", params, stored)


async def list_page(
    database: db.Database,
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
        return Page(await database.fetch("list_queued_transfers", params, stored))
    name = "list_transfers" if wallet_id is None else "list_wallet_transfers"
    searched = await database.fetch(name, {**params, "window": limit if status is None else max(window, limit)}, Searched.of)
    rows = [one.transfer for one in searched if status in (None, one.transfer.status)]
    return Page(rows, next((one.transfer.id for one in searched if status and one.is_end), None))
