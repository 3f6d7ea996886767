"""One request, one effect: the key that a caller gives a request, and the fingerprint that tells two requests apart."""

import hashlib
import json
import re
from collections.abc import Mapping

KEY = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)
QUOTED = re.compile(r'"((?:[\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"', re.ASCII)
ESCAPED = re.compile(r'\\(["\\])')

FINGERPRINT_VERSION = "1"
CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=str)


class InvalidKey(ValueError):
    """The header holds no usable key."""


def parse_key(header: str) -> str:
    """Return the key of an `Idempotency-Key` header: 1..255 visible ASCII characters, bare or as a quoted string.

    `"abc"` and `abc` are the same key. Source: draft-ietf-httpapi-idempotency-key-header (a String of RFC 8941, section 3.3.3).
    Raises InvalidKey.
    """
    value = header.strip(" \t")
    quoted = QUOTED.fullmatch(value)
    key = ESCAPED.sub(r"\1", quoted[1]) if quoted else value
    if KEY.fullmatch(key) is None or (quoted is None and value.startswith('"')):
        raise InvalidKey("Idempotency-Key must be 1 to 255 visible ASCII characters without spaces, bare or quoted")
    return key


def fingerprint(verb: str, fields: Mapping[str, object]) -> bytes:
    """Return 32 bytes that are equal for equal requests: the verb and its validated fields.

    Key order, white space and spelled-out defaults make no difference. A field that is None counts as left out, so that a field
    added to the contract later keeps the fingerprints of requests that don't use it.
    """
    given = {name: value for name, value in fields.items() if value is not None}
    canonical = CANONICAL.encode([FINGERPRINT_VERSION, verb, given])
    return hashlib.sha256(canonical.encode("ascii")).digest()
