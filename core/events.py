"""The event feed: one event for each transfer that became final and each endpoint that was disabled, in one fixed order.

A transfer's event consists of the transfer and a position in the feed. The drain writes the position in the transaction that makes
the transfer final. The event of a disabled endpoint is in its owner's feed only. The deliverer inserts it in the transaction that
disables the endpoint.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

from core import transfers
from core.postgres.pool import Database
from core.transfers import Transfer

Type = Literal["transfer.applied", "transfer.rejected", "transfer.canceled", "webhook_endpoint.disabled"]

TYPES: Mapping[str, Type] = {  # of a transfer's event, by the status that it became final with
    "applied": "transfer.applied",
    "rejected": "transfer.rejected",
    "canceled": "transfer.canceled",
}


class FeedPosition(NamedTuple):
    """Where an event stands in the feed. A new event never gets a position before one that a reader has been given.

    The fields are columns. `moment` orders transactions: the id of the one that wrote the event, plus the feed's `shift`. `ordinal`
    is the event's number within that transaction, from 1.
    """

    moment: int
    ordinal: int


FEED_START = FeedPosition(-(2**63), 0)  # before every event

# Events, of all wallets, that a client's list reads before it reads the client's own transfers: some ten milliseconds.
SEARCH_WINDOW_EVENTS = 5_000


class Event(NamedTuple):
    """A transfer became final. The event has the transfer's id."""

    position: FeedPosition
    transfer: Transfer


class EndpointEvent(NamedTuple):
    """The deliverer disabled an endpoint. `endpoint` is its row at that time, as JSON and without its secrets."""

    position: FeedPosition
    id: UUID
    endpoint: Mapping[str, Any]
    created_at: datetime


AnyEvent = Event | EndpointEvent


def type_of(transfer: Transfer) -> Type:
    """Return the type of a final transfer's event."""
    return TYPES[transfer.status]


def from_row(
    *,
    moment: int,
    ordinal: int,
    event_id: UUID,
    endpoint: Mapping[str, Any] | None,
    endpoint_event_at: datetime | None,
    **columns: Any,
) -> AnyEvent:
    """Return the event of a row: an endpoint's if the row has one, else the transfer's."""
    position = FeedPosition(moment, ordinal)
    if endpoint is None:
        return Event(position, transfers.from_row(**columns))
    assert endpoint_event_at is not None
    return EndpointEvent(position, event_id, endpoint, endpoint_event_at)


async def find(database: Database, id: UUID, *, owner: str = "operator", client_id: UUID | None = None) -> AnyEvent | None:
    """Return the event of this id, if it is in the owner's feed. With `client_id`, only a transfer of that client is returned."""
    return await database.fetch_one("events/find", {"id": id, "owner": owner, "client_id": client_id}, from_row)


async def list_page(database: Database, *, after: FeedPosition, limit: int) -> list[AnyEvent]:
    """Return up to `limit` events of the operators' feed after this position, oldest first.

    Each event that is added later has a position after all of these.
    """
    return await database.fetch("events/list", {**after._asdict(), "limit": limit}, from_row)


async def list_page_of(
    database: Database, *, owner: str, client_id: UUID, after: FeedPosition, limit: int, window: int = SEARCH_WINDOW_EVENTS
) -> list[AnyEvent]:
    """Return a page of a client's feed in the same way: events of its wallets' transfers, and of its endpoints.

    The statement first reads `window` events of the whole feed. If these hold fewer than `limit` of the client's, it reads all
    of the client's transfers instead.
    """
    params = {**after._asdict(), "limit": limit, "owner": owner, "client_id": client_id, "window": window}
    return await database.fetch("events/list_of_client", params, from_row)
