"""Reads wallets and their entries. Only a drain changes them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.ledger.kinds import Type
from core.postgres.connections import AsyncConnection
from core.postgres.pool import Database
from core.postgres.queries import fetch


@dataclass(frozen=True, slots=True)
class Wallet:
    """`balance`, in minor units, is the sum of the wallet's first `version` entries. An external wallet has no client.

    `held` is the part of it that open holds have reserved.
    """

    id: UUID
    client_id: UUID | None
    currency: str
    balance: int
    held: int
    version: int
    status: str
    created_at: datetime

    @property
    def available(self) -> int:
        return self.balance - self.held


@dataclass(frozen=True, slots=True)
class WalletEntry:
    """An entry of a wallet. `counterparty` is the other wallet of its transfer, None if that has several debits or credits."""

    wallet_id: UUID
    version: int
    transfer_id: UUID
    type: Type
    amount: int
    balance_after: int
    counterparty: UUID | None
    reference: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class WalletKind:
    id: UUID
    kind: str


async def find(database: Database, id: UUID) -> Wallet | None:
    return await database.fetch_one("wallets/find", {"id": id}, Wallet)


async def kinds(connection: AsyncConnection, ids: list[UUID]) -> dict[UUID, str]:
    """Return the kind, "client" or "external", of each of these wallets that exists."""
    rows = await fetch(connection, "wallets/find_kinds", {"ids": ids}, WalletKind)
    return {row.id: row.kind for row in rows}


async def list_entries(database: Database, wallet_id: UUID, *, before: int, limit: int) -> list[WalletEntry]:
    """Return up to `limit` entries of the wallet whose version is below `before`, newest first."""
    params = {"wallet_id": wallet_id, "before": before, "limit": limit}
    return await database.fetch("wallets/list_entries", params, WalletEntry)
