"""The verdict on holds, reversals, times, cancellations and rules: outcomes must agree with each other and with what was asked."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from core.ledger.kinds import REVERSIBLE
from tests.nemesis.history import Asked, History
from tests.nemesis.stored import Rows, Stored

RELEASED_AFTER = timedelta(seconds=1)  # the sweeper takes a hold one second after its end
DRAINS_WITHIN = timedelta(seconds=11)  # Postgres ends a drain's transaction after ten seconds
CLOCKS = timedelta(milliseconds=50)  # one machine: its clock may be set while it runs

REASONS = {
    "closure": {"wallet_has_holds"},
    "deposit": set[str](),
    "withdrawal": {"insufficient_funds"},
    "transfer": {"insufficient_funds"},
    "hold": {"insufficient_funds"},
    "capture": {"hold_closed", "hold_exceeded"},
    "release": {"hold_closed", "hold_exceeded"},
    "reversal": {"reversal_exceeded", "insufficient_funds"},
}


def judge_verbs(history: History, stored: Rows) -> Iterator[str]:
    """Yield all violations, in words."""
    now = datetime.now(UTC)
    for row in stored:
        asked = history.asked.get(row.key)
        if asked is not None:
            yield from times_are_those_asked_for(row, asked)
            yield from an_amount_is_within_what_was_asked(row, asked)
        if row.type == "hold":
            yield from a_hold_gives_what_it_holds(row, stored)
            yield from a_hold_ends(row, stored, now)
        elif row.type in REVERSIBLE:
            yield from a_reversal_is_within_what_was_moved(row, stored)
        yield from a_deadline_holds(row, history)
        yield from a_rejection_has_its_reason(row, stored, history)
        yield from nothing_is_applied_against_a_rule(row, stored, history)
    yield from windows_keep_their_limits(history, stored)
    yield from cancellations_have_one_outcome(history, stored)


def times_are_those_asked_for(row: Stored, asked: Asked) -> Iterator[str]:
    """Accepted between the first request and its first answer; relative times count from there, or from the appointment."""
    if asked.answered_at and not asked.asked_at - CLOCKS <= row.created_at <= asked.answered_at + CLOCKS:
        yield f"{row} was accepted outside of {asked}"
    if row.scheduled_for != asked.scheduled_for and (row.scheduled_for or not was_past(asked, row)):
        yield f"{row} is for another time than {asked}"
    if asked.scheduled_for and row.status != "canceled" and row.finished_at and row.finished_at < asked.scheduled_for - CLOCKS:
        yield f"{row} was decided before its time"
    if row.expires_at != after(row.scheduled_for or row.created_at, asked.expires_in_s):
        yield f"{row} ends at another time than {asked}"
    if asked.apply_within_s is None or row.scheduled_for is None:
        expected = after(row.created_at, asked.apply_within_s)
        if row.apply_by != expected:
            yield f"{row} has another deadline than {expected}"
    elif row.apply_by and row.apply_by < row.scheduled_for + timedelta(seconds=asked.apply_within_s):
        yield f"{row} has a deadline before that of {asked}"
    elif row.apply_by is None and row.status != "canceled":
        yield f"{row} has lost the deadline of {asked}"


def was_past(asked: Asked, row: Stored) -> bool:
    """An appointment that has passed when its request is accepted means now."""
    return asked.scheduled_for is not None and asked.scheduled_for <= row.created_at + CLOCKS


def after(begin: datetime, seconds: int | None) -> datetime | None:
    return None if seconds is None else begin + timedelta(seconds=seconds)


def an_amount_is_within_what_was_asked(row: Stored, asked: Asked) -> Iterator[str]:
    least = 1 if asked.fit else row.amount
    if row.is_applied and row.type != "closure" and not least <= row.came_to <= row.amount:
        yield f"{row} came to {row.came_to}, and what was asked for was {asked}"
    if not row.is_applied and row.moved:
        yield f"{row} has moved something"


def a_hold_gives_what_it_holds(hold: Stored, stored: Rows) -> Iterator[str]:
    """Promise 26: never more than it holds, never twice, never late; and what empties it leaves nothing."""
    captures, releases = stored.applied_children(hold, "capture"), stored.applied_children(hold, "release")
    captured, released = sum(row.came_to for row in captures), sum(row.came_to for row in releases)
    emptied = [row for row in (*captures, *releases) if row.empties]
    if captured + released > hold.came_to or len(emptied) > 1:
        yield f"{hold} has given more than it holds, to {captures} and {releases}"
    if emptied and not emptied[0].closes and captured + released != hold.came_to:
        yield f"{hold} was emptied by {emptied} and has something left"
    rest = hold.came_to - captured - released if any(row.closes for row in emptied) else 0
    if hold.is_applied and (hold.captured, hold.returned) != (captured, released + rest):
        yield f"{hold} does not say what it has given: {captures}, {releases}"
    for row in captures:
        if hold.expires_at is None or row.created_at >= hold.expires_at:
            yield f"{row} is applied, and was accepted after the end of {hold}"


def a_hold_ends(hold: Stored, stored: Rows, now: datetime) -> Iterator[str]:
    """Promise 27, but for the time that it takes: a trial waits until nothing is due."""
    assert hold.expires_at is not None
    for expiry in stored.applied_children(hold, "release"):
        if expiry.is_expiry and expiry.created_at < hold.expires_at + RELEASED_AFTER:
            yield f"{expiry} came before the end of {hold}"
    if hold.is_applied and hold.expires_at < now - DRAINS_WITHIN and stored.left_of(hold):
        yield f"{hold} has ended and still holds {stored.left_of(hold)}"


def a_reversal_is_within_what_was_moved(moved: Stored, stored: Rows) -> Iterator[str]:
    """Promise 36."""
    reversals = stored.applied_children(moved, "reversal")
    reversed_ = sum(row.came_to for row in reversals)
    if reversed_ > moved.came_to or (moved.is_applied and moved.returned != reversed_):
        yield f"of {moved} was reversed {reversals}"
    if any(row.fit == "rest" for row in reversals) and reversed_ != moved.came_to:
        yield f"of {moved} not all was reversed by {reversals}"


def a_deadline_holds(row: Stored, history: History) -> Iterator[str]:
    """Promise 29. Seen from outside, a drain began after a restart of everything, and not longer ago than a drain may take."""
    assert row.finished_at is not None or row.status == "queued"
    if row.finished_at is None or row.apply_by is None:
        return
    late = [begun for begun in history.restarts if row.apply_by < begun <= row.finished_at]
    if row.is_applied and (late or row.finished_at > row.apply_by + DRAINS_WITHIN):
        yield f"{row} was applied by a drain that began after its deadline: {late}"
    if row.failure_code == "deadline_passed" and row.finished_at <= row.apply_by:
        yield f"{row} was refused before its deadline"


def nothing_is_applied_against_a_rule(row: Stored, stored: Rows, history: History) -> Iterator[str]:
    """Promises 32 and 33: after a freeze's answer no debit is applied until it ends, and after a closure nothing at all."""
    for wallet in (row.source, row.destination):
        ruled = history.ruled.get(wallet or "")
        if ruled is None or not row.is_applied or row.finished_at is None:
            continue
        if ruled.frozen and wallet == row.source and ruled.frozen[0] < row.finished_at < ruled.frozen[1]:
            yield f"{row} was applied while its source was frozen, from {ruled.frozen[0]} to {ruled.frozen[1]}"
        closure = stored.by_key.get(ruled.closing or "")
        asked, closing = history.asked.get(row.key), history.asked.get(ruled.closing or "")
        if closure is None or not closure.is_applied or asked is None or closing is None or closing.answered_at is None:
            continue
        if asked.asked_at > closing.answered_at:
            yield f"{row} was applied, and was sent after {closure} was accepted"


def windows_keep_their_limits(history: History, stored: Rows) -> Iterator[str]:
    """Promise 34."""
    debits: Counter[tuple[str, date]] = Counter()
    for row in stored:
        if row.source in history.ruled and row.counted_on and row.is_applied:
            given_back = row.came_to - stored.left_of(row) - captured_of(row, stored) if row.type == "hold" else 0
            debits[row.source, row.counted_on] += row.came_to - given_back
    for (wallet, day), amount in debits.items():
        most = history.ruled[wallet].debits_per_day_max
        if most is not None and amount > most:
            yield f"{wallet} was debited of {amount} on {day}, and its limit is {most}"


def captured_of(hold: Stored, stored: Rows) -> int:
    return sum(row.came_to for row in stored.applied_children(hold, "capture"))


def a_rejection_has_its_reason(row: Stored, stored: Rows, history: History) -> Iterator[str]:
    """Promise 13: no transfer is rejected by a fault, or for a reason that its parent's children contradict."""
    ruled = [history.ruled[wallet].reasons for wallet in (row.source, row.destination) if wallet in history.ruled]
    reasons = REASONS[row.type].union({"deadline_passed"} if row.apply_by else (), *ruled)
    if (row.status == "rejected") != (row.failure_code is not None) or row.failure_code not in {None, *reasons}:
        yield f"{row} was rejected for no reason of its own"
        return
    parent = stored.by_id.get(row.parent or "")
    if parent is None or row.failure_code is None:
        return
    exceeds = row.fit != "rest" and row.amount > stored.left_of(parent)
    if row.failure_code == "hold_closed" and not was_closed(parent, row, stored):
        yield f"{row} was refused, and its hold was open: {parent}"
    if row.failure_code == "hold_exceeded" and not exceeds:
        yield f"{row} was refused, and its hold had enough left: {parent}"
    if row.failure_code == "reversal_exceeded" and not exceeds and stored.left_of(parent):
        yield f"{row} was refused, and there was enough left to reverse: {parent}"


def was_closed(hold: Stored, child: Stored, stored: Rows) -> bool:
    """Whether the hold may have been closed when its child was decided. What is closed stays so; an appointment is not open yet."""
    if not hold.is_applied or not stored.left_of(hold) or hold.finished_at is None or child.finished_at is None:
        return True
    ended = child.type == "capture" and hold.expires_at is not None and child.created_at >= hold.expires_at
    return ended or child.finished_at <= hold.finished_at


def cancellations_have_one_outcome(history: History, stored: Rows) -> Iterator[str]:
    """Promise 28: what was canceled was not applied, and what could not be canceled is final in another way."""
    for id, status in history.cancellations.items():
        row = stored.by_id.get(id)
        if row is None or (row.status == "canceled") != (status == 200):
            yield f"the cancellation of {row or id} was answered {status}"
    for row in stored:
        if row.status == "canceled" and row.id not in history.cancellations:
            yield f"{row} was canceled, and no client asked for it"
