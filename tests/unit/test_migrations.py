"""Which versions may go on beside a newer database, as its migrations say."""

import pytest

from core.admin.migrate import SERVES_FROM, file_of, migration_names, serves_from, too_new

KNOWN: dict[str, str | None] = dict.fromkeys(migration_names())
FIRST, BEFORE, NEWEST = (migration_names()[at] for at in (0, -2, -1))


@pytest.mark.parametrize(
    ("later", "fits"),
    [
        ({}, True),
        ({"9998_later": NEWEST}, True),
        ({"9998_later": BEFORE}, True),
        ({"9998_later": FIRST, "9999_later": NEWEST}, True),
        ({"9998_later": None}, False),
        ({"9998_later": NEWEST, "9999_later": None}, False),
        ({"9998_later": NEWEST, "9999_later": "9998_later"}, False),  # the second may drop what this version uses
    ],
)
def test_a_version_may_go_on_beside_migrations_that_all_serve_it(later: dict[str, str | None], fits: bool) -> None:
    assert (too_new({**KNOWN, **later}) is None) == fits


def test_each_migration_says_which_versions_it_serves() -> None:
    """Those before 0022 were released without; a version that can read it knows them all."""
    silent = {name for name in migration_names() if SERVES_FROM.match(file_of(name).read_text()) is None}
    said = {name: first for name in migration_names() if (first := serves_from(name))}

    assert silent == {name for name in migration_names() if name < "0022"}
    assert all(first in migration_names() and first < name for name, first in said.items())
