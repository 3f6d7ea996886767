"""A worker's connection to Postgres: one at a time, replaced when it broke."""

from collections.abc import Callable

from core.postgres.connections import SyncConnection


class OwnConnection:
    """A connection that is opened when it is needed."""

    def __init__(self, connect: Callable[[], SyncConnection]) -> None:
        self._connect = connect
        self._connection: SyncConnection | None = None

    def opened(self) -> SyncConnection:
        """Return the connection; open one if there is none, or if it was closed. Raises psycopg.Error."""
        if self._connection is None or self._connection.closed:
            self._connection = self._connect()
        return self._connection

    @property
    def is_open(self) -> bool:
        return self._connection is not None and not self._connection.closed

    def close(self) -> None:
        """Close the connection. The next call of `opened` opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
