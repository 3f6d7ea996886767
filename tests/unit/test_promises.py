"""A promise without a test that can fail is not made: each one in docs/promises.md names tests, all of which exist, and one of them
sees a deliberate break.
"""

import ast
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.mutants.table import MUTANTS
from tests.system import ROOT

PROMISES = (*range(1, 41), 42, 43, 44)
ROW = re.compile(r"^\| (\d+) \| (.+?) \| (.+?) \|$", re.MULTILINE)


def promises() -> Mapping[int, Sequence[str]]:
    """The tests that are named for each promise, by its number."""
    rows = ROW.findall((ROOT / "docs" / "promises.md").read_text())
    assert len(rows) == len({number for number, _, _ in rows}), "a number is there twice"
    return {int(number): re.findall(r"`([^`]+)`", tests) for number, _, tests in rows}


def found_in(file: Path) -> set[str]:
    """The tests that pytest would find in the file."""
    body = ast.parse(file.read_text()).body if file.is_file() else []
    return {node.name for node in body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


def test_every_promise_is_there_in_its_place() -> None:
    assert tuple(promises()) == PROMISES


@pytest.mark.parametrize("number", PROMISES)
def test_a_promise_names_tests_and_all_of_them_exist(number: int) -> None:
    named = promises()[number]

    assert named
    for name in named:
        file, _, test = name.partition("::")
        assert test in found_in(ROOT / file), name


@pytest.mark.parametrize("number", sorted({mutant.promise for mutant in MUTANTS}))
def test_a_mutant_of_a_promise_is_seen_by_a_test_that_the_promise_names(number: int) -> None:
    checks = {check.partition("[")[0] for mutant in MUTANTS if mutant.promise == number for check in mutant.checks}

    assert checks & set(promises()[number]), f"name one of {sorted(checks)}"
