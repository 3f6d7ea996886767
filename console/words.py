"""What the console says: amounts, times and states in words that a person in finance or support reads aloud."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from core.currencies import CURRENCIES

STATUSES: Mapping[str, str] = {
    "queued": "Waiting",
    "scheduled": "Scheduled",
    "applied": "Applied",
    "rejected": "Rejected",
    "canceled": "Canceled",
    "pending": "Pending",
    "delivered": "Delivered",
    "failed": "Failed",
    "enabled": "Enabled",
    "disabled": "Disabled",
    "active": "Active",
    "frozen": "Frozen",
    "closed": "Closed",
    "open": "Open",
}
TYPES: Mapping[str, str] = {
    "deposit": "Deposit",
    "withdrawal": "Withdrawal",
    "transfer": "Transfer",
    "hold": "Hold",
    "capture": "Capture",
    "release": "Release",
    "reversal": "Reversal",
    "closure": "Closure",
}
REVERSIBLE = ("deposit", "withdrawal", "transfer", "capture")
REASONS: Mapping[str, str] = {
    "insufficient_funds": "not enough money",
    "balance_limit_exceeded": "balance limit",
    "debit_limit_exceeded": "limit of one payment",
    "daily_limit_exceeded": "daily limit",
    "monthly_limit_exceeded": "monthly limit",
    "deadline_passed": "waited too long",
    "wallet_closed": "wallet closed",
    "wallet_frozen": "wallet frozen",
    "wallet_has_holds": "open holds",
    "wallet_not_empty": "wallet not empty",
    "hold_closed": "hold closed",
    "hold_exceeded": "hold too small",
    "reversal_exceeded": "already given back",
    "internal": "internal fault",
}
FROZEN: Mapping[str, str] = {"all": "Money in and out", "debits": "Money out only", "credits": "Money in only"}
LIMITS: Mapping[str, str] = {
    "balance_max": "Highest balance",
    "debit_max": "Largest payment",
    "debits_per_day_max": "Payments of a day",
    "debits_per_month_max": "Payments of a month",
}
CHECKS: Mapping[str, str] = {
    "database_answers": "The database answers",
    "database_writable": "The database takes writes",
    "database_durable": "Writes are durable",
    "database_migrated": "The schema is complete",
    "database_not_newer": "The schema is not newer than this version",
    "redis_reachable": "Redis answers",
    "redis_takes_doorbells": "Redis takes messages",
}
# The figures of a rejection are those of the debited wallet's funds for this code alone.
OF_FUNDS = "insufficient_funds"

MINUS = "\N{MINUS SIGN}"  # as wide as a digit; a hyphen is not
# Digits, or groups of three with a comma before each; a comma is never the point: 10,50 is no amount of dollars.
DIGITS = re.compile(r"([0-9]{1,16}|[0-9]{1,3}(,[0-9]{3}){1,5})(\.[0-9]{0,4})?")
LARGEST = 2**53 - 1  # of the API's amounts


class NoAmount(ValueError):
    """The text is no amount of the currency; the message says what one looks like."""


def digits_of(currency: str) -> int:
    """Return the digits after the point of the currency's amounts. Currencies that are not known have none."""
    return CURRENCIES[currency].minor_unit if currency in CURRENCIES else 0


def money(amount: int, currency: str) -> str:
    """Return the amount in minor units as `-1,234.50`, without the currency."""
    digits = digits_of(currency)
    whole, part = divmod(abs(amount), 10**digits)
    point = f".{part:0{digits}}" if digits else ""
    return f"{MINUS if amount < 0 else ''}{whole:,}{point}"


def signed(amount: int, currency: str) -> str:
    return f"{'+' if amount > 0 else ''}{money(amount, currency)}"


def minor_units(text: str, currency: str) -> int:
    """Return the amount of `10.50` or `1,050.00` in minor units. A comma only divides thousands. Raises NoAmount."""
    digits = digits_of(currency)
    example = money(1050 if digits else 10, currency)
    plain = text.strip()
    if not DIGITS.fullmatch(plain):
        raise NoAmount(f"is no amount: write it as {example}")
    try:
        scaled = Decimal(plain.replace(",", "")).scaleb(digits)
    except InvalidOperation:  # the pattern leaves none; Decimal decides
        raise NoAmount(f"is no amount: write it as {example}") from None
    if scaled != scaled.to_integral_value():
        too_many = (
            f"has more than {digits} digits after the point" if digits else f"has a part of one {currency}, which has no parts"
        )
        raise NoAmount(f"{too_many}: write it as {example}")
    if scaled > LARGEST:
        raise NoAmount("is larger than any amount that Teller moves")
    return int(scaled)


def parse(time: str) -> datetime:
    return datetime.fromisoformat(time)


def moment(time: str) -> str:
    """Return a time of the API as `29 Nov 2026, 10:41:03`, in UTC."""
    return f"{parse(time):%-d %b %Y, %H:%M:%S}"


def near(time: str) -> str:
    """Return a time of the API as `29 Nov, 10:41:03`, with the year unless it is this one."""
    this_year = parse(time).year == datetime.now(UTC).year
    return f"{parse(time):%-d %b, %H:%M:%S}" if this_year else moment(time)


def moment_ms(time: str) -> str:
    """Return a time of the API to the millisecond, without the day."""
    parsed = parse(time)
    return f"{parsed:%H:%M:%S}.{parsed.microsecond // 1000:03}"


def day(time: str) -> str:
    return f"{parse(time):%-d %b %Y}"


def ago(time: str) -> str:
    """Return how long ago a time was, as `3 min ago`."""
    seconds = (datetime.now(UTC) - parse(time)).total_seconds()
    return "just now" if seconds < 1 else f"{duration(seconds)} ago"


def between(begin: str, end: str) -> str:
    return duration((parse(end) - parse(begin)) / timedelta(seconds=1))


def duration(seconds: float) -> str:
    """Return `30 ms`, `0.4 s`, `41 s`, `3 min`, `2 h`, `5 days`."""
    if seconds < 0.0995:
        return f"{max(seconds, 0) * 1000:.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    for limit, size, unit in ((100, 1, "s"), (6000, 60, "min"), (172_800, 3600, "h")):
        if seconds < limit:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 86_400:.0f} days"


def size(amount: int) -> str:
    """Return bytes as `12 MB`."""
    value = float(amount)
    for unit in ("bytes", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def short(id: str) -> str:
    """Return the prefix and the last characters of an id: the first ones are its time, and many have the same."""
    return f"{id[:4]}…{id[-6:]}" if len(id) > 12 else id


def state(transfer: Mapping[str, Any]) -> str:
    """Return the status of a transfer in a word or two, with the reason of a rejection."""
    if transfer["failure"]:
        return f"Rejected: {REASONS.get(transfer['failure']['code'], transfer['failure']['code'])}"
    return STATUSES.get(transfer["status"], transfer["status"])


def story(transfer: Mapping[str, Any], source: str, destination: str) -> str:
    """Return what became of a transfer, in sentences that can be read to a customer."""
    amount = f"{money(transfer['amount'], transfer['currency'])} {transfer['currency']}"
    moved = movement(transfer, amount, source, destination)
    status = transfer["status"]
    if status == "applied":
        return f"{moved} It was done on {moment(transfer['finished_at'])} UTC."
    if status == "rejected":
        return f"{moved} It was refused: {why(transfer, source)} Nothing was moved."
    if status == "canceled":
        return f"{moved} It was canceled on {moment(transfer['finished_at'])} UTC. Nothing was moved."
    if status == "scheduled":
        return f"{moved} It will be done on {moment(transfer['scheduled_for'])} UTC."
    return f"{moved} It has been accepted and waits to be applied."


def movement(transfer: Mapping[str, Any], amount: str, source: str, destination: str) -> str:
    lines = transfer["debits"] is not None
    match transfer["type"]:
        case _ if lines:
            return f"A {transfer['type']} of {amount} between several wallets."
        case "deposit":
            return f"A deposit of {amount} for {destination}."
        case "withdrawal":
            return f"A withdrawal of {amount} by {source}."
        case "hold":
            return f"A hold of {amount} of {source}'s money for {destination}."
        case "closure":
            return f"The closure of {source}'s wallet."
        case type:
            return f"A {type} of {amount} from {source} to {destination}."


def why(transfer: Mapping[str, Any], source: str) -> str:
    """Return why a transfer was rejected, with the figures that the API tells."""
    failure, currency = transfer["failure"], transfer["currency"]
    available, needed = failure["available"], failure["needed"]
    if available is None or needed is None:
        return f"{failure['detail']}."
    figures = f"{money(available, currency)} {currency} was available and {money(needed, currency)} {currency} was needed."
    if failure["code"] == OF_FUNDS:
        return f"{source} did not have enough money: {figures}"
    return f"{failure['detail']}: {figures}"


def changed(before: Mapping[str, Any], after: Mapping[str, Any], currency: str) -> str:
    """Return what a change of a wallet's rules has changed, such as `Active → Frozen` or `Largest payment: none → 100.00`."""
    states = [state_of_rules(rules) for rules in (before, after)]
    told = [f"{states[0]} → {states[1]}"] if states[0] != states[1] else []
    for name, label in LIMITS.items():
        old, new = before["limits"][name], after["limits"][name]
        if old != new:
            told.append(f"{label}: {limit(old, currency)} → {limit(new, currency)}")
    return ", ".join(told) or f"{states[0]} → {states[1]}"


def state_of_rules(rules: Mapping[str, Any]) -> str:
    if rules["frozen"] and rules["status"] != "closed":
        return f"Frozen ({FROZEN[rules['frozen']].lower()})"
    return STATUSES[rules["status"]]


def limit(amount: int | None, currency: str) -> str:
    return "none" if amount is None else money(amount, currency)
