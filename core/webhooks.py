"""Who wants to be called: endpoints and the secrets that sign what they are told. Each belongs to its owner alone."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from core import db
from core.events import Type

Status = Literal["enabled", "disabled"]

OLD_SECRET_SIGNS_FOR_S = 24 * 3600  # after a rotation: as long as receivers may take to learn of the new one


@dataclass(frozen=True, slots=True)
class NewEndpoint:
    """A validated request for an endpoint: told of all transfers, or of those that `wallet_id` is a party to."""

    id: UUID
    owner: str
    wallet_id: UUID | None
    url: str
    events: list[Type]
    description: str | None
    secret: bytes


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`old_secret_expires_at`: until then the secret before the last rotation signs too; None when there is none any more."""

    id: UUID
    url: str
    events: Sequence[Type]
    description: str | None
    status: Status
    created_at: datetime
    old_secret_expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Secret:
    """What is told of an owner's secret for callback URLs: never the secret itself."""

    created_at: datetime
    old_secret_expires_at: datetime | None


async def insert_endpoint(database: db.Database, new: NewEndpoint) -> Endpoint:
    """Store the endpoint; safe to repeat."""
    [inserted] = await database.fetch("insert_endpoint", asdict(new), Endpoint)
    return inserted


async def find_endpoint(database: db.Database, owner: str, id: UUID) -> Endpoint | None:
    rows = await database.fetch("find_endpoint", {"owner": owner, "id": id}, Endpoint)
    return rows[0] if rows else None


async def list_endpoints(database: db.Database, owner: str, *, before: UUID, limit: int) -> list[Endpoint]:
    """Return up to `limit` of the owner's endpoints with an id below `before`, newest first."""
    return await database.fetch("list_endpoints", {"owner": owner, "before": before, "limit": limit}, Endpoint)


async def update_endpoint(database: db.Database, owner: str, id: UUID, changes: Mapping[str, object]) -> Endpoint | None:
    """Change what `changes` names among url, events, description and status, and return the endpoint, if there is one."""
    unchanged = dict.fromkeys(("url", "events", "description", "status"))
    params = {**unchanged, **changes, "describes": "description" in changes, "owner": owner, "id": id}
    rows = await database.fetch("update_endpoint", params, Endpoint)
    return rows[0] if rows else None


async def delete_endpoint(database: db.Database, owner: str, id: UUID) -> bool:
    """Delete the endpoint for ever; tell whether there was one. What it has not been told yet, it will never be."""
    return bool(await database.fetch("delete_endpoint", {"owner": owner, "id": id}, dict))


async def rotate_endpoint_secret(database: db.Database, owner: str, id: UUID, secret: bytes) -> Endpoint | None:
    """Let this secret sign from now on, and the one before for OLD_SECRET_SIGNS_FOR_S. Safe to repeat with the same secret."""
    params = {"owner": owner, "id": id, "secret": secret, "old_signs_for_s": OLD_SECRET_SIGNS_FOR_S}
    rows = await database.fetch("rotate_endpoint_secret", params, Endpoint)
    return rows[0] if rows else None


async def rotate_secret(database: db.Database, owner: str, secret: bytes) -> Secret:
    """Let this secret, the first or another, sign the calls to the owner's callback URLs. Safe to repeat with the same secret."""
    params = {"owner": owner, "secret": secret, "old_signs_for_s": OLD_SECRET_SIGNS_FOR_S}
    [rotated] = await database.fetch("rotate_webhook_secret", params, Secret)
    return rotated


async def find_secret(database: db.Database, owner: str) -> Secret | None:
    rows = await database.fetch("find_webhook_secret", {"owner": owner}, Secret)
    return rows[0] if rows else None
