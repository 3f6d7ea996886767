"""Request headers that routes read: Idempotency-Key and Prefer."""

import re

from fastapi import Request

from api.http import idempotency
from api.http.problems import Problem

WAIT = re.compile(r'("?)0*([1-9][0-9]*)\1', re.ASCII)
WAIT_MAX_S = 30


def values_of(name: bytes, request: Request) -> list[str]:
    """Return the values of the request's header fields of this name, which is in lower case.

    Starlette's `request.headers` costs twice as much: it encodes the name at each look-up.
    """
    return [value.decode("latin-1") for field, value in request.scope["headers"] if field == name]


def required_key(request: Request) -> str:
    """Return the request's idempotency key. Raises Problem when it is missing or not valid."""
    key = optional_key(request)
    if key is None:
        raise Problem("idempotency_key_missing")
    return key


def optional_key(request: Request) -> str | None:
    """Return the key in the request's Idempotency-Key header, if there is one. Raises Problem when it is not valid."""
    headers = values_of(b"idempotency-key", request)
    if not headers:
        return None
    if len(headers) > 1:
        raise Problem("idempotency_key_invalid", "more than one Idempotency-Key header was sent")
    try:
        return idempotency.parse_key(headers[0])
    except idempotency.InvalidKey:
        raise Problem("idempotency_key_invalid") from None


def refuse_header_key(request: Request) -> None:
    """Raises Problem for an Idempotency-Key header: for routes where each item of the body has a key of its own."""
    if "idempotency-key" in request.headers:
        raise Problem("idempotency_key_invalid", "each transfer of a batch carries its own key; the header is not used")


def preferred_wait_s(request: Request) -> int | None:
    """Return for how many seconds the caller would wait for an outcome, at most WAIT_MAX_S (RFC 7240, section 4.3).

    Only the first preference of that name counts (section 2). A value that is no number of seconds is ignored.
    """
    for header in values_of(b"prefer", request):
        for preference in header.split(","):
            name, _, value = preference.partition(";")[0].partition("=")
            if name.strip().lower() == "wait":
                match = WAIT.fullmatch(value.strip())
                return min(int(match[2][:9]), WAIT_MAX_S) if match else None
    return None
