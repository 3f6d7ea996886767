"""URLs to which callers have webhooks sent."""

from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo

from api.http.fields import refuse
from core.settings import Settings
from core.webhooks.callback_url import URL_LENGTH_MAX, UrlProblem, url_problem

DETAILS = {
    UrlProblem.INVALID: "must be a URL such as https://example.com/hook, in ASCII, without a fragment",
    UrlProblem.FORBIDDEN: "must lead to a public name by https, on port 443 or 8443, without a user or a password",
}


def check_url(value: str, info: ValidationInfo[Settings | None]) -> str:
    """Refuse a URL to which nothing is sent with the settings that `validate` was given; without settings, all private ones."""
    allow_private = info.context is not None and info.context.webhooks_allow_private
    if problem := url_problem(value, allow_private=allow_private):
        raise refuse(problem, DETAILS[problem])
    return value


Url = Annotated[
    str,
    Field(
        max_length=URL_LENGTH_MAX,
        json_schema_extra={"format": "uri", "pattern": "^[Hh][Tt][Tt][Pp][Ss]?://[!-~]+$"},
        examples=["https://example.com/hook"],
    ),
    AfterValidator(check_url),
]
