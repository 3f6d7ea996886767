"""Times are RFC 3339 UTC with microseconds and `Z`."""

from datetime import datetime


def rfc3339(time: datetime) -> str:
    """Return the text of a time in UTC. All times from the database are in UTC."""
    return time.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
