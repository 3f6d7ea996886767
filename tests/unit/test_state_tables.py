"""docs/concepts/state-tables.md beside the code: its modules name it, and the table of a worker's next step is the code's."""

import itertools
import re

import pytest

from tests.system import ROOT
from worker.allowance import GIVEN_UP_MAX
from worker.ledger.batch_limit import ATTEMPTS_MAX, BATCH_MAX, PART_MIN
from worker.ledger.drain import next_step
from worker.webhooks import retry

PAGE = "docs/concepts/state-tables.md"
TEXT = (ROOT / PAGE).read_text()
CODE = re.findall(
    r"`((?:api|core|worker)/[\w/]+\.(?:py|sql))`", "".join(re.findall(r"^Code: .+?\n\n", TEXT, re.DOTALL | re.MULTILINE))
)


@pytest.mark.parametrize("file", CODE)
def test_the_code_of_a_table_names_the_page(file: str) -> None:
    code = (ROOT / file).read_text()

    assert PAGE in code or file.endswith(".sql")


def test_each_table_names_its_code() -> None:
    assert len(re.findall(r"^## ", TEXT, re.MULTILINE)) == len(re.findall(r"^Code: ", TEXT, re.MULTILINE)) == 5
    assert len(CODE) > 12


def rows_under(heading: str) -> list[list[str]]:
    """Return the cells of the first table below a heading, without its head."""
    below = TEXT.split(f"{heading}\n")[1]
    lines = [line for line in below.split("\n\n#")[0].splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


MEANING = {"yes": [True], "no": [False], "any": [False, True]}


def test_the_table_of_what_a_worker_does_after_a_batch_is_the_codes() -> None:
    drawn = {}
    for *conditions, step, _ in rows_under("### What a worker does after a batch"):
        for case in itertools.product(*(MEANING[condition] for condition in conditions)):
            assert case not in drawn
            drawn[case] = step

    assert drawn == {
        (full, is_over, is_last_look, waits): next_step(full=full, is_over=is_over, is_last_look=is_last_look, waits=waits)
        .name.lower()
        .replace("_", " ")
        for full, is_over, is_last_look, waits in itertools.product([False, True], repeat=4)
    }


def test_the_numbers_of_the_page_are_the_codes() -> None:
    assert (BATCH_MAX, PART_MIN, ATTEMPTS_MAX, GIVEN_UP_MAX) == (500, 16, 5, 10)
    assert retry.DELAYS_S == (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
