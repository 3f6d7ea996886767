"""The secrets that sign webhooks: random bytes, which callers are shown once, in the form of Standard Webhooks 1.0.0."""

import base64
import secrets

MARK = "whsec_"
SECRET_BYTES = 32  # the specification wants 24 to 64


def generate() -> bytes:
    return secrets.token_bytes(SECRET_BYTES)


def text(secret: bytes) -> str:
    """Return the secret as callers keep it: the prefix and base64."""
    return MARK + base64.b64encode(secret).decode()
