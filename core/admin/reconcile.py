"""Compares a bank's CSV with what Teller says came in from outside and went out, by reference. Nothing is written.

Teller's side are the entries of external wallets: deposits, withdrawals, payouts of holds, and their reversals. Both sides go into
a temporary database on disk, which SQLite deletes when it is closed: the memory that this takes does not grow with the file. The
file is read first, so that a bad one is refused before PostgreSQL is asked. Then one read-only snapshot is read.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

import psycopg

from core import ids
from core.admin import bank_file
from core.admin.audit import WITHIN_S, in_snapshot, limit_next_statement
from core.admin.bank_file import Layout
from core.admin.history import prefer_keys
from core.errors import CannotDo
from core.ids import Prefix
from core.postgres.statements import statement
from core.times import rfc3339

THERE, HERE = 0, 1  # the sides: the bank's file, and Teller

BATCH = 10_000  # rows that are fetched at a time: some megabytes
CACHE_KIB = 32_768  # that SQLite keeps in memory; the rest is on disk

# `number` is the line in the file, or counts what Teller has. `name` is the date in the file, or a transfer's id, type and time.
MAKE = "CREATE TABLE booking (side INTEGER, number INTEGER, reference TEXT, amount INTEGER, currency TEXT, name TEXT)"
INSERT = "INSERT INTO booking VALUES (?, ?, ?, ?, ?, ?)"

# Equal rows of the two sides pair off one by one, in their order: so a reference may stand several times on both sides. What is
# left of a reference pairs off as differing. What is left then has no partner. A row without a reference has none either.
RANK = """
CREATE TABLE ranked AS SELECT *, row_number() OVER (PARTITION BY side, reference, currency, amount ORDER BY number) AS rank FROM
booking WHERE reference <> ''
"""
LEAVE = """
CREATE TABLE rest AS
SELECT *, row_number() OVER (PARTITION BY side, reference ORDER BY number) AS pair
  FROM (SELECT *, count(*) OVER (PARTITION BY reference, currency, amount, rank) AS sides FROM ranked)
 WHERE sides = 1
"""
DIFFERENCES = """
SELECT side, number, reference, amount, currency, name, pair FROM rest
UNION ALL
SELECT side, number, reference, amount, currency, name, 0 FROM booking WHERE reference = ''
 ORDER BY reference, pair, side, number
"""
COUNT = """
SELECT (SELECT count(*) FROM booking WHERE side = ?),
       (SELECT count(*) FROM (SELECT 1 FROM booking WHERE side = ? AND reference <> '' GROUP BY reference HAVING count(*) > 1))
"""
COUNT_LEFT = "SELECT count(*) FROM rest"
COUNT_RANKED = "SELECT count(*) FROM ranked"


class Booking(NamedTuple):
    """A row of one side. `name`: the date in the file, or the id, the type and the time of Teller's transfer."""

    side: int
    number: int
    reference: str
    amount: int
    currency: str
    name: str

    def shown(self) -> dict[str, Any]:
        """Return it as in the output of --json."""
        money = {"reference": self.reference or None, "amount": self.amount, "currency": self.currency}
        if self.side == THERE:
            return {"line": self.number, **money, "date": self.name or None}
        id, type, booked_at = self.name.split(" ")
        return {"transfer_id": id, "type": type, **money, "booked_at": booked_at}

    def line(self) -> str:
        what = f"{self.reference!r}, {self.amount} {self.currency}" if self.reference else f"{self.amount} {self.currency}"
        if self.side == THERE:
            return f"line {self.number}: {what}{f', {self.name!r}' if self.name else ''}"
        id, rest = self.name.split(" ", 1)
        return f"{id}: {what}, {rest}"


@dataclass(frozen=True, slots=True)
class Difference:
    """`missing_here`: in the file alone. `missing_there`: in Teller alone. `differing`: one reference, but two amounts."""

    kind: Literal["missing_here", "missing_there", "differing"]
    there: Booking | None
    here: Booking | None

    def shown(self) -> dict[str, Any]:
        sides = {"there": self.there, "here": self.here}
        return {"kind": self.kind, **{name: side.shown() if side else None for name, side in sides.items()}}

    def lines(self) -> Iterator[str]:
        """Return a line for each side, the file's first."""
        title = self.kind.replace("_", " ")
        for side in filter(None, (self.there, self.here)):
            yield f"{title:13}  {side.line()}"
            title = ""


@dataclass(slots=True)
class Summary:
    """Rows of the file, movements of Teller, and what became of them. `skipped` rows are of a currency that is not compared.

    `repeated_there` and `repeated_here` are the references that one side has several times.
    """

    rows: int = 0
    skipped: int = 0
    movements: int = 0
    matched: int = 0
    missing_here: int = 0
    missing_there: int = 0
    differing: int = 0
    repeated_there: int = 0
    repeated_here: int = 0

    @property
    def agrees(self) -> bool:
        return not (self.missing_here or self.missing_there or self.differing)

    def count(self, difference: Difference) -> None:
        setattr(self, difference.kind, getattr(self, difference.kind) + 1)

    def shown(self) -> dict[str, Any]:
        return {"kind": "summary", **asdict(self)}

    def lines(self) -> Iterator[str]:
        if self.skipped:
            yield f"skipped: {self.skipped} rows of other currencies"
        if self.repeated_there or self.repeated_here:
            yield f"repeated: {self.repeated_there} references in the file, {self.repeated_here} here"
        yield (
            f"{'reconciled' if self.agrees else 'DIFFERENT'}: {self.rows} rows, {self.movements} movements;"
            f" {self.matched} matched, {self.missing_here} missing here, {self.missing_there} missing there,"
            f" {self.differing} differing"
        )


@dataclass(frozen=True, slots=True)
class Scope:
    """Which of Teller's movements are compared. `start` and `end` are half-open; None: no bound, all currencies, all types."""

    start: datetime | None = None
    end: datetime | None = None
    currency: str | None = None
    types: Sequence[str] | None = None


class Reconciliation:
    """The two sides, in a temporary database. Close it."""

    def __init__(self) -> None:
        self._stored = sqlite3.connect("", isolation_level=None)  # "" is a database on disk that ends with its connection
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "temp_store = FILE", f"cache_size = -{CACHE_KIB}"):
            self._stored.execute(f"PRAGMA {pragma}")
        self._stored.execute(MAKE)
        self.summary = Summary()

    def close(self) -> None:
        self._stored.close()

    def add_file(self, file: Path, layout: Layout, currency: str | None) -> None:
        """Read the bank's file. Raises UnreadableFile."""

        def wanted() -> Iterator[Booking]:
            for row in bank_file.read(file, layout):
                if currency is None or row.currency == currency:
                    yield Booking(THERE, row.line, row.reference, row.amount, row.currency, row.date)
                else:
                    self.summary.skipped += 1

        self._insert(wanted())

    def add_movements(self, connection: psycopg.Connection, scope: Scope, *, unsigned: bool) -> None:
        """Read Teller's side within the connection's transaction."""
        params = {"start": scope.start, "end": scope.end, "currency": scope.currency, "types": scope.types}
        with connection.cursor(name="movements") as cursor:
            cursor.itersize = BATCH
            cursor.execute(statement("reconcile/list_movements"), params)
            self._insert(
                Booking(
                    HERE,
                    number,
                    reference,
                    abs(amount) if unsigned else amount,
                    currency,
                    f"{ids.text(Prefix.TRANSFER, id)} {type} {rfc3339(booked_at)}",
                )
                for number, (id, type, reference, amount, currency, booked_at) in enumerate(cursor, 1)
            )

    def differences(self) -> Iterator[Difference]:
        """Compare the sides, and yield what does not match by reference. The summary is complete when the last one was yielded."""
        self._stored.execute(RANK)
        self._stored.execute(LEAVE)
        self.summary.rows, self.summary.repeated_there = self._count(COUNT, THERE, THERE)
        self.summary.movements, self.summary.repeated_here = self._count(COUNT, HERE, HERE)
        [ranked], [left] = self._count(COUNT_RANKED), self._count(COUNT_LEFT)
        self.summary.matched = (ranked - left) // 2
        for difference in paired(self._stored.execute(DIFFERENCES)):
            self.summary.count(difference)
            yield difference

    def _insert(self, bookings: Iterable[Booking]) -> None:
        self._stored.execute("BEGIN")
        self._stored.executemany(INSERT, bookings)
        self._stored.execute("COMMIT")

    def _count(self, query: str, *params: int) -> Any:
        return self._stored.execute(query, params).fetchone()


def paired(rows: Iterable[tuple[Any, ...]]) -> Iterator[Difference]:
    """Yield a difference for each row, or for two rows of one reference and pair that follow each other: the file's comes first."""
    waiting: tuple[Booking, int] | None = None
    for *values, pair in rows:
        booking = Booking(*values)
        if waiting and booking.side == HERE and pair and (waiting[0].reference, waiting[1]) == (booking.reference, pair):
            yield Difference("differing", waiting[0], booking)
            waiting = None
            continue
        if waiting:
            yield Difference("missing_here", waiting[0], None)
        waiting = (booking, pair) if booking.side == THERE else None
        if booking.side == HERE:
            yield Difference("missing_there", None, booking)
    if waiting:
        yield Difference("missing_here", waiting[0], None)


def reconcile(
    database_url: str, file: Path, layout: Layout, scope: Scope, within_s: float = WITHIN_S
) -> Iterator[Difference | Summary]:
    """Yield what differs between the file and the database, in the order of references, and last the summary.

    Raises UnreadableFile before the database is asked, psycopg.Error, and CannotDo as the audit does.
    """

    def work(connection: psycopg.Connection, give_up: float) -> None:
        prefer_keys(connection)
        limit_next_statement(connection, give_up)
        reconciliation.add_movements(connection, scope, unsigned=layout.unsigned)

    try:
        with closing(Reconciliation()) as reconciliation:
            reconciliation.add_file(file, layout, scope.currency)
            in_snapshot(database_url, "comparison", work, within_s)
            yield from reconciliation.differences()
            yield reconciliation.summary
    except sqlite3.OperationalError as error:
        raise CannotDo(f"the temporary database failed ({error}): TMPDIR names the folder in which it is") from None
