"""The audit against a checkpoint: what came later is whole, and what came before is as it was.

It reads all that came later, once, and each wallet's row with its newest entry. Nothing that reads less than the history can show
each change in it: a value that was changed in an old row, with all sums as before, is seen only by reading that row. So the
segments of the history are read again on request: all of them, a part of them, or a sample.
"""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql

from core import ids
from core.admin import history
from core.admin.audit import SAMPLE, SHOWN, WITHIN_S, Violation, in_snapshot, limit_next_statement, lines_of_checks, shown_checks
from core.admin.checkpoint_file import Chain, Checkpoint
from core.ids import Prefix
from core.postgres.statements import statement

# A transaction that was open at the last event may have finished its transfers before it: workers' transactions end within 10 s.
# The rest is for clocks that differ or are set back a little.
DATED_WITHIN = timedelta(minutes=1)

# What each statement proves, by its name: core/sql/since/NAME.sql.
STATEMENTS = {
    "places": "the checkpoint's events are where they were: the feed was not cut off",
    "events": "each later event is of a final transfer at this place of the feed",
    "movements": "each later movement has its entries, which sum to zero in its currency, and nothing else has any",
    "chain": "each later entry follows the one before it in its wallet",
    "dates": "nothing that came later is dated before the checkpoint",
    "heads": "a wallet's version and balance are those of its newest entry",
}
RANGES = "before what came later, each wallet had as many entries as in the checkpoint, and the same balance"
SEGMENTS = "the history that was read again, {read} of {all} segments, is byte for byte that of the checkpoint"

Found = tuple[list[Violation], int]  # the first of them, and the number of all


@dataclass(frozen=True, slots=True)
class Depth:
    """Which segments of the history are read again: all, those of the part `part` of `parts`, or a random sample of so many."""

    full: bool = False
    part: int = 0
    parts: int = 0
    sample: int = 0

    def chosen(self, segments: int) -> list[int]:
        if self.parts:
            return [number for number in range(segments) if number % self.parts == self.part - 1]
        if self.sample:
            return sorted(random.SystemRandom().sample(range(segments), min(self.sample, segments)))
        return list(range(segments)) if self.full else []

    @property
    def reads_segments(self) -> bool:
        return bool(self.full or self.parts or self.sample)


@dataclass(frozen=True, slots=True)
class Since:
    """What came after the checkpoint in a currency. Amounts are in its minor units."""

    currency: str
    transfers: int
    entries: int
    paid_in: int
    paid_out: int

    def line(self) -> str:
        return (
            f"since then, {self.currency or 'no currency'}: {self.transfers} transfers, {self.entries} entries,"
            f" {self.paid_in} paid in, {self.paid_out} paid out"
        )


@dataclass(frozen=True, slots=True)
class Report:
    """The result. `violations` has up to SHOWN rows by check, `counts` the number of all, `texts` what each check proves."""

    made_at: str
    segments: int
    read_segments: int
    violations: dict[str, list[Violation]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    since: list[Since] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        return not any(self.counts.values())

    def add(self, check: str, text: str, violations: Sequence[Violation], count: int) -> None:
        self.violations[check], self.counts[check], self.texts[check] = list(violations[:SHOWN]), count, text

    def lines(self) -> Iterator[str]:
        yield from lines_of_checks(self.texts, self.violations, self.counts)
        yield from (one.line() for one in self.since)
        verdict = "clean" if self.clean else "BROKEN"
        yield f"audit {verdict} since {self.made_at}: {self.read_segments} of {self.segments} segments of the history read again"

    def shown(self) -> dict[str, object]:
        """Return the report as JSON has it: docs/operating/monitor.md."""
        return {
            "clean": self.clean,
            "since": self.made_at,
            "came_later": [asdict(one) for one in self.since],
            "segments": {"read": self.read_segments, "all": self.segments},
            "checks": shown_checks(self.texts, self.violations, self.counts),
        }


def audit_since(
    database_url: str,
    checkpoint: Checkpoint,
    depth: Depth,
    report_progress: Callable[[str], None] = lambda _: None,
    within_s: float = WITHIN_S,
) -> Report:
    """Compare the database with the checkpoint, in one snapshot. Raises psycopg.Error and CannotDo, as the audit does."""

    def work(connection: psycopg.Connection, give_up: float) -> Report:
        return run_checks(connection, checkpoint, depth, report_progress, give_up)

    return in_snapshot(database_url, "audit", work, within_s)


def run_checks(
    connection: psycopg.Connection,
    checkpoint: Checkpoint,
    depth: Depth,
    report_progress: Callable[[str], None],
    give_up: float,
) -> Report:
    """Run all checks within the connection's transaction, and pass a line about each to `report_progress`."""
    chosen = depth.chosen(len(checkpoint.segments))
    report = Report(made_at=checkpoint.made_at, segments=len(checkpoint.segments), read_segments=len(chosen))
    history.prefer_keys(connection)
    params = params_of(checkpoint)
    checks: list[tuple[str, str, Callable[[], Found]]] = [
        *((name, text, partial(run_check, connection, name, params)) for name, text in STATEMENTS.items()),
        ("ranges", RANGES, partial(compare_ranges, connection, checkpoint)),
    ]
    if depth.reads_segments:
        text = SEGMENTS.format(read=len(chosen), all=len(checkpoint.segments))
        checks.append(("segments", text, partial(compare_segments, connection, checkpoint, chosen, give_up)))
    for check, text, find in checks:
        began = time.monotonic()
        limit_next_statement(connection, give_up)
        report.add(check, text, *find())
        report_progress(f"{report.counts[check]} found  {time.monotonic() - began:.1f} s  {text}")
    limit_next_statement(connection, give_up)
    report.since.extend(Since(row[0], *map(int, row[1:])) for row in connection.execute(statement("history/count_since"), params))
    return report


def params_of(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return the parameters of core/sql/since."""
    lasts = [of.last_event for of in checkpoint.currencies.values()]
    finished_at = checkpoint.last_event.finished_at if checkpoint.last_event else None
    return {
        "before": checkpoint.before,
        "ends": [segment.last_moment for segment in checkpoint.segments],
        "last_ids": [ids.parse(Prefix.EVENT, last.id) for last in lasts],
        "last_moments": [last.moment for last in lasts],
        "last_ordinals": [last.ordinal for last in lasts],
        "since": datetime.fromisoformat(finished_at) - DATED_WITHIN if finished_at else None,
    }


def run_check(connection: psycopg.Connection, check: str, params: dict[str, Any]) -> Found:
    query = SAMPLE.format(check=sql.SQL(statement(f"since/{check}")), shown=sql.Literal(SHOWN))
    rows = connection.execute(query, params).fetchall()
    return [Violation(kind, id, detail) for kind, id, detail, _ in rows], rows[0][3] if rows else 0


def compare_ranges(connection: psycopg.Connection, checkpoint: Checkpoint) -> Found:
    """Compare the wallets' heads of the checkpoint's time with the checkpoint, range by range."""
    bounds = [ids.parse(Prefix.WALLET, bound) for bound in checkpoint.bounds]
    found = {
        (part.number, part.currency): history.heads_of(part) for part in history.read_heads(connection, checkpoint.before, bounds)
    }
    then = {(heads.number, heads.currency): heads for heads in checkpoint.heads}
    different = [key for key in sorted({*found, *then}) if found.get(key) != then.get(key)]
    violations = []
    for number, currency in different[:SHOWN]:
        now, before = (
            f"{heads.wallets} wallets with {heads.entries} entries and a balance of {heads.balance}" if heads else "none"
            for heads in (found.get((number, currency)), then.get((number, currency)))
        )
        where = f"the {currency or 'missing'} wallets {range_of(number, bounds)}"
        violations.append(Violation("ledger", None, f"{where}: then {before}; by now, for that time, {now}"))
    return violations, len(different)


def range_of(number: int, bounds: Sequence[UUID]) -> str:
    first = f"from {ids.text(Prefix.WALLET, bounds[number - 1])}" if number else "from the first"
    return f"{first} on, before {ids.text(Prefix.WALLET, bounds[number])}" if number < len(bounds) else f"{first} on"


def compare_segments(connection: psycopg.Connection, checkpoint: Checkpoint, chosen: Sequence[int], give_up: float) -> Found:
    """Read these segments again and compare their digests. If they are all, compare the chains too: these name the shard."""
    starts = history.starts_of(checkpoint.segments)
    violations: list[Violation] = []
    chains: list[Chain] = []
    for number in chosen:
        limit_next_statement(connection, give_up)
        then = checkpoint.segments[number]
        parts = history.read_segment(connection, starts[number], then.last_moment)
        chains = history.chained(chains, parts)
        now = history.segment_of(then.last_moment, parts)
        if now != then:
            where = f"segment {number + 1}, the events from {starts[number]} to {then.last_moment}"
            seen = f"then {then.transfers} transfers with {then.entries} entries, now {now.transfers} with {now.entries}"
            violations.append(Violation("ledger", None, f"{where}: {seen}; their digests differ"))
    if len(chosen) == len(checkpoint.segments):
        violations.extend(compare_chains(checkpoint.chains, chains))
    return violations, len(violations)


def compare_chains(then: Sequence[Chain], now: Sequence[Chain]) -> Iterator[Violation]:
    found = {(chain.currency, chain.shard): chain for chain in now}
    known = {(chain.currency, chain.shard): chain for chain in then}
    for currency, shard in sorted({*found, *known}):
        if found.get((currency, shard)) != known.get((currency, shard)):
            yield Violation("ledger", None, f"the chain of {currency or 'no currency'} in shard {shard} is another one")
