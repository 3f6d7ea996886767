"""Secrets that sign the webhooks to callback URLs: one per owner, made before its first transfer with a callback URL is stored.

An endpoint has a secret of its own: core/webhooks/endpoints.py.
"""

from dataclasses import dataclass
from datetime import datetime

from core.postgres.pool import Database
from core.webhooks import signing

# After a rotation the old secret signs too, so that receivers have a day to learn the new one.
OLD_SECRET_SIGNS_FOR_S = 24 * 3600


@dataclass(frozen=True, slots=True)
class Secret:
    """What callers are shown of a secret: never the secret itself. `old_secret_expires_at` is None if no old one signs."""

    created_at: datetime
    old_secret_expires_at: datetime | None


async def find(database: Database, owner: str) -> Secret | None:
    """Return when the owner's secret was made, if it has one."""
    return await database.fetch_one("webhooks/find_secret", {"owner": owner}, Secret)


async def ensure(database: Database, owner: str) -> None:
    """Make the owner's first secret, unless it has one."""
    await database.fetch("webhooks/insert_secret", {"owner": owner, "secret": signing.make_secret()}, dict)


async def rotate(database: Database, owner: str, secret: str) -> Secret:
    """Make this the owner's secret, the first or the next one. The one before signs too for OLD_SECRET_SIGNS_FOR_S.

    Safe to repeat with the same secret.
    """
    params = {"owner": owner, "secret": secret, "old_signs_for_s": OLD_SECRET_SIGNS_FOR_S}
    [rotated] = await database.fetch("webhooks/rotate_secret", params, Secret)
    return rotated
