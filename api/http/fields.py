"""The types of request fields. Each rejects a value with a field code of the contract, and never repeats the value."""

import re
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, WithJsonSchema

from api.http.text import FIND_UNPRINTABLE, PRINTABLE
from api.http.validation import WRONG_TYPE, coded_error
from core import ids
from core.currencies import CURRENCIES
from core.ids import Prefix
from core.ledger.lines import LINES_MAX
from core.ledger.money import AMOUNT_MAX, AMOUNT_MIN
from core.settings import Settings
from core.webhooks.callback_url import URL_LENGTH_MAX, UrlProblem, url_problem

SIDE_LINES_MAX = LINES_MAX - 1  # of the debits or of the credits: the other side has a line too

NAME_LENGTH_MAX = 200
REFERENCE_LENGTH_MAX = 200

METADATA_KEYS_MAX = 20
METADATA_KEY_LENGTH_MAX = 40
METADATA_VALUE_LENGTH_MAX = 500

SCHEDULED_AHEAD_MAX = timedelta(days=366)
APPLY_WITHIN_S_MAX = 86_400  # a day
HOLD_S_MAX = 31_622_400  # 366 days
HOLD_S_DEFAULT = 604_800  # 7 days

RFC3339 = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|[+-]\d{2}:\d{2})", re.ASCII)

URL_DETAILS = {
    UrlProblem.INVALID: "must be a URL such as https://example.com/hook, in ASCII, without a fragment",
    UrlProblem.FORBIDDEN: "must lead to a public name by https, on port 443 or 8443, without a user or a password",
}


def check_amount(value: object) -> object:
    if type(value) is not int:
        raise coded_error("amount_not_integer", "amount must be an integer of minor units, such as cents")
    if value < AMOUNT_MIN:
        raise coded_error("amount_not_positive", f"amount must be at least {AMOUNT_MIN}")
    if value > AMOUNT_MAX:
        raise coded_error("amount_too_large", f"amount must be at most {AMOUNT_MAX}")
    return value


def check_line_count(value: object) -> object:
    """Reject a side without a line, or with so many that they are beyond any transfer: before each of them is validated."""
    if not isinstance(value, list):
        raise coded_error(*WRONG_TYPE)
    if not value:
        raise coded_error("too_few_lines", "must have a line")
    if len(value) > SIDE_LINES_MAX:
        raise coded_error("too_many_lines", f"must have at most {SIDE_LINES_MAX} lines")
    return value


def check_printable(value: str) -> str:
    if FIND_UNPRINTABLE(value):
        raise coded_error("invalid_string", "holds a character that is not allowed")
    return value


def check_currency(value: object) -> object:
    if not isinstance(value, str):
        raise coded_error(*WRONG_TYPE)
    if value not in CURRENCIES:
        raise coded_error("currency_mismatch", "no wallet has this currency")
    return value


def check_new_currency(value: object) -> object:
    if not isinstance(value, str):
        raise coded_error(*WRONG_TYPE)
    if value not in CURRENCIES:
        raise coded_error("currency_unknown", "must be an alphabetic code of ISO 4217 that has a minor unit, such as EUR")
    return value


def parse_wallet_id(value: object) -> UUID:
    if not isinstance(value, str):
        raise coded_error(*WRONG_TYPE)
    try:
        return ids.parse(Prefix.WALLET, value)
    except ids.UnknownId as error:
        raise coded_error("invalid_id", str(error)) from None


def check_metadata(value: object) -> object:
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        raise coded_error("metadata_invalid", "metadata must be a flat object of strings")
    if len(value) > METADATA_KEYS_MAX:
        raise coded_error("metadata_invalid", f"metadata must have at most {METADATA_KEYS_MAX} keys")
    if not all(1 <= len(key) <= METADATA_KEY_LENGTH_MAX for key in value):
        raise coded_error("metadata_invalid", f"a key of metadata must have 1 to {METADATA_KEY_LENGTH_MAX} characters")
    if not all(len(item) <= METADATA_VALUE_LENGTH_MAX for item in value.values()):
        raise coded_error("metadata_invalid", f"a value of metadata must have at most {METADATA_VALUE_LENGTH_MAX} characters")
    for item in (*value.keys(), *value.values()):
        check_printable(item)
    return value


def check_url(value: str, info: ValidationInfo[Settings | None]) -> str:
    """Reject a URL that the settings given to `validate` do not allow. Without settings it must be a public one."""
    allow_private = info.context is not None and info.context.webhooks_allow_private
    if problem := url_problem(value, allow_private=allow_private):
        raise coded_error(problem, URL_DETAILS[problem])
    return value


def read_time(value: object) -> datetime | None:
    """Return the time of an RFC 3339 text (section 5.6) with at most six digits of a second's fraction. None for anything else."""
    try:
        if isinstance(value, str) and RFC3339.fullmatch(value):
            return datetime.fromisoformat(value)
    except ValueError:
        pass  # such as month 13, or a leap second
    return None


def parse_time(value: object) -> datetime:
    time = read_time(value)
    if time is None:
        raise coded_error("wrong_type", "must be a time such as 2026-01-31T09:30:00Z")
    return time


def parse_schedule(value: object) -> datetime:
    """Return the time for which a transfer is scheduled. A past one is valid: a repetition may arrive after that time."""
    if not isinstance(value, str):
        raise coded_error(*WRONG_TYPE)
    time = utc(read_time(value))
    if time is None:
        raise coded_error("time_invalid", "must be a time with an offset, such as 2026-01-31T09:30:00Z")
    if time - datetime.now(UTC) > SCHEDULED_AHEAD_MAX:
        raise coded_error("time_invalid", f"must lie at most {SCHEDULED_AHEAD_MAX.days} days ahead")
    return time


def utc(time: datetime | None) -> datetime | None:
    """Return the same instant in UTC, so that equal instants are equal texts. None if its year there has not four digits."""
    try:
        return time.astimezone(UTC) if time else None
    except OverflowError:
        return None


def check_seconds(most: int, value: object) -> object:
    if type(value) is not int:
        raise coded_error(*WRONG_TYPE)
    if not 1 <= value <= most:
        raise coded_error("seconds_out_of_range", f"must be 1 to {most} seconds")
    return value


def id_schema(prefix: Prefix) -> WithJsonSchema:
    """Describe an id of this type to readers of the OpenAPI document."""
    return WithJsonSchema({"type": "string", "pattern": f"^{prefix}_[0-7][0-9a-hjkmnp-tv-z]{{25}}$"})


# Field(...) stands before the checks: pydantic reports a limit by its own name only on the bare type.
Amount = Annotated[int, Field(ge=AMOUNT_MIN, le=AMOUNT_MAX, examples=[1050]), BeforeValidator(check_amount)]
CURRENCY_SCHEMA = WithJsonSchema({"type": "string", "pattern": "^[A-Z]{3}$", "examples": ["USD"]})
Currency = Annotated[str, BeforeValidator(check_currency), CURRENCY_SCHEMA]  # of a wallet that exists
NewCurrency = Annotated[str, BeforeValidator(check_new_currency), CURRENCY_SCHEMA]  # of a wallet to be made
Name = Annotated[
    str,
    Field(min_length=1, max_length=NAME_LENGTH_MAX, examples=["Ada"], json_schema_extra=PRINTABLE),
    AfterValidator(check_printable),
]
ExternalId = Annotated[
    str, Field(min_length=1, max_length=100, examples=["u-17"], json_schema_extra=PRINTABLE), AfterValidator(check_printable)
]
Reference = Annotated[
    str,
    Field(max_length=REFERENCE_LENGTH_MAX, examples=["invoice 42"], json_schema_extra=PRINTABLE),
    AfterValidator(check_printable),
]
Reason = Annotated[
    str,
    Field(min_length=1, max_length=200, examples=["court order 17/26"], json_schema_extra=PRINTABLE),
    AfterValidator(check_printable),
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
Url = Annotated[
    str,
    Field(
        max_length=URL_LENGTH_MAX,
        json_schema_extra={"format": "uri", "pattern": "^[Hh][Tt][Tt][Pp][Ss]?://[!-~]+$"},
        examples=["https://example.com/hook"],
    ),
    AfterValidator(check_url),
]

ANY_TIME = WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-01-31T09:30:00Z"]})
ParsedTime = Annotated[datetime, BeforeValidator(parse_time), ANY_TIME]
ScheduledFor = Annotated[datetime, BeforeValidator(parse_schedule), ANY_TIME]
ApplyWithinS = Annotated[
    int, Field(ge=1, le=APPLY_WITHIN_S_MAX, examples=[60]), BeforeValidator(partial(check_seconds, APPLY_WITHIN_S_MAX))
]
HoldS = Annotated[int, Field(ge=1, le=HOLD_S_MAX, examples=[3600]), BeforeValidator(partial(check_seconds, HOLD_S_MAX))]

# For responses alone: the form of a time.
Time = Annotated[str, Field(json_schema_extra={"format": "date-time"}, examples=["2026-01-31T09:30:00.000000Z"])]
