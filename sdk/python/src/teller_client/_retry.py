"""When a request is sent again, and what its caller is told when it is not. No I/O."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

REFUSED = frozenset({"rate_limited", "backlog_full"})  # the API says of these that nothing was stored
REPEATED_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
LEARNT_NOTHING = frozenset({401, 403, 408, 429, 500, 502, 503, 504})  # answers that say nothing about an earlier attempt


@dataclass(frozen=True)
class Limits:
    """Seconds. `retry_within_s` is for all attempts of a call together, with the pauses between them."""

    retry_within_s: float = 60.0
    read_timeout_s: float = 10.0
    connect_timeout_s: float = 5.0
    backoff_s: float = 0.2  # the longest first pause; each later one may be twice as long
    backoff_max_s: float = 8.0


def pause_s(limits: Limits, attempt: int, retry_after: float | None) -> float:
    """Return how long to pause after this attempt: what the answer asks for, and full jitter.

    Without jitter, the callers that failed together would come back together.
    """
    longest = min(limits.backoff_max_s, limits.backoff_s * 2 ** min(attempt - 1, 20))
    return (retry_after or 0.0) + random.uniform(0, longest)  # noqa: S311 - spreads callers; guards nothing


def is_refusal(status: int, code: object) -> bool:
    """Return whether the answer says that nothing was stored, so that even a request without a key may be sent again."""
    return status == 429 or code in REFUSED


def retry_after_of(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of Retry-After (RFC 9110, section 10.2.3), which may be a date; None without one."""
    given = headers.get("retry-after", "").strip()
    if given.isascii() and given.isdigit():
        return float(given)
    try:
        at = parsedate_to_datetime(given)
    except (TypeError, ValueError):
        return None
    at = at if at.tzinfo else at.replace(tzinfo=timezone.utc)
    return max(0.0, (at - datetime.now(timezone.utc)).total_seconds())
