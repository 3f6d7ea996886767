"""A worker's connection to Postgres: one at a time, which is replaced when it broke."""

from collections.abc import Callable

from core.postgres.connections import SyncConnection


class OwnConnection:
    def __init__(self, connect: Callable[[], SyncConnection]) -> None:
        self._connect = connect
        self._connection: SyncConnection | None = None

    def opened(self) -> SyncConnection:
        """Return it; open it where there is none, or none that is open. Raises psycopg.Error."""
        if self._connection is None or self._connection.closed:
            self._connection = self._connect()
        return self._connection

    def close(self) -> None:
        """Give it back. The next call opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
