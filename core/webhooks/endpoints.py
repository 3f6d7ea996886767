"""Endpoints: stored URLs, the types of events that each receives, and its secret. Each is visible to its owner only."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

from core.events import Type
from core.postgres.pool import Database
from core.postgres.queries import fence
from core.webhooks.secrets import OLD_SECRET_SIGNS_FOR_S

Status = Literal["enabled", "disabled"]
DisabledReason = Literal["requested", "gone", "failing"]

# Per client. A fan-out step makes a row per transfer and endpoint, so this bounds the step: worker/webhooks/fan_outs.py.
CLIENT_ENDPOINTS_MAX = 20
CANCEL_MAX = 1000  # deliveries that one statement cancels: some ten milliseconds


@dataclass(frozen=True, slots=True)
class NewEndpoint:
    """A validated request for an endpoint. It receives events of all transfers, or of those of its client's wallets.

    `wallet_id` is one of these wallets, None for an operator's endpoint."""

    id: UUID
    owner: str
    wallet_id: UUID | None
    url: str
    events: Sequence[Type]
    description: str | None
    secret: str


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint, without its secrets. `old_secret_expires_at` is None if no old secret signs."""

    id: UUID
    url: str
    events: Sequence[Type]
    description: str | None
    status: Status
    disabled_reason: DisabledReason | None
    disabled_at: datetime | None
    created_at: datetime
    old_secret_expires_at: datetime | None


def from_json(stored: Mapping[str, Any]) -> Endpoint:
    """Return the endpoint that an event contains as JSON."""
    times = ("disabled_at", "created_at", "old_secret_expires_at")
    read = {name: datetime.fromisoformat(stored[name]).astimezone(UTC) for name in times if stored[name] is not None}
    return Endpoint(**{**stored, "id": UUID(stored["id"]), **read})


async def insert_endpoint(database: Database, new: NewEndpoint) -> Endpoint | None:
    """Store the endpoint. Return None if its owner is a client with CLIENT_ENDPOINTS_MAX of them. Safe to repeat."""
    return await database.fetch_one("webhooks/insert_endpoint", {**asdict(new), "client_max": CLIENT_ENDPOINTS_MAX}, Endpoint)


async def find_endpoint(database: Database, owner: str | None, id: UUID) -> Endpoint | None:
    """Return the endpoint, if it is the owner's. None for the owner finds that of any."""
    return await database.fetch_one("webhooks/find_endpoint", {"owner": owner, "id": id}, Endpoint)


async def list_endpoints(database: Database, owner: str, *, before: UUID, limit: int) -> list[Endpoint]:
    """Return up to `limit` of the owner's endpoints with an id below `before`, newest first."""
    return await database.fetch("webhooks/list_endpoints", {"owner": owner, "before": before, "limit": limit}, Endpoint)


async def update_endpoint(database: Database, owner: str, id: UUID, changes: Mapping[str, object]) -> Endpoint | None:
    """Change those of url, events, description and status that are in `changes`. Return the endpoint, if there is one.

    An endpoint that this disables has its pending deliveries canceled.
    """
    unchanged = dict.fromkeys(("url", "events", "description", "status"))
    params = {**unchanged, **changes, "describes": "description" in changes, "owner": owner, "id": id}
    endpoint = await database.fetch_one("webhooks/update_endpoint", params, Endpoint)
    if endpoint and endpoint.status == "disabled":
        await cancel_deliveries(database, id)
    return endpoint


async def delete_endpoint(database: Database, owner: str, id: UUID) -> bool:
    """Delete the endpoint for ever and cancel its pending deliveries. Return whether there was one."""
    if not await database.fetch("webhooks/delete_endpoint", {"owner": owner, "id": id}, dict):
        await database.run(fence)  # a first try may have deleted it, in a transaction that no standby has yet
        return False
    await cancel_deliveries(database, id)
    return True


async def cancel_deliveries(database: Database, endpoint_id: UUID) -> int:
    """Cancel up to CANCEL_MAX pending deliveries of a disabled or deleted endpoint, and return how many.

    The deliverer cancels the rest as it claims them.
    """
    return len(await database.fetch("webhooks/cancel_deliveries", {"endpoint_id": endpoint_id, "limit": CANCEL_MAX}, dict))


async def rotate_endpoint_secret(database: Database, owner: str, id: UUID, secret: str) -> Endpoint | None:
    """Give the endpoint this secret. The one before signs too for OLD_SECRET_SIGNS_FOR_S. Safe to repeat with the same secret."""
    params = {"owner": owner, "id": id, "secret": secret, "old_signs_for_s": OLD_SECRET_SIGNS_FOR_S}
    return await database.fetch_one("webhooks/rotate_endpoint_secret", params, Endpoint)
