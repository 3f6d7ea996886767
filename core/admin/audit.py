"""The audit: proves promises 1, 2, 8, 9, 11, 26, 36 and 44 from the tables, and that what has no outcome is in the queue.

All checks read one snapshot, so the audit may run at any time, under any load. Each check is a statement that returns what breaks
it. Few of these rows leave the server. It sorts and joins on disk what does not fit into its work_mem.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

import psycopg
from psycopg import sql

from core import ids
from core.admin import locks
from core.errors import CannotDo
from core.ids import Prefix
from core.postgres.connections import connect_command
from core.postgres.session import Unfit
from core.postgres.statements import statement

Result = TypeVar("Result")

WITHIN_S = 3600.0  # for the whole audit: a hundred million transfers take less on two cores
LOCK_WITHIN_S = 10.0  # per lock: a migration that changes a table takes less

STORE_WITHIN_S = 5  # of the INSERT of a result. A guess: it waits for no lock, and for a standby at most
KEPT = 1000  # results of audits: a nightly one for years. A guess

SHOWN = 20  # violations printed per check: a broken ledger may have millions

# Counts all rows and returns a few. Not by a cursor: Postgres plans a cursor for few rows and without parallel workers.
SAMPLE = sql.SQL("SELECT kind, id, detail, count(*) OVER () FROM ({check}) violation LIMIT {shown}")

# What each check proves, by its name: core/sql/audit/NAME.sql.
CHECKS = {
    "zero_sum": "all entries of a currency sum to zero, and so do all its balances",
    "transfer_entries": "an applied movement has exactly its two entries or its lines, anything else has none",
    "lines": "a transfer's lines sum to zero, one a client's wallet, and its further wallets are its parties",
    "stray_entries": "every entry belongs to a transfer and a wallet",
    "wallet_balances": "a wallet's balance and version are the sum and the count of its entries, and none is overdrawn",
    "wallet_chain": "a wallet's entries are versioned 1..n, each balance the one before plus the amount",
    "running_totals": "a running total is the sum of a wallet's credits so far, and the latest time among its entries",
    "transfers": "a transfer's wallets exist, fit its type and its currency, and it ended since it began, and by now",
    "clients": "a client is what its history ends with, and each change follows the one before",
    "wallets": "every client has a wallet, each shard an external one of each currency in use, and there are no others",
    "holds": "what a wallet has reserved is what is left of its open holds, and no more than its balance",
    "parents": "what was taken of a transfer is the sum of its children, and a final capture leaves nothing",
    "children": "each capture, release and reversal fits its parent, and no capture was accepted too late",
    "closures": "a closed wallet is empty, has its closure, and has not moved since; no other has one",
    "rules": "a wallet's rules are those that its history ends with, and each change follows the one before",
    "limits": "what counts against a wallet's limits today and this month is what it was debited since it is counted",
    "queue": "exactly the queued transfers are in the queue, each once, in the shard of its wallet, or scheduled",
    "due": "each open hold has its end, each scheduled transfer its time, and nothing else has one",
    "floors": "no shard's floor is above a position that is queued in it, or above the next position",
    "events": "every final transfer has exactly one event, nothing else has one, and the next event comes after them",
    "deliveries": "each delivery is of a final transfer, and each callback URL of one has its delivery",
}


@dataclass(frozen=True, slots=True)
class Violation:
    """A row that breaks a check. `kind` is "client", "wallet", "transfer" or "ledger" (which has no id)."""

    kind: str
    id: UUID | None
    detail: str

    def line(self) -> str:
        if self.id is None:
            return f"{self.kind}: {self.detail}"
        return f"{self.kind} {ids.text(Prefix[self.kind.upper()], self.id)}: {self.detail}"

    def shown(self) -> dict[str, object]:
        id = ids.text(Prefix[self.kind.upper()], self.id) if self.id else None
        return {"kind": self.kind, "id": id, "detail": self.detail}


@dataclass(frozen=True, slots=True)
class Report:
    """The result. `violations` has up to SHOWN rows by check, `counts` the number of all."""

    violations: dict[str, list[Violation]]
    counts: dict[str, int]
    transfers: int
    entries: int
    wallets: int
    external: int = 0  # of the wallets

    @property
    def clean(self) -> bool:
        return not any(self.counts.values())

    def lines(self) -> Iterator[str]:
        yield from lines_of_checks(CHECKS, self.violations, self.counts)
        verdict = "clean" if self.clean else "BROKEN"
        wallets = f"{self.wallets} wallets ({self.wallets - self.external} of clients, {self.external} external)"
        yield f"audit {verdict}: {self.transfers} transfers, {self.entries} entries, {wallets}"

    def shown(self) -> dict[str, object]:
        """Return the report as JSON has it: docs/operating/monitor.md."""
        return {
            "clean": self.clean,
            "transfers": self.transfers,
            "entries": self.entries,
            "wallets": {"of_clients": self.wallets - self.external, "external": self.external},
            "checks": shown_checks(CHECKS, self.violations, self.counts),
        }


def shown_checks(
    texts: Mapping[str, str], violations: Mapping[str, Sequence[Violation]], counts: Mapping[str, int]
) -> list[dict[str, object]]:
    """Return each check as JSON has it, with the first of what breaks it."""
    return [
        {"check": check, "proves": texts[check], "violations": counts[check], "first": [one.shown() for one in found]}
        for check, found in violations.items()
    ]


def lines_of_checks(
    texts: Mapping[str, str], violations: Mapping[str, Sequence[Violation]], counts: Mapping[str, int]
) -> Iterator[str]:
    for check, found in violations.items():
        yield f"{'BROKEN' if counts[check] else 'ok':6}  {texts[check]}"
        yield from (f"        {violation.line()}" for violation in found)
        if more := counts[check] - len(found):
            yield f"        and {more} more"


class OutOfTime(Exception):
    """The time that the audit may take is over."""


def audit(database_url: str, report_progress: Callable[[str], None] = lambda _: None, within_s: float = WITHIN_S) -> Report:
    """Run every check on one snapshot, and pass a line about each to `report_progress`.

    Raises psycopg.Error when the database cannot be read. Raises CannotDo when a table stays locked for LOCK_WITHIN_S, or when the
    audit takes longer than `within_s`.
    """
    return in_snapshot(
        database_url, "audit", lambda connection, give_up: run_checks(connection, report_progress, give_up), within_s
    )


def in_snapshot(database_url: str, command: str, work: Callable[[psycopg.Connection, float], Result], within_s: float) -> Result:
    """Return what `work` returns, which gets a read-only transaction of one snapshot and the time.monotonic() to give up at.

    Raises psycopg.Error when the database cannot be read. Raises CannotDo when a table stays locked for LOCK_WITHIN_S, or when the
    command takes longer than `within_s`, if `work` calls limit_next_statement before each statement.
    """
    give_up = time.monotonic() + within_s
    with connect_command(database_url, writes=False) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        try:
            return work(connection, give_up)
        except psycopg.errors.LockNotAvailable:
            connection.rollback()
            raise CannotDo(f"a table is locked that the {command} reads: {locks.holders(connection, locks.READING)}") from None
        except (psycopg.errors.QueryCanceled, OutOfTime):
            raise CannotDo(f"the {command} did not end within {within_s:g} s; give it longer with --within SECONDS") from None


def run_checks(connection: psycopg.Connection, report_progress: Callable[[str], None], give_up: float) -> Report:
    began = time.monotonic()
    limit_next_statement(connection, give_up)
    counts = connection.execute(statement("audit/counts")).fetchone()
    assert counts is not None
    transfers, entries, wallets, external = counts
    report = Report(violations={}, counts={}, transfers=transfers, entries=entries, wallets=wallets, external=external)
    report_progress(f"{transfers} transfers, {entries} entries, {wallets} wallets: {time.monotonic() - began:.1f} s")
    for number, check in enumerate(CHECKS, 1):
        began = time.monotonic()
        limit_next_statement(connection, give_up)
        report.violations[check], report.counts[check] = run_check(connection, check)
        report_progress(f"{number}/{len(CHECKS)}  {report.counts[check]} found  {time.monotonic() - began:.1f} s  {CHECKS[check]}")
    return report


def store(database_url: str, report: Report, seconds: float) -> str | None:
    """Store the result of an audit that took so long, for GET /v1/ops/database. KEPT results stay.

    Return None, or the reason why it is not stored: a role without the right to write, or a server that is a standby, audits too.
    """
    broken = {check: count for check, count in report.counts.items() if count}
    counts = {"transfers": report.transfers, "entries": report.entries, "wallets": report.wallets}
    params = {"seconds": seconds, "broken": json.dumps(broken), "kept": KEPT, **counts}
    try:
        with connect_command(database_url) as connection:
            connection.execute("SELECT set_config('statement_timeout', %s, true)", [f"{STORE_WITHIN_S}s"])
            connection.execute(statement("admin/store_audit"), params)
    except Unfit as error:
        return str(error)
    except psycopg.Error as error:
        return error.diag.message_primary or "the database is away"
    return None


def limit_next_statement(connection: psycopg.Connection, give_up: float) -> None:
    """Limit the next statement to the time that is left, and its wait for a lock to LOCK_WITHIN_S. Raises OutOfTime."""
    left_s = give_up - time.monotonic()
    if left_s <= 0:
        raise OutOfTime
    limits = {"lock_timeout": min(left_s, LOCK_WITHIN_S), "statement_timeout": left_s}
    for name, seconds in limits.items():
        connection.execute("SELECT set_config(%s, %s, true)", [name, f"{max(seconds * 1000, 1):.0f}ms"])


def run_check(connection: psycopg.Connection, check: str) -> tuple[list[Violation], int]:
    """Return the first SHOWN rows that break the check, and the number of all."""
    rows = connection.execute(SAMPLE.format(check=sql.SQL(statement(f"audit/{check}")), shown=sql.Literal(SHOWN))).fetchall()
    return [Violation(kind, id, detail) for kind, id, detail, _ in rows], rows[0][3] if rows else 0
