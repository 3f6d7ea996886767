"""Webhook endpoints, and the secrets that sign what they and callback URLs are told. Standard Webhooks 1.0.0."""

from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import AfterValidator, BaseModel, Field
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
    NO_BODY,
    json_body,
    problem_responses,
)
from api.http.pagination import LIMIT_DEFAULT, Cursor, Limit, Page, Pages
from api.http.parameters import path_id
from api.http.problems import Problem
from api.http.text import PRINTABLE
from api.http.validation import RequestModel, require_no_fields, validate
from api.services import services
from core import ids
from core.events import Type
from core.ids import Prefix
from core.render import render_endpoint
from core.times import rfc3339
from core.webhooks import endpoints, secrets, signing
from core.webhooks.endpoints import CLIENT_ENDPOINTS_MAX, DisabledReason, Endpoint, NewEndpoint, Status
from core.webhooks.secrets import Secret

ALL_EVENTS: list[Type] = ["transfer.applied", "transfer.rejected", "webhook_endpoint.disabled"]

EndpointId = Annotated[str, id_schema(Prefix.ENDPOINT)]
Events = Annotated[list[Type], Field(min_length=1, max_length=len(ALL_EVENTS)), AfterValidator(lambda events: sorted(set(events)))]
Description = Annotated[str, Field(max_length=200, json_schema_extra=PRINTABLE), AfterValidator(check_printable)]

NO_STORE = {"Cache-Control": "no-store"}

SHOWN_ONCE = "signs what is sent; shown this once"
UNTIL_WHEN_OLD = "until then the secret before the last rotation signs too; null when there is none"


class EndpointRequest(RequestModel):
    url: Url
    events: Events = ALL_EVENTS
    description: Description | None = None


class EndpointChanges(RequestModel):
    """What is left out stays as it is. The defaults are never looked at."""

    url: Url = Field(default_factory=str)
    events: Events = Field(default_factory=list)
    description: Description | None = Field(default=None, description="null takes it away")
    status: Status = Field(default_factory=lambda: "enabled", description="when disabled, what waits for it is canceled")


class EndpointView(BaseModel):
    """Called for each of these events: of all transfers for an operator's, of those of its own wallet for a client's.

    `webhook_endpoint.disabled` tells that another endpoint of yours was disabled, and not by you.
    """

    id: EndpointId
    url: str
    events: list[Type]
    description: str | None
    status: Status
    disabled_reason: DisabledReason | None = Field(
        description="requested by you, `gone` because it answered 410, or `failing` because for days no attempt succeeded"
    )
    disabled_at: Time | None
    created_at: Time
    old_secret_expires_at: Time | None = Field(description=UNTIL_WHEN_OLD)


class SignedEndpointView(EndpointView):
    secret: str = Field(description=SHOWN_ONCE, examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])


class EndpointPage(Page[EndpointView]):
    pass


class SecretView(BaseModel):
    """The secret that signs the calls to your callback URLs."""

    created_at: Time
    old_secret_expires_at: Time | None = Field(description=UNTIL_WHEN_OLD)


class NewSecretView(SecretView):
    secret: str = Field(description=SHOWN_ONCE, examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])


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
    """Make an endpoint: it is called for each of its events from now on. The secret is in this answer alone."""
    asked = validate(EndpointRequest, await read_object(request), services(request).settings)
    secret = signing.make_secret()
    new = NewEndpoint(ids.mint(), caller.owner, caller.wallet_id, asked.url, asked.events, asked.description, secret)
    made = await endpoints.insert_endpoint(services(request).database, new)
    if made is None:
        raise Problem("too_many_endpoints", f"A client has {CLIENT_ENDPOINTS_MAX} at most. Change one of yours, or delete it.")
    shown = show_signed(made, secret)
    return JSONResponse(shown, 201, {"Location": f"/v1/webhook-endpoints/{shown['id']}", **NO_STORE})


@router.get(
    "/v1/webhook-endpoints",
    summary="List webhook endpoints",
    response_model=EndpointPage,
    responses=problem_responses(*LIST_PROBLEMS),
)
async def list_endpoints(request: Request, caller: CallerDep, limit: Limit = LIMIT_DEFAULT, cursor: Cursor = None) -> Any:
    """Your endpoints, newest first."""
    pages = Pages.of("webhook-endpoints", caller.owner)
    before = pages.id_before(cursor)
    rows = await endpoints.list_endpoints(services(request).database, caller.owner, before=before, limit=limit + 1)
    return pages.page(rows, limit, lambda row: row.id.bytes, render_endpoint)


@router.get(
    "/v1/webhook-endpoints/{endpoint_id}",
    summary="Look a webhook endpoint up",
    response_model=EndpointView,
    responses=problem_responses(*FIND_PROBLEMS),
)
async def get_endpoint(request: Request, caller: CallerDep, endpoint_id: EndpointId) -> Any:
    """One of your endpoints."""
    return render_endpoint(await find_endpoint(request, caller))


@router.patch(
    "/v1/webhook-endpoints/{endpoint_id}",
    summary="Change a webhook endpoint",
    response_model=EndpointView,
    openapi_extra=json_body(EndpointChanges),
    responses=problem_responses(*FIND_PROBLEMS, *BODY_PROBLEMS),
)
async def patch_endpoint(request: Request, caller: CallerDep, endpoint_id: EndpointId) -> Any:
    """Change what the body names; what it leaves out stays as it is."""
    id = path_id(request, Prefix.ENDPOINT, "endpoint_id")
    shared = services(request)
    changes = validate(EndpointChanges, await read_object(request), shared.settings).model_dump(exclude_unset=True)
    return render_endpoint(found(await endpoints.update_endpoint(shared.database, caller.owner, id, changes)))


@router.delete(
    "/v1/webhook-endpoints/{endpoint_id}",
    summary="Delete a webhook endpoint",
    status_code=204,
    response_description="deleted",
    openapi_extra=NO_BODY,
    responses=problem_responses(*FIND_PROBLEMS, *BODY_PROBLEMS),
)
async def delete_endpoint(request: Request, caller: CallerDep, endpoint_id: EndpointId) -> Response:
    """Delete an endpoint. What it has not been told yet, it will never be."""
    id = path_id(request, Prefix.ENDPOINT, "endpoint_id")
    await require_no_fields(request)
    if not await endpoints.delete_endpoint(services(request).database, caller.owner, id):
        raise Problem("not_found")
    return Response(status_code=204)


@router.post(
    "/v1/webhook-endpoints/{endpoint_id}/rotate-secret",
    summary="Give a webhook endpoint another secret",
    response_model=SignedEndpointView,
    openapi_extra=NO_BODY,
    responses=problem_responses(*FIND_PROBLEMS, *BODY_PROBLEMS),
)
async def rotate_endpoint_secret(request: Request, caller: CallerDep, endpoint_id: EndpointId) -> Any:
    """Give an endpoint another secret, which is in this answer alone. The one before signs too for 24 hours, older ones never."""
    id = path_id(request, Prefix.ENDPOINT, "endpoint_id")
    await require_no_fields(request)
    secret = signing.make_secret()
    rotated = found(await endpoints.rotate_endpoint_secret(services(request).database, caller.owner, id, secret))
    return JSONResponse(show_signed(rotated, secret), headers=NO_STORE)


@router.get(
    "/v1/webhook-secret",
    summary="Look up when your secret was made",
    response_model=SecretView,
    responses=problem_responses(*FIND_PROBLEMS),
)
async def get_secret(request: Request, caller: CallerDep) -> Any:
    """When the secret was made that signs the calls to your callback URLs: by your first callback URL or rotation."""
    secret = await secrets.find(services(request).database, caller.owner)
    if secret is None:
        raise Problem("not_found")
    return show_secret(secret)


@router.post(
    "/v1/webhook-secret/rotate",
    summary="Get a secret for your callback URLs",
    response_model=NewSecretView,
    openapi_extra=NO_BODY,
    responses=problem_responses(*COMMON_PROBLEMS, *BODY_PROBLEMS),
)
async def rotate_secret(request: Request, caller: CallerDep) -> Any:
    """Make a first or another secret, which is in this answer alone. The one before signs too for 24 hours, older ones never.

    With your first callback URL a secret is made that nobody has seen: rotate it to have one that you know.
    """
    await require_no_fields(request)
    secret = signing.make_secret()
    rotated = await secrets.rotate(services(request).database, caller.owner, secret)
    return JSONResponse({**show_secret(rotated), "secret": secret}, headers=NO_STORE)


async def find_endpoint(request: Request, caller: Caller) -> Endpoint:
    """Return the endpoint in the path. Raises Problem "not_found", also for one that is not the caller's."""
    id = path_id(request, Prefix.ENDPOINT, "endpoint_id")
    return found(await endpoints.find_endpoint(services(request).database, caller.owner, id))


def found(endpoint: Endpoint | None) -> Endpoint:
    if endpoint is None:
        raise Problem("not_found")
    return endpoint


def show_signed(endpoint: Endpoint, secret: str) -> dict[str, object]:
    return {**render_endpoint(endpoint), "secret": secret}


def show_secret(secret: Secret) -> dict[str, object]:
    return {
        "created_at": rfc3339(secret.created_at),
        "old_secret_expires_at": rfc3339(secret.old_secret_expires_at) if secret.old_secret_expires_at else None,
    }
