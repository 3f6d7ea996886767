"""The SQL files: one statement a file. The files are Teller's: nothing of a caller's ever becomes part of a statement."""

from functools import cache
from pathlib import Path
from typing import Any, LiteralString, cast

SQL = Path(__file__).parent / "sql"


@cache
def statement(name: str) -> LiteralString:
    """Return the SQL of core/sql/NAME.sql."""
    return literal(SQL / f"{name}.sql")


def literal(file: Path) -> LiteralString:
    """Return the SQL of one of Teller's own files."""
    text: Any = file.read_text()
    return cast(LiteralString, text)
