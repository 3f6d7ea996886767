"""How a command prints: tables for people, JSON for programs. All of it passes `safe`. Only a terminal gets colours."""

import io
import os
import select
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cli.safe import safe, safe_json

NOTHING = "-"
STYLES = {
    "applied": "green",
    "delivered": "green",
    "rejected": "red",
    "failed": "red",
    "canceled": "yellow",
    "queued": "yellow",
    "pending": "yellow",
    "scheduled": "cyan",
}


def line(text: object = "") -> None:
    """Print one line to standard output."""
    print(safe(text), flush=True)


def note(text: object) -> None:
    """Print one line to standard error, where it disturbs no program that reads the output."""
    print(safe(text), file=sys.stderr, flush=True)


def pause(seconds: float) -> None:
    """Return after so many seconds. Raises BrokenPipeError as soon as the reader of standard output has gone.

    A stream that has nothing to print would not notice otherwise: `teller events tail | head -1` has to end.
    """
    try:
        watched = select.poll()
        watched.register(sys.stdout.fileno(), select.POLLERR)
    except (OSError, ValueError):  # no file, as in a test
        time.sleep(seconds)
        return
    if any(found & (select.POLLERR | select.POLLHUP) for _, found in watched.poll(seconds * 1000)):
        raise BrokenPipeError


def encodable() -> None:
    """Let both outputs write an escape for a character that their encoding has not: a name must not end a payment's report."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def discard() -> None:
    """Drop what is still to be printed: the reader of standard output has gone, and Python would complain at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def json_document(value: object) -> None:
    print(safe_json(value, indent=2), flush=True)


def json_line(value: object) -> None:
    """Print the object as one line, for a stream of them."""
    print(safe_json(value, indent=None), flush=True)


def table(
    headers: Sequence[str], rows: Iterable[Sequence[object]], *, right: Sequence[str] = (), none: str = "nothing found"
) -> None:
    """Print rows under headers; the columns named in `right` end at the right. On a terminal long texts are folded, never cut."""
    cells = [[NOTHING if value is None or value == "" else safe(value) for value in row] for row in rows]
    if not cells:
        line(none)
    elif sys.stdout.isatty():
        terminal_table(headers, cells, right)
    else:
        plain_table(headers, cells, right)


def terminal_table(headers: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=None, pad_edge=False, header_style="bold")
    for header in headers:
        shown.add_column(header, justify="right" if header in right else "left", overflow="fold")
    for row in rows:
        shown.add_row(*(Text(cell, STYLES.get(cell, "")) for cell in row))
    Console(highlight=False).print(shown)


def plain_table(headers: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str]) -> None:
    widths = [max(len(row[number]) for row in [headers, *rows]) for number in range(len(headers))]
    for row in [headers, *rows]:
        cells = [
            cell.rjust(width) if header in right else cell.ljust(width)
            for header, cell, width in zip(headers, row, widths, strict=True)
        ]
        print("  ".join(cells).rstrip())
    sys.stdout.flush()


def fields(pairs: Mapping[str, object]) -> None:
    """Print names and values, a pair a line. Pairs without a value are left out."""
    shown = {name: value for name, value in pairs.items() if value is not None and value not in ("", [], {})}
    width = max(map(len, shown), default=0)
    for name, value in shown.items():
        line(f"{name.ljust(width)}  {value}")


def instant(time: object) -> str | None:
    """Return an instant of the API to the second, in UTC: 2026-11-28 23:32:10Z."""
    return f"{str(time)[:19].replace('T', ' ')}Z" if time else None


def words(metadata: Mapping[str, Any] | None) -> str | None:
    """Return metadata in one line."""
    return ", ".join(f"{name}={value}" for name, value in (metadata or {}).items()) or None
