"""Bodies of PATCH requests: a field that is absent leaves its value as it is, and null is a value like any other."""

from enum import Enum, auto
from typing import Any

from pydantic import Field

from api.http.fields import RequestModel


class Absent(Enum):
    ABSENT = auto()


def may_be_absent(description: str | None = None) -> Any:
    """Declare a field of a PatchModel. Without a value in the body it is ABSENT, and the OpenAPI document shows no default."""
    return Field(default_factory=lambda: Absent.ABSENT, description=description)


class PatchModel(RequestModel):
    """A PATCH body. Declare each field by `may_be_absent`."""

    def changes(self) -> dict[str, Any]:
        """Return the fields that are in the body, by name. None stands for a null in the body."""
        return self.model_dump(exclude_unset=True)
