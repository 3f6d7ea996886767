"""Reads values that Python cannot represent as the nearest that it can, so that one bad row does not fail the whole page.

Only a statement by hand writes such a value: the API refuses it.
"""

import json
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Loader, Transformer
from psycopg.pq import Format
from psycopg.types.datetime import TimestamptzBinaryLoader

POSTGRES_EPOCH_BYTE = 0x80  # the sign of the eight bytes of a moment

DECODER = json.JSONDecoder(parse_int=str, parse_float=str)  # of any size: Python reads no integer of 5000 digits


class Metadata(Loader):
    """JSONB is metadata in each result; what else is stored so is read as JSON.

    The values of metadata are text by contract. One that is not is shown as JSON's text of it.
    """

    format = Format.BINARY

    def load(self, data: Buffer) -> dict[str, str]:
        found = DECODER.decode(bytes(data)[1:].decode())  # after a byte that says which version of the format it is
        return {name: value if isinstance(value, str) else json.dumps(value) for name, value in found.items()}


class Moment(TimestamptzBinaryLoader):
    """A moment before year 1 or after year 9999, infinity too, as the first or the last that Python has."""

    def load(self, data: Buffer) -> datetime:
        try:
            return super().load(data)
        except psycopg.DataError:
            end = datetime.min if bytes(data)[0] & POSTGRES_EPOCH_BYTE else datetime.max
            return end.replace(tzinfo=UTC)


def register(connection: psycopg.AsyncConnection[Any]) -> None:
    """Let the connection read metadata so. A moment is read so only where a page could not be read: see rows."""
    connection.adapters.register_loader("jsonb", Metadata)


def rows(cursor: psycopg.AsyncCursor[Any]) -> list[Any]:
    """Return the rows of the cursor's result, which has a moment that Python has not."""
    assert cursor.pgresult is not None
    cursor.adapters.register_loader("timestamptz", Moment)
    reading = Transformer(cursor)
    reading.set_pgresult(cursor.pgresult, format=Format.BINARY)
    return reading.load_rows(0, cursor.pgresult.ntuples, cursor.row_factory(cursor))
