"""What somebody is to be told, or has been: the trail of attempts, and how to have a delivery made again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, get_args
from uuid import UUID

from core.postgres.pool import Database

Status = Literal["pending", "delivered", "failed", "canceled"]
STATUSES: Sequence[Status] = get_args(Status)

ATTEMPTS_SHOWN = 100  # of a delivery: a schedule has ten, but may be begun again by hand any number of times
REDELIVER_MAX = 1000  # by one statement: some ten milliseconds
CLOCK_SLACK_MS = 10_000  # by how much an id's time may be before the row's


@dataclass(frozen=True, slots=True)
class Attempt:
    """What was answered, or why nothing was."""

    number: int
    started_at: datetime
    duration_ms: int
    status_code: int | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event that is told to an endpoint or, where there is none, to a callback URL. A transfer's event has the transfer's id."""

    id: UUID
    event_id: UUID
    transfer_id: UUID | None
    endpoint_id: UUID | None
    callback_url: str | None
    status: Status
    next_attempt_at: datetime | None
    created_at: datetime
    finished_at: datetime | None
    attempts: Sequence[Attempt]


def stored(*, attempts: list[list[Any]], **columns: Any) -> Delivery:
    """Return the delivery of a row; Postgres hands the attempts over as JSON, the newest first."""
    read = [Attempt(number, datetime.fromisoformat(at).astimezone(UTC), *rest) for number, at, *rest in reversed(attempts)]
    return Delivery(**columns, attempts=read)


async def list_of_transfer(
    database: Database, owner: str, transfer_id: UUID, *, status: Status | None, before: UUID, limit: int
) -> list[Delivery]:
    """Return up to `limit` of the transfer's deliveries that the owner wants, with an id below `before`, newest first."""
    params = {"owner": owner, "transfer_id": transfer_id, "status": status, "before": before, "limit": limit}
    return await database.fetch("webhooks/list_deliveries_of_transfer", {**params, "attempts": ATTEMPTS_SHOWN}, stored)


async def list_of_endpoint(
    database: Database, endpoint_id: UUID, *, status: Status | None, before: UUID, limit: int
) -> list[Delivery]:
    """Return up to `limit` of the endpoint's deliveries with an id below `before`, newest first."""
    params = {"endpoint_id": endpoint_id, "statuses": [status] if status else list(STATUSES), "before": before, "limit": limit}
    return await database.fetch("webhooks/list_deliveries_of_endpoint", {**params, "attempts": ATTEMPTS_SHOWN}, stored)


async def find(database: Database, owner: str, id: UUID) -> Delivery | None:
    """Return the delivery, if it is the owner's."""
    return await database.fetch_one("webhooks/find_delivery", {"owner": owner, "id": id, "attempts": ATTEMPTS_SHOWN}, stored)


async def redeliver(database: Database, owner: str, id: UUID) -> bool:
    """Make the owner's delivery due at once; tell whether that was done. It is not to a disabled or deleted endpoint."""
    return bool(await database.fetch("webhooks/redeliver", {"owner": owner, "id": id}, dict))


async def redeliver_since(database: Database, endpoint_id: UUID, since: datetime) -> int:
    """Make what the endpoint was not told since then due at once, the oldest first; return how many, at most REDELIVER_MAX."""
    since_ms = max(int(since.timestamp() * 1000) - CLOCK_SLACK_MS, 0)
    params = {"endpoint_id": endpoint_id, "since": since, "since_id": UUID(int=since_ms << 80), "limit": REDELIVER_MAX}
    return len(await database.fetch("webhooks/redeliver_all", params, dict))
