"""Clients. Each is stored together with its one wallet."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from core import ids
from core.postgres.connections import AsyncConnection
from core.postgres.pool import Database
from core.postgres.queries import fetch_one
from core.wallets import Wallet


@dataclass(frozen=True, slots=True)
class NewClient:
    """A validated request for a client. `metadata` is JSON text. Key and fingerprint are both given, or both None."""

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
    """A client with its wallet, as core/sql/parts/client.sql reads them."""

    id: UUID
    name: str
    external_id: str | None
    metadata: dict[str, str]
    idempotency_key: str | None
    fingerprint: bytes | None
    created_at: datetime
    wallet_id: UUID
    currency: str
    balance: int
    held: int
    version: int
    status: str
    wallet_created_at: datetime
    rules: Mapping[str, Any] | None

    @property
    def wallet(self) -> Wallet:
        return Wallet(
            id=self.wallet_id,
            client_id=self.id,
            currency=self.currency,
            balance=self.balance,
            held=self.held,
            version=self.version,
            status=self.status,
            created_at=self.wallet_created_at,
            rules=self.rules,
        )


async def insert(connection: AsyncConnection, client: NewClient) -> Client | None:
    """Store the client and its wallet in one transaction. Return None, with nothing stored, if its key or external id is in use."""
    params = {name: getattr(client, name) for name in NewClient.__slots__}
    return await fetch_one(connection, "clients/insert", params, Client)


async def find(database: Database, id: UUID) -> Client | None:
    return await database.fetch_one("clients/find", {"id": id}, Client)


async def find_on(connection: AsyncConnection, id: UUID) -> Client | None:
    """Return the client as `find` does, in the transaction that this connection is in."""
    return await fetch_one(connection, "clients/find", {"id": id}, Client)


async def find_by_key(connection: AsyncConnection, idempotency_key: str) -> Client | None:
    return await fetch_one(connection, "clients/find_by_key", {"idempotency_key": idempotency_key}, Client)


async def find_by_external_id(connection: AsyncConnection, external_id: str) -> Client | None:
    params = {"external_id": external_id, "before": ids.LAST, "limit": 1}
    return await fetch_one(connection, "clients/list", params, Client)


async def list_page(database: Database, *, external_id: str | None, before: UUID, limit: int) -> list[Client]:
    """Return up to `limit` clients with an id below `before`, newest first. With `external_id`, only the client of that one."""
    return await database.fetch("clients/list", {"external_id": external_id, "before": before, "limit": limit}, Client)
