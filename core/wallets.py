"""Reads wallets, their entries and their history, and changes their rules: what is frozen, and limits. A drain changes all else."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from core.ledger.kinds import Type
from core.postgres.connections import AsyncConnection
from core.postgres.pool import Database
from core.postgres.queries import fence, fetch, fetch_one


@dataclass(frozen=True, slots=True)
class Wallet:
    """`balance`, in minor units, is the sum of the wallet's first `version` entries. An external wallet has no client.

    `held` is the part of it that open holds have reserved. `rules`, as JSON, is None for one that has none.
    """

    id: UUID
    client_id: UUID | None
    currency: str
    balance: int
    held: int
    version: int
    status: str
    created_at: datetime
    rules: Mapping[str, Any] | None = None

    @property
    def available(self) -> int:
        return self.balance - self.held


@dataclass(frozen=True, slots=True)
class WalletEntry:
    """An entry of a wallet. `counterparty` is the other wallet of its transfer."""

    wallet_id: UUID
    version: int
    transfer_id: UUID
    type: Type
    amount: int
    balance_after: int
    counterparty: UUID
    reference: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class WalletChange:
    """A change of a wallet's rules, numbered from 1 on. `key_id` is the API key that asked for it, if it is known."""

    number: int
    changed_at: datetime
    key_id: UUID | None
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    reason: str


@dataclass(frozen=True, slots=True)
class WalletKind:
    id: UUID
    kind: str


async def find(database: Database, id: UUID) -> Wallet | None:
    return await database.fetch_one("wallets/find", {"id": id}, Wallet)


async def change(
    connection: AsyncConnection, id: UUID, changes: Mapping[str, object], *, key_id: UUID | None, reason: str
) -> Wallet | None:
    """Freeze a client's wallet, or change its limits. Return it as it is then; None if there is no such wallet.

    `changes` has `frozen`, or `limits` with those that change, or both. A closed wallet is returned unchanged. After the COMMIT no
    drain decides by the rules before: it waits for the wallet's lock, and so does this. To repeat it changes nothing.
    """
    params = {"id": id, "changes": json.dumps(changes), "key_id": key_id, "reason": reason}
    changed = await fetch_one(connection, "wallets/change", params, Wallet)
    await fence(connection)  # an earlier run of this function may have changed it, then lost its connection
    return changed


async def list_changes(database: Database, wallet_id: UUID, *, before: int, limit: int) -> list[WalletChange]:
    """Return up to `limit` changes of the wallet's rules whose number is below `before`, newest first."""
    return await database.fetch("wallets/list_changes", {"wallet_id": wallet_id, "before": before, "limit": limit}, WalletChange)


async def kinds(connection: AsyncConnection, ids: list[UUID]) -> dict[UUID, str]:
    """Return the kind, "client" or "external", of each of these wallets that exists."""
    rows = await fetch(connection, "wallets/find_kinds", {"ids": ids}, WalletKind)
    return {row.id: row.kind for row in rows}


async def list_entries(database: Database, wallet_id: UUID, *, before: int, limit: int) -> list[WalletEntry]:
    """Return up to `limit` entries of the wallet whose version is below `before`, newest first."""
    params = {"wallet_id": wallet_id, "before": before, "limit": limit}
    return await database.fetch("wallets/list_entries", params, WalletEntry)
