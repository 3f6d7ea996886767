"""Wallets: how they are made and read, with entries and history, and how their rules change. A drain changes all else."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from core.ledger.kinds import Type
from core.postgres.connections import AsyncConnection
from core.postgres.pool import Database
from core.postgres.queries import fence, fetch, fetch_one


@dataclass(frozen=True, slots=True)
class Wallet:
    """`balance`, in minor units, is the sum of the wallet's first `version` entries. An external wallet has no client.

    `minor_unit` is the number of an amount's digits after the point. `held` is the part of it that open holds have reserved.
    `rules`, as JSON, is None for one that has none.
    """

    id: UUID
    client_id: UUID | None
    currency: str
    minor_unit: int
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
class WalletChange:
    """A change of a wallet's rules, numbered from 1 on. `key_id` is the API key that asked for it, if it is known."""

    number: int
    changed_at: datetime
    key_id: UUID | None
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    reason: str


@dataclass(frozen=True, slots=True)
class NewWallet:
    """A validated request for another wallet of a client. Key and fingerprint are both given, or both None."""

    id: UUID
    client_id: UUID
    currency: str
    idempotency_key: str | None
    fingerprint: bytes | None


class KeyedWallet(NamedTuple):
    """A wallet, and the fingerprint of the request that made it with a key."""

    wallet: Wallet
    fingerprint: bytes | None

    @classmethod
    def from_row(cls, *, fingerprint: bytes | None, **columns: Any) -> "KeyedWallet":
        return cls(Wallet(**columns), fingerprint)


class Side(NamedTuple):
    """What a transfer needs to know of a wallet. `kind` is "client" or "external"."""

    id: UUID
    kind: str
    currency: str


class NamedWallet(NamedTuple):
    id: UUID


def from_json(stored: Mapping[str, Any]) -> Wallet:
    """Return the wallet that a statement returns as JSON."""
    read = {"id": UUID(stored["id"]), "client_id": UUID(stored["client_id"])}
    return Wallet(**{**stored, **read, "created_at": datetime.fromisoformat(stored["created_at"]).astimezone(UTC)})


async def insert(connection: AsyncConnection, wallet: NewWallet) -> bool:
    """Store the wallet. Return False, with nothing stored, if its client, its currency or its key does not allow it.

    The first wallet of a currency makes the external wallets of that currency in the same transaction.
    """
    return bool(await fetch(connection, "wallets/insert", asdict(wallet), NamedWallet))


async def find(database: Database, id: UUID) -> Wallet | None:
    return await database.fetch_one("wallets/find", {"id": id}, Wallet)


async def find_on(connection: AsyncConnection, id: UUID) -> Wallet | None:
    """Return the wallet as `find` does, in the transaction that this connection is in."""
    return await fetch_one(connection, "wallets/find", {"id": id}, Wallet)


async def find_by_key(connection: AsyncConnection, idempotency_key: str) -> KeyedWallet | None:
    return await fetch_one(connection, "wallets/find_by_key", {"idempotency_key": idempotency_key}, KeyedWallet.from_row)


async def ids_of_client(database: Database, client_id: UUID) -> frozenset[UUID]:
    """Return the ids of all wallets that the client has now."""
    rows = await database.fetch("wallets/find_of_client", {"client_id": client_id}, NamedWallet)
    return frozenset(row.id for row in rows)


async def sides(connection: AsyncConnection, ids: Sequence[UUID]) -> dict[UUID, Side]:
    """Return the kind and the currency of each of these wallets that exists."""
    rows = await fetch(connection, "wallets/find_sides", {"ids": list(ids)}, Side)
    return {row.id: row for row in rows}


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


async def list_entries(database: Database, wallet_id: UUID, *, before: int, limit: int, after: int = 0) -> list[WalletEntry]:
    """Return up to `limit` entries of the wallet whose version is below `before` and above `after`, newest first."""
    params = {"wallet_id": wallet_id, "before": before, "after": after, "limit": limit}
    return await database.fetch("wallets/list_entries", params, WalletEntry)
