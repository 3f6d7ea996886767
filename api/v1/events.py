"""The feed of events, oldest first: for callers that poll instead of receiving webhooks, or that have missed webhooks."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from api.admission.auth import Caller
from api.callers import CallerDep, learn_unless_seen
from api.http.fields import Time, id_schema
from api.http.openapi import FIND_PROBLEMS, LIST_PROBLEMS, problem_responses
from api.http.pagination import LIMIT_DEFAULT, Limit
from api.http.parameters import path_id
from api.http.problems import Problem
from api.services import services
from api.v1.transfers import TransferView
from api.v1.webhooks.endpoints import EndpointView
from core import events, ids
from core.events import FEED_START, Event, FeedPosition
from core.ids import Prefix
from core.postgres.pool import Database
from core.render import render_event

EventId = Annotated[str, id_schema(Prefix.EVENT)]


class TransferEventView(BaseModel):
    """A transfer became final. Webhooks of the event carry the same id on every attempt."""

    id: EventId
    type: Literal["transfer.applied", "transfer.rejected", "transfer.canceled"]
    timestamp: Time = Field(description="when the transfer became final")
    data: TransferView


class EndpointEventView(BaseModel):
    """A webhook endpoint of yours was disabled because it is gone or fails. `data` is the endpoint as of that time."""

    id: EventId
    type: Literal["webhook_endpoint.disabled"]
    timestamp: Time = Field(description="when the endpoint was disabled")
    data: EndpointView


EventView = TransferEventView | EndpointEventView


class EventPage(BaseModel):
    data: list[EventView]
    has_more: bool
    next_cursor: EventId | None = Field(description="the `after` of the next page; null when this one is the last for now")


router = APIRouter(tags=["events"])


@router.get("/v1/events", summary="Follow the events", response_model=EventPage, responses=problem_responses(*LIST_PROBLEMS))
async def list_events(
    request: Request,
    caller: CallerDep,
    after: Annotated[EventId | None, Query(description="the last event that you have seen in this feed")] = None,
    limit: Limit = LIMIT_DEFAULT,
) -> Any:
    """Events, oldest first. A caller that always continues after the last event of a page gets each event once and misses none.

    A client's key gets the events of its own wallets' transfers. The event of a disabled endpoint goes to its owner only.
    """
    database = services(request).database
    position = FEED_START if after is None else await position_after(database, after, caller)
    if caller.client_id is None:
        rows = await events.list_page(database, after=position, limit=limit + 1)
    else:
        rows = await events.list_page_of(database, owner=caller.owner, client_id=caller.client_id, after=position, limit=limit + 1)
    await learn_unless_seen(request, caller, *(row.transfer.parties for row in rows if isinstance(row, Event)))
    data = [render_event(row, caller) for row in rows[:limit]]
    has_more = len(rows) > limit
    return {"data": data, "has_more": has_more, "next_cursor": data[-1]["id"] if has_more else None}


@router.get(
    "/v1/events/{event_id}",
    summary="Look an event up",
    response_model=EventView,
    responses=problem_responses(*FIND_PROBLEMS),
)
async def get_event(request: Request, caller: CallerDep, event_id: EventId) -> Any:
    """An event. It exists as soon as its transfer is final, or its endpoint disabled, and never changes."""
    id = path_id(request, Prefix.EVENT, "event_id")
    event = await events.find(services(request).database, id, owner=caller.owner, client_id=caller.client_id)
    if event is None:
        raise Problem("not_found")
    if isinstance(event, Event):
        await learn_unless_seen(request, caller, event.transfer.parties)
    return render_event(event, caller)


async def position_after(database: Database, after: str, caller: Caller) -> FeedPosition:
    """Return the position of the event in the feed.

    Raises Problem "invalid_cursor" when this caller has no such event: the feed from its start would repeat events.
    """
    try:
        id = ids.parse(Prefix.EVENT, after)
    except ids.UnknownId:
        raise Problem("invalid_cursor") from None
    event = await events.find(database, id, owner=caller.owner, client_id=caller.client_id)
    if event is None:
        raise Problem("invalid_cursor")
    return event.position
