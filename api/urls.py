"""URLs that callers want to be called at: what is no URL is refused with its field, what is forbidden here right after."""

from typing import Annotated

from pydantic import AfterValidator, Field

from api.fields import refuse
from api.problems import FieldError, invalid
from core import webhook_urls
from core.webhook_urls import URL_LENGTH_MAX, UrlForbidden, UrlInvalid


def check_url(value: str) -> str:
    try:
        webhook_urls.check(value, allow_private=True)
    except UrlInvalid as error:
        raise refuse("url_invalid", str(error)) from None
    except UrlForbidden as error:
        raise refuse("url_forbidden", str(error)) from None
    return value


def refuse_forbidden(url: str | None, pointer: str, *, allow_private: bool) -> None:
    """Refuse a URL that is not called here. Raises Problem "validation_failed"."""
    if url is None:
        return
    try:
        webhook_urls.check(url, allow_private=allow_private)
    except UrlForbidden as error:
        raise invalid([FieldError(pointer, "url_forbidden", str(error))]) from None


Url = Annotated[
    str,
    Field(max_length=URL_LENGTH_MAX, json_schema_extra={"format": "uri"}, examples=["https://example.com/hook"]),
    AfterValidator(check_url),
]
