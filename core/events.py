"""The feed of events: one for every transfer that became final, in one order for ever.

An event is its transfer and a place in the feed. Only a drain adds one, in the transaction that makes the transfer final.
"""

from typing import Any, Literal, NamedTuple
from uuid import UUID

from core import db, transfers
from core.transfers import Transfer

Type = Literal["transfer.applied", "transfer.rejected"]


class Place(NamedTuple):
    """Where an event stands: places are never taken before one that has been shown."""

    moment: int
    ordinal: int


BEGINNING = Place(-(2**63), 0)  # before every event


class Event(NamedTuple):
    """A transfer became final. The event has the transfer's id."""

    place: Place
    transfer: Transfer


def type_of(transfer: Transfer) -> Type:
    """Return the type of a final transfer's event."""
    return "transfer.applied" if transfer.status == "applied" else "transfer.rejected"


def stored(*, moment: int, ordinal: int, **columns: Any) -> Event:
    """Return the event of a row."""
    return Event(Place(moment, ordinal), transfers.stored(**columns))


async def find(database: db.Database, id: UUID, *, wallet_id: UUID | None = None) -> Event | None:
    """Return the event of this transfer, if it is final; given a wallet, only if that is a party to it."""
    rows = await database.fetch("find_event", {"id": id, "wallet_id": wallet_id}, stored)
    return rows[0] if rows else None


async def list_page(database: db.Database, *, after: Place, limit: int, wallet_id: UUID | None = None) -> list[Event]:
    """Return up to `limit` events after this place, oldest first; given a wallet, only those that it is a party to.

    What is not there yet will stand after all that is returned.
    """
    params = {**after._asdict(), "limit": limit, "wallet_id": wallet_id}
    return await database.fetch("list_events", params, stored)
