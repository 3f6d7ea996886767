"""The pages for contributors that name files by hand name files that are there."""

import re

from tests.system import ROOT

ADD_A_VERB = ROOT / "docs" / "contributing" / "add-a-verb.md"


def test_each_file_that_the_steps_of_a_new_verb_name_is_there() -> None:
    named = set(re.findall(r"`(\w[\w./-]*/[\w./-]*)`", ADD_A_VERB.read_text()))

    assert named > {"core/ledger/kinds.py", "core/ledger/plan.py", "core/migrations/"}
    assert {name for name in named if not (ROOT / name).exists()} == set()
