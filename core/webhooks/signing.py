"""Signatures of webhooks: by them a receiver verifies the sender, the content and the time.

Source: Standard Webhooks 1.0.0, symmetric signatures (https://github.com/standard-webhooks/standard-webhooks, spec).
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence

SECRET_PREFIX = "whsec_"  # noqa: S105 - every secret begins with it
NEW_SECRET_BYTES = 32
SECRET_BYTES_MIN, SECRET_BYTES_MAX = 24, 64  # as the specification says


class BadSecret(ValueError):
    """The text is not a secret as the specification defines it. The message does not repeat the text."""


def make_secret() -> str:
    """Return a new secret: `whsec_` and the base64 of 256 random bits."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(NEW_SECRET_BYTES)).decode()


def sign(event_id: str, sent_at: int, body: bytes, signing_secrets: Sequence[str]) -> dict[str, str]:
    """Return the headers `webhook-id`, `webhook-timestamp` and `webhook-signature` for this body.

    `event_id` is the same on every attempt. `sent_at` is the attempt's time, in seconds since 1970. There is one signature per
    secret: one as a rule, two after a rotation. The body must be sent unchanged, byte for byte. Raises BadSecret. Raises
    ValueError for no secret, or for an id with a full stop, because a full stop separates the signed fields.
    """
    if "." in event_id or not signing_secrets:
        raise ValueError("sign needs at least one secret, and an id without a full stop")
    signed = f"{event_id}.{sent_at}.".encode() + body
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(sent_at),
        "webhook-signature": " ".join(signature(key_of(secret), signed) for secret in signing_secrets),
    }


def signature(key: bytes, signed: bytes) -> str:
    """Return the HMAC-SHA256 of the signed bytes in base64, after `v1,`: the version of the scheme."""
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def key_of(secret: str) -> bytes:
    """Return the 24 to 64 bytes that the secret encodes. Raises BadSecret."""
    if not secret.startswith(SECRET_PREFIX):
        raise BadSecret(f"a signing secret begins with {SECRET_PREFIX}")
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except ValueError:
        raise BadSecret("a signing secret is base64 behind its prefix") from None
    if not SECRET_BYTES_MIN <= len(key) <= SECRET_BYTES_MAX:
        raise BadSecret(f"a signing secret holds {SECRET_BYTES_MIN} to {SECRET_BYTES_MAX} bytes")
    return key
