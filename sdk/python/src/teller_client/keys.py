"""Idempotency keys. One key names one intended movement of money, however often its request is sent."""

import hashlib
import re
import uuid

VISIBLE_ASCII = re.compile(r"[\x21-\x7e]{1,255}")


def new_key() -> str:
    """Return a random key. Store it with what you pay for **before** the call.

    A key that lives only in the process is lost with it. Then no later process can ask again without paying twice. The id of the
    row that is paid for is a better key.
    """
    return uuid.uuid4().hex


def checked_key(key: object) -> str:
    """Return the key as a text. Raises TypeError for what is no str, int or UUID, and ValueError for what no header can carry."""
    if type(key) is int or isinstance(key, uuid.UUID):
        key = str(key)
    if not isinstance(key, str):
        raise TypeError(f"an idempotency key is a str, an int or a UUID, not {type(key).__name__}")
    if not VISIBLE_ASCII.fullmatch(key):
        raise ValueError("an idempotency key is 1 to 255 visible ASCII characters without spaces")
    if key.startswith('"'):
        raise ValueError('an idempotency key does not begin with ": the API would read it as a quoted string')
    return key


def key_of_external_id(external_id: str) -> str:
    """Return the key under which a client of this external id is made: the same whenever the same client is made again."""
    return f"external-id:{hashlib.sha256(external_id.encode()).hexdigest()}"
