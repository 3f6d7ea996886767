"""docs/reference/problems.md, from api/http/problems.py and api/http/codes.py."""

from collections.abc import ItemsView

from api.http.codes import SECTIONS
from api.http.problems import FAULTS, KINDS
from tests.reference.markdown import code, document, table

ABOUT = (
    "Every code that an answer can hold. A running API explains them too: `GET /problems`, `GET /problems/{code}`. A"
    " problem document (RFC 9457) answers each request that is not served."
)


def page() -> str:
    kinds = [(code(name), code(kind.status), outcome(name), kind.title, kind.explanation) for name, kind in KINDS.items()]
    return document(
        "Problems",
        ABOUT,
        "## `code` of a problem document",
        table(("code", "status", "stored", "title", "what to do"), kinds),
        *(part for place, codes in SECTIONS.items() for part in section(place, codes.items())),
    )


def outcome(name: str) -> str:
    return "unknown" if name in FAULTS else "nothing"


def section(place: str, codes: ItemsView[str, str]) -> tuple[str, str]:
    return f"## {code(place)}", table(("code", "meaning"), [(code(name), text) for name, text in codes])
