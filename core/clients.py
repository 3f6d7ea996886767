"""Clients. Each is stored together with its first wallet. What of a client can change has a history."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from core import ids
from core.postgres.connections import AsyncConnection
from core.postgres.pool import Database
from core.postgres.queries import fence, fetch_one
from core.wallets import Wallet, from_json


@dataclass(frozen=True, slots=True)
class NewClient:
    """A validated request for a client. `metadata` is JSON text. Key and fingerprint are both given, or both None.

    `currency` is that of its first wallet.
    """

    id: UUID
    wallet_id: UUID
    name: str
    external_id: str | None
    metadata: str
    currency: str
    idempotency_key: str | None
    fingerprint: bytes | None


@dataclass(frozen=True, slots=True)
class Client:
    """A client with its wallets, the first one first: one a currency."""

    id: UUID
    name: str
    external_id: str | None
    metadata: dict[str, str]
    idempotency_key: str | None
    fingerprint: bytes | None
    created_at: datetime
    wallets: Sequence[Wallet]

    @property
    def wallet(self) -> Wallet:
        """The first wallet, which was made with the client."""
        return self.wallets[0]


class ExternalIdTaken(Exception):
    """Another client has this external id."""


@dataclass(frozen=True, slots=True)
class ClientChange:
    """A change of a client, numbered from 1 on. `key_id` is the API key that asked for it, None for that of the settings."""

    number: int
    changed_at: datetime
    key_id: UUID | None
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    reason: str


def from_row(*, wallets: Sequence[Mapping[str, Any]], **columns: Any) -> Client:
    """Return the client of a row. Postgres sends its wallets as JSON."""
    return Client(**columns, wallets=[from_json(wallet) for wallet in wallets])


async def insert(connection: AsyncConnection, client: NewClient) -> Client | None:
    """Store the client and its first wallet in one transaction.

    Return None, with nothing stored, if its key or its external id is in use.
    """
    params = {name: getattr(client, name) for name in NewClient.__slots__}
    return await fetch_one(connection, "clients/insert", params, from_row)


async def find(database: Database, id: UUID) -> Client | None:
    return await database.fetch_one("clients/find", {"id": id}, from_row)


async def find_on(connection: AsyncConnection, id: UUID) -> Client | None:
    """Return the client as `find` does, in the transaction that this connection is in."""
    return await fetch_one(connection, "clients/find", {"id": id}, from_row)


async def find_by_key(connection: AsyncConnection, idempotency_key: str) -> Client | None:
    return await fetch_one(connection, "clients/find_by_key", {"idempotency_key": idempotency_key}, from_row)


async def find_by_external_id(connection: AsyncConnection, external_id: str) -> Client | None:
    params = {"external_id": external_id, "name": None, "before": ids.LAST, "limit": 1}
    return await fetch_one(connection, "clients/list", params, from_row)


async def list_by_name(database: Database, name: str, *, after: tuple[str, UUID], limit: int) -> list[Client]:
    """Return up to `limit` clients whose names begin with `name`, without regard to case, after this name and id.

    They are in the order of their names in lower case, then of their ids.
    """
    after_name, after_id = after
    params = {"name": name, "after_name": after_name, "after": after_id, "limit": limit}
    return await database.fetch("clients/list_by_name", params, from_row)


async def list_page(
    database: Database, *, external_id: str | None, before: UUID, limit: int, name: str | None = None
) -> list[Client]:
    """Return up to `limit` clients with an id below `before`, newest first.

    With `external_id`, only the client of that one; with `name` too, only if its name begins so.
    """
    params = {"external_id": external_id, "name": name, "before": before, "limit": limit}
    return await database.fetch("clients/list", params, from_row)


async def change(
    connection: AsyncConnection, id: UUID, changes: Mapping[str, object], *, key_id: UUID | None, reason: str
) -> Client | None:
    """Change a client's name, external id or metadata. Return it as it is then; None if there is no such client.

    `changes` has those that change; the metadata is replaced as a whole. To repeat it changes nothing. Raises ExternalIdTaken; then
    nothing is changed.
    """
    params = {"id": id, "changes": json.dumps(changes), "key_id": key_id, "reason": reason}
    try:
        changed = await fetch_one(connection, "clients/change", params, from_row)
    except psycopg.errors.UniqueViolation:
        raise ExternalIdTaken from None
    await fence(connection)  # an earlier run of this function may have changed it, then lost its connection
    return changed


async def list_changes(database: Database, client_id: UUID, *, before: int, limit: int) -> list[ClientChange]:
    """Return up to `limit` changes of the client whose number is below `before`, newest first."""
    return await database.fetch("clients/list_changes", {"client_id": client_id, "before": before, "limit": limit}, ClientChange)
