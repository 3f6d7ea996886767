"""When a failed webhook is sent again, and when it is given up on.

docs/concepts/state-tables.md draws the states of a delivery.

Source: Standard Webhooks 1.0.0, "Deliverability and reliability", whose example schedule this is.
"""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

MINUTE_S, HOUR_S = 60, 3600

# What is waited after each failed attempt but the last: ten attempts in 75 hours and some minutes.
DELAYS_S = (5, 5 * MINUTE_S, 30 * MINUTE_S, 2 * HOUR_S, 5 * HOUR_S, 10 * HOUR_S, 14 * HOUR_S, 20 * HOUR_S, 24 * HOUR_S)
ATTEMPTS_MAX = 1 + len(DELAYS_S)

JITTER = 0.2  # of the delay, at most: what failed together does not come back together
RETRY_AFTER_MAX_S = 24.0 * HOUR_S  # a receiver may ask for more; a mistake of its own must not silence it for years

GONE = 410
BUSY = frozenset({429, 503})  # what Retry-After is for: RFC 6585, section 4; RFC 9110, section 15.6.4


def next_delay_s(attempts: int, status: int | None, retry_after_s: float | None, jitter: float) -> float | None:
    """Return how many seconds to wait after this many failed attempts, or None to give up.

    `attempts` is at least 1. `status` answered the last one, or is None; its `retry_after_s` makes the wait longer,
    never shorter. `jitter`, 0 ≤ jitter < 1, is a random number of the caller's. A receiver that is gone is given up on at once.
    """
    if status == GONE or attempts >= ATTEMPTS_MAX:
        return None
    asked_s = retry_after_s if status in BUSY and retry_after_s is not None else 0.0
    return max(DELAYS_S[attempts - 1], asked_s) * (1 + JITTER * jitter)


def read_retry_after(header: str, now: datetime) -> float | None:
    """Return the seconds that `Retry-After` asks for, 0 to RETRY_AFTER_MAX_S, or None when that cannot be read.

    It is a number of seconds or a date. Source: RFC 9110, section 10.2.3; the three forms of dates are those of section 5.6.7.
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
