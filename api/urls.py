"""URLs that callers want to be called at: what is no URL is refused with its field, what is forbidden here right after."""

from typing import Annotated

from fastapi import Request
from pydantic import AfterValidator, Field

from api.fields import refuse
from api.problems import FieldError, invalid
from api.services import services
from core.callback_url import URL_LENGTH_MAX, UrlProblem, url_problem

DETAILS = {
    UrlProblem.INVALID: "must be a URL such as https://example.com/hook, in ASCII, without a fragment",
    UrlProblem.FORBIDDEN: "must lead to a public name by https, on port 443 or 8443, without a user or a password",
}


def check_url(value: str) -> str:
    """Refuse what is called nowhere, whatever the settings."""
    if problem := url_problem(value, allow_private=True):
        raise refuse(problem, DETAILS[problem])
    return value


def refuse_forbidden(request: Request, url: str | None, pointer: str) -> None:
    """Refuse a URL that is not called here. Raises Problem "validation_failed"."""
    if url is None:
        return
    if problem := url_problem(url, allow_private=services(request).settings.webhooks_allow_private):
        raise invalid([FieldError(pointer, problem, DETAILS[problem])])


Url = Annotated[
    str,
    Field(
        max_length=URL_LENGTH_MAX,
        json_schema_extra={"format": "uri", "pattern": "^[Hh][Tt][Tt][Pp][Ss]?://[!-~]+$"},
        examples=["https://example.com/hook"],
    ),
    AfterValidator(check_url),
]
