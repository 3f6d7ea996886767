"""Deliveries and their attempts, as they are read; and how a delivery is made due again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, get_args
from uuid import UUID

from core.postgres.pool import Database

Status = Literal["pending", "delivered", "failed", "canceled"]
STATUSES: Sequence[Status] = get_args(Status)

ATTEMPTS_SHOWN = 100  # per delivery. A schedule has ten, but a redelivery starts it again, any number of times
REDELIVER_MAX = 1000  # rows per statement: some ten milliseconds
# A guess. The time in an id may be earlier than the row's by this: the index is read from there, then the row's own time decides.
CLOCK_SLACK_MS = 10_000


@dataclass(frozen=True, slots=True)
class Attempt:
    """One HTTP request: the status code of the answer, or the reason why there was none."""

    number: int
    started_at: datetime
    duration_ms: int
    status_code: int | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event for an endpoint or, if `endpoint_id` is None, for a callback URL. A transfer's event has the transfer's id.

    `owner` is the owner of that endpoint, or of the transfer with that callback URL: "operator" or a client's id.
    """

    id: UUID
    owner: str
    event_id: UUID
    transfer_id: UUID | None
    endpoint_id: UUID | None
    callback_url: str | None
    status: Status
    next_attempt_at: datetime | None
    created_at: datetime
    finished_at: datetime | None
    attempts: Sequence[Attempt]


def from_row(*, attempts: list[list[Any]], **columns: Any) -> Delivery:
    """Return the delivery of a row. Postgres sends its attempts as JSON, newest first."""
    read = [Attempt(number, datetime.fromisoformat(at).astimezone(UTC), *rest) for number, at, *rest in reversed(attempts)]
    return Delivery(**columns, attempts=read)


async def list_of_transfer(
    database: Database, owner: str | None, transfer_id: UUID, *, status: Status | None, before: UUID, limit: int
) -> list[Delivery]:
    """Return up to `limit` of the owner's deliveries of this transfer, with an id below `before`, newest first.

    None for the owner lists those of all.
    """
    params = {"owner": owner, "transfer_id": transfer_id, "status": status, "before": before, "limit": limit}
    return await database.fetch("webhooks/list_deliveries_of_transfer", {**params, "attempts": ATTEMPTS_SHOWN}, from_row)


async def list_of_endpoint(
    database: Database, endpoint_id: UUID, *, status: Status | None, before: UUID, limit: int
) -> list[Delivery]:
    """Return up to `limit` of the endpoint's deliveries with an id below `before`, newest first."""
    params = {"endpoint_id": endpoint_id, "statuses": [status] if status else list(STATUSES), "before": before, "limit": limit}
    return await database.fetch("webhooks/list_deliveries_of_endpoint", {**params, "attempts": ATTEMPTS_SHOWN}, from_row)


async def find(database: Database, owner: str | None, id: UUID) -> Delivery | None:
    """Return the delivery, if it is the owner's. None for the owner finds that of any."""
    return await database.fetch_one("webhooks/find_delivery", {"owner": owner, "id": id, "attempts": ATTEMPTS_SHOWN}, from_row)


async def redeliver(database: Database, owner: str, id: UUID) -> bool:
    """Make the owner's delivery due at once. Return False if there is none, or if its endpoint is disabled or deleted."""
    return bool(await database.fetch("webhooks/redeliver", {"owner": owner, "id": id}, dict))


async def redeliver_since(database: Database, endpoint_id: UUID, since: datetime) -> int:
    """Make the endpoint's failed and canceled deliveries since then due, oldest first. Return how many: at most REDELIVER_MAX."""
    since_ms = max(int(since.timestamp() * 1000) - CLOCK_SLACK_MS, 0)
    params = {"endpoint_id": endpoint_id, "since": since, "since_id": UUID(int=since_ms << 80), "limit": REDELIVER_MAX}
    return len(await database.fetch("webhooks/redeliver_all", params, dict))
