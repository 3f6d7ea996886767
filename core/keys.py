"""API keys: 256 random bits behind a recognisable prefix. Only their SHA-256 is kept; a key is shown once, when it is made.

A fast hash is right here: there is nothing to guess in 256 random bits. Comparison by digest is constant-time in effect,
because a caller cannot choose a digest.
"""

import hashlib
import secrets
from collections.abc import Collection
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

Role = Literal["operator", "client"]


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that is about to be kept, without the key itself."""

    id: UUID
    role: Role
    client_id: UUID | None
    digest: bytes


@dataclass(frozen=True, slots=True)
class Key:
    """A key as it is kept. `hint` is the first 8 hexadecimal digits of its SHA-256, by which its holder can recognise it."""

    id: UUID
    role: Role
    client_id: UUID | None
    hint: str
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Access:
    """What a key opens: everything for an operator; for a client, what belongs to it and its wallet."""

    key_id: UUID
    role: Role
    client_id: UUID | None
    wallet_id: UUID | None
    use_is_due: bool  # to be noted


def generate() -> str:
    return KEY_PREFIX + secrets.token_urlsafe(32)


def digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


def new(client_id: UUID | None = None) -> tuple[str, NewKey]:
    """Return a new key, an operator's unless it is for a client, and what is kept of it. Show it: it is never to be had again."""
    key = generate()
    return key, NewKey(ids.mint(), "operator" if client_id is None else "client", client_id, digest(key))


def make_first_operator_key(connection: psycopg.Connection) -> str | None:
    """Make an operator key and return it when there is none yet, else None. Show it: it is never to be had again."""
    key, kept = new()
    row = connection.execute(statement("keys/insert_first_operator"), {"id": kept.id, "digest": kept.digest}).fetchone()
    return key if row else None


async def insert(connection: AsyncConnection, key: NewKey) -> Key | None:
    """Keep the key; None, and nothing kept, when it is for a client who does not exist. Safe to repeat."""
    inserted: list[dict[str, object]] = await fetch(connection, "keys/insert", asdict(key), dict)
    kept = await fetch_one(connection, "keys/find_by_id", {"id": key.id}, Key)
    if kept and not inserted:
        await fence(connection)  # kept by a first try that lost its connection
    return kept


async def list_page(database: Database, client_id: UUID, *, before: UUID, limit: int) -> list[Key]:
    """Return up to `limit` of the client's keys whose id is below `before`, newest first, the revoked ones too."""
    return await database.fetch("keys/list", {"client_id": client_id, "before": before, "limit": limit}, Key)


async def revoke(database: Database, id: UUID) -> bool:
    """Let the key open nothing from now on, and tell whether it exists. What has been revoked stays so, since when it was."""
    return bool(await database.fetch("keys/revoke", {"id": id}, dict))


async def find(database: Database, key_digest: bytes) -> Access | None:
    """Return what the key of this digest opens, None when it is unknown or revoked. Raises Unavailable."""
    return await database.fetch_one("keys/find", {"digest": key_digest}, Access)


async def note_use(database: Database, key_ids: Collection[UUID]) -> None:
    """Write down that these keys are in use, of each at most once a minute. Raises Unavailable."""
    await database.fetch("keys/note_use", {"ids": list(key_ids)}, dict)
