"""API keys: 256 random bits behind a recognisable prefix. Only their SHA-256 is kept; a key is shown once, when it is made.

A fast hash is right here: there is nothing to guess in 256 random bits. Comparison by digest is constant-time in effect,
because a caller cannot choose a digest.
"""

import hashlib
import secrets
from dataclasses import dataclass
from uuid import UUID

import psycopg

from core import db, ids

KEY_PREFIX = "tlr_"


@dataclass(frozen=True, slots=True)
class Key:
    """What a key opens: `client_id` is None for an operator's."""

    role: str
    client_id: UUID | None


def generate() -> str:
    return KEY_PREFIX + secrets.token_urlsafe(32)


def digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


def make_first_operator_key(connection: psycopg.Connection) -> str | None:
    """Make an operator key and return it when there is none yet, else None. Show it: it is never to be had again."""
    key = generate()
    row = connection.execute(db.statement("insert_first_operator_key"), {"id": ids.mint(), "digest": digest(key)}).fetchone()
    return key if row else None


async def find(database: db.Database, key_digest: bytes) -> Key | None:
    """Return what the key of this digest opens, None when it is unknown or revoked. Raises Unavailable."""
    rows = await database.fetch("find_key", {"digest": key_digest}, Key)
    return rows[0] if rows else None
