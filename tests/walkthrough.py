"""Runs the commands of the README, the walk-through and the recipes as a reader would paste them, and compares what they print with
what the page shows.

python -m tests.walkthrough http://127.0.0.1:8000 OPERATOR_KEY           # fails on the first difference
python -m tests.walkthrough http://127.0.0.1:8000 OPERATOR_KEY --write   # puts what is printed into the pages

A page that runs `python -m core` is left out unless DATABASE_URL is set: the containers' database cannot be reached from outside.
"""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
START = ROOT / "docs" / "start.md"
RECIPES = tuple(sorted((ROOT / "docs" / "recipes").glob("*.md")))
PAGES = (ROOT / "README.md", START, *RECIPES)
SET_UP = 3  # steps of the walk-through that each recipe begins with: the shell function, two clients, a deposit
STEP = re.compile(r"```sh\n(?P<commands>.*?)```(?:\n\n```(?:json|text|http)\n(?P<output>.*?)```)?", re.DOTALL)
END = "=== end of step ==="
PYTHON = ".venv/bin/python"  # as `make run` installs it; a test has its own

# What differs from one run to the next, and what it is compared as.
VARYING = [
    (re.compile(r"\b(cli|wal|trf|evt)_[0-9a-hjkmnp-tv-z]{26}\b"), r"\1_ID"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"), "TIME"),
    (re.compile(r"^(date|x-request-id|content-length): .*$", re.MULTILINE), r"\1: VARIES"),
    (re.compile(r'"shard":( ?)\d+'), r'"shard":\1VARIES'),  # by the wallet's id
    (re.compile(r'"request_id": "[0-9a-f]{32}"'), '"request_id": "VARIES"'),
    (re.compile(r"\r"), ""),
]


@dataclass(frozen=True)
class Step:
    """Commands that are pasted at once; `output` is what the page shows for them, None when it shows nothing."""

    commands: str
    output: str | None


def steps(page: Path) -> Iterator[Step]:
    for match in STEP.finditer(page.read_text()):
        yield Step(match["commands"], match["output"])


def reads_the_database(page: Path) -> bool:
    return any(f"{PYTHON} -m core" in step.commands for step in steps(page))


def run_page(page: Path, url: str, key: str, database_url: str) -> list[str]:
    """Paste the page's commands into one shell, a recipe's after the set-up; return what each of them printed."""
    before = [step.commands for step in steps(START)][:SET_UP] if page in RECIPES else []
    return run([*before, *(step.commands for step in steps(page))], url, key, database_url)[len(before) :]


def run(commands: Sequence[str], url: str, key: str, database_url: str) -> list[str]:
    ours = "".join(f"{pasted}echo '{END}'\n" for pasted in commands)
    for name, value in (("TELLER", url), ("KEY", key), ("DATABASE_URL", database_url)):
        ours = with_variable(ours, name, value)
    ours = ours.replace(PYTHON, shlex.quote(sys.executable))
    shell = subprocess.run(
        ["bash", "-eu"], input=ours, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=60
    )
    assert shell.returncode == 0, shell.stdout
    return shell.stdout.split(f"{END}\n")[:-1]


def with_variable(commands: str, name: str, value: str) -> str:
    """Return the commands with this value wherever a line sets the variable."""
    return re.sub(rf"^((?:export )?{name}=).*$", lambda line: line[1] + shlex.quote(value), commands, flags=re.MULTILINE)


def comparable(output: str) -> str:
    for pattern, replacement in VARYING:
        output = pattern.sub(replacement, output)
    return output.strip()


def check(page: Path, url: str, key: str, database_url: str) -> int:
    """Run all steps of a page; fail on the first that prints something else. Returns how many there were."""
    all_steps = list(steps(page))
    for step, printed in zip(all_steps, run_page(page, url, key, database_url), strict=True):
        assert comparable(printed) == comparable(step.output or ""), (
            f"{step.commands}\nprinted:\n{printed}\n{page.name} shows:\n{step.output}"
        )
    return len(all_steps)


def write(page: Path, url: str, key: str, database_url: str) -> None:
    """Replace what the page shows by what is printed."""
    outputs = iter(run_page(page, url, key, database_url))

    def fresh(match: re.Match[str]) -> str:
        printed = next(outputs).replace("\r", "")
        if match["output"] is None:
            return match[0]
        start, end = (position - match.start() for position in match.span("output"))
        return match[0][:start] + printed.strip() + "\n" + match[0][end:]

    page.write_text(STEP.sub(fresh, page.read_text()))


if __name__ == "__main__":
    given_url, given_key, *flags = sys.argv[1:]
    given_database = os.environ.get("DATABASE_URL", "")
    for each in PAGES:
        if reads_the_database(each) and not given_database:
            print(f"{each.relative_to(ROOT)}: left out, because DATABASE_URL is not set")
        elif flags == ["--write"]:
            write(each, given_url, given_key, given_database)
        else:
            count = check(each, given_url, given_key, given_database)
            print(f"{each.relative_to(ROOT)}: {count} steps, all as the page shows them")
