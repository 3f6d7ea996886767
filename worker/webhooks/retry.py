"""The schedule of attempts: when a failed webhook is sent again, and after which attempt it has failed.

docs/concepts/state-tables.md draws the states of a delivery.

Source: Standard Webhooks 1.0.0, "Deliverability and reliability", whose example schedule this is.
"""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

MINUTE_S, HOUR_S = 60, 3600

# The delay after each failed attempt but the last: ten attempts in 75 hours and some minutes.
DELAYS_S = (5, 5 * MINUTE_S, 30 * MINUTE_S, 2 * HOUR_S, 5 * HOUR_S, 10 * HOUR_S, 14 * HOUR_S, 20 * HOUR_S, 24 * HOUR_S)
ATTEMPTS_MAX = 1 + len(DELAYS_S)

JITTER = 0.2  # of the delay, at most; a guess: deliveries that failed together are due again at different times
RETRY_AFTER_MAX_S = 24.0 * HOUR_S  # the longest delay of the schedule: a receiver's mistake must not silence it for years

GONE = 410
BUSY = frozenset({429, 503})  # the statuses with Retry-After: RFC 6585, section 4; RFC 9110, section 15.6.4


def next_delay_s(attempts: int, status: int | None, retry_after_s: float | None, jitter: float) -> float | None:
    """Return how many seconds to wait after this many failed attempts; None if no attempt is left, or after a status 410.

    `attempts` is at least 1. `status` is the answer to the last attempt, None without one. Its `retry_after_s` makes the wait
    longer, never shorter. `jitter`, 0 ≤ jitter < 1, is a random number that the caller draws.
    """
    if status == GONE or attempts >= ATTEMPTS_MAX:
        return None
    asked_s = retry_after_s if status in BUSY and retry_after_s is not None else 0.0
    return max(DELAYS_S[attempts - 1], asked_s) * (1 + JITTER * jitter)


def read_retry_after(header: str, now: datetime) -> float | None:
    """Return the seconds that `Retry-After` asks for, 0 to RETRY_AFTER_MAX_S; None if the header cannot be read.

    The header is a number of seconds or a date. Source: RFC 9110, section 10.2.3; the three forms of dates: section 5.6.7.
    """
    value = header.strip(" \t")
    if value.isascii() and value.isdigit():
        return min(float(value), RETRY_AFTER_MAX_S)
    try:
        moment = parsedate_to_datetime(value)
        wait_s = (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds()
    except (ValueError, OverflowError):
        return None
    return min(max(wait_s, 0.0), RETRY_AFTER_MAX_S)
