"""A URL is checked once, by its type: the settings say whether private receivers are allowed, and come with the fields."""

import pytest

from api.http.fields import Name, Url
from api.http.problems import Problem
from api.http.validation import RequestModel, validate
from core.settings import Settings

PRIVATE = "http://127.0.0.1:8000/hook"
PUBLIC = "https://example.com/hook"


class Hook(RequestModel):
    url: Url | None = None
    name: Name = "Ada"


def settings(*, allow_private: bool) -> Settings:
    return Settings.model_validate({
        "DATABASE_URL": "postgresql://teller@127.0.0.1/teller",
        "TELLER_WEBHOOK_ALLOW_PRIVATE": allow_private,
    })  # fmt: skip


def errors(fields: dict[str, object], given: Settings | None) -> dict[str, str]:
    with pytest.raises(Problem) as raised:
        validate(Hook, fields, given)
    assert raised.value.code == "validation_failed"
    return {error.pointer: error.code for error in raised.value.errors}


def test_a_private_url_is_taken_only_where_the_settings_allow_it() -> None:
    assert validate(Hook, {"url": PRIVATE}, settings(allow_private=True)).url == PRIVATE
    assert errors({"url": PRIVATE}, settings(allow_private=False)) == {"/url": "url_forbidden"}
    assert validate(Hook, {"url": PUBLIC}, settings(allow_private=False)).url == PUBLIC


def test_without_settings_a_private_url_is_refused() -> None:
    assert errors({"url": PRIVATE}, None) == {"/url": "url_forbidden"}


def test_a_forbidden_url_is_listed_with_the_other_bad_fields() -> None:
    found = errors({"url": PRIVATE, "name": "", "surprise": 1}, settings(allow_private=False))

    assert found == {"/url": "url_forbidden", "/name": "required", "/surprise": "unknown_field"}


def test_no_url_is_no_url_whatever_the_settings() -> None:
    assert validate(Hook, {"url": None}, settings(allow_private=False)).url is None
    assert errors({"url": "ftp://example.com/"}, settings(allow_private=True)) == {"/url": "url_invalid"}
