"""Secrets that sign webhooks: the rotation of an endpoint's secret, and a caller's secret for its callback URLs."""

from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse

from api.callers import CallerDep
from api.http.fields import Time
from api.http.openapi import BODY_PROBLEMS, COMMON_PROBLEMS, FIND_PROBLEMS, problem_responses
from api.http.parameters import path_id
from api.http.problems import Problem, existing_or_404
from api.http.validation import require_no_fields
from api.services import services
from api.v1.webhooks.endpoints import NO_STORE, OLD_SIGNS_UNTIL, SHOWN_ONCE, EndpointId, SignedEndpointView, render_signed
from core.ids import Prefix
from core.times import rfc3339
from core.webhooks import endpoints, secrets, signing
from core.webhooks.secrets import Secret


class SecretView(BaseModel):
    """The secret that signs webhooks to your callback URLs."""

    created_at: Time
    old_secret_expires_at: Time | None = Field(description=OLD_SIGNS_UNTIL)


class NewSecretView(SecretView):
    """The secret that signs webhooks to your callback URLs, just made."""

    secret: str = Field(description=SHOWN_ONCE, examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])


router = APIRouter(tags=["webhooks"])


@router.post(
    "/v1/webhook-endpoints/{endpoint_id}/rotate-secret",
    summary="Give a webhook endpoint another secret",
    response_model=SignedEndpointView,
    responses=problem_responses(*FIND_PROBLEMS, *BODY_PROBLEMS),
)
async def rotate_endpoint_secret(request: Request, caller: CallerDep, endpoint_id: EndpointId) -> Any:
    """Give an endpoint a new secret; only this answer shows it. The previous secret signs too for 24 hours, older ones never."""
    id = path_id(request, Prefix.ENDPOINT, "endpoint_id")
    await require_no_fields(request)
    secret = signing.make_secret()
    rotated = existing_or_404(await endpoints.rotate_endpoint_secret(services(request).database, caller.owner, id, secret))
    return JSONResponse(render_signed(rotated, secret), headers=NO_STORE)


@router.get(
    "/v1/webhook-secret",
    summary="Look up when your secret was made",
    response_model=SecretView,
    responses=problem_responses(*FIND_PROBLEMS, "forbidden"),
)
async def get_secret(request: Request, caller: CallerDep) -> Any:
    """When the secret for your callback URLs was made. Your first callback URL or your first rotation makes it. Not for viewers."""
    if caller.is_viewer:
        raise Problem("forbidden")
    return render_secret(existing_or_404(await secrets.find(services(request).database, caller.owner)))


@router.post(
    "/v1/webhook-secret/rotate",
    summary="Get a secret for your callback URLs",
    response_model=NewSecretView,
    responses=problem_responses(*COMMON_PROBLEMS, *BODY_PROBLEMS),
)
async def rotate_secret(request: Request, caller: CallerDep) -> Any:
    """Make a new secret; only this answer shows it. The previous secret signs too for 24 hours, older ones never.

    Your first callback URL makes a secret that no answer has shown. Rotate it to get one that you know.
    """
    await require_no_fields(request)
    secret = signing.make_secret()
    rotated = await secrets.rotate(services(request).database, caller.owner, secret)
    return JSONResponse({**render_secret(rotated), "secret": secret}, headers=NO_STORE)


def render_secret(secret: Secret) -> dict[str, object]:
    """Return the secret as SecretView describes it, without the secret itself."""
    return {
        "created_at": rfc3339(secret.created_at),
        "old_secret_expires_at": rfc3339(secret.old_secret_expires_at) if secret.old_secret_expires_at else None,
    }
