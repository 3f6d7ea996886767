"""Times are RFC 3339 UTC with microseconds and `Z`."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

Time = Annotated[str, Field(json_schema_extra={"format": "date-time"}, examples=["2026-01-31T09:30:00.000000Z"])]


def rfc3339(time: datetime) -> str:
    """Return the text of a time that is in UTC, as all of the database's are."""
    return time.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
