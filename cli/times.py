"""Times as people write them."""

import re
from datetime import UTC, date, datetime, timedelta

from cli.exits import Cannot

SPAN = re.compile(r"(\d{1,6})([smhd])", re.ASCII)
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def time_of(text: str) -> datetime:
    """Return the instant of a text as for `instant_of`, or of a span before now, such as 1h or 30m."""
    if found := SPAN.fullmatch(text):
        return datetime.now(UTC) - timedelta(seconds=int(found[1]) * SECONDS[found[2]])
    return instant_of(text)


def instant_of(text: str) -> datetime:
    """Return the instant of an RFC 3339 time, or of a day, which begins at 00:00 UTC.

    Raises Cannot for any other text, and for a time without an offset.
    """
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise Cannot(f"{text!r} is no time: write 2026-11-28 or 2026-11-28T10:00:00Z") from None
    if len(text) == len("2026-11-28"):
        return time.replace(tzinfo=UTC)
    if time.tzinfo is None:
        raise Cannot(f"{text!r} needs an offset from UTC, such as {text}Z")
    return time.astimezone(UTC)


def month_of(text: str) -> tuple[datetime, datetime]:
    """Return the first instant of a month, written as 2026-11, and that of the next one. Raises Cannot for any other text."""
    try:
        first = date.fromisoformat(f"{text}-01" if len(text) == len("2026-11") else "")
    except ValueError:
        raise Cannot(f"{text!r} is no month: write 2026-11") from None
    following = (first.replace(day=28) + timedelta(days=4)).replace(day=1)
    begins, ends = (datetime(day.year, day.month, 1, tzinfo=UTC) for day in (first, following))
    return begins, ends
