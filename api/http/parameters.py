"""Parameters in paths and query strings, read as strictly as bodies are."""

import re
from collections.abc import Callable, Collection, Container, Mapping, Sequence, Set
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
from api.http.problems import FieldError, Problem, invalid_parameters
from api.http.text import PRINTABLE
from api.http.validation import coded_error, parameter_place
from core import ids
from core.ids import Prefix
from core.ledger.money import AMOUNT_MAX

CURSORS = (b"cursor", b"after")  # parameters whose values this API made

PREVIEWS = {b"preview=true": True, b"preview=false": False}

BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")


def integer_between(least: int, most: int) -> Callable[[object], object]:
    """Return the check of an integer's text: ASCII digits alone, and within both bounds, which the error states.

    Pydantic would also accept signs, spaces, underscores, other scripts' digits and "1.0".
    """

    def check(value: object) -> object:
        if isinstance(value, str) and not (re.fullmatch(r"[0-9]{1,9}", value, re.ASCII) and least <= int(value) <= most):
            code = "out_of_range" if re.fullmatch(r"-?[0-9]+", value, re.ASCII) else "wrong_type"
            raise coded_error(code, f"must be an integer from {least} to {most}")
        return value

    return check


def wallet_filter(value: object) -> UUID:
    return ids.parse(Prefix.WALLET, str(value))


def transfer_filter(value: object) -> UUID:
    return ids.parse(Prefix.TRANSFER, str(value))


def client_filter(value: object) -> UUID:
    return ids.parse(Prefix.CLIENT, str(value))


def amount_filter(value: object) -> object:
    """Accept ASCII digits alone, as `integer_between` does, of any amount."""
    if isinstance(value, str) and not (re.fullmatch(r"[0-9]{1,16}", value, re.ASCII) and int(value) <= AMOUNT_MAX):
        code = "out_of_range" if re.fullmatch(r"-?[0-9]+", value, re.ASCII) else "wrong_type"
        raise coded_error(code, f"must be an integer from 0 to {AMOUNT_MAX}, of minor units")
    return value


def time_filter(value: object) -> datetime:
    """Return the time of an RFC 3339 text, in UTC."""
    time = utc(read_time(value))
    if time is None:
        raise coded_error("time_invalid", "must be a time with an offset, such as 2026-01-31T09:30:00Z")
    return time


def check_order(since: datetime | None, until: datetime | None, prefix: str = "") -> None:
    """Raises Problem where `from` lies after `to`, the parameters with this prefix."""
    if since and until and since > until:
        raise invalid_parameters([FieldError(f"?{prefix}from", "out_of_range", f"lies after `{prefix}to`")])


def key_filter(value: str) -> str:
    try:
        return idempotency.parse_key(value)
    except idempotency.InvalidKey as error:
        raise coded_error("wrong_type", str(error).removeprefix("Idempotency-Key ")) from None


PrintableFilter = Annotated[str, AfterValidator(check_printable), WithJsonSchema({"type": "string", **PRINTABLE})]
KeyFilter = Annotated[str, AfterValidator(key_filter), WithJsonSchema(KEY_SCHEMA)]
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
        raise unknown_parameters([name for name, _ in request.query_params.multi_items()], ())


def wants_preview(request: Request) -> bool:
    """Return whether the query says `preview=true`. Raises Problem for any other query but `preview=false`, which says nothing."""
    query = request.scope["query_string"]
    if query and query not in PREVIEWS:
        refuse_unknown_and_repeated(request, {"preview"})
        raise invalid_parameters([FieldError("?preview", "unknown_value", "must be one of true, false")])
    return bool(query) and PREVIEWS[query]


def asks_for_preview(request: Request) -> bool:
    """Return whether the whole query is `preview=true`. A route without previews refuses that parameter."""
    return PREVIEWS.get(request.scope["query_string"], False)


async def refuse_stray_parameters(request: Request) -> None:
    """Raises Problem for unknown and for repeated query parameters: a dependency of every FastAPI route."""
    route = request.scope["route"]
    known = {field.alias for field in route.dependant.query_params} | read_by_endpoint(route.openapi_extra or {})
    refuse_bad_encoding(request.scope["query_string"], known)
    refuse_unknown_and_repeated(request, known)


def refuse_unknown_and_repeated(request: Request, known: Set[str]) -> None:
    names = [name for name, _ in request.query_params.multi_items()]
    if not known >= set(names):
        raise unknown_parameters([name for name in names if name not in known], known)
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise invalid_parameters([FieldError(f"?{name}", "repeated_parameter", "is given more than once") for name in repeated])


def unknown_parameters(names: Sequence[str], known: Collection[str]) -> Problem:
    """Return the problem of parameters that a path does not have. It lists those that the path has."""
    listed = f"this path knows {', '.join(sorted(known))}" if known else "this path takes no query parameters"
    places = dict.fromkeys(map(parameter_place, names)) or {"?": None}
    return invalid_parameters([FieldError(place, "unknown_parameter", f"is not known here; {listed}") for place in places])


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
