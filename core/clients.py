"""Clients. Each is stored together with its first wallet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from core import ids
from core.postgres.connections import AsyncConnection
from core.postgres.pool import Database
from core.postgres.queries import fetch_one
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
