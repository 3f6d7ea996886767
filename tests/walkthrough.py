"""Runs the README's walk-through as a reader would paste it, and compares what it prints with what the README shows.

python -m tests.walkthrough http://127.0.0.1:8000 OPERATOR_KEY           # fails on the first difference
python -m tests.walkthrough http://127.0.0.1:8000 OPERATOR_KEY --write   # puts what is printed into the README
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"
SECTION = re.compile(r"^## Walk-through$.*?(?=^## )", re.MULTILINE | re.DOTALL)
STEP = re.compile(r"```sh\n(?P<commands>.*?)```(?:\n\n```(?:json|text|http)\n(?P<output>.*?)```)?", re.DOTALL)
END = "=== end of step ==="

# Texts that differ from run to run, and their stand-ins in the comparison.
VARYING = [
    (re.compile(r"\b(cli|wal|trf|evt)_[0-9a-hjkmnp-tv-z]{26}\b"), r"\1_ID"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"), "TIME"),
    (re.compile(r"^(date|x-request-id): .*$", re.MULTILINE), r"\1: VARIES"),
    (re.compile(r'"request_id": "[0-9a-f]{32}"'), '"request_id": "VARIES"'),
    (re.compile(r"\r"), ""),
]


@dataclass(frozen=True)
class Step:
    """Commands that are pasted at once; `output` is what the README shows for them, None when it shows nothing."""

    commands: str
    output: str | None


def steps(readme: str) -> Iterator[Step]:
    section = SECTION.search(readme)
    assert section, "the README has no walk-through"
    for match in STEP.finditer(section[0]):
        yield Step(match["commands"], match["output"])


def run(commands: list[str], url: str, key: str) -> list[str]:
    """Paste the commands into one shell; return what each of them printed."""
    ours = "".join(f"{pasted}echo '{END}'\n" for pasted in commands)
    ours = re.sub(r"^TELLER=.*$", f"TELLER={url}", ours, flags=re.MULTILINE)
    ours = re.sub(r"^KEY=.*$", f"KEY={key}", ours, flags=re.MULTILINE)
    shell = subprocess.run(
        ["bash", "-eu"], input=ours, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=60
    )
    assert shell.returncode == 0, shell.stdout
    return shell.stdout.split(f"{END}\n")[:-1]


def comparable(output: str) -> str:
    for pattern, replacement in VARYING:
        output = pattern.sub(replacement, output)
    return output.strip()


def check(url: str, key: str) -> int:
    """Run all steps; fail on the first that prints something else. Returns how many there were."""
    all_steps = list(steps(README.read_text()))
    assert len(all_steps) > 3
    for step, printed in zip(all_steps, run([step.commands for step in all_steps], url, key), strict=True):
        assert comparable(printed) == comparable(step.output or ""), (
            f"{step.commands}\nprinted:\n{printed}\nthe README shows:\n{step.output}"
        )
    return len(all_steps)


def write(url: str, key: str) -> None:
    """Replace the outputs in the README by the printed ones."""
    readme = README.read_text()
    outputs = iter(run([step.commands for step in steps(readme)], url, key))

    def fresh(match: re.Match[str]) -> str:
        printed = next(outputs).replace("\r", "")
        if match["output"] is None:
            return match[0]
        start, end = (position - match.start() for position in match.span("output"))
        return match[0][:start] + printed.strip() + "\n" + match[0][end:]

    README.write_text(SECTION.sub(lambda section: STEP.sub(fresh, section[0]), readme))


if __name__ == "__main__":
    given_url, given_key, *flags = sys.argv[1:]
    if flags == ["--write"]:
        write(given_url, given_key)
    else:
        print(f"walk-through: {check(given_url, given_key)} steps, all as the README shows them")
