"""Idempotency: the key that a caller gives a request, and the fingerprint by which two requests with one key are compared."""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Protocol

KEY_MAX = 255  # characters

# Bare, or a quoted string in which quotes and backslashes are escaped; as OpenAPI writes patterns, too.
KEY_PATTERN = r'^([!#-~][!-~]{0,254}|"([!#-\[\]-~]|\\["\\]){1,255}")$'
KEY = re.compile(KEY_PATTERN, re.ASCII)
ESCAPED = re.compile(r'\\(["\\])')

FINGERPRINT_VERSION = "1"
CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=str)


class InvalidKey(ValueError):
    """The text is no idempotency key."""


class Fingerprinted(Protocol):
    """A request, or the resource that it made. Without an idempotency key it has no fingerprint."""

    @property
    def fingerprint(self) -> bytes | None: ...


def parse_key(header: str) -> str:
    """Return the key of an `Idempotency-Key` header: 1..255 visible ASCII characters, bare or as a quoted string.

    `"abc"` and `abc` are the same key. Source: draft-ietf-httpapi-idempotency-key-header (a String of RFC 8941, section 3.3.3).
    Raises InvalidKey.
    """
    value = header.strip(" \t")
    if KEY.fullmatch(value) is None:
        raise InvalidKey(f"Idempotency-Key must be 1 to {KEY_MAX} visible ASCII characters without spaces, bare or quoted")
    return ESCAPED.sub(r"\1", value[1:-1]) if value.startswith('"') else value


def fingerprint(verb: str, fields: Mapping[str, object]) -> bytes:
    """Return 32 bytes that are equal for equal requests: the verb and its validated fields.

    Key order, white space and explicit defaults make no difference. A field that is None is left out. So a field that is added to
    the contract later does not change the fingerprints of requests without it.
    """
    given = {name: value for name, value in fields.items() if value is not None}
    canonical = CANONICAL.encode([FINGERPRINT_VERSION, verb, given])
    return hashlib.sha256(canonical.encode("ascii")).digest()


def is_repetition(asked: Fingerprinted, *, of: Fingerprinted) -> bool:
    """Return whether a request repeats the one that first used its key. If not, the key was reused for another request."""
    return asked.fingerprint == of.fingerprint
