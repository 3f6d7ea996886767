"""The body of a PATCH: absent and null are two things."""

import pytest

from api.http.problems import Problem
from api.http.validation import validate
from api.v1.webhooks.endpoints import EndpointChanges

FULL = {"url": "https://example.com/", "events": ["transfer.applied"], "description": "a", "status": "disabled"}


@pytest.mark.parametrize("body", [{}, {"description": None}, {"description": ""}, {"status": "enabled"}, FULL])
def test_the_changes_are_the_fields_of_the_body_and_null_is_one_of_their_values(body: dict[str, object]) -> None:
    assert validate(EndpointChanges, body).model_dump() == body


@pytest.mark.parametrize("field", ["url", "events", "status"])
def test_a_field_that_may_be_absent_may_not_be_null(field: str) -> None:
    with pytest.raises(Problem) as raised:
        validate(EndpointChanges, {field: None})

    assert [(error.pointer, error.code) for error in raised.value.errors] == [(f"/{field}", "wrong_type")]


def test_the_schema_shows_no_default_and_requires_no_field() -> None:
    schema = EndpointChanges.model_json_schema()

    assert "required" not in schema
    assert [name for name, field in schema["properties"].items() if "default" in field] == []
