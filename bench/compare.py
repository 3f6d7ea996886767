"""python -m bench.compare BASE: the speed of this checkout divided by that of another one, in alternating runs on this machine.

BASE is the folder of the other checkout. This Python runs both, each with its own benchmark, servers and schema: base, this, base,
this, …, base. A figure of this checkout is divided by the mean of the base's figures right before and after it. Exits with 1 when a
benchmark failed, not because this checkout is slower.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from bench.errors import CannotBench
from bench.pairs import alternate
from bench.report import DECIMALS, TIMES, table
from local import settings
from local.process import ROOT
from local.terminal import CannotRun, say

NAMES = ("single", "drain", "latency")
PAIRS = 3
HEADERS = ("what", "base", "this", "this / base", "least", "most")


def main() -> int:
    arguments = parser().parse_args()
    command = [*(["--quick"] if arguments.quick else []), *(arguments.names or NAMES)]
    try:
        # Both get the same count of API processes, even if their defaults differ.
        environment = {**os.environ, "TELLER_API_PROCESSES": str(settings.load().api_processes)}
        base_environment = {**environment, **dict(arguments.base_with)}
        bases, ours = alternate(
            partial(figures_of, arguments.base, base_environment, command),
            [partial(figures_of, ROOT, environment, command)] * arguments.pairs,
        )
    except (CannotBench, CannotRun) as reason:
        sys.exit(f"bench.compare: {reason}")
    for line in table(HEADERS, [row(name, bases, ours) for name in bases[0] if all(name in run for run in (*bases, *ours))]):
        say(line)
    return 0


def parser() -> argparse.ArgumentParser:
    compare = argparse.ArgumentParser(prog="python -m bench.compare", description="Measure this checkout beside another one.")
    compare.add_argument("base", type=Path, metavar="BASE", help="folder of the other checkout; of this one, to compare settings")
    compare.add_argument("names", nargs="*", metavar="NAME", help=f"measurements; {', '.join(NAMES)} when none is given")
    compare.add_argument("--pairs", type=int, default=PAIRS, help="runs of this checkout, each between two of the base")
    compare.add_argument("--quick", action="store_true", help="take a few seconds for each: the figures mean nothing")
    compare.add_argument(
        "--base-with", action="append", default=[], type=setting, metavar="NAME=VALUE", help="a setting for the base only"
    )
    return compare


def setting(text: str) -> tuple[str, str]:
    """Split NAME=VALUE. Raises ValueError where the text has no `=`."""
    name, value = text.split("=", 1)
    return name, value


def figures_of(folder: Path, environment: Mapping[str, str], command: Sequence[str]) -> dict[str, Any]:
    """Run the checkout's own benchmark, and return its figures by their names. Raises CannotBench when it fails."""
    with TemporaryDirectory(prefix="teller-compare-") as out:
        argv = [sys.executable, "-m", "bench", *command, "--out", out]
        ended = subprocess.run(argv, cwd=folder, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
        if ended.returncode != 0:
            raise CannotBench(f"the benchmark in {folder} failed:\n{ended.stdout}{ended.stderr}")
        run = json.loads((Path(out) / "latest.json").read_text())
    return {figure["name"]: figure for taken in run["measurements"].values() for figure in taken["result"]["figures"]}


def row(name: str, bases: Sequence[Mapping[str, Any]], ours: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """A line of the table: the medians of both, then the median, the least and the largest of their ratios."""
    of_bases, of_ours = ([run[name]["value"] for run in runs] for runs in (bases, ours))
    ratios = ratios_of(of_bases, of_ours)
    unit = ours[0][name]["unit"]
    values = [f"{median(some):,.{DECIMALS[unit]}f} {unit}" for some in (of_bases, of_ours)]
    return (ours[0][name]["what"], *values, *(f"{ratio:.3f} {TIMES}" for ratio in (median(ratios), min(ratios), max(ratios))))


def ratios_of(bases: Sequence[float], ours: Sequence[float]) -> list[float]:
    """Each figure of `ours` divided by the mean of the `bases` right before and after it. `bases` has one more."""
    return [2 * own / (before + after) for before, own, after in zip(bases, ours, bases[1:], strict=False)]


if __name__ == "__main__":
    sys.exit(main())
