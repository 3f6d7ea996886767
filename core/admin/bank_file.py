"""Reads the CSV of a bank, or of a payment provider: a header, then a row for each booking (RFC 4180; another delimiter may be
given).

Columns: `reference` and `amount`; `currency` and `date` may be missing. The options of the command name other columns. Further
columns are ignored. An amount is an integer of minor units, or a decimal number if the number of decimals is given; above zero is
money that came in. Each row is checked as it is read, and no more than one is kept.
"""

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

from core.errors import CannotDo
from core.ledger.money import AMOUNT_MAX

# Each of them has the same line ends as ASCII, so that a line can be decoded on its own, and its number be told.
ENCODINGS = ("utf-8", "iso-8859-1", "iso-8859-15", "windows-1252")
LINE_MAX_BYTES = 64 * 1024  # so that the memory for a file without line ends is bounded
ROW_MAX_LINES = 100  # so that it is bounded behind an open quote too
SHOWN = 40  # characters of a value in a message


class BankBooking(NamedTuple):
    """A booking, on the file's line of this number, where its row ends. `amount` is in minor units."""

    line: int
    reference: str
    amount: int
    currency: str
    date: str


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file is written. `decimals` None: amounts are integers of minor units. `currency` is that of rows without one."""

    reference: str = "reference"
    amount: str = "amount"
    currency_column: str = "currency"
    date: str = "date"
    currency: str = "USD"
    decimals: int | None = None
    delimiter: str = ","
    encoding: str = "utf-8"
    unsigned: bool = False


class UnreadableFile(CannotDo):
    """The file cannot be read as a bank's. The message has the number of the line."""


def read(file: Path, layout: Layout) -> Iterator[BankBooking]:
    """Yield the file's rows. Raises UnreadableFile at the first one that is wrong."""
    try:
        with file.open("rb") as opened:
            yield from rows(decoded(opened, layout.encoding), layout)
    except OSError as error:
        raise UnreadableFile(f"{file} cannot be read: {error.strerror}") from None
    except UnreadableFile as error:
        raise UnreadableFile(f"{file}: {error}") from None


def decoded(opened: BinaryIO, encoding: str) -> Iterator[str]:
    number = 0
    while line := opened.readline(LINE_MAX_BYTES + 1):
        number += 1
        if len(line) > LINE_MAX_BYTES:
            raise UnreadableFile(f"line {number} has more than {LINE_MAX_BYTES} bytes")
        if b"\0" in line:
            raise UnreadableFile(f"line {number} has a NUL byte: the file is no CSV in {encoding}")
        try:
            yield line.decode("utf-8-sig" if number == 1 and encoding == "utf-8" else encoding)
        except UnicodeDecodeError:
            raise UnreadableFile(f"line {number} is not {encoding}: name the file's encoding with --encoding") from None


def rows(lines: Iterable[str], layout: Layout) -> Iterator[BankBooking]:
    read_of_row = 0

    def counted() -> Iterator[str]:
        nonlocal read_of_row
        for line in lines:
            read_of_row += 1
            if read_of_row > ROW_MAX_LINES:
                raise UnreadableFile(f"line {reader.line_num}: a row has more than {ROW_MAX_LINES} lines; a quote may be open")
            yield line

    reader = csv.reader(counted(), delimiter=layout.delimiter, strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        columns = columns_of(header, layout)
        for fields in reader:
            read_of_row = 0
            if fields:
                yield row_of(reader.line_num, fields, header, columns, layout)
    except csv.Error as error:
        raise UnreadableFile(f"line {reader.line_num}: {error}") from None


class Columns(NamedTuple):
    """Where in a row each value is. None: the file has no such column."""

    reference: int
    amount: int
    currency: int | None
    date: int | None


def columns_of(header: list[str], layout: Layout) -> Columns:
    wanted = (layout.reference, layout.amount, layout.currency_column, layout.date)
    if twice := [name for name in wanted if header.count(name) > 1]:
        raise UnreadableFile(f"line 1: the column {twice[0]!r} stands there twice")
    if missing := [name for name in wanted[:2] if name not in header]:
        has = ", ".join(repr(name[:SHOWN]) for name in header[:20]) or "nothing"
        raise UnreadableFile(
            f"line 1: there is no column {missing[0]!r}; the header has {has}. Options name other columns and another delimiter"
        )
    reference, amount, currency, date = (header.index(name) if name in header else None for name in wanted)
    assert reference is not None
    assert amount is not None
    return Columns(reference, amount, currency, date)


def row_of(line: int, fields: list[str], header: list[str], columns: Columns, layout: Layout) -> BankBooking:
    if len(fields) != len(header):
        raise UnreadableFile(f"line {line} has {len(fields)} values, and the header has {len(header)}")
    currency = layout.currency if columns.currency is None else fields[columns.currency].strip()
    if not re.fullmatch(r"[A-Z]{3}", currency):
        raise UnreadableFile(f"line {line}: the currency {currency[:SHOWN]!r} is not three capital letters")
    try:
        amount = minor_units(fields[columns.amount].strip(), layout.decimals)
    except ValueError as error:
        raise UnreadableFile(f"line {line}: the amount {fields[columns.amount][:SHOWN]!r} {error}") from None
    return BankBooking(
        line=line,
        reference=fields[columns.reference].strip(),
        amount=abs(amount) if layout.unsigned else amount,
        currency=currency,
        date="" if columns.date is None else fields[columns.date].strip(),
    )


def minor_units(text: str, decimals: int | None) -> int:
    """Return the minor units of an amount. Raises ValueError, whose text continues "the amount …"."""
    if decimals is None:
        match = re.fullmatch(r"([+-]?[0-9]{1,16})()", text)
        if match is None:
            raise ValueError("is no integer of minor units, such as 1050; for amounts such as 10.50 give --decimals 2")
    else:
        match = re.fullmatch(r"([+-]?[0-9]{1,16})(?:\.([0-9]+))?", text)
        if match is None:
            raise ValueError("is no number such as 1050 or 10.50, with a point and without other separators")
    digits = match[2] or ""
    if len(digits) > (decimals or 0):
        raise ValueError(f"has more than {decimals} decimals")
    amount = int(match[1] + digits.ljust(decimals or 0, "0"))
    if abs(amount) > AMOUNT_MAX:
        raise ValueError(f"is larger than {AMOUNT_MAX} minor units")
    return amount
