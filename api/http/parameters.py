"""What stands in paths, query strings and headers, read as strictly as bodies are."""

import re
from collections.abc import Container
from typing import Annotated
from urllib.parse import unquote_to_bytes
from uuid import UUID

from fastapi import Request
from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from api.http import idempotency
from api.http.fields import PRINTABLE, check_printable, id_schema
from api.http.openapi import KEY_SCHEMA
from api.http.problems import Problem
from core import ids
from core.ids import Prefix

WAIT = re.compile(r'("?)0*([1-9][0-9]*)\1', re.ASCII)
WAIT_MAX_S = 30


def ascii_integer(value: object) -> object:
    """Refuse what pydantic would also read as an integer: signs, spaces, underscores, other scripts' digits, "1.0"."""
    if isinstance(value, str) and not re.fullmatch(r"[0-9]{1,9}", value, re.ASCII):
        raise ValueError("must be an integer")
    return value


def wallet_filter(value: object) -> UUID:
    return ids.parse(Prefix.WALLET, str(value))


CURSORS = (b"cursor", b"after")  # parameters with values that this API made

BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")

PrintableFilter = Annotated[str, AfterValidator(check_printable), WithJsonSchema({"type": "string", **PRINTABLE})]
KeyFilter = Annotated[str, AfterValidator(idempotency.parse_key), WithJsonSchema(KEY_SCHEMA)]
WalletFilter = Annotated[UUID, BeforeValidator(wallet_filter), id_schema(Prefix.WALLET)]


def path_id(request: Request, prefix: Prefix, name: str) -> UUID:
    """Return the id in the path. Raises Problem "not_found" for what is no id of this type."""
    try:
        return ids.parse(prefix, request.path_params[name])
    except ids.UnknownId:
        raise Problem("not_found") from None


def required_key(request: Request) -> str:
    """Return the request's idempotency key. Raises Problem when it is missing or not valid."""
    key = optional_key(request)
    if key is None:
        raise Problem("idempotency_key_missing")
    return key


def optional_key(request: Request) -> str | None:
    """Return the key in the request's Idempotency-Key header, if there is one. Raises Problem when it is not valid."""
    headers = request.headers.getlist("idempotency-key")
    if not headers:
        return None
    if len(headers) > 1:
        raise Problem("idempotency_key_invalid", "more than one Idempotency-Key header was sent")
    try:
        return idempotency.parse_key(headers[0])
    except idempotency.InvalidKey:
        raise Problem("idempotency_key_invalid") from None


def preferred_wait_s(request: Request) -> int | None:
    """Return for how many seconds the caller would wait for an outcome, at most WAIT_MAX_S (RFC 7240, section 4.3).

    What cannot be understood is ignored, and so is all but the first preference of that name (section 2).
    """
    for header in request.headers.getlist("prefer"):
        for preference in header.split(","):
            name, _, value = preference.partition(";")[0].partition("=")
            if name.strip().lower() == "wait":
                match = WAIT.fullmatch(value.strip())
                return min(int(match[2][:9]), WAIT_MAX_S) if match else None
    return None


def refuse_header_key(request: Request) -> None:
    """Refuse an Idempotency-Key header where each item of the body has a key of its own."""
    if "idempotency-key" in request.headers:
        raise Problem("idempotency_key_invalid", "each transfer of a batch carries its own key; the header is not used")


def refuse_parameters(request: Request) -> None:
    """Refuse any query string: for the routes that take none."""
    if request.scope["query_string"]:
        raise Problem("invalid_parameter", "this path takes no query parameters")


async def refuse_stray_parameters(request: Request) -> None:
    """Refuse query parameters that the route does not have, and repeated ones: a dependency of every FastAPI route."""
    known = {field.alias for field in request.scope["route"].dependant.query_params}
    refuse_bad_encoding(request.scope["query_string"], known)
    names = [name for name, _ in request.query_params.multi_items()]
    if len(set(names)) != len(names):
        raise Problem("invalid_parameter", "a query parameter is given more than once")
    if not known.issuperset(names):
        raise Problem("invalid_parameter", "a query parameter is not known here")


def refuse_bad_encoding(query: bytes, known: Container[str]) -> None:
    """Refuse what percent-decoding would quietly repair: a bad escape is kept as it is, bad UTF-8 becomes U+FFFD."""
    if b"%" not in query or is_well_encoded(query):
        return
    for parameter in query.split(b"&"):
        name, _, value = parameter.partition(b"=")
        if name in CURSORS and name.decode() in known and not is_well_encoded(value):
            raise Problem("invalid_cursor")
    raise Problem("invalid_parameter", "the query string is not UTF-8, or holds a bad escape")


def is_well_encoded(text: bytes) -> bool:
    """Tell whether percent-decoding gives UTF-8 and leaves nothing as it is."""
    try:
        unquote_to_bytes(text).decode("utf-8")
    except UnicodeDecodeError:
        return False
    return not BAD_ESCAPE.search(text)
