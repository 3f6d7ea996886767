"""Webhook endpoints: URLs of callers with the types of events that each receives. Standard Webhooks 1.0.0."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import MISSING, AfterValidator, BaseModel, Field
from starlette.responses import JSONResponse, Response

from api.admission.auth import Caller
from api.callers import CallerDep
from api.http.body import read_object
from api.http.fields import Time, Url, check_printable, id_schema
from api.http.openapi import (
    BODY_PROBLEMS,
    COMMON_PROBLEMS,
    FIND_PROBLEMS,
    LIST_PROBLEMS,
    LOCATION,
    json_body,
    problem_responses,
)
from api.http.pagination import LIMIT_DEFAULT, Cursor, Limit, Page, Pages
from api.http.parameters import path_id
from api.http.problems import Problem, existing_or_404
from api.http.text import PRINTABLE
from api.http.validation import RequestModel, require_no_fields, validate
from api.services import services
from core import ids
from core.events import Type
from core.ids import Prefix
from core.render import render_endpoint
from core.webhooks import endpoints, signing
from core.webhooks.endpoints import CLIENT_ENDPOINTS_MAX, DisabledReason, Endpoint, NewEndpoint, Status

ALL_EVENTS: list[Type] = ["transfer.applied", "transfer.rejected", "transfer.canceled", "webhook_endpoint.disabled"]

EndpointId = Annotated[str, id_schema(Prefix.ENDPOINT)]
Events = Annotated[list[Type], Field(min_length=1, max_length=len(ALL_EVENTS)), AfterValidator(lambda events: sorted(set(events)))]
Description = Annotated[str, Field(max_length=200, json_schema_extra=PRINTABLE), AfterValidator(check_printable)]

NO_STORE = {"Cache-Control": "no-store"}

SHOWN_ONCE = "signs webhooks; no later answer shows it"
OLD_SIGNS_UNTIL = "until this time the previous secret signs too; null when there is none"


class EndpointRequest(RequestModel):
    url: Url
    events: Events = ALL_EVENTS
    description: Description | None = None


class EndpointChanges(RequestModel):
    """A field that is absent stays as it is."""

    url: Url | MISSING = MISSING
    events: Events | MISSING = MISSING
    description: Description | MISSING | None = Field(default=MISSING, description="null removes it")
    status: Status | MISSING = Field(default=MISSING, description="`disabled` cancels its pending deliveries")


class EndpointView(BaseModel):
    """A URL that receives events of these types.

    An operator's endpoint receives them for all transfers, a client's for the transfers of its own wallets.
    `webhook_endpoint.disabled` says that Teller has disabled another endpoint of yours.
    """

    id: EndpointId
    url: str
    events: list[Type]
    description: str | None
    status: Status
    disabled_reason: DisabledReason | None = Field(
        description="`requested` by you, `gone` because it answered 410, or `failing` because no attempt succeeded for days"
    )
    disabled_at: Time | None
    created_at: Time
    old_secret_expires_at: Time | None = Field(description=OLD_SIGNS_UNTIL)


class SignedEndpointView(EndpointView):
    secret: str = Field(description=SHOWN_ONCE, examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])


class EndpointPage(Page[EndpointView]):
    pass


router = APIRouter(tags=["webhooks"])


@router.post(
    "/v1/webhook-endpoints",
    summary="Make a webhook endpoint",
    status_code=201,
    response_model=SignedEndpointView,
    openapi_extra=json_body(EndpointRequest),
    responses={201: {"headers": LOCATION}, **problem_responses(*COMMON_PROBLEMS, *BODY_PROBLEMS, "too_many_endpoints")},
)
async def post_endpoint(request: Request, caller: CallerDep) -> Any:
    """Make an endpoint. It receives each of its events from now on. Only this answer and that of a rotation show a secret."""
    body = validate(EndpointRequest, await read_object(request), services(request).settings)
    secret = signing.make_secret()
    new = NewEndpoint(
        ids.mint(), caller.owner, min(caller.wallet_ids, default=None), body.url, body.events, body.description, secret
    )
    made = await endpoints.insert_endpoint(services(request).database, new)
    if made is None:
        raise Problem("too_many_endpoints", f"A client has {CLIENT_ENDPOINTS_MAX} at most. Change one of yours, or delete it.")
    view = render_signed(made, secret)
    return JSONResponse(view, 201, {"Location": f"/v1/webhook-endpoints/{view['id']}", **NO_STORE})


@router.get(
    "/v1/webhook-endpoints",
    summary="List webhook endpoints",
    response_model=EndpointPage,
    responses=problem_responses(*LIST_PROBLEMS),
)
async def list_endpoints(request: Request, caller: CallerDep, limit: Limit = LIMIT_DEFAULT, cursor: Cursor = None) -> Any:
    """Your endpoints, newest first."""
    pages = Pages.of("webhook-endpoints", caller.owner)
    list_page = partial(endpoints.list_endpoints, services(request).database, caller.owner)
    return await pages.by_id(cursor, limit, list_page, render_endpoint)


@router.get(
    "/v1/webhook-endpoints/{endpoint_id}",
    summary="Look a webhook endpoint up",
    response_model=EndpointView,
    responses=problem_responses(*FIND_PROBLEMS),
)
async def get_endpoint(request: Request, caller: CallerDep, endpoint_id: EndpointId) -> Any:
    """One of your endpoints."""
    return render_endpoint(await endpoint_or_404(request, caller))


@router.patch(
    "/v1/webhook-endpoints/{endpoint_id}",
    summary="Change a webhook endpoint",
    response_model=EndpointView,
    openapi_extra=json_body(EndpointChanges),
    responses=problem_responses(*FIND_PROBLEMS, *BODY_PROBLEMS),
)
async def patch_endpoint(request: Request, caller: CallerDep, endpoint_id: EndpointId) -> Any:
    """Change the fields that are in the body. A field that is absent stays as it is."""
    id = path_id(request, Prefix.ENDPOINT, "endpoint_id")
    shared = services(request)
    changes = validate(EndpointChanges, await read_object(request), shared.settings).model_dump()  # without what is MISSING
    return render_endpoint(existing_or_404(await endpoints.update_endpoint(shared.database, caller.owner, id, changes)))


@router.delete(
    "/v1/webhook-endpoints/{endpoint_id}",
    summary="Delete a webhook endpoint",
    status_code=204,
    response_description="deleted",
    responses=problem_responses(*FIND_PROBLEMS, *BODY_PROBLEMS),
)
async def delete_endpoint(request: Request, caller: CallerDep, endpoint_id: EndpointId) -> Response:
    """Delete an endpoint. Its pending deliveries are canceled."""
    id = path_id(request, Prefix.ENDPOINT, "endpoint_id")
    await require_no_fields(request)
    if not await endpoints.delete_endpoint(services(request).database, caller.owner, id):
        raise Problem("not_found")
    return Response(status_code=204)


async def endpoint_or_404(request: Request, caller: Caller) -> Endpoint:
    """Return the endpoint in the path. Raises Problem "not_found", also for an endpoint of another owner."""
    id = path_id(request, Prefix.ENDPOINT, "endpoint_id")
    return existing_or_404(await endpoints.find_endpoint(services(request).database, caller.owner, id))


def render_signed(endpoint: Endpoint, secret: str) -> dict[str, object]:
    """Return the endpoint as SignedEndpointView describes it."""
    return {**render_endpoint(endpoint), "secret": secret}
