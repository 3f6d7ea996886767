"""Parameters in paths and query strings, read as strictly as bodies are."""

import re
from collections.abc import Container, Mapping
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import unquote_to_bytes
from uuid import UUID

from fastapi import Request
from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from api.http import idempotency
from api.http.fields import (
    ANY_TIME,
    NAME_LENGTH_MAX,
    REFERENCE_LENGTH_MAX,
    check_printable,
    id_schema,
    read_time,
    utc,
)
from api.http.openapi import KEY_SCHEMA
from api.http.problems import Problem
from api.http.text import PRINTABLE
from core import ids
from core.ids import Prefix
from core.ledger.money import AMOUNT_MAX

CURSORS = (b"cursor", b"after")  # parameters whose values this API made

PREVIEWS = {b"preview=true": True, b"preview=false": False}

BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")


def ascii_integer(value: object) -> object:
    """Accept ASCII digits alone. Pydantic would also accept signs, spaces, underscores, other scripts' digits and "1.0"."""
    if isinstance(value, str) and not re.fullmatch(r"[0-9]{1,9}", value, re.ASCII):
        raise ValueError("must be an integer")
    return value


def wallet_filter(value: object) -> UUID:
    return ids.parse(Prefix.WALLET, str(value))


def transfer_filter(value: object) -> UUID:
    return ids.parse(Prefix.TRANSFER, str(value))


def client_filter(value: object) -> UUID:
    return ids.parse(Prefix.CLIENT, str(value))


def amount_filter(value: object) -> object:
    """Accept ASCII digits alone, as `ascii_integer` does, of any amount."""
    if isinstance(value, str) and not re.fullmatch(r"[0-9]{1,16}", value, re.ASCII):
        raise ValueError("must be an integer of minor units")
    return value


def time_filter(value: object) -> datetime:
    """Return the time of an RFC 3339 text, in UTC."""
    time = utc(read_time(value))
    if time is None:
        raise ValueError("must be a time with an offset, such as 2026-01-31T09:30:00Z")
    return time


def check_order(since: datetime | None, until: datetime | None, prefix: str = "") -> None:
    """Raises Problem where `from` lies after `to`, the parameters with this prefix."""
    if since and until and since > until:
        raise Problem("invalid_parameter", f"`{prefix}from` lies after `{prefix}to`")


PrintableFilter = Annotated[str, AfterValidator(check_printable), WithJsonSchema({"type": "string", **PRINTABLE})]
KeyFilter = Annotated[str, AfterValidator(idempotency.parse_key), WithJsonSchema(KEY_SCHEMA)]
WalletFilter = Annotated[UUID, BeforeValidator(wallet_filter), id_schema(Prefix.WALLET)]
TransferFilter = Annotated[UUID, BeforeValidator(transfer_filter), id_schema(Prefix.TRANSFER)]
ClientFilter = Annotated[UUID, BeforeValidator(client_filter), id_schema(Prefix.CLIENT)]
AmountFilter = Annotated[int, Field(ge=0, le=AMOUNT_MAX), BeforeValidator(amount_filter)]
NameFilter = Annotated[PrintableFilter, Field(min_length=1, max_length=NAME_LENGTH_MAX)]
ReferenceFilter = Annotated[PrintableFilter, Field(max_length=REFERENCE_LENGTH_MAX)]
TimeFilter = Annotated[datetime, BeforeValidator(time_filter), ANY_TIME]


def path_id(request: Request, prefix: Prefix, name: str) -> UUID:
    """Return the id in the path. Raises Problem "not_found" when it is no id of this type."""
    try:
        return ids.parse(prefix, request.path_params[name])
    except ids.UnknownId:
        raise Problem("not_found") from None


def refuse_parameters(request: Request) -> None:
    """Raises Problem for any query string: for routes that have no query parameters."""
    if request.scope["query_string"]:
        raise Problem("invalid_parameter", "this path takes no query parameters")


def wants_preview(request: Request) -> bool:
    """Return whether the query says `preview=true`. Raises Problem for any other query but `preview=false`, which says nothing."""
    query = request.scope["query_string"]
    if query and query not in PREVIEWS:
        raise Problem("invalid_parameter", "this path takes one query parameter, `preview`, which is true or false")
    return bool(query) and PREVIEWS[query]


def asks_for_preview(request: Request) -> bool:
    """Return whether the whole query is `preview=true`. A route without previews refuses that parameter."""
    return PREVIEWS.get(request.scope["query_string"], False)


async def refuse_stray_parameters(request: Request) -> None:
    """Raises Problem for unknown and for repeated query parameters: a dependency of every FastAPI route."""
    route = request.scope["route"]
    known = {field.alias for field in route.dependant.query_params} | read_by_endpoint(route.openapi_extra or {})
    refuse_bad_encoding(request.scope["query_string"], known)
    names = [name for name, _ in request.query_params.multi_items()]
    if len(set(names)) != len(names):
        raise Problem("invalid_parameter", "a query parameter is given more than once")
    if not known.issuperset(names):
        raise Problem("invalid_parameter", "a query parameter is not known here")


def read_by_endpoint(described: Mapping[str, Any]) -> set[str]:
    """Return the query parameters that only the route's description names: its endpoint reads them by itself."""
    return {parameter["name"] for parameter in described.get("parameters", ()) if parameter["in"] == "query"}


def refuse_bad_encoding(query: bytes, known: Container[str]) -> None:
    """Raises Problem where percent-decoding would hide an error: it keeps a bad escape as it is, and makes U+FFFD of bad UTF-8."""
    if b"%" not in query or is_well_encoded(query):
        return
    for parameter in query.split(b"&"):
        name, _, value = parameter.partition(b"=")
        if name in CURSORS and name.decode() in known and not is_well_encoded(value):
            raise Problem("invalid_cursor")
    raise Problem("invalid_parameter", "the query string is not UTF-8, or holds a bad escape")


def is_well_encoded(text: bytes) -> bool:
    """Return whether all percent-escapes are valid and decode to UTF-8."""
    try:
        unquote_to_bytes(text).decode("utf-8")
    except UnicodeDecodeError:
        return False
    return not BAD_ESCAPE.search(text)
