"""Verifies webhooks: Standard Webhooks 1.0.0, symmetric signatures (https://www.standardwebhooks.com). No network."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping, Sequence

from teller_client.errors import SignatureError, UnexpectedAnswer
from teller_client.events import Event, parse_event

TOLERANCE_S = 300  # of the sender's clock and the way, as the specification's libraries have it
PREFIX = "whsec_"


def verify(
    body: bytes | str,
    headers: Mapping[str, str],
    secrets: str | Sequence[str],
    *,
    tolerance: float = TOLERANCE_S,
    now: float | None = None,
) -> Event:
    """Return the event of a webhook that was signed with one of the secrets: the new and the old one while they are rotated.

    `body` is the request's body as it came, byte for byte. `headers` are found in any case. The same event may come more than
    once: handle each `id` once. Raises SignatureError for any other body, and ValueError for a secret that is none.
    """
    content = body.encode() if isinstance(body, str) else body
    found = {name.lower(): value for name, value in headers.items()}
    id, sent_at, signatures = (required(found, name) for name in ("webhook-id", "webhook-timestamp", "webhook-signature"))
    check_time(sent_at, time.time() if now is None else now, tolerance)
    keys = [key_of(secret) for secret in ([secrets] if isinstance(secrets, str) else secrets)]
    signed = f"{id}.{sent_at}.".encode() + content
    if not any(matches(key, signed, given) for key in keys for given in signatures.split(" ")):
        raise SignatureError("no signature of the webhook is that of one of the secrets")
    return event_of(id, content)


def required(headers: Mapping[str, str], name: str) -> str:
    if not (value := headers.get(name)):
        raise SignatureError(f"the webhook has no header {name}")
    return value


def check_time(sent_at: str, now: float, tolerance: float) -> None:
    if not (sent_at.isascii() and sent_at.isdigit()):
        raise SignatureError("webhook-timestamp is no number of seconds")
    if abs(now - int(sent_at)) > tolerance:
        raise SignatureError(f"the webhook was sent more than {tolerance:g} s before or after now")


def key_of(secret: str) -> bytes:
    """Return the bytes that the secret encodes. Raises ValueError, whose message does not repeat the secret."""
    try:
        return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except ValueError:
        raise ValueError(f"a webhook secret is {PREFIX} and base64") from None


def matches(key: bytes, signed: bytes, given: str) -> bool:
    version, _, signature = given.partition(",")
    right = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    return version == "v1" and hmac.compare_digest(right.encode(), signature.encode())


def event_of(id: str, content: bytes) -> Event:
    try:
        fields = json.loads(content)
    except ValueError:
        raise UnexpectedAnswer("the webhook's body is no JSON") from None
    if not isinstance(fields, dict):
        raise UnexpectedAnswer("the webhook's body is no JSON object")
    return parse_event({**fields, "id": id})
