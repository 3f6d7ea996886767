"""Idempotency: the key that a caller gives a request, and the fingerprint by which two requests with one key are compared."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol
from uuid import UUID

import uuid_utils

KEY_MAX = 255  # characters

# Bare, or a quoted string in which quotes and backslashes are escaped; as OpenAPI writes patterns, too.
KEY_PATTERN = r'^([!#-~][!-~]{0,254}|"([!#-\[\]-~]|\\["\\]){1,255}")$'
KEY = re.compile(KEY_PATTERN, re.ASCII)
ESCAPED = re.compile(r'\\(["\\])')

FINGERPRINT_VERSION = "1"
CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=str)
QUOTED = json.encoder.encode_basestring_ascii  # what the encoder makes of a text


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
    given = ",".join(
        [
            f"{QUOTED(name)}:{WRITTEN.get(value.__class__, CANONICAL.encode)(value)}"
            for name, value in sorted(fields.items())
            if value is not None
        ]
    )
    return hashlib.sha256(f'["{FINGERPRINT_VERSION}",{QUOTED(verb)},{{{given}}}]'.encode("ascii")).digest()


def write_mapping(value: Mapping[str, object]) -> str:
    return CANONICAL.encode(value) if value else "{}"


def write_id(value: UUID) -> str:
    return f'"{uuid_utils.UUID(int=value.int)}"'  # the same text as str(value), in half the time


# How a value of such a type is written: as CANONICAL writes it, which makes an encoder for each call.
WRITTEN: Mapping[type, Callable[[Any], str]] = {str: QUOTED, int: str, UUID: write_id, dict: write_mapping}


def is_repetition(asked: Fingerprinted, *, of: Fingerprinted) -> bool:
    """Return whether a request repeats the one that first used its key. If not, the key was reused for another request."""
    return asked.fingerprint == of.fingerprint
