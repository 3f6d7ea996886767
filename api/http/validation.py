"""Requests are pydantic models; their errors become field errors with the codes of the contract (api/http/codes.py)."""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import takewhile
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError
from starlette.requests import Request

from api.http.body import read_optional_object
from api.http.problems import ERRORS_MAX, FieldError, invalid
from api.http.text import FIND_UNPRINTABLE
from core import ids
from core.settings import Settings

# Pydantic's own errors in the contract's words.
CODES = {
    "missing": ("required", "is required"),
    "extra_forbidden": ("unknown_field", "is not a field of this request"),
    "string_too_long": ("too_long", "is too long"),
    "string_too_short": ("required", "must not be empty"),
    "too_long": ("too_long", "has too many items"),
    "too_short": ("required", "must not be empty"),
    "string_unicode": ("invalid_string", "holds a character that is not allowed"),
}
WRONG_TYPE = ("wrong_type", "is not of the right type")

EXPECTED = re.compile(r"'([^']*)'")  # the values in pydantic's "'a', 'b' or 'c'"

NAME_SHOWN_MAX = 40  # characters of a field's name that a pointer repeats; a name of this API has 23
FIELDS_MANY = 50  # more than twice the fields of any request

Model = TypeVar("Model", bound="RequestModel")


class RequestModel(BaseModel):
    """A request's body: strictly typed, and nothing but its fields."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class NoFields(RequestModel):
    """The body of a request whose path says all."""


async def require_no_fields(request: Request) -> None:
    """Accept no body, or an empty object: for routes whose path says all. Raises Problem."""
    validate(NoFields, await read_optional_object(request))


def validate(model: type[Model], fields: object, settings: Settings | None = None) -> Model:
    """Return the request of these fields. Raises Problem "validation_failed" with all errors, or the first 20 of more.

    `settings` are for fields that depend on them: `Url` does (api/http/fields.py).
    """
    if isinstance(fields, dict) and len(fields) > FIELDS_MANY:
        reject_unknown(model, fields)
    try:
        return model.model_validate(fields, context=settings)
    except ValidationError as error:
        raise invalid(field_errors(error), error.error_count()) from None


def coded_error(code: str, detail: str) -> PydanticCustomError:
    """Return the error that a field's check raises: a code of the contract, and words that never repeat the value."""
    return PydanticCustomError("teller", "{detail}", {"code": code, "detail": detail})


def reject_unknown(model: type[RequestModel], fields: Mapping[str, object]) -> None:
    """Raises Problem for very many unknown fields, by their names alone: pydantic takes seconds to describe 100 000 of them."""
    unknown = [name for name in fields if name not in model.model_fields]
    errors = [FieldError(pointer((name,)), *CODES["extra_forbidden"]) for name in unknown[:ERRORS_MAX]]
    raise invalid(errors, len(unknown))


def field_errors(error: ValidationError | Iterable[ErrorDetails]) -> list[FieldError]:
    """Return pydantic's errors in the contract's form."""
    details = error.errors(include_url=False, include_input=False) if isinstance(error, ValidationError) else error
    return [field_error(detail) for detail in details]


def field_error(detail: ErrorDetails) -> FieldError:
    context = detail.get("ctx", {})
    if detail["type"] == "teller":
        code, words = context["code"], context["detail"]
    else:
        code, words = CODES.get(detail["type"], WRONG_TYPE)
    return FieldError(pointer(detail["loc"]), code, words)


def parameter_errors(details: Iterable[ErrorDetails]) -> list[FieldError]:
    """Return the errors of query parameters in the contract's form, one for each parameter."""
    by_place: dict[str, list[ErrorDetails]] = {}
    for detail in details:
        by_place.setdefault(parameter_place(str(detail["loc"][1])), []).append(detail)
    return [parameter_error(place, found) for place, found in by_place.items()]


def parameter_error(place: str, found: Sequence[ErrorDetails]) -> FieldError:
    """Return what is wrong with one parameter. Where it may be one of several types, each type has an error of its own."""
    kind, context = found[0]["type"], found[0].get("ctx", {})
    if kind == "teller":
        return FieldError(place, context["code"], context["detail"])
    if kind in {"enum", "literal_error"}:
        values = [value for detail in found for value in EXPECTED.findall(detail.get("ctx", {}).get("expected", ""))]
        return FieldError(place, "unknown_value", f"must be one of {', '.join(values)}")
    if kind in {"too_long", "too_short"}:  # behind a check pydantic does not say what is too long: parameters are texts
        kind = f"string_{kind}"
    if kind in CODES:
        return FieldError(place, *CODES[kind])
    if kind == "value_error":
        error = context["error"]
        return FieldError(place, "invalid_id" if isinstance(error, ids.UnknownId) else "wrong_type", str(error))
    return FieldError(place, *WRONG_TYPE)


def parameter_place(name: str) -> str:
    """Return the place of a query parameter, such as `?limit`; `?` alone where the name is long or not printable."""
    return f"?{name}" if is_shown(name) else "?"


def pointer(location: tuple[Any, ...]) -> str:
    """Return the JSON pointer (RFC 6901) of a field, or of its parent when its name is long or not printable."""
    steps = takewhile(is_shown, (str(step) for step in location))
    return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)


def is_shown(name: str) -> bool:
    return len(name) <= NAME_SHOWN_MAX and not FIND_UNPRINTABLE(name)
