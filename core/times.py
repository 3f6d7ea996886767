"""Times are RFC 3339 UTC with microseconds and `Z`."""

from datetime import datetime


def rfc3339(time: datetime) -> str:
    """Return the text of a time that is in UTC, as all of the database's are."""
    return time.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
