"""docs/reference/sql-roles.md, from core/sql/admin/grant_rights.sql."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from core.postgres.statements import statement
from tests.reference.markdown import code, codes, document, table

ABOUT = (
    "What the roles of the processes may do in PostgreSQL. `migrate` grants exactly this each time, as the owner of"
    " the tables; no other process connects as the owner. A right to a whole table has no columns beside it."
)
ROLES = {
    "api": "The API, as the role that `DATABASE_URL` names.",
    "worker": "Workers, sweepers and the audit, as the role that `TELLER_WORKER_DATABASE_URL` names.",
    "deliverer": "Deliverers, as the role that `TELLER_DELIVERER_DATABASE_URL` names.",
}
NAMES = r"[\w{}]+(?:,\s+[\w{}]+)*"
GRANT = re.compile(
    rf"GRANT\s+(?P<rights>.+?)\s+ON\s+(?P<kind>DATABASE|SCHEMA|SEQUENCE|FUNCTION|)\s*(?P<names>{NAMES})\s+TO\s+(?P<roles>{NAMES})"
)
RIGHT = re.compile(r"(?P<verb>[A-Z]+)(?:\s+\((?P<columns>[^)]*)\))?(?:,\s*|$)")


class Right(NamedTuple):
    """A verb, and the columns that it is bounded to; none where it holds for the whole."""

    verb: str
    columns: tuple[str, ...]


class NotUnderstood(Exception):
    """A statement of admin/grant_rights.sql has a form that this page does not know."""


def page() -> str:
    granted = rights(statement("admin/grant_rights"))
    return document(
        "Roles in PostgreSQL", ABOUT, *(part for role, about in ROLES.items() for part in section(role, about, granted[role]))
    )


def section(role: str, about: str, granted: Mapping[str, list[Right]]) -> Iterator[str]:
    yield f"## {role}"
    yield about
    rows = [(name, code(right.verb), codes(right.columns)) for name in sorted(granted) for right in sorted(granted[name])]
    yield table(("on", "right", "columns"), rows)


def rights(text: str) -> Mapping[str, Mapping[str, list[Right]]]:
    """Return by role and by name what these statements grant. Raises NotUnderstood."""
    granted: dict[str, dict[str, list[Right]]] = defaultdict(lambda: defaultdict(list))
    for grant in filter(None, (part.strip() for part in re.sub(r"--.*", "", text).split(";"))):
        match = GRANT.fullmatch(" ".join(grant.split()))
        if match is None:
            raise NotUnderstood(grant)
        for role in listed(match["roles"]):
            for name in listed(match["names"]):
                on = " ".join(filter(None, [match["kind"].lower(), code(name.strip("{}"))]))
                granted[role.strip("{}")][on] += verbs(match["rights"])
    return granted


def listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",")]


def verbs(text: str) -> Iterator[Right]:
    position = 0
    while position < len(text):
        match = RIGHT.match(text, position)
        if match is None:
            raise NotUnderstood(text)
        yield Right(match["verb"], tuple(listed(match["columns"])) if match["columns"] else ())
        position = match.end()
