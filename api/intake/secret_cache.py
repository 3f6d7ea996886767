"""Signing secrets of callback URLs: an owner has one before its first transfer with a callback URL is stored."""

from core.postgres.pool import Database
from core.webhooks import secrets

OWNERS_MAX = 10_000  # about 1 MB of names; a full cache is emptied, and each owner then costs one statement again. A guess.


class SecretCache:
    """Remembers which owners have a signing secret, so that each costs one statement in each process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._owners: set[str] = set()

    async def ensure(self, owner: str) -> None:
        """Store a first secret for the owner, unless it has one. Raises Unavailable."""
        if owner not in self._owners:
            await secrets.ensure(self._database, owner)
            if len(self._owners) >= OWNERS_MAX:
                self._owners.clear()
            self._owners.add(owner)
