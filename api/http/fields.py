"""The types of request fields. Each refuses with a field code of the contract, and never repeats the value it refuses."""

import re
from collections.abc import Iterable, Mapping
from itertools import takewhile
from typing import Annotated, Any, TypeVar
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema
from pydantic_core import ErrorDetails, PydanticCustomError

from api.http.problems import ERRORS_MAX, FieldError, invalid
from core import ids
from core.ids import Prefix
from core.ledger.money import AMOUNT_MAX, AMOUNT_MIN, CURRENCY
from core.settings import Settings

METADATA_KEYS_MAX = 20
METADATA_KEY_LENGTH_MAX = 40
METADATA_VALUE_LENGTH_MAX = 500

# What has no place in one line of text, written for the inside of a regular expression's class: control characters (C0, DEL, C1),
# separators of lines and paragraphs, what turns the direction of the text around it, the byte order mark, and the two code points
# below U+10000 that XML 1.0 cannot carry. docs/decisions says why these and no others.
UNPRINTABLE = r"\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff"
FIND_UNPRINTABLE = re.compile(rf"[{UNPRINTABLE}\ud800-\udfff]").search  # halves of surrogate pairs are no text at all
PRINTABLE = {"pattern": f"^[^{UNPRINTABLE}]*$"}  # the same, for readers of the OpenAPI document

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

NAME_SHOWN_MAX = 40  # characters of a field's name that a pointer repeats; a name of this API has 23
FIELDS_MANY = 50  # more than twice the fields of any request

Model = TypeVar("Model", bound="RequestModel")


class RequestModel(BaseModel):
    """A request's body: strictly typed, and nothing but its fields."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


def refuse(code: str, detail: str) -> PydanticCustomError:
    return PydanticCustomError("teller", "{detail}", {"code": code, "detail": detail})


def check_amount(value: object) -> object:
    if type(value) is not int:
        raise refuse("amount_not_integer", "amount must be an integer of minor units (cents)")
    if value < AMOUNT_MIN:
        raise refuse("amount_not_positive", f"amount must be at least {AMOUNT_MIN}")
    if value > AMOUNT_MAX:
        raise refuse("amount_too_large", f"amount must be at most {AMOUNT_MAX}")
    return value


def check_printable(value: str) -> str:
    if FIND_UNPRINTABLE(value):
        raise refuse("invalid_string", "holds a character that is not allowed")
    return value


def check_currency(value: object) -> object:
    if not isinstance(value, str):
        raise refuse(*WRONG_TYPE)
    if value != CURRENCY:
        raise refuse("currency_mismatch", f"the wallet's currency is {CURRENCY}")
    return value


def parse_wallet_id(value: object) -> UUID:
    if not isinstance(value, str):
        raise refuse(*WRONG_TYPE)
    try:
        return ids.parse(Prefix.WALLET, value)
    except ids.UnknownId as error:
        raise refuse("wallet_not_found", str(error)) from None


def check_metadata(value: object) -> object:
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        raise refuse("metadata_invalid", "metadata must be a flat object of strings")
    if len(value) > METADATA_KEYS_MAX:
        raise refuse("metadata_invalid", f"metadata must have at most {METADATA_KEYS_MAX} keys")
    if not all(1 <= len(key) <= METADATA_KEY_LENGTH_MAX for key in value):
        raise refuse("metadata_invalid", f"a key of metadata must have 1 to {METADATA_KEY_LENGTH_MAX} characters")
    if not all(len(item) <= METADATA_VALUE_LENGTH_MAX for item in value.values()):
        raise refuse("metadata_invalid", f"a value of metadata must have at most {METADATA_VALUE_LENGTH_MAX} characters")
    for item in (*value.keys(), *value.values()):
        check_printable(item)
    return value


def id_schema(prefix: Prefix) -> WithJsonSchema:
    """Describe an id of this type to readers of the OpenAPI document."""
    return WithJsonSchema({"type": "string", "pattern": f"^{prefix}_[0-7][0-9a-hjkmnp-tv-z]{{25}}$"})


# Limits stand before our own checks: pydantic knows a limit by its name only on the bare type.
Amount = Annotated[int, Field(ge=AMOUNT_MIN, le=AMOUNT_MAX, examples=[1050]), BeforeValidator(check_amount)]
Currency = Annotated[str, BeforeValidator(check_currency), WithJsonSchema({"type": "string", "const": CURRENCY})]
Name = Annotated[
    str, Field(min_length=1, max_length=200, examples=["Ada"], json_schema_extra=PRINTABLE), AfterValidator(check_printable)
]
ExternalId = Annotated[
    str, Field(min_length=1, max_length=100, examples=["u-17"], json_schema_extra=PRINTABLE), AfterValidator(check_printable)
]
Reference = Annotated[
    str, Field(max_length=200, examples=["invoice 42"], json_schema_extra=PRINTABLE), AfterValidator(check_printable)
]
Metadata = Annotated[
    dict[str, str],
    BeforeValidator(check_metadata),
    WithJsonSchema(
        {
            "type": "object",
            "maxProperties": METADATA_KEYS_MAX,
            "propertyNames": {"minLength": 1, "maxLength": METADATA_KEY_LENGTH_MAX, **PRINTABLE},
            "additionalProperties": {"type": "string", "maxLength": METADATA_VALUE_LENGTH_MAX, **PRINTABLE},
        }
    ),
]
ParsedWalletId = Annotated[UUID, BeforeValidator(parse_wallet_id), id_schema(Prefix.WALLET)]


def validate(model: type[Model], fields: object, settings: Settings | None = None) -> Model:
    """Return the request of these fields. Raises Problem "validation_failed" with all errors, or the first 20 of more.

    `settings` are what fields may depend on: a URL does (api/http/urls.py).
    """
    if isinstance(fields, dict) and len(fields) > FIELDS_MANY:
        refuse_unknown(model, fields)
    try:
        return model.model_validate(fields, context=settings)
    except ValidationError as error:
        raise invalid(field_errors(error), error.error_count()) from None


def refuse_unknown(model: type[RequestModel], fields: Mapping[str, object]) -> None:
    """Refuse very many unknown fields by their names alone: pydantic takes seconds to describe 100 000 of them."""
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


def pointer(location: tuple[Any, ...]) -> str:
    """Return the JSON pointer (RFC 6901) of a field, or of what holds it when its name is long or not printable."""
    steps = takewhile(is_shown, (str(step) for step in location))
    return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)


def is_shown(name: str) -> bool:
    return len(name) <= NAME_SHOWN_MAX and not FIND_UNPRINTABLE(name)
