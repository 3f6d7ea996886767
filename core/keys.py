"""API keys: a fixed prefix and 256 random bits. Only their SHA-256 is stored, so a key is shown once, when it is made.

A fast hash is enough: 256 random bits cannot be found by trying. A look-up by digest leaks nothing by its duration, because a
caller cannot choose the digest of its key.
"""

import hashlib
import secrets
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

import psycopg

from core import ids
from core.postgres.connections import AsyncConnection
from core.postgres.pool import Database
from core.postgres.queries import fence, fetch, fetch_one
from core.postgres.statements import statement

KEY_PREFIX = "tlr_"

Role = Literal["operator", "viewer", "client"]


@dataclass(frozen=True, slots=True)
class NewKey:
    """What is stored of a new key: its digest, never the key."""

    id: UUID
    role: Role
    client_id: UUID | None
    digest: bytes
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Key:
    """A stored key. `hint` is the first 8 hexadecimal digits of its SHA-256, by which its holder can recognise it."""

    id: UUID
    role: Role
    client_id: UUID | None
    name: str | None
    hint: str
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Access:
    """What a key opens: everything for an operator, to read for a viewer; for a client, what belongs to it and its wallets.

    `use_is_due`: the last recorded use is more than a minute ago, so this one has to be recorded.
    """

    key_id: UUID
    role: Role
    client_id: UUID | None
    wallet_ids: Sequence[UUID]
    use_is_due: bool


def generate() -> str:
    return KEY_PREFIX + secrets.token_urlsafe(32)


def digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


def new_key(client_id: UUID | None = None, *, role: Role | None = None, name: str | None = None) -> tuple[str, NewKey]:
    """Return a new key, and what is stored of it. The key itself cannot be read again.

    It is the client's, or has this role: without either an operator's.
    """
    key = generate()
    of_role: Role = role or ("operator" if client_id is None else "client")
    return key, NewKey(ids.mint(), of_role, client_id, digest(key), name)


def hint(key: str) -> str:
    """Return the text by which the holder of a key can recognise it: the first 8 hexadecimal digits of its SHA-256."""
    return digest(key).hex()[:8]


def make_first_operator_key(connection: psycopg.Connection) -> str | None:
    """Store an operator key and return it, or return None if there is one already. The key itself cannot be read again."""
    key, stored = new_key()
    row = connection.execute(statement("keys/insert_first_operator"), {"id": stored.id, "digest": stored.digest}).fetchone()
    return key if row else None


async def insert(connection: AsyncConnection, key: NewKey) -> Key | None:
    """Store the key. Return None, with nothing stored, if its client does not exist. Safe to repeat."""
    inserted: list[dict[str, object]] = await fetch(connection, "keys/insert", asdict(key), dict)
    kept = await fetch_one(connection, "keys/find_by_id", {"id": key.id}, Key)
    if kept and not inserted:
        await fence(connection)  # stored by a first try that lost its connection: a standby may not have it yet
    return kept


async def list_page(database: Database, client_id: UUID | None, *, before: UUID, limit: int) -> list[Key]:
    """Return up to `limit` keys with an id below `before`, newest first, the revoked ones too: the client's, or all."""
    return await database.fetch("keys/list", {"client_id": client_id, "before": before, "limit": limit}, Key)


async def revoke(database: Database, id: UUID) -> bool:
    """Revoke the key for ever, and return whether it exists. A key that is revoked already keeps the time of the first call."""
    return bool(await database.fetch("keys/revoke", {"id": id}, dict))


async def find_by_id(database: Database, id: UUID) -> Key | None:
    """Return the key of this id, also one that is revoked."""
    return await database.fetch_one("keys/find_by_id", {"id": id}, Key)


async def find(database: Database, key_digest: bytes) -> Access | None:
    """Return what the key of this digest opens, or None if it is unknown or revoked. Raises Unavailable."""
    return await database.fetch_one("keys/find", {"digest": key_digest}, Access)


async def note_use(database: Database, key_ids: Collection[UUID]) -> None:
    """Record that these keys are in use, each at most once a minute. Raises Unavailable."""
    await database.fetch("keys/note_use", {"ids": list(key_ids)}, dict)
