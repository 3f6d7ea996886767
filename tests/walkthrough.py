"""Runs the examples of the pages as a reader would, in each language, and compares what they print with what the page shows.

python -m tests.walkthrough http://127.0.0.1:8000 OPERATOR_KEY           # fails on the first difference
python -m tests.walkthrough http://127.0.0.1:8000 OPERATOR_KEY --write   # puts what the shell's print into the pages

A step is a row of code blocks, one for each language that shows it, and the block of what each of them prints. The steps of a page
and a language are one program, behind the set-up of the walk-through. A block whose first line is a comment that names a file, such
as `# receiver.py`, is that file and no step.

A page that runs `python -m core` is left out unless DATABASE_URL is set: the containers' database cannot be reached from outside.
"""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
START = ROOT / "docs" / "start.md"
RECIPES = tuple(sorted((ROOT / "docs" / "recipes").glob("*.md")))
GUIDES = tuple(sorted((ROOT / "docs" / "guides").glob("*.md")))
OTHERS = (ROOT / "docs" / "support.md",)
PAGES = (README, START, *RECIPES, *GUIDES, *OTHERS)
FENCE = re.compile(r"^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"(?:#|//) (?P<name>[\w-]+\.\w+)\n")
LANGUAGES = ("sh", "python", "ts")
OUTPUTS = ("json", "text", "http")
PRINT = {"sh": "echo '{}'\n", "python": "print('{}', flush=True)\n", "ts": "console.log('{}');\n"}
END = "=== end of step ==="
PYTHON = ".venv/bin/python"  # as `make run` installs it; a test has its own

# The steps of the walk-through that come before those of another page. Each recipe has in a shell two clients of its own, and a
# deposit; all else begins with the first transfer.
SET_UP_OF_RECIPES = (0, 2, 3)
SET_UP = {"sh": (0, 1), "python": (0,), "ts": (0,)}

# What differs from one run to the next, and what it is compared as.
VARYING = [
    (re.compile(r"\b(cli|wal|trf|evt|key|dlv|whk)_[0-9a-hjkmnp-tv-z]{26}\b"), r"\1_ID"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"), "TIME"),
    (re.compile(r"^(date|x-request-id|content-length): .*$", re.MULTILINE), r"\1: VARIES"),
    (re.compile(r'"shard":( ?)\d+'), r'"shard":\1VARIES'),  # by the wallet's id
    (re.compile(r'"request_id": "[0-9a-f]{32}"'), '"request_id": "VARIES"'),
    (re.compile(r"\r"), ""),
]


@dataclass(frozen=True)
class Step:
    """`programs` by language print `output`, None when the page shows nothing; `span` is its place in the page."""

    programs: Mapping[str, str]
    output: str | None
    span: tuple[int, int] | None

    @property
    def commands(self) -> str:
        """What is pasted into a shell."""
        return self.programs["sh"]


def steps(page: Path, language: str = "sh") -> list[Step]:
    return [step for step in every_step(page.read_text()) if language in step.programs]


def every_step(text: str) -> Iterator[Step]:
    """Yield the steps of a page: blocks that only white space divides, up to an output or a second block of a language."""
    programs: dict[str, str] = {}
    end = 0
    for match in FENCE.finditer(text):
        language, goes_on = match["language"], not text[end : match.start()].strip()
        if programs and goes_on and language in OUTPUTS:
            yield Step(programs, match["text"], match.span("text"))
            programs = {}
        elif language in LANGUAGES and not FILE.match(match["text"]):
            if programs and (not goes_on or language in programs):
                yield Step(programs, None, None)
                programs = {}
            programs = {**programs, language: match["text"]}
        elif programs:
            yield Step(programs, None, None)
            programs = {}
        end = match.end()
    if programs:
        yield Step(programs, None, None)


def files(page: Path) -> dict[str, str]:
    """The blocks of a page that are files, by the name in their first line."""
    texts = [match["text"] for match in FENCE.finditer(page.read_text())]
    return {named["name"]: text for text in texts if (named := FILE.match(text))}


def reads_the_database(page: Path) -> bool:
    return any(f"{PYTHON} -m core" in step.commands for step in steps(page))


def set_up(page: Path, language: str) -> list[str]:
    """What is run before the steps of a page; README and walk-through need nothing."""
    if page in (README, START):
        return []
    numbers = SET_UP_OF_RECIPES if page in RECIPES and language == "sh" else SET_UP[language]
    return [steps(START, language)[number].programs[language] for number in numbers]


def run_page(page: Path, url: str, key: str, database_url: str) -> list[str]:
    """Paste the page's commands into one shell, behind their set-up; return what each of them printed."""
    before = set_up(page, "sh")
    return run([*before, *(step.commands for step in steps(page))], url, key, database_url)[len(before) :]


def run(commands: Sequence[str], url: str, key: str, database_url: str) -> list[str]:
    ours = program("sh", commands)
    for name, value in (("TELLER_URL", url), ("TELLER_KEY", key), ("DATABASE_URL", database_url)):
        ours = with_variable(ours, name, value)
    ours = ours.replace(PYTHON, shlex.quote(sys.executable))
    return outputs_of(["bash", "-eu"], ours, {})


def program(language: str, texts: Sequence[str]) -> str:
    """One program of these texts that prints END after each of them."""
    return "".join(text + PRINT[language].format(END) for text in texts)


def outputs_of(argv: Sequence[str], stdin: str, environment: Mapping[str, str]) -> list[str]:
    """Run a program that prints END after each of its steps; return what each step printed. Fails unless it ends with 0."""
    ran = subprocess.run(
        argv,
        input=stdin,
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stdout
    return ran.stdout.split(f"{END}\n")[:-1]


def with_variable(commands: str, name: str, value: str) -> str:
    """Return the commands with this value wherever a line sets the variable."""
    return re.sub(rf"^((?:export )?{name}=).*$", lambda line: line[1] + shlex.quote(value), commands, flags=re.MULTILINE)


def comparable(output: str) -> str:
    for pattern, replacement in VARYING:
        output = pattern.sub(replacement, output)
    return output.strip()


def check(page: Path, url: str, key: str, database_url: str) -> int:
    """Run all steps of a page in a shell; fail on the first that prints something else. Returns how many there were."""
    all_steps = steps(page)
    if all_steps:
        compare(page, "sh", all_steps, run_page(page, url, key, database_url))
    return len(all_steps)


def compare(page: Path, language: str, all_steps: Sequence[Step], outputs: Sequence[str]) -> None:
    for step, printed in zip(all_steps, outputs, strict=True):
        assert comparable(printed) == comparable(step.output or ""), (
            f"{step.programs[language]}\nprinted:\n{printed}\n{page.name} shows:\n{step.output}"
        )


def write(page: Path, url: str, key: str, database_url: str) -> None:
    """Replace what the page shows by what the shell prints."""
    text = page.read_text()
    shown = list(zip(steps(page), run_page(page, url, key, database_url), strict=True))
    for step, printed in reversed(shown):
        if step.span:
            text = text[: step.span[0]] + printed.replace("\r", "").strip() + "\n" + text[step.span[1] :]
    page.write_text(text)


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
