"""The reference pages, written from the code: docs/reference and docs/contributing/house-map.md. And the pictures of the pages.

Each module below makes one page as text; PAGES says which file each becomes. `make reference` writes the files, and
tests/unit/test_reference.py fails when one differs from what the code says. The pages stand here because only the tests may import
every other package.
"""

from collections.abc import Callable, Mapping

from tests.reference import cli, house_map, http_api, metrics, pictures, problems, settings, sql_roles

PAGES: Mapping[str, Callable[[], str]] = {
    "docs/reference/http-api.md": http_api.page,
    "docs/reference/problems.md": problems.page,
    "docs/reference/settings.md": settings.page,
    "docs/reference/metrics.md": metrics.page,
    "docs/reference/cli.md": cli.page,
    "docs/reference/sql-roles.md": sql_roles.page,
    "docs/contributing/house-map.md": house_map.page,
    "docs/life-of-a-transfer.svg": pictures.life,
    "docs/what-runs-where.svg": pictures.where,
}
