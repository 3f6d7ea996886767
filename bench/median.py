"""python -m bench.median FILE …: a table of several runs; each figure is from the run whose ratio (or value) is the median."""

import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median_low
from typing import Any

from bench.figures import Figure, Target
from bench.report import HEADERS, row, table
from local.terminal import say


def main(files: Sequence[str]) -> None:
    runs = [json.loads(Path(file).read_text()) for file in files]
    say(f"medians of {len(runs)} runs: {', '.join(run['taken_at'] for run in runs)}")
    for line in table(HEADERS, [row(figure) for figure in medians(runs)]):
        say(line)


def medians(runs: Iterable[Any]) -> list[Figure]:
    found: dict[str, list[Figure]] = defaultdict(list)
    for run in runs:
        for figure in figures(run):
            found[figure.name].append(figure)
    return [median(some) for some in found.values()]


def median(some: list[Figure]) -> Figure:
    wanted = median_low(figure.judged for figure in some)
    return next(figure for figure in some if figure.judged == wanted)


def figures(run: Any) -> list[Figure]:
    return [
        Figure(**{**given, "target": Target(**given["target"]) if given["target"] else None})
        for taken in run["measurements"].values()
        for given in taken["result"]["figures"]
    ]


if __name__ == "__main__":
    main(sys.argv[1:])
