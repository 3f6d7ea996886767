"""The mutants keep up with the code: `make mutants` runs them, and takes minutes."""

import re
import subprocess
import sys

import pytest

from tests.mutants.__main__ import edited, main
from tests.mutants.table import MUTANTS, Mutant
from tests.system import ROOT

# Of the promises: 10, 13, 14, 19 and 24 have no mutant, because no one break stands for them.
PROMISES = set(range(1, 41)) - {10, 13, 14, 19} | {42, 43, 44}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: f"{mutant.promise} {mutant.title}")
def test_a_mutant_still_applies_and_its_checks_are_there(mutant: Mutant) -> None:
    for edit in mutant.edits:
        text = (ROOT / edit.file).read_text()
        assert edited(text, edit) != text
    for check in mutant.checks:
        file, _, name = check.partition("::")
        assert re.search(rf"^def {name.partition('[')[0]}\(", (ROOT / file).read_text(), re.MULTILINE), check


def test_no_mutant_breaks_what_a_later_migration_writes_again() -> None:
    """A function that is replaced later: the broken one would never run."""
    migrations = sorted((ROOT / "core" / "admin" / "migrations").glob("*.sql"))
    for edit in (edit for mutant in MUTANTS for edit in mutant.edits if ROOT / edit.file in migrations):
        last = [file for file in migrations if edit.old in file.read_text()][-1]
        assert last == ROOT / edit.file, edit.old


@pytest.mark.long
def test_every_check_is_a_case_that_pytest_collects() -> None:
    checks = sorted({check for mutant in MUTANTS for check in mutant.checks})
    command = [sys.executable, "-m", "pytest", "-n", "0", "-q", "-m", "", "--collect-only", *checks]
    collected = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert collected.returncode == 0, collected.stderr


def test_every_promise_that_can_be_broken_by_an_edit_has_its_mutant() -> None:
    assert {mutant.promise for mutant in MUTANTS} == PROMISES


def test_a_word_that_is_in_no_title_runs_nothing() -> None:
    assert main(["no mutant is called so"]) == 1
