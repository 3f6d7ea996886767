"""The verdict of the nemesis: a history that is right has no violation, and each wrong row has one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.ledger.kinds import KINDS
from tests.nemesis.history import Asked, History, Ruled
from tests.nemesis.stored import Funds, Rows, Stored
from tests.nemesis.verdict import (
    entries_follow_from_outcomes,
    everything_asked_is_there_once,
    everything_is_final_as_it_was_read,
    funds_follow_from_outcomes,
    nothing_else_is_there,
)
from tests.nemesis.verdict_of_verbs import REASONS, judge_verbs

START = datetime(2026, 1, 1, tzinfo=UTC)
ADA, BOB = "wal_ada", "wal_bob"
EVE, RULED, SHUT = "wal_eve", "wal_ruled", "wal_shut"


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def new_row(name: str, type: str, amount: int, **changes: Any) -> Stored:
    """An applied transfer from Ada to Bob, special unless it is said to be plain."""
    same: dict[str, Any] = {"id": f"trf_{name}", "status": "applied", "failure_code": None, "source": ADA, "destination": BOB}
    special: dict[str, Any] = {"parent": None, "fit": None, "closes": False, "captured": 0, "returned": 0, "moved": amount}
    times: dict[str, Any] = {
        "created_at": at(0),
        "finished_at": at(0.5),
        "scheduled_for": None,
        "apply_by": None,
        "expires_at": None,
    }
    return Stored(**{"key": name, "type": type, "amount": amount, **same, **special, **times, **changes})


def child(name: str, type: str, amount: int, of: str, **changes: Any) -> Stored:
    return new_row(name, type, amount, parent=f"trf_{of}", **{"created_at": at(1), "finished_at": at(1.5), **changes})


REJECTED: dict[str, Any] = {"status": "rejected", "moved": 0}
HOLD: dict[str, Any] = {"expires_at": at(5)}
ROWS = (
    new_row("in", "deposit", 1000, source=None, destination=ADA, moved=None),
    new_row("plain", "transfer", 100, moved=None, returned=30),
    child("back", "reversal", 30, "plain", source=BOB, destination=ADA),
    child("toomuch", "reversal", 71, "plain", source=BOB, destination=ADA, failure_code="reversal_exceeded", **REJECTED),
    new_row("parts", "hold", 60, captured=20, returned=40, **HOLD),
    child("first", "capture", 15, "parts"),
    child("final", "capture", 5, "parts", closes=True),
    child("after", "capture", 60, "parts", fit="rest", failure_code="hold_closed", **REJECTED),
    new_row("left", "hold", 60, returned=60, **HOLD),
    child("expiry left", "release", 60, "left", fit="rest", created_at=at(6.1), finished_at=at(6.2)),
    new_row("open", "hold", 50, captured=10, expires_at=at(10**9)),
    child("taken", "capture", 10, "open"),
    child("greedy", "capture", 41, "open", failure_code="hold_exceeded", **REJECTED),
    new_row("later", "transfer", 7, scheduled_for=at(3), moved=None, finished_at=at(3.1)),
    new_row("hurried", "transfer", 7, apply_by=at(1)),
    new_row("late", "transfer", 7, apply_by=at(1), finished_at=at(4), failure_code="deadline_passed", **REJECTED),
    new_row("upto", "withdrawal", 90, destination=None, fit="funds", moved=80),
    new_row("canceled", "transfer", 9, status="canceled", moved=None),
    new_row("stopped", "transfer", 1, source=RULED, destination=EVE, failure_code="wallet_frozen", finished_at=at(3), **REJECTED),
    new_row("counted", "transfer", 5, source=RULED, destination=EVE, moved=None, counted_on=START.date()),
    new_row("closing", "closure", 0, source=SHUT, destination=EVE),
    new_row("shut", "transfer", 1, source=SHUT, destination=EVE, created_at=at(1), failure_code="wallet_closed", **REJECTED),
)
ASKED: dict[str, dict[str, Any]] = {
    "final": {"final": True},
    "left": {"expires_in_s": 5},
    "parts": {"expires_in_s": 5},
    "open": {"expires_in_s": 10**9},
    "later": {"scheduled_for": at(3)},
    "hurried": {"apply_within_s": 1},
    "late": {"apply_within_s": 1},
    "upto": {"up_to": True},
    "after": {"amount": None},
}
FUNDS = {ADA: Funds(1000 - 100 + 30 - 20 - 10 - 7 - 7 - 80, 40, 9), BOB: Funds(100 - 30 + 20 + 10 + 7 + 7, 0, 7)}


def history_of(rows: tuple[Stored, ...]) -> History:
    """What clients asked for that is stored so."""
    history = History()
    for row in rows:
        if not row.is_expiry:
            given = {"source": row.source, "destination": row.destination, "amount": row.amount, "type": row.type}
            times = {"asked_at": row.created_at, "answered_at": row.created_at}
            said = {"key": row.key, "parent": row.parent, "id": row.id, **given, **times, **ASKED.get(row.key, {})}
            history.ask(Asked(**said))
    history.cancellations = {"trf_canceled": 200, "trf_plain": 409}
    history.restarts = [at(2)]
    history.ruled = {
        RULED: Ruled({"wallet_frozen"}, frozen=(at(2), at(4)), debits_per_day_max=5),
        SHUT: Ruled({"wallet_closed"}, closing="closing"),
    }
    return history


def entries_of(rows: Rows) -> dict[str, list[tuple[str | None, int]]]:
    return {row.id: [(row.source, -row.came_to), (row.destination, row.came_to)] for row in rows if row.moves_money}


def violations(history: History, rows: Rows, entries: dict[str, list[tuple[str | None, int]]]) -> list[str]:
    return [
        *everything_asked_is_there_once(history, rows),
        *nothing_else_is_there(history, rows),
        *everything_is_final_as_it_was_read(history, rows),
        *judge_verbs(history, rows),
        *entries_follow_from_outcomes(rows, entries),
        *funds_follow_from_outcomes(rows, FUNDS),
    ]


def test_a_history_that_is_right_has_no_violation() -> None:
    rows = Rows(ROWS)

    assert violations(history_of(ROWS), rows, entries_of(rows)) == []


WRONG: dict[str, tuple[str, dict[str, Any], str]] = {
    "a transfer in another currency": ("plain", {"currency": "JPY"}, "is not what was asked for"),
    "a hold that gives more than it holds": ("first", {"amount": 56, "moved": 56}, "has given more than it holds"),
    "a hold that was emptied twice": ("after", {"status": "applied", "moved": 1, "failure_code": None}, "has given more"),
    "a final capture that leaves the rest": ("parts", {"returned": 0}, "does not say what it has given"),
    "a release of the rest that leaves some": ("expiry left", {"moved": 59}, "and has something left"),
    "a capture after the end": ("first", {"created_at": at(5)}, "was accepted after the end"),
    "a capture refused in time": ("greedy", {"failure_code": "hold_closed"}, "its hold was open"),
    "a capture refused though there was enough": ("greedy", {"amount": 40}, "its hold had enough left"),
    "a release before the end": ("expiry left", {"created_at": at(5.9)}, "came before the end"),
    "a hold that did not end": ("open", {"expires_at": at(9)}, "has ended and still holds 40"),
    "a hold that ends at another time": ("left", {"expires_at": at(6)}, "ends at another time"),
    "a reversal beyond what was moved": ("back", {"amount": 101, "moved": 101}, "was reversed"),
    "a reversal that the parent does not know": ("plain", {"returned": 29}, "was reversed"),
    "a reversal of the rest that leaves some": ("back", {"fit": "rest"}, "not all was reversed"),
    "a reversal refused though there was enough": ("toomuch", {"amount": 70}, "there was enough left to reverse"),
    "an appointment that was early": ("later", {"finished_at": at(2.9)}, "before its time"),
    "an appointment that was forgotten": ("later", {"scheduled_for": None}, "is for another time"),
    "a drain after the deadline": ("hurried", {"finished_at": at(2.1)}, "by a drain that began after its deadline"),
    "a drain long after the deadline": ("hurried", {"finished_at": at(12.1)}, "by a drain that began after its deadline"),
    "a refusal before the deadline": ("late", {"finished_at": at(0.9)}, "refused before its deadline"),
    "another deadline": ("hurried", {"apply_by": at(2)}, "has another deadline"),
    "an amount beyond what was asked": ("upto", {"moved": 91}, "came to 91"),
    "an exact amount that came to less": ("hurried", {"moved": 6}, "came to 6"),
    "a fault that rejected": ("late", {"failure_code": "internal"}, "for no reason of its own"),
    "a reason of another type": ("toomuch", {"failure_code": "hold_closed"}, "for no reason of its own"),
    "a cancellation that was applied": ("canceled", {"status": "applied"}, "was answered 200"),
    "a cancellation that was refused": ("plain", {"status": "canceled"}, "was answered 409"),
    "a cancellation that no client asked for": ("later", {"status": "canceled"}, "no client asked for it"),
    "a debit of a frozen wallet": ("stopped", {"status": "applied", "failure_code": None}, "while its source was frozen"),
    "a window that passes its limit": ("counted", {"amount": 6}, "its limit is 5"),
    "a debit of a closed wallet": ("shut", {"status": "applied", "failure_code": None}, "was sent after"),
    "a freeze that was not asked for": ("late", {"failure_code": "wallet_frozen"}, "for no reason of its own"),
    "another wallet": ("plain", {"destination": EVE}, "is not what was asked for"),
    "another type": ("later", {"type": "hold", "expires_at": at(9)}, "is not what was asked for"),
    "no outcome": ("plain", {"status": "queued", "finished_at": None}, "was read as"),
    "a time of acceptance before the request": ("plain", {"created_at": at(-1)}, "was accepted outside of"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_row_is_a_violation(wrong: str) -> None:
    name, changes, what = WRONG[wrong]
    rows = Rows([replace(row, **changes) if row.key == name else row for row in ROWS])

    found = violations(history_of(ROWS), rows, entries_of(rows))

    assert any(what in violation for violation in found), found


def test_an_entry_that_is_missing_or_stray_and_wrong_funds_are_violations() -> None:
    rows = Rows(ROWS)
    entries = entries_of(rows)
    missing = {id: found for id, found in entries.items() if id != "trf_plain"}
    stray = {**entries, "trf_open": [(ADA, -50), (None, 50)]}

    assert len(violations(history_of(ROWS), rows, missing)) == 1
    assert len(violations(history_of(ROWS), rows, stray)) == 1
    for wrong in (replace(FUNDS[ADA], held=0), replace(FUNDS[ADA], balance=1), replace(FUNDS[ADA], version=8)):
        assert list(funds_follow_from_outcomes(rows, {ADA: wrong})) != []


def test_every_type_has_its_reasons() -> None:
    assert REASONS.keys() == KINDS.keys()
