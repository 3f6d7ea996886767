"""python -m bench.sizing: the cores, workers, connections and bytes that a rate of transfers needs, from the newest record.

It measures nothing. The record in docs/benchmarks has the CPU time of a single POST by process and the rate at which one worker
drains; the first table of docs/operating/sizing.md has the bytes. --write puts the tables into that page.
"""

import argparse
import json
import math
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from textwrap import wrap
from typing import NamedTuple

from bench.report import table
from core.postgres.pool import CONNECTIONS

ROOT = Path(__file__).parents[1]
RECORDS = ROOT / "docs" / "benchmarks"
PAGE = ROOT / "docs" / "operating" / "sizing.md"
BEGIN, END = "<!-- written by python -m bench.sizing --write -->\n", "<!-- end -->\n"

RATES = (1_000, 10_000, 50_000, 100_000)  # transfers a second
BUSY = 0.6  # A guess. The part of a core, or of a worker, that a steady load may take: the rest is for peaks and for what fails
GROUPS = ("API", "workers", "Postgres", "Redis")  # of the record's CPU figures
OTHER_CONNECTIONS = 2 * 2 + 2 * 4 + 20  # two sweepers, two deliverers; commands, backups, and processes that end while others start
DAY_S = 86_400
WIDTH = 110  # of a line of a page


class Record(NamedTuple):
    """What a record says of one transfer, on its machine."""

    name: str
    cpu: str
    cpu_us: Mapping[str, float]  # of a single POST, by group
    drained_per_s: float  # by one worker, with Postgres on the same two cores


class Bytes(NamedTuple):
    """What a transfer leaves, from the page: applied 500 in a transaction, and each in its own."""

    kept: tuple[int, int]
    logged: tuple[int, int]


def main(arguments: Sequence[str]) -> int:
    wanted = parser().parse_args(arguments)
    page = PAGE.read_text()
    text = "\n".join(lines(read(wanted.record or newest(RECORDS)), bytes_in(page))) + "\n"
    if wanted.write:
        PAGE.write_text(with_tables(page, text))
    else:
        print(text, end="")
    return 0


def parser() -> argparse.ArgumentParser:
    sizing = argparse.ArgumentParser(prog="python -m bench.sizing", description="Compute what a rate of transfers needs.")
    sizing.add_argument("record", nargs="?", type=Path, help="a file of docs/benchmarks; without it the newest")
    sizing.add_argument("--write", action="store_true", help="put the tables into docs/operating/sizing.md")
    return sizing


def newest(folder: Path) -> Path:
    """Return the newest record: its name begins with its time."""
    return max(folder.glob("2*.json"))


def read(file: Path) -> Record:
    record = json.loads(file.read_text())
    measured = record["measurements"]
    value = {figure["name"]: figure["value"] for name in ("single", "drain") for figure in measured[name]["result"]["figures"]}
    return Record(
        file.stem, record["about"]["machine"]["cpu"], {group: value[f"cpu_{group.lower()}"] for group in GROUPS}, value["drain"]
    )


def bytes_in(page: str) -> Bytes:
    """Return the bytes of the page's first table, which bench.sizes measured."""

    def row(title: str) -> tuple[int, int]:
        [cells] = re.findall(rf"^\| {title} \|(.*)\|$", page, re.MULTILINE)
        together, alone = (int(cell.replace(",", "")) for cell in cells.split("|") if cell.strip())
        return together, alone

    return Bytes(row("in all"), row("write-ahead log"))


def with_tables(page: str, text: str) -> str:
    """Return the page with this text in place of what was written there before."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{text}{END}{after}"


def tables_in(page: str) -> str:
    return page.partition(BEGIN)[2].partition(END)[0]


def lines(record: Record, size: Bytes) -> Iterator[str]:
    spent = ", ".join(f"{group} {record.cpu_us[group]:.0f}" for group in GROUPS)
    source = f"From the record `{record.name}` ({record.cpu}). CPU time of a single POST in µs: {spent}."
    yield from wrap(f"{source} One worker drained {record.drained_per_s:,.0f} transfers a second.", WIDTH)
    yield ""
    yield from table(
        ("transfers a second", *(f"cores: {group}" for group in GROUPS), "workers", "connections"),
        [needs(record, rate) for rate in RATES],
    )
    yield ""
    yield from table(
        ("transfers a second", "log a second", "log a day", "tables and indexes a day"),
        [grows(size, rate) for rate in RATES],
    )


def needs(record: Record, rate: int) -> tuple[str, ...]:
    """Return a row: cores that are busy for BUSY of the time, and what connects to PostgreSQL."""
    cores = {group: rate * record.cpu_us[group] / 1e6 / BUSY for group in GROUPS}
    workers = workers_for(record, rate)
    connections = math.ceil(cores["API"]) * CONNECTIONS + workers + OTHER_CONNECTIONS
    return f"{rate:,}", *(f"{cores[group]:.1f}" for group in GROUPS), str(workers), str(connections)


def workers_for(record: Record, rate: int) -> int:
    """Return the workers, two at least: one may fail."""
    return max(math.ceil(rate / (record.drained_per_s * BUSY)), 2)


def grows(size: Bytes, rate: int) -> tuple[str, ...]:
    return (
        f"{rate:,}",
        " to ".join(f"{logged * rate / 1e6:,.0f}" for logged in size.logged) + " MB",
        " to ".join(f"{logged * rate * DAY_S / 1e12:.1f}" for logged in size.logged) + " TB",
        " to ".join(f"{kept * rate * DAY_S / 1e12:.2f}" for kept in size.kept) + " TB",
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
