"""Prove the ledger from its tables: what promises 1, 2, 8, 9 and 11 say, and that nothing accepted is out of the queue's sight.

One snapshot, so that it may run at any moment, under any load. Each check is a statement that returns what breaks it. However much
that is, little of it leaves the server, which sorts and joins on disk what its work_mem does not hold.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import UUID

import psycopg
from psycopg import sql

from core import ids
from core.admin import locks
from core.errors import CannotDo
from core.ids import Prefix
from core.postgres.connections import connect_command
from core.postgres.statements import statement

WITHIN_S = 3600.0  # for the whole audit; a hundred million transfers take less on two cores
LOCK_WITHIN_S = 10.0  # a migration's change of a table takes less

SHOWN = 20  # violations named a check; a broken ledger may have millions

# Counts all and returns a few. No server-side cursor: Postgres plans for one as if few rows were wanted, and in one process.
SAMPLE = sql.SQL("SELECT kind, id, detail, count(*) OVER () FROM ({check}) violation LIMIT {shown}")

# By name; each is the statement core/sql/audit/NAME.sql.
CHECKS = {
    "zero_sum": "all entries sum to zero, and so do all balances",
    "transfer_entries": "an applied transfer has exactly its two entries, any other has none",
    "stray_entries": "every entry belongs to a transfer and a wallet",
    "wallet_balances": "a wallet's balance and version are the sum and the count of its entries, and none is overdrawn",
    "wallet_chain": "a wallet's entries are versioned 1..n, each balance the one before plus the amount",
    "transfers": "a transfer's wallets exist and are of the kinds of its type, and it ended since it began, and by now",
    "wallets": "every client has its wallet and every shard its external wallet, and there are no others",
    "queue": "exactly the queued transfers are in the queue, each once, in the shard of its wallet",
    "floors": "every look at a shard's queue begins at or below what is queued in it, and below what is still to come",
    "events": "every final transfer has exactly one event, nothing else has one, and the feed goes on behind them",
    "deliveries": "nobody is told of a transfer that is not final, and every callback URL of a final one has its delivery",
}


@dataclass(frozen=True, slots=True)
class Violation:
    """What breaks a check: `kind` is "client", "wallet", "transfer" or "ledger" (then without id)."""

    kind: str
    id: UUID | None
    detail: str

    def line(self) -> str:
        if self.id is None:
            return f"{self.kind}: {self.detail}"
        return f"{self.kind} {ids.text(Prefix[self.kind.upper()], self.id)}: {self.detail}"


@dataclass(frozen=True, slots=True)
class Report:
    """`broken` holds the violations by check, at most SHOWN each; `found` says how many there are."""

    broken: dict[str, list[Violation]]
    found: dict[str, int]
    transfers: int
    entries: int
    wallets: int

    @property
    def clean(self) -> bool:
        return not any(self.found.values())

    def lines(self) -> Iterator[str]:
        for check, violations in self.broken.items():
            yield f"{'BROKEN' if violations else 'ok':6}  {CHECKS[check]}"
            yield from (f"        {violation.line()}" for violation in violations)
            if more := self.found[check] - len(violations):
                yield f"        and {more} more"
        verdict = "clean" if self.clean else "BROKEN"
        yield f"audit {verdict}: {self.transfers} transfers, {self.entries} entries, {self.wallets} wallets"


class OutOfTime(Exception):
    """The audit's time is over."""


def audit(database_url: str, tell: Callable[[str], None] = lambda _: None, within_s: float = WITHIN_S) -> Report:
    """Run every check on one snapshot, and tell after each how it went.

    Raises psycopg.Error when the database cannot be read, and CannotDo when a table stays locked for LOCK_WITHIN_S or all of it
    takes longer than `within_s`.
    """
    give_up = time.monotonic() + within_s
    with connect_command(database_url, writes=False) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        try:
            return run_checks(connection, tell, give_up)
        except psycopg.errors.LockNotAvailable:
            connection.rollback()
            raise CannotDo(f"a table is locked that the audit reads: {locks.holders(connection, locks.READING)}") from None
        except (psycopg.errors.QueryCanceled, OutOfTime):
            raise CannotDo(f"the audit did not end within {within_s:g} s; give it longer with --within SECONDS") from None


def run_checks(connection: psycopg.Connection, tell: Callable[[str], None], give_up: float) -> Report:
    began = time.monotonic()
    bound(connection, give_up)
    counts = connection.execute(statement("audit/counts")).fetchone()
    assert counts is not None
    report = Report({}, {}, *counts)
    tell(f"{report.transfers} transfers, {report.entries} entries, {report.wallets} wallets: {time.monotonic() - began:.1f} s")
    for number, check in enumerate(CHECKS, 1):
        began = time.monotonic()
        bound(connection, give_up)
        report.broken[check], report.found[check] = violations(connection, check)
        tell(f"{number}/{len(CHECKS)}  {report.found[check]} found  {time.monotonic() - began:.1f} s  {CHECKS[check]}")
    return report


def bound(connection: psycopg.Connection, give_up: float) -> None:
    """Let the next statement wait for a lock for a while, and run for what is left of the audit's time. Raises OutOfTime."""
    left_s = give_up - time.monotonic()
    if left_s <= 0:
        raise OutOfTime
    limits = {"lock_timeout": min(left_s, LOCK_WITHIN_S), "statement_timeout": left_s}
    for name, seconds in limits.items():
        connection.execute("SELECT set_config(%s, %s, true)", [name, f"{max(seconds * 1000, 1):.0f}ms"])


def violations(connection: psycopg.Connection, check: str) -> tuple[list[Violation], int]:
    """Return the first SHOWN of what breaks the check, and how many there are."""
    rows = connection.execute(SAMPLE.format(check=sql.SQL(statement(f"audit/{check}")), shown=sql.Literal(SHOWN))).fetchall()
    return [Violation(*row[:3]) for row in rows], rows[0][3] if rows else 0
