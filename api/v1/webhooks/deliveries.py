"""Deliveries of events to receivers, each with its attempts, and the routes that make a delivery due again."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, BackgroundTasks, Query, Request
from pydantic import BaseModel, Field

from api.admission.auth import OPERATOR, Caller
from api.callers import CallerDep
from api.http.body import read_object
from api.http.fields import ParsedTime, Time, id_schema
from api.http.openapi import BODY_PROBLEMS, FIND_PROBLEMS, LIST_PROBLEMS, json_body, problem_responses
from api.http.pagination import LIMIT_DEFAULT, Cursor, Limit, Page, Pages
from api.http.parameters import path_id
from api.http.problems import Problem, existing_or_404
from api.http.validation import RequestModel, require_no_fields, validate
from api.services import services
from api.v1.events import EventId
from api.v1.transfers import TransferId, transfer_or_404
from api.v1.wallets import ClientId
from api.v1.webhooks.endpoints import EndpointId, endpoint_or_404
from core import ids
from core.ids import Prefix
from core.times import rfc3339
from core.webhooks import deliveries
from core.webhooks.deliveries import REDELIVER_MAX, Attempt, Delivery, Status

DeliveryId = Annotated[str, id_schema(Prefix.DELIVERY)]
StatusFilter = Annotated[Status | None, Query(description="only those with this status")]


class AttemptView(BaseModel):
    """One attempt: the status of the receiver's answer, or the error because of which there was none."""

    number: int
    started_at: Time
    duration_ms: int
    status_code: int | None
    error: str | None = Field(
        description="such as `timed_out` or `not_connected`; null when there was an answer. `not_reachable`: the receiver's name is"
        " not found, or leads to an address that Teller does not send to; only operators see which, and how long it took"
    )


class DeliveryView(BaseModel):
    """One event for one receiver: an endpoint, or a transfer's callback URL."""

    id: DeliveryId
    client_id: ClientId | None = Field(description="whose endpoint or callback URL it is; null: the operators'")
    event_id: EventId = Field(description="the `webhook-id`, the same on every attempt")
    transfer_id: TransferId | None = Field(description="null for the event of an endpoint")
    endpoint_id: EndpointId | None = Field(description="null for a callback URL")
    callback_url: str | None = Field(description="null for an endpoint; shown only to the caller that set it")
    status: Status = Field(description="`canceled`: the endpoint was disabled or deleted before the event was delivered")
    next_attempt_at: Time | None = Field(description="null unless the delivery is pending")
    created_at: Time
    finished_at: Time | None
    attempts: list[AttemptView] = Field(description="oldest first, at most the last 100")


class DeliveryPage(Page[DeliveryView]):
    pass


class RedeliverRequest(RequestModel):
    since: ParsedTime = Field(description="deliveries that were created at this time or later")


class RedeliveredView(BaseModel):
    """The number of deliveries that this request made due."""

    count: int = Field(description=f"at most {REDELIVER_MAX}, the oldest first")
    has_more: bool = Field(description="there may be more: repeat the request")


REDELIVER_PROBLEMS = (*FIND_PROBLEMS, *BODY_PROBLEMS, "endpoint_disabled")

router = APIRouter(tags=["webhooks"])


@router.get(
    "/v1/transfers/{transfer_id}/deliveries",
    summary="List a transfer's deliveries",
    response_model=DeliveryPage,
    responses=problem_responses(*LIST_PROBLEMS, "not_found"),
)
async def list_transfer_deliveries(  # noqa: PLR0917  # FastAPI passes them by name
    request: Request,
    caller: CallerDep,
    transfer_id: TransferId,
    status: StatusFilter = None,
    limit: Limit = LIMIT_DEFAULT,
    cursor: Cursor = None,
) -> Any:
    """The deliveries of a transfer's event, newest first: to endpoints, and to its callback URL.

    A client sees those to its own. Operators and viewers see all: `client_id` says whose each is.
    """
    id = (await transfer_or_404(request, caller)).id
    pages = Pages.of("transfer-deliveries", caller.owner, transfer_id=id, status=status)
    list_page = partial(deliveries.list_of_transfer, services(request).database, caller.reads_of, id, status=status)
    return await pages.by_id(cursor, limit, list_page, renderer_for(caller))


@router.get(
    "/v1/webhook-endpoints/{endpoint_id}/deliveries",
    summary="List a webhook endpoint's deliveries",
    response_model=DeliveryPage,
    responses=problem_responses(*LIST_PROBLEMS, "not_found"),
)
async def list_endpoint_deliveries(  # noqa: PLR0917  # FastAPI passes them by name
    request: Request,
    caller: CallerDep,
    endpoint_id: EndpointId,
    status: StatusFilter = None,
    limit: Limit = LIMIT_DEFAULT,
    cursor: Cursor = None,
) -> Any:
    """The deliveries to one of your endpoints, newest first."""
    id = (await endpoint_or_404(request, caller)).id
    pages = Pages.of("endpoint-deliveries", caller.owner, endpoint_id=id, status=status)
    list_page = partial(deliveries.list_of_endpoint, services(request).database, id, status=status)
    return await pages.by_id(cursor, limit, list_page, renderer_for(caller))


@router.post(
    "/v1/deliveries/{delivery_id}/redeliver",
    summary="Deliver again",
    status_code=202,
    response_model=DeliveryView,
    response_description="due now",
    responses=problem_responses(*REDELIVER_PROBLEMS),
)
async def redeliver(request: Request, caller: CallerDep, delivery_id: DeliveryId, after: BackgroundTasks) -> Any:
    """Make a delivery due now, in any status. It sends the same event with the same id, and its retries start from the first."""
    id = path_id(request, Prefix.DELIVERY, "delivery_id")
    await require_no_fields(request)
    database = services(request).database
    is_due = await deliveries.redeliver(database, caller.owner, id)
    delivery = existing_or_404(await deliveries.find(database, caller.owner, id))
    if not is_due:
        raise Problem("endpoint_disabled")
    after.add_task(services(request).deliverer_doorbell.ring)  # after the response, and in a thread: the ring blocks
    return renderer_for(caller)(delivery)


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
    """Make the failed and canceled deliveries since a time due now, oldest first. While `has_more` is true, repeat the request."""
    path_id(request, Prefix.ENDPOINT, "endpoint_id")
    body = validate(RedeliverRequest, await read_object(request))
    endpoint = await endpoint_or_404(request, caller)
    if endpoint.status == "disabled":
        raise Problem("endpoint_disabled")
    count = await deliveries.redeliver_since(services(request).database, endpoint.id, body.since)
    if count:
        after.add_task(services(request).deliverer_doorbell.ring)
    return {"count": count, "has_more": count == REDELIVER_MAX}


# A client gets one code for these two errors. Two codes would show which names exist in the network where Teller runs.
ERRORS_OF_NAMES = ("name_not_found", "address_forbidden")
NOT_REACHABLE = "not_reachable"


def renderer_for(caller: Caller) -> Callable[[Delivery], dict[str, object]]:
    """Return a function that renders a delivery as DeliveryView describes it.

    Clients do not see what a name resolves to. Only the owner of a callback URL sees it.
    """
    render_attempt = render_attempt_exactly if caller.sees_all else render_attempt_for_client

    def render_delivery(delivery: Delivery) -> dict[str, object]:
        return {
            "id": ids.text(Prefix.DELIVERY, delivery.id),
            "client_id": delivery.owner if delivery.owner != OPERATOR.owner else None,
            "event_id": ids.text(Prefix.EVENT, delivery.event_id),
            "transfer_id": ids.text(Prefix.TRANSFER, delivery.transfer_id) if delivery.transfer_id else None,
            "endpoint_id": ids.text(Prefix.ENDPOINT, delivery.endpoint_id) if delivery.endpoint_id else None,
            "callback_url": delivery.callback_url if delivery.owner == caller.owner else None,
            "status": delivery.status,
            "next_attempt_at": rfc3339(delivery.next_attempt_at) if delivery.next_attempt_at else None,
            "created_at": rfc3339(delivery.created_at),
            "finished_at": rfc3339(delivery.finished_at) if delivery.finished_at else None,
            "attempts": [render_attempt(attempt) for attempt in delivery.attempts],
        }

    return render_delivery


def render_attempt_exactly(attempt: Attempt) -> dict[str, object]:
    return {
        "number": attempt.number,
        "started_at": rfc3339(attempt.started_at),
        "duration_ms": attempt.duration_ms,
        "status_code": attempt.status_code,
        "error": attempt.error,
    }


def render_attempt_for_client(attempt: Attempt) -> dict[str, object]:
    """Return the attempt without what a name resolves to. The duration differs by that too, so it is 0."""
    view = render_attempt_exactly(attempt)
    return view if attempt.error not in ERRORS_OF_NAMES else {**view, "duration_ms": 0, "error": NOT_REACHABLE}
