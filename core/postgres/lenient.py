"""Loaders for values that Python cannot represent: they return the nearest value, so that one such row does not fail a whole page.

The API refuses such values. Only a statement that was run by hand can have written one.
"""

import json
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Loader, Transformer
from psycopg.pq import Format
from psycopg.types.datetime import TimestamptzBinaryLoader

POSTGRES_EPOCH_BYTE = 0x80  # the sign bit of a timestamp's eight bytes: set before 2000

DECODER = json.JSONDecoder(parse_int=str, parse_float=str)  # numbers stay text: int() refuses more than 4300 digits


class Metadata(Loader):
    """Loads JSONB, which is metadata in every result: an object of strings.

    A value that is not a string, against the contract, is returned as its JSON text.
    """

    format = Format.BINARY

    def load(self, data: Buffer) -> dict[str, str]:
        metadata = DECODER.decode(bytes(data)[1:].decode())  # the first byte is the version of the binary format
        return {name: value if isinstance(value, str) else json.dumps(value) for name, value in metadata.items()}


class Timestamp(TimestamptzBinaryLoader):
    """Loads a timestamp before year 1 or after year 9999, infinity too, as the first or the last datetime."""

    def load(self, data: Buffer) -> datetime:
        try:
            return super().load(data)
        except psycopg.DataError:
            end = datetime.min if bytes(data)[0] & POSTGRES_EPOCH_BYTE else datetime.max
            return end.replace(tzinfo=UTC)


def register(connection: psycopg.AsyncConnection[Any]) -> None:
    """Load metadata leniently on this connection. Timestamps are loaded leniently only after a failure: see rows."""
    connection.adapters.register_loader("jsonb", Metadata)


def rows(cursor: psycopg.AsyncCursor[Any]) -> list[Any]:
    """Return the rows of the cursor's result, which has a timestamp that Python cannot represent."""
    assert cursor.pgresult is not None
    cursor.adapters.register_loader("timestamptz", Timestamp)
    reading = Transformer(cursor)
    reading.set_pgresult(cursor.pgresult, format=Format.BINARY)
    return reading.load_rows(0, cursor.pgresult.ntuples, cursor.row_factory(cursor))
