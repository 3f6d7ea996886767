"""What Teller sends to webhook endpoints and callback URLs, as OpenAPI's `webhooks`: a request for each type of event."""

from typing import get_args

from api.document.examples import EVENT
from api.document.nodes import Json
from api.document.schemas import pascal
from api.http.openapi import reference
from api.v1.events import TransferEventView
from core.events import Type

HEADERS: list[Json] = [
    {
        "name": "webhook-id",
        "in": "header",
        "required": True,
        "description": "the event's id, the same on every attempt: an event whose id you know is a repetition",
        "schema": {"type": "string"},
        "example": EVENT,
    },
    {
        "name": "webhook-timestamp",
        "in": "header",
        "required": True,
        "description": "when this attempt was sent, in seconds since 1970: refuse one that is more than five minutes off",
        "schema": {"type": "string", "pattern": "^[0-9]+$"},
        "example": "1769851800",
    },
    {
        "name": "webhook-signature",
        "in": "header",
        "required": True,
        "description": "`v1,` and the base64 of HMAC-SHA256, with your secret, over `{webhook-id}.{webhook-timestamp}.{body}`; two"
        " of them, with a space between, while the previous secret signs too (Standard Webhooks 1.0.0)",
        "schema": {"type": "string"},
        "example": "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
    },
]

RESPONSES: Json = {
    "2XX": {"description": "the event is received: it is not sent again"},
    "410": {"description": "the receiver is gone: the endpoint is disabled"},
    "default": {"description": "the event is sent again later, up to ten times in all"},
}


def add_webhooks(document: Json) -> None:
    """Describe the requests that receivers get."""
    document["webhooks"] = {type: {"post": webhook(type)} for type in get_args(Type)}


def webhook(type: str) -> Json:
    return {
        "operationId": f"on{pascal(type.replace('.', '_'))}",
        "tags": ["webhooks"],
        "summary": f"{type.replace('.', ' ').replace('_', ' ').capitalize()}",
        "description": "Teller sends it at least once, and signs each attempt.",
        "parameters": HEADERS,
        "requestBody": {"required": True, "content": {"application/json": {"schema": reference(payload(type))}}},
        "responses": RESPONSES,
    }


def payload(type: str) -> str:
    """Return the name of the schema of this type's events."""
    of_transfers = get_args(TransferEventView.model_fields["type"].annotation)
    return "TransferEvent" if type in of_transfers else "WebhookEndpointEvent"
