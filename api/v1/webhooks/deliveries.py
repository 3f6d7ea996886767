"""The trail of what callers are told: each delivery with its attempts, and how to have it made again."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, BackgroundTasks, Query, Request
from pydantic import BaseModel, BeforeValidator, Field, WithJsonSchema

from api.admission.auth import Caller
from api.callers import CallerDep
from api.http.body import read_object
from api.http.fields import Time, id_schema
from api.http.openapi import BODY_PROBLEMS, FIND_PROBLEMS, LIST_PROBLEMS, NO_BODY, json_body, problem_responses
from api.http.pagination import LIMIT_DEFAULT, Cursor, Limit, Page, Pages
from api.http.parameters import path_id
from api.http.problems import Problem
from api.http.validation import RequestModel, coded_error, require_no_fields, validate
from api.services import services
from api.v1.events import EventId
from api.v1.transfers import TransferId, find_transfer
from api.v1.webhooks.endpoints import EndpointId, find_endpoint
from core import ids
from core.ids import Prefix
from core.times import rfc3339
from core.webhooks import deliveries
from core.webhooks.deliveries import REDELIVER_MAX, Attempt, Delivery, Status

DeliveryId = Annotated[str, id_schema(Prefix.DELIVERY)]
StatusFilter = Annotated[Status | None, Query(description="only those that have this status")]

RFC3339 = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|[+-]\d{2}:\d{2})", re.ASCII)


def parse_time(value: object) -> datetime:
    """Read a time of RFC 3339, section 5.6, with microseconds at most."""
    try:
        if isinstance(value, str) and RFC3339.fullmatch(value):
            return datetime.fromisoformat(value)
    except ValueError:
        pass  # a month 13, or a leap second
    raise coded_error("wrong_type", "must be a time such as 2026-01-31T09:30:00Z")


Since = Annotated[
    datetime,
    BeforeValidator(parse_time),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-01-31T09:30:00Z"]}),
]


class AttemptView(BaseModel):
    """One attempt: the status that was answered, or the error for which nothing was."""

    number: int
    started_at: Time
    duration_ms: int
    status_code: int | None
    error: str | None = Field(
        description="such as `timed_out` or `not_connected`; null when there was an answer. `not_reachable`: the receiver's name is"
        " not found, or leads to an address to which nothing is sent; only operators see which, and how long it took"
    )


class DeliveryView(BaseModel):
    """An event that is told to an endpoint, or to a transfer's callback URL."""

    id: DeliveryId
    event_id: EventId = Field(description="the `webhook-id`, the same on every attempt")
    transfer_id: TransferId | None = Field(description="null for the event of an endpoint")
    endpoint_id: EndpointId | None = Field(description="null for a callback URL")
    callback_url: str | None = Field(description="null for an endpoint")
    status: Status = Field(description="`canceled`: the endpoint was disabled or deleted before it was told")
    next_attempt_at: Time | None = Field(description="null unless it is pending")
    created_at: Time
    finished_at: Time | None
    attempts: list[AttemptView] = Field(description="the oldest first; of very many the last 100")


class DeliveryPage(Page[DeliveryView]):
    pass


class RedeliverRequest(RequestModel):
    since: Since


class RedeliveredView(BaseModel):
    """How many deliveries were made due."""

    count: int = Field(description=f"at most {REDELIVER_MAX}, the oldest first")
    has_more: bool = Field(description="there may be more: ask again")


REDELIVER_PROBLEMS = (*FIND_PROBLEMS, *BODY_PROBLEMS, "endpoint_disabled")

router = APIRouter(tags=["webhooks"])


@router.get(
    "/v1/transfers/{transfer_id}/deliveries",
    summary="List a transfer's deliveries",
    response_model=DeliveryPage,
    responses=problem_responses(*LIST_PROBLEMS, "not_found"),
)
async def list_transfer_deliveries(  # noqa: PLR0917  # FastAPI names them
    request: Request,
    caller: CallerDep,
    transfer_id: TransferId,
    status: StatusFilter = None,
    limit: Limit = LIMIT_DEFAULT,
    cursor: Cursor = None,
) -> Any:
    """What you are told of a transfer, newest first: at your endpoints and, if you named one, at its callback URL."""
    id = (await find_transfer(request, caller)).id
    pages = Pages.of("transfer-deliveries", caller.owner, transfer_id=id, status=status)
    before, database = pages.id_before(cursor), services(request).database
    rows = await deliveries.list_of_transfer(database, caller.owner, id, status=status, before=before, limit=limit + 1)
    return pages.page(rows, limit, lambda row: row.id.bytes, shown_to(caller))


@router.get(
    "/v1/webhook-endpoints/{endpoint_id}/deliveries",
    summary="List a webhook endpoint's deliveries",
    response_model=DeliveryPage,
    responses=problem_responses(*LIST_PROBLEMS, "not_found"),
)
async def list_endpoint_deliveries(  # noqa: PLR0917  # FastAPI names them
    request: Request,
    caller: CallerDep,
    endpoint_id: EndpointId,
    status: StatusFilter = None,
    limit: Limit = LIMIT_DEFAULT,
    cursor: Cursor = None,
) -> Any:
    """What one of your endpoints is told, newest first."""
    id = (await find_endpoint(request, caller)).id
    pages = Pages.of("endpoint-deliveries", caller.owner, endpoint_id=id, status=status)
    before, database = pages.id_before(cursor), services(request).database
    rows = await deliveries.list_of_endpoint(database, id, status=status, before=before, limit=limit + 1)
    return pages.page(rows, limit, lambda row: row.id.bytes, shown_to(caller))


@router.post(
    "/v1/deliveries/{delivery_id}/redeliver",
    summary="Deliver again",
    status_code=202,
    response_model=DeliveryView,
    response_description="due now",
    openapi_extra=NO_BODY,
    responses=problem_responses(*REDELIVER_PROBLEMS),
)
async def redeliver(request: Request, caller: CallerDep, delivery_id: DeliveryId, after: BackgroundTasks) -> Any:
    """Make a delivery due now, whatever has become of it: the same event with the same id, and the whole schedule if it fails."""
    id = path_id(request, Prefix.DELIVERY, "delivery_id")
    await require_no_fields(request)
    database = services(request).database
    is_due = await deliveries.redeliver(database, caller.owner, id)
    delivery = await deliveries.find(database, caller.owner, id)
    if delivery is None:
        raise Problem("not_found")
    if not is_due:
        raise Problem("endpoint_disabled")
    after.add_task(services(request).deliverer_doorbell.ring)  # once it is answered, and off the event loop
    return shown_to(caller)(delivery)


@router.post(
    "/v1/webhook-endpoints/{endpoint_id}/redeliver",
    summary="Deliver again what a webhook endpoint has missed",
    status_code=202,
    response_model=RedeliveredView,
    response_description="due now",
    openapi_extra=json_body(RedeliverRequest),
    responses=problem_responses(*REDELIVER_PROBLEMS),
)
async def redeliver_since(request: Request, caller: CallerDep, endpoint_id: EndpointId, after: BackgroundTasks) -> Any:
    """Make what failed or was canceled since a time due now, the oldest first; when there is more, ask again."""
    path_id(request, Prefix.ENDPOINT, "endpoint_id")
    asked = validate(RedeliverRequest, await read_object(request))
    endpoint = await find_endpoint(request, caller)
    if endpoint.status == "disabled":
        raise Problem("endpoint_disabled")
    count = await deliveries.redeliver_since(services(request).database, endpoint.id, asked.since)
    if count:
        after.add_task(services(request).deliverer_doorbell.ring)
    return {"count": count, "has_more": count == REDELIVER_MAX}


# Told apart, these two would tell a client which names exist inside of the network where Teller runs.
ABOUT_NAMES = ("name_not_found", "address_forbidden")
NOT_REACHABLE = "not_reachable"


def shown_to(caller: Caller) -> Callable[[Delivery], dict[str, object]]:
    """Return what shows a delivery as DeliveryView describes it: to operators exactly, to a client without what names lead to."""
    show_attempt = exact if caller.is_operator else blurred

    def show(delivery: Delivery) -> dict[str, object]:
        return {
            "id": ids.text(Prefix.DELIVERY, delivery.id),
            "event_id": ids.text(Prefix.EVENT, delivery.event_id),
            "transfer_id": ids.text(Prefix.TRANSFER, delivery.transfer_id) if delivery.transfer_id else None,
            "endpoint_id": ids.text(Prefix.ENDPOINT, delivery.endpoint_id) if delivery.endpoint_id else None,
            "callback_url": delivery.callback_url,
            "status": delivery.status,
            "next_attempt_at": rfc3339(delivery.next_attempt_at) if delivery.next_attempt_at else None,
            "created_at": rfc3339(delivery.created_at),
            "finished_at": rfc3339(delivery.finished_at) if delivery.finished_at else None,
            "attempts": [show_attempt(attempt) for attempt in delivery.attempts],
        }

    return show


def exact(attempt: Attempt) -> dict[str, object]:
    return {
        "number": attempt.number,
        "started_at": rfc3339(attempt.started_at),
        "duration_ms": attempt.duration_ms,
        "status_code": attempt.status_code,
        "error": attempt.error,
    }


def blurred(attempt: Attempt) -> dict[str, object]:
    """As exact, but for what a name leads to. How long that took would tell it too."""
    shown = exact(attempt)
    return shown if attempt.error not in ABOUT_NAMES else {**shown, "duration_ms": 0, "error": NOT_REACHABLE}
