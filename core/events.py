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
WINDOW = 5_000  # events of others' among which a wallet's are searched for: some ten milliseconds


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


async def list_page(database: db.Database, *, after: Place, limit: int) -> list[Event]:
    """Return up to `limit` events after this place, oldest first. What is not there yet will stand after all that is returned."""
    return await database.fetch("list_events", {**after._asdict(), "limit": limit}, stored)


async def list_page_of(database: db.Database, wallet_id: UUID, *, after: Place, limit: int, window: int = WINDOW) -> list[Event]:
    """Return the same of the events of the transfers that the wallet is a party to.

    No more than `window` events of others are looked at: beyond them, the wallet's own history is.
    """
    params = {**after._asdict(), "limit": limit, "wallet_id": wallet_id, "window": window}
    return await database.fetch("list_wallet_events", params, stored)
