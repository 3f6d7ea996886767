"""The feed of events: one for each transfer that became final and each endpoint that was disabled, in one order for ever.

A transfer's event is its transfer and a place in the feed: a drain adds it, in the transaction that makes the transfer final. An
endpoint's event is of its owner's feed alone: the deliverer adds it, in the transaction that disables the endpoint.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

from core import transfers
from core.postgres.pool import Database
from core.transfers import Transfer

Type = Literal["transfer.applied", "transfer.rejected", "webhook_endpoint.disabled"]


class Place(NamedTuple):
    """Where an event stands: places are never taken before one that has been shown."""

    moment: int
    ordinal: int


BEGINNING = Place(-(2**63), 0)  # before every event
WINDOW = 5_000  # events of others' among which a wallet's are searched for: some ten milliseconds


class Event(NamedTuple):
    """A transfer became final. The event has the transfer's id."""

    place: Place
    transfer: Transfer


class EndpointEvent(NamedTuple):
    """An endpoint was disabled, and not by its owner. `endpoint` is what it was then, as stored, without its secrets."""

    place: Place
    id: UUID
    endpoint: Mapping[str, Any]
    created_at: datetime


AnyEvent = Event | EndpointEvent


def type_of(transfer: Transfer) -> Type:
    """Return the type of a final transfer's event."""
    return "transfer.applied" if transfer.status == "applied" else "transfer.rejected"


def stored(
    *, moment: int, ordinal: int, event_id: UUID, endpoint: Mapping[str, Any] | None, told_at: datetime | None, **columns: Any
) -> AnyEvent:
    """Return the event of a row: an endpoint's where it holds one, else a transfer's."""
    place = Place(moment, ordinal)
    if endpoint is None:
        return Event(place, transfers.stored(**columns))
    assert told_at is not None
    return EndpointEvent(place, event_id, endpoint, told_at)


async def find(database: Database, id: UUID, *, owner: str = "operator", wallet_id: UUID | None = None) -> AnyEvent | None:
    """Return the event of this id, if it is in the owner's feed; given a wallet, a transfer's only if that is a party to it."""
    return await database.fetch_one("events/find", {"id": id, "owner": owner, "wallet_id": wallet_id}, stored)


async def list_page(database: Database, *, after: Place, limit: int) -> list[AnyEvent]:
    """Return up to `limit` events of the operators' feed after this place, oldest first.

    What is not there yet will stand after all that is returned.
    """
    return await database.fetch("events/list", {**after._asdict(), "limit": limit}, stored)


async def list_page_of(
    database: Database, *, owner: str, wallet_id: UUID, after: Place, limit: int, window: int = WINDOW
) -> list[AnyEvent]:
    """Return the same of a client's feed: the events of its endpoints, and of the transfers that its wallet is a party to.

    No more than `window` events of others are looked at: beyond them, the wallet's own history is.
    """
    params = {**after._asdict(), "limit": limit, "owner": owner, "wallet_id": wallet_id, "window": window}
    return await database.fetch("events/list_of_wallet", params, stored)
