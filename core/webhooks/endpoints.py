"""Who wants to be called: endpoints and the secrets that sign what they are told. Each belongs to its owner alone."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

from core.events import Type
from core.postgres.pool import Database
from core.postgres.queries import fence
from core.webhooks import signing

Status = Literal["enabled", "disabled"]
DisabledReason = Literal["requested", "gone", "failing"]

OLD_SECRET_SIGNS_FOR_S = 24 * 3600  # after a rotation: as long as receivers may take to learn of the new one
CLIENT_ENDPOINTS_MAX = 20  # a step that makes deliveries has a row for each of them and each transfer: worker/webhooks/fan_outs.py
CANCEL_MAX = 1000  # deliveries that one statement cancels: some ten milliseconds


@dataclass(frozen=True, slots=True)
class NewEndpoint:
    """A validated request for an endpoint: told of all transfers, or of those that `wallet_id` is a party to."""

    id: UUID
    owner: str
    wallet_id: UUID | None
    url: str
    events: Sequence[Type]
    description: str | None
    secret: str


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`old_secret_expires_at`: until then the secret before the last rotation signs too; None when there is none any more."""

    id: UUID
    url: str
    events: Sequence[Type]
    description: str | None
    status: Status
    disabled_reason: DisabledReason | None
    disabled_at: datetime | None
    created_at: datetime
    old_secret_expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Secret:
    """What is told of an owner's secret for callback URLs: never the secret itself."""

    created_at: datetime
    old_secret_expires_at: datetime | None


def endpoint_of(stored: Mapping[str, Any]) -> Endpoint:
    """Return the endpoint that an event holds as JSON."""
    times = ("disabled_at", "created_at", "old_secret_expires_at")
    read = {name: datetime.fromisoformat(stored[name]).astimezone(UTC) for name in times if stored[name] is not None}
    return Endpoint(**{**stored, "id": UUID(stored["id"]), **read})


async def insert_endpoint(database: Database, new: NewEndpoint) -> Endpoint | None:
    """Store the endpoint, unless its owner is a client that has CLIENT_ENDPOINTS_MAX already; safe to repeat."""
    return await database.fetch_one("webhooks/insert_endpoint", {**asdict(new), "client_max": CLIENT_ENDPOINTS_MAX}, Endpoint)


async def find_endpoint(database: Database, owner: str, id: UUID) -> Endpoint | None:
    """Return the endpoint, if it is the owner's."""
    return await database.fetch_one("webhooks/find_endpoint", {"owner": owner, "id": id}, Endpoint)


async def list_endpoints(database: Database, owner: str, *, before: UUID, limit: int) -> list[Endpoint]:
    """Return up to `limit` of the owner's endpoints with an id below `before`, newest first."""
    return await database.fetch("webhooks/list_endpoints", {"owner": owner, "before": before, "limit": limit}, Endpoint)


async def update_endpoint(database: Database, owner: str, id: UUID, changes: Mapping[str, object]) -> Endpoint | None:
    """Change what `changes` names among url, events, description and status, and return the endpoint, if there is one.

    What a disabled one has not been told yet is canceled.
    """
    unchanged = dict.fromkeys(("url", "events", "description", "status"))
    params = {**unchanged, **changes, "describes": "description" in changes, "owner": owner, "id": id}
    endpoint = await database.fetch_one("webhooks/update_endpoint", params, Endpoint)
    if endpoint and endpoint.status == "disabled":
        await cancel_deliveries(database, id)
    return endpoint


async def delete_endpoint(database: Database, owner: str, id: UUID) -> bool:
    """Delete the endpoint for ever; tell whether there was one. What it has not been told yet, it will never be."""
    if not await database.fetch("webhooks/delete_endpoint", {"owner": owner, "id": id}, dict):
        await database.run(fence)  # it may have been deleted by a transaction that no standby has
        return False
    await cancel_deliveries(database, id)
    return True


async def cancel_deliveries(database: Database, endpoint_id: UUID) -> int:
    """Cancel some of what an endpoint will not be told any more, and return how many: the deliverer finds the rest."""
    return len(await database.fetch("webhooks/cancel_deliveries", {"endpoint_id": endpoint_id, "limit": CANCEL_MAX}, dict))


async def rotate_endpoint_secret(database: Database, owner: str, id: UUID, secret: str) -> Endpoint | None:
    """Let this secret sign from now on, and the one before for OLD_SECRET_SIGNS_FOR_S. Safe to repeat with the same secret."""
    params = {"owner": owner, "id": id, "secret": secret, "old_signs_for_s": OLD_SECRET_SIGNS_FOR_S}
    return await database.fetch_one("webhooks/rotate_endpoint_secret", params, Endpoint)


async def rotate_secret(database: Database, owner: str, secret: str) -> Secret:
    """Let this secret, the first or another, sign the calls to the owner's callback URLs. Safe to repeat with the same secret."""
    params = {"owner": owner, "secret": secret, "old_signs_for_s": OLD_SECRET_SIGNS_FOR_S}
    [rotated] = await database.fetch("webhooks/rotate_secret", params, Secret)
    return rotated


async def find_secret(database: Database, owner: str) -> Secret | None:
    """Return when the owner's secret for callback URLs was made, if it has one."""
    return await database.fetch_one("webhooks/find_secret", {"owner": owner}, Secret)


async def ensure_secret(database: Database, owner: str) -> None:
    """Make the owner's first secret for callback URLs, unless it has one."""
    await database.fetch("webhooks/insert_secret", {"owner": owner, "secret": signing.make_secret()}, dict)
