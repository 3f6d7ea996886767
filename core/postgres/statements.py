"""Loads the SQL files, one statement a file. No text of a caller ever becomes part of a statement.

A text that several statements share, such as a list of columns, is a part: core/sql/parts/NAME.sql, written once. In a statement,

- `{{transfer}}` stands for the text of core/sql/parts/transfer.sql, without its comments;
- `{{submission.names}}` stands for the names of that part's parameters, in order: `id, type, ...`;
- `{{submission.names of t}}` stands for the same names, each as a column of `t`: `t.id, t.type, ...`.

A statement is composed once, when a process first asks for it. PostgreSQL receives plain SQL.
"""

import re
from functools import cache
from pathlib import Path
from typing import Any, LiteralString, cast

SQL = Path(__file__).parents[1] / "sql"
PARTS = SQL / "parts"

INCLUDE = re.compile(r"\{\{(\w+)(\.names(?: of (\w+))?)?\}\}")
COMMENT = re.compile(r"^--.*\n", re.MULTILINE)
PARAMETER = re.compile(r"%\((\w+)\)")


@cache
def statement(name: str) -> LiteralString:
    """Return the SQL of core/sql/NAME.sql, its parts filled in. Raises FileNotFoundError for a part that does not exist."""
    return composed(literal(SQL / f"{name}.sql"))  # of Teller's own files only


def composed(text: str) -> str:
    """Return the text with each reference to a part replaced by the part, recursively."""
    return INCLUDE.sub(included, text)


def included(reference: re.Match[str]) -> str:
    name, names, alias = reference.groups()
    if names is None:
        return part(name)
    return ", ".join(f"{alias}.{column}" if alias else column for column in parameters(name))


def part(name: str) -> str:
    """Return the SQL of core/sql/parts/NAME.sql without its comments, its own parts filled in."""
    return composed(COMMENT.sub("", literal(PARTS / f"{name}.sql")).strip())


def parameters(name: str) -> list[str]:
    """Return the names of the part's parameters, in order."""
    return PARAMETER.findall(part(name))


def literal(file: Path) -> LiteralString:
    """Return the SQL of one of Teller's own files."""
    text: Any = file.read_text()
    return cast(LiteralString, text)
