"""Secrets of callback URLs: an owner has one before its first transfer with a callback URL is stored."""

from core.postgres.pool import Database
from core.webhooks import endpoints

PREPARED_MAX = 10_000


class Signers:
    """Makes the secret of each owner that has none. The database is asked once for each owner and process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._prepared: set[str] = set()

    async def prepare(self, owner: str) -> None:
        """Make the owner's secret, unless it has one. Raises Unavailable."""
        if owner not in self._prepared:
            await endpoints.ensure_secret(self._database, owner)
            if len(self._prepared) >= PREPARED_MAX:
                self._prepared.clear()
            self._prepared.add(owner)
