"""python -m tests.mutants [WORD]: break copies of the tree on purpose, and fail when no test fails.

Each check runs in an unchanged copy first, where it must pass: a check that fails there catches nothing. A mutant is caught when
each of its checks fails in the broken copy, and fails by its own assertion: not because an import or a fixture failed, or the time
was over. WORD chooses the mutants with this word in their title, or those of the promise with this number.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from tests.mutants.table import MUTANTS, Edit, Mutant
from tests.system import ROOT

AT_ONCE = 2  # most of a run is waiting for servers to start
LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "node_modules")
TOOLS = Path("sdk/typescript/node_modules")  # 47 MB that no mutant changes: each copy links to them
IMPORT = "import api.__main__, api.app, core.__main__, worker.__main__"
RUN_WITHIN_S = 300
CHECKS_A_RUN = 10  # in an unchanged copy; a check takes up to 20 s, so a run ends within RUN_WITHIN_S on a slow machine too
SHOWN = 120  # characters of a check's message


class Outcome(NamedTuple):
    """How a test ended. `kind` is "passed", "failed" (by an assertion), "error" or "not run"."""

    kind: str
    message: str = ""


class Result(NamedTuple):
    """The outcome of a mutant: how each of its checks ended, or why it could not be made."""

    mutant: Mutant
    outcomes: dict[str, Outcome]
    fault: str | None
    seconds: float

    @property
    def caught(self) -> bool:
        return self.fault is None and all(outcome.kind == "failed" for outcome in self.outcomes.values())


def main(words: Sequence[str]) -> int:
    chosen = [mutant for mutant in MUTANTS if is_chosen(mutant, words)]
    if not chosen:
        print("no mutant has such a title, or such a promise")
        return 1
    checks = sorted({check for mutant in chosen for check in mutant.checks})
    with tempfile.TemporaryDirectory(prefix="teller-mutants-") as folder:
        whole = run_whole(Path(folder), checks)
        unsound = {check: outcome for check, outcome in whole.items() if outcome.kind != "passed"}
        for check, outcome in unsound.items():
            print(f"does not pass in a whole tree, and proves nothing: {check}: {outcome}", flush=True)
        with ThreadPoolExecutor(AT_ONCE) as threads:
            results = threads.map(lambda pair: try_out(Path(folder) / str(pair[0]), pair[1], unsound), enumerate(chosen))
            caught = sum(show(result).caught for result in results)
    print(f"{caught} of {len(chosen)} mutants caught")
    return 0 if caught == len(chosen) else 1


def run_whole(folder: Path, checks: Sequence[str]) -> dict[str, Outcome]:
    """Run the checks in unchanged copies, and return how each ended."""
    starts = range(0, len(checks), CHECKS_A_RUN)
    with ThreadPoolExecutor(AT_ONCE) as threads:
        runs = threads.map(lambda start: run(copy(folder / f"whole-{start}", ()), checks[start : start + CHECKS_A_RUN]), starts)
        return {check: outcome for outcomes in runs for check, outcome in outcomes.items()}


def is_chosen(mutant: Mutant, words: Sequence[str]) -> bool:
    return all(word == str(mutant.promise) or word.lower() in mutant.title.lower() for word in words)


def try_out(folder: Path, mutant: Mutant, unsound: Collection[str]) -> Result:
    """Break a copy in the folder, and run the mutant's checks in it. An `unsound` one does not pass in a whole tree."""
    began = time.monotonic()
    outcomes: dict[str, Outcome] = {}
    if any(check in unsound for check in mutant.checks):
        return Result(mutant, outcomes, "a check does not pass in a whole tree", 0.0)
    fault = None
    try:
        outcomes = run(copy(folder, mutant.edits), mutant.checks)
    except DoesNotApply as error:
        fault = f"does not apply: {error}"
    return Result(mutant, outcomes, fault, time.monotonic() - began)


def show(result: Result) -> Result:
    """Print a row of the table, with the message of each check."""
    verdict = result.fault or ("caught" if result.caught else "SURVIVED")
    print(f"{result.mutant.promise:>3}  {result.mutant.title}: {verdict} ({result.seconds:.1f} s)", flush=True)
    for check, outcome in result.outcomes.items():
        print(f"     {check}: {outcome.kind}\n       {outcome.message.partition(chr(10))[0][:SHOWN]}", flush=True)
    return result


class DoesNotApply(Exception):
    """The text that a mutant replaces is not there exactly once, or the changed code cannot be imported."""


def copy(folder: Path, edits: Sequence[Edit]) -> Path:
    """Copy the tree, edit the copy, and import it. Raises DoesNotApply."""
    shutil.copytree(ROOT, folder, ignore=LEFT_OUT)
    if (ROOT / TOOLS).exists():
        (folder / TOOLS).symlink_to(ROOT / TOOLS)
    for edit in edits:
        file = folder / edit.file
        file.write_text(edited(file.read_text(), edit))
    imported = subprocess.run([sys.executable, "-c", IMPORT], cwd=folder, capture_output=True, text=True, check=False)
    if imported.returncode:
        raise DoesNotApply(imported.stderr)
    return folder


def edited(text: str, edit: Edit) -> str:
    """Return the text with the edit made. Raises DoesNotApply."""
    if text.count(edit.old) != 1:
        raise DoesNotApply(f"{edit.file} holds {text.count(edit.old)} times: {edit.old}")
    return text.replace(edit.old, edit.new)


def run(tree: Path, checks: Sequence[str]) -> dict[str, Outcome]:
    """Run the tests in the tree and return how each ended: the first of its cases that did not pass, where it has several."""
    report = tree / "report.xml"
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-n",
        "0",
        "-q",
        "-m",
        "",
        "-o",
        "junit_family=xunit1",
        f"--junitxml={report}",
        *checks,
    ]
    environment = {name: value for name, value in os.environ.items() if name != "PYTEST_DEBUG_TEMPROOT"}
    process = subprocess.Popen(command, cwd=tree, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        output, _ = process.communicate(timeout=RUN_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)  # pytest then stops the servers that its tests have started
        process.communicate()
        return dict.fromkeys(checks, Outcome("not run", f"did not end within {RUN_WITHIN_S} s"))
    outcomes: dict[str, list[Outcome]] = {check: [] for check in checks}
    for case in ElementTree.parse(report).iter("testcase") if report.exists() else ():
        name = f"{case.get('file')}::{case.get('name')}"
        outcomes[name if name in outcomes else name.partition("[")[0]].append(outcome_of(case))
    not_run = [Outcome("not run", output)]
    return {
        check: next((case for case in cases or not_run if case.kind != "passed"), Outcome("passed"))
        for check, cases in outcomes.items()
    }


def outcome_of(case: ElementTree.Element) -> Outcome:
    problem = next(iter(case), None)
    if problem is None:
        return Outcome("passed")
    message = problem.get("message", "")
    is_assertion = problem.tag == "failure" and message.startswith(("AssertionError", "assert "))
    return Outcome("failed" if is_assertion else "error", message)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
