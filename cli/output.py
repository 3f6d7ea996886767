"""How a command prints: tables for people, JSON for programs. All of it passes `safe`. Only a terminal gets colours."""

import io
import os
import select
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cli.safe import safe, safe_json

if TYPE_CHECKING:
    from rich.console import Console

NOTHING = "-"
GAP = "  "  # between two columns
WHOLE_MAX = 32  # characters that are never folded: an id has 30
FOLDED_MIN = 20  # columns of the terminal that a longer text gets, or it is not folded
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
    """Print rows under headers; the columns named in `right` end at the right. Nothing is cut off, on a narrow terminal either."""
    cells = [[NOTHING if value is None or value == "" else safe(value) for value in row] for row in rows]
    if not cells:
        line(none)
    elif sys.stdout.isatty():
        terminal_table(headers, cells, right)
    else:
        plain_table(headers, cells, right)


def terminal_table(headers: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str]) -> None:
    """Print a table that folds long texts; where that is still too wide, lines of whole cells.

    An id stays whole: folded over lines it cannot be copied.
    """
    from rich.cells import cell_len
    from rich.console import Console

    console = Console(highlight=False)
    widths = [max(cell_len(row[number]) for row in [headers, *rows]) for number in range(len(headers))]
    long = sum(width > WHOLE_MAX for width in widths)
    left = console.width - len(GAP) * (len(widths) - 1) - sum(width for width in widths if width <= WHOLE_MAX)
    share = max(left, 0) // max(long, 1)  # of each long column
    if left < 0 or (long and share < FOLDED_MIN):
        print_in_lines(console, headers, rows, right, widths)
    else:
        print_folded(console, headers, rows, right, [min(width, share) if width > WHOLE_MAX else width for width in widths])


def print_folded(
    console: "Console", headers: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str], widths: Sequence[int]
) -> None:
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=None, pad_edge=False, header_style="bold")
    for header, width in zip(headers, widths, strict=True):
        shown.add_column(header, justify="right" if header in right else "left", overflow="fold", width=width)
    for row in rows:
        shown.add_row(*(Text(cell, STYLES.get(cell, "")) for cell in row))
    console.print(shown)


def print_in_lines(
    console: "Console", headers: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str], widths: Sequence[int]
) -> None:
    """Print each row in as many lines as it needs, the same columns on the same line. All but the first line are indented."""
    from rich.text import Text

    lines = columns_in_lines(widths, console.width)
    for row in [headers, *rows]:
        for columns in lines:
            shown = Text("" if columns is lines[0] else GAP)
            for number in columns:
                cell = Text(row[number], "bold" if row is headers else STYLES.get(row[number], ""))
                cell.align("right" if headers[number] in right else "left", widths[number])
                shown = shown + cell + GAP
            shown.rstrip()
            console.print(shown, soft_wrap=True)


def columns_in_lines(widths: Sequence[int], width: int) -> list[list[int]]:
    """Return the numbers of the columns line by line, as many as fit into the width; at least one on each."""
    lines: list[list[int]] = []
    left = 0
    for number, needed in enumerate(widths):
        if not lines or needed > left:
            left = width - (len(GAP) if lines else 0)
            lines.append([])
        lines[-1].append(number)
        left -= needed + len(GAP)
    return lines


def plain_table(headers: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str]) -> None:
    widths = [max(len(row[number]) for row in [headers, *rows]) for number in range(len(headers))]
    for row in [headers, *rows]:
        cells = [
            cell.rjust(width) if header in right else cell.ljust(width)
            for header, cell, width in zip(headers, row, widths, strict=True)
        ]
        print(GAP.join(cells).rstrip())
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
