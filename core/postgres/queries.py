"""Runs one statement on a connection of the pool and returns its rows as objects."""

from collections.abc import Callable, Mapping
from typing import TypeVar

import psycopg
from psycopg.rows import kwargs_row

from core.postgres import lenient
from core.postgres.connections import AsyncConnection
from core.postgres.statements import statement

__all__ = ["fence", "fetch", "fetch_one"]

Row = TypeVar("Row")


async def fetch(connection: AsyncConnection, name: str, params: Mapping[str, object], row: Callable[..., Row]) -> list[Row]:
    """Run the statement of that name and return its rows, each made by `row` from its columns as keyword arguments."""
    async with connection.cursor(binary=True, row_factory=kwargs_row(row)) as cursor:
        await cursor.execute(statement(name), params)
        try:
            return await cursor.fetchall()
        except psycopg.DataError:
            return lenient.rows(cursor)


async def fetch_one(connection: AsyncConnection, name: str, params: Mapping[str, object], row: Callable[..., Row]) -> Row | None:
    """Return the statement's first row, or None when it has none."""
    rows = await fetch(connection, name, params, row)
    return rows[0] if rows else None


async def fence(connection: AsyncConnection) -> None:
    """Return when all rows that this connection has read are durable, on each synchronous standby too: a commit waits for that.

    Call it before a response that says "it exists already". A row can be visible and not yet on the standby: PostgreSQL ends the
    writer's wait for the standby when the writer is cancelled, or when the server restarts.
    """
    await connection.execute(statement("session/fence"))
