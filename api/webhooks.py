"""Webhook endpoints, and the secrets that sign what they and callback URLs are told. Standard Webhooks 1.0.0."""

from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import AfterValidator, BaseModel, Field
from starlette.responses import JSONResponse, Response

from api.auth import Operator
from api.body import BODY_MAX, check_media_type, parse_object, read, read_object
from api.fields import RequestModel, check_printable, id_schema, validate
from api.openapi import BODY_PROBLEMS, COMMON_PROBLEMS, FIND_PROBLEMS, LIST_PROBLEMS, LOCATION, json_body, problem_responses
from api.pagination import LIMIT_DEFAULT, Cursor, Limit, Pages
from api.parameters import path_id
from api.problems import Problem
from api.times import Time, rfc3339
from api.urls import Url, refuse_forbidden
from core import ids, signing, webhooks
from core.events import Type
from core.ids import Prefix
from core.webhooks import Endpoint, NewEndpoint, Secret, Status

ALL_EVENTS: list[Type] = ["transfer.applied", "transfer.rejected"]

EndpointId = Annotated[str, id_schema(Prefix.ENDPOINT)]
Events = Annotated[list[Type], Field(min_length=1, max_length=len(ALL_EVENTS)), AfterValidator(lambda events: sorted(set(events)))]
Description = Annotated[str, Field(max_length=200), AfterValidator(check_printable)]

SHOWN_ONCE = "signs what is sent; shown this once"
UNTIL_WHEN_OLD = "until then the secret before the last rotation signs too; null when there is none"


class NoFields(RequestModel):
    """A body of a verb that says all in its path."""


class EndpointRequest(RequestModel):
    url: Url
    events: Events = ALL_EVENTS
    description: Description | None = None


class EndpointChanges(RequestModel):
    """What is left out stays as it is. The defaults are never looked at."""

    url: Url = Field(default_factory=str)
    events: Events = Field(default_factory=list)
    description: Description | None = Field(default=None, description="null takes it away")
    status: Status = Field(default_factory=lambda: "enabled", description="a disabled one is told of nothing new")


class EndpointView(BaseModel):
    """Called for each of these events: of all transfers for an operator's, of those of its own wallet for a client's."""

    id: EndpointId
    url: str
    events: list[Type]
    description: str | None
    status: Status
    created_at: Time
    old_secret_expires_at: Time | None = Field(description=UNTIL_WHEN_OLD)


class SignedEndpointView(EndpointView):
    secret: str = Field(description=SHOWN_ONCE, examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])


class EndpointPage(BaseModel):
    data: list[EndpointView]
    has_more: bool
    next_cursor: str | None


class SecretView(BaseModel):
    """The secret that signs the calls to your callback URLs."""

    created_at: Time
    old_secret_expires_at: Time | None = Field(description=UNTIL_WHEN_OLD)


class NewSecretView(SecretView):
    secret: str = Field(description=SHOWN_ONCE, examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])


MODELS: list[type[BaseModel]] = [EndpointRequest, EndpointChanges]

router = APIRouter(tags=["webhooks"])


@router.post(
    "/v1/webhook-endpoints",
    summary="Make a webhook endpoint",
    status_code=201,
    response_model=SignedEndpointView,
    openapi_extra=json_body(EndpointRequest),
    responses={201: {"headers": LOCATION}, **problem_responses(*COMMON_PROBLEMS, *BODY_PROBLEMS)},
)
async def post_endpoint(request: Request, caller: Operator) -> Any:
    """Make an endpoint: it is called for each of its events from now on. The secret is in this answer alone."""
    asked = validate(EndpointRequest, await read_object(request))
    refuse_forbidden(asked.url, "/url", allow_private=request.app.state.webhooks_allow_private)
    secret = signing.generate()
    new = NewEndpoint(ids.mint(), caller.owner, None, asked.url, asked.events, asked.description, secret)
    made = await webhooks.insert_endpoint(request.app.state.database, new)
    shown = show_signed(made, secret)
    return JSONResponse(shown, 201, {"Location": f"/v1/webhook-endpoints/{shown['id']}"})


@router.get(
    "/v1/webhook-endpoints",
    summary="List webhook endpoints",
    response_model=EndpointPage,
    responses=problem_responses(*LIST_PROBLEMS),
)
async def list_endpoints(request: Request, caller: Operator, limit: Limit = LIMIT_DEFAULT, cursor: Cursor = None) -> Any:
    """Your endpoints, newest first."""
    pages = Pages.of("webhook-endpoints", caller.owner)
    before = pages.id_before(cursor)
    rows = await webhooks.list_endpoints(request.app.state.database, caller.owner, before=before, limit=limit + 1)
    return pages.page(rows, limit, lambda row: row.id.bytes, show)


@router.get(
    "/v1/webhook-endpoints/{endpoint_id}",
    summary="Look a webhook endpoint up",
    response_model=EndpointView,
    responses=problem_responses(*FIND_PROBLEMS),
)
async def get_endpoint(request: Request, caller: Operator, endpoint_id: EndpointId) -> Any:
    """One of your endpoints."""
    id = path_id(request, Prefix.ENDPOINT, "endpoint_id")
    return show(found(await webhooks.find_endpoint(request.app.state.database, caller.owner, id)))


@router.patch(
    "/v1/webhook-endpoints/{endpoint_id}",
    summary="Change a webhook endpoint",
    response_model=EndpointView,
    openapi_extra=json_body(EndpointChanges),
    responses=problem_responses(*FIND_PROBLEMS, *BODY_PROBLEMS),
)
async def patch_endpoint(request: Request, caller: Operator, endpoint_id: EndpointId) -> Any:
    """Change what the body names; what it leaves out stays as it is."""
    id = path_id(request, Prefix.ENDPOINT, "endpoint_id")
    changes = validate(EndpointChanges, await read_object(request)).model_dump(exclude_unset=True)
    refuse_forbidden(changes.get("url"), "/url", allow_private=request.app.state.webhooks_allow_private)
    return show(found(await webhooks.update_endpoint(request.app.state.database, caller.owner, id, changes)))


@router.delete(
    "/v1/webhook-endpoints/{endpoint_id}",
    summary="Delete a webhook endpoint",
    status_code=204,
    response_class=Response,
    responses=problem_responses(*FIND_PROBLEMS),
)
async def delete_endpoint(request: Request, caller: Operator, endpoint_id: EndpointId) -> Response:
    """Delete an endpoint. What it has not been told yet, it will never be."""
    id = path_id(request, Prefix.ENDPOINT, "endpoint_id")
    if not await webhooks.delete_endpoint(request.app.state.database, caller.owner, id):
        raise Problem("not_found")
    return Response(status_code=204)


@router.post(
    "/v1/webhook-endpoints/{endpoint_id}/rotate-secret",
    summary="Give a webhook endpoint another secret",
    response_model=SignedEndpointView,
    responses=problem_responses(*FIND_PROBLEMS, *BODY_PROBLEMS),
)
async def rotate_endpoint_secret(request: Request, caller: Operator, endpoint_id: EndpointId) -> Any:
    """Give an endpoint another secret, which is in this answer alone. The one before signs too for 24 hours."""
    id = path_id(request, Prefix.ENDPOINT, "endpoint_id")
    await read_nothing(request)
    secret = signing.generate()
    return show_signed(found(await webhooks.rotate_endpoint_secret(request.app.state.database, caller.owner, id, secret)), secret)


@router.get(
    "/v1/webhook-secret",
    summary="Look up when your secret was made",
    response_model=SecretView,
    responses=problem_responses(*FIND_PROBLEMS),
)
async def get_secret(request: Request, caller: Operator) -> Any:
    """When the secret was made that signs the calls to your callback URLs. There is none before its first rotation."""
    secret = await webhooks.find_secret(request.app.state.database, caller.owner)
    if secret is None:
        raise Problem("not_found")
    return show_secret(secret)


@router.post(
    "/v1/webhook-secret/rotate",
    summary="Get a secret for your callback URLs",
    response_model=NewSecretView,
    responses=problem_responses(*COMMON_PROBLEMS, *BODY_PROBLEMS),
)
async def rotate_secret(request: Request, caller: Operator) -> Any:
    """Make a first or another secret, which is in this answer alone. The one before signs too for 24 hours."""
    await read_nothing(request)
    secret = signing.generate()
    rotated = await webhooks.rotate_secret(request.app.state.database, caller.owner, secret)
    return {**show_secret(rotated), "secret": signing.text(secret)}


async def read_nothing(request: Request) -> None:
    """Accept no body, or an empty object. Raises Problem."""
    body = await read(request, BODY_MAX)
    if body:
        check_media_type(request)
        validate(NoFields, parse_object(body))


def found(endpoint: Endpoint | None) -> Endpoint:
    if endpoint is None:
        raise Problem("not_found")
    return endpoint


def show(endpoint: Endpoint) -> dict[str, object]:
    """Return the endpoint as EndpointView describes it."""
    return {
        "id": ids.text(Prefix.ENDPOINT, endpoint.id),
        "url": endpoint.url,
        "events": list(endpoint.events),
        "description": endpoint.description,
        "status": endpoint.status,
        "created_at": rfc3339(endpoint.created_at),
        "old_secret_expires_at": rfc3339(endpoint.old_secret_expires_at) if endpoint.old_secret_expires_at else None,
    }


def show_signed(endpoint: Endpoint, secret: bytes) -> dict[str, object]:
    return {**show(endpoint), "secret": signing.text(secret)}


def show_secret(secret: Secret) -> dict[str, object]:
    return {
        "created_at": rfc3339(secret.created_at),
        "old_secret_expires_at": rfc3339(secret.old_secret_expires_at) if secret.old_secret_expires_at else None,
    }
