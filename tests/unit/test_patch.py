"""Bodies of PATCH requests: absent and null are two things."""

import pytest

from api.http.fields import validate
from api.http.patch import PatchModel, may_be_absent
from api.http.problems import Problem


class Changes(PatchModel):
    """A body with a field that must be a text, and one that may be null."""

    name: str = may_be_absent()
    note: str | None = may_be_absent("null removes it")


@pytest.mark.parametrize("body", [{}, {"note": None}, {"name": "a"}, {"name": "", "note": "b"}])
def test_the_changes_are_the_fields_of_the_body_and_null_is_one_of_their_values(body: dict[str, object]) -> None:
    assert validate(Changes, body).changes() == body


@pytest.mark.parametrize("body", [{"name": None}, {"name": 1}, {"other": "a"}])
def test_a_field_of_a_patch_is_checked_as_in_any_body(body: dict[str, object]) -> None:
    with pytest.raises(Problem):
        validate(Changes, body)


def test_the_schema_shows_no_default_and_requires_no_field() -> None:
    schema = Changes.model_json_schema()

    assert "required" not in schema
    assert [field for field in schema["properties"].values() if "default" in field] == []
    assert schema["properties"]["note"]["description"] == "null removes it"
