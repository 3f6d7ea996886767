"""The script behind docs/operating/sizing.md, run small, and what the page says of it."""

import re

import pytest

from bench.sizes import Urls, measure
from tests.system import ROOT

PAGE = (ROOT / "docs" / "operating" / "sizing.md").read_text()
WALLETS, TRANSFERS = 10, 700
OF_A_TRANSFER = {"transfers": 1.0, "entries": 2.0}


@pytest.fixture
def urls(database_url: str, owner_url: str) -> Urls:
    return Urls(database_url, database_url, owner_url)


def test_a_transfer_leaves_a_row_and_two_entries_and_nothing_in_the_queue(urls: Urls) -> None:
    sizes = measure(urls, WALLETS, TRANSFERS, 350)

    rows = {name: size.rows for name, size in sizes.tables.items()}
    assert {name: rows[name] for name in OF_A_TRANSFER} == OF_A_TRANSFER
    assert rows["running_totals"] == pytest.approx(2 / 64, rel=0.4)  # one for each 64 entries of a wallet
    assert rows["events"] < 0.1
    assert rows.get("queue", 0) == 0
    assert {name for name, count in rows.items() if count} <= shown(), "a table grows that the page does not show"
    assert 500 < sizes.bytes < 5_000
    assert sizes.log > 500


def shown() -> set[str]:
    return set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE))


def test_the_page_names_the_command_and_the_tables_that_each_transfer_adds_to() -> None:
    assert "python -m bench.sizes" in PAGE
    assert {"transfers", "entries", "events", "running_totals"} <= shown()
