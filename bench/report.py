"""The report of a run: a table for the terminal and docs/performance.md (Markdown), and all data as JSON."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

from bench.figures import Figure, Result, Target
from bench.machine import About
from bench.pgbench import Run
from bench.plan import Plan

DECIMALS = {"/s": 0, "µs": 0, "ms": 1, "s": 1, "MiB": 1}
TIMES = "\u00d7"  # the multiplication sign
HEADERS = ("what", "measured", "ratio", "to", "±", "must reach", "beyond")


@dataclass(frozen=True)
class Taken:
    """A measurement of this run and its duration; `skipped` is the reason why it has no figures."""

    seconds: float
    result: Result = field(default_factory=Result)
    skipped: str = ""


@dataclass(frozen=True)
class Report:
    taken_at: datetime
    about: About
    plan: Plan
    measurements: Mapping[str, Taken]
    pgbench_runs: Sequence[Run]
    faults: Sequence[str]

    @property
    def name(self) -> str:
        """The name of the file: date, time (UTC) and commit."""
        dirty = "-dirty" if self.about.commit["dirty"] else ""
        return f"{self.taken_at:%Y-%m-%dT%H%M%SZ}-{self.about.commit['commit'] or 'no-commit'}{dirty}"

    def lines(self) -> Iterator[str]:
        yield from table(HEADERS, [row(figure) for figure in self.figures()])
        yield ""
        yield from (f"{name} was skipped: {taken.skipped}" for name, taken in self.measurements.items() if taken.skipped)
        yield f"commit    {listed(self.about.commit)}"
        yield f"machine   {listed(self.about.machine)}"
        yield f"versions  {listed(self.about.versions)}"
        yield f"settings  {listed(self.about.settings)}"
        if self.pgbench_runs:
            yield f"pgbench   {', '.join(f'{run.per_s:,.0f}' for run in self.pgbench_runs)} /s, one run after the other"
        if self.about.machine.get("file_system") in ("tmpfs", "ramfs"):
            yield "The servers' data was in memory, where a COMMIT costs nothing. Set TMPDIR to a folder on a disk."

    def figures(self) -> Iterator[Figure]:
        for taken in self.measurements.values():
            yield from taken.result.figures

    def json(self) -> str:
        return json.dumps(asdict(self), indent=1, default=str, ensure_ascii=False) + "\n"

    def write(self, folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{self.name}.json"
        file.write_text(self.json())
        return file


def row(figure: Figure) -> tuple[str, ...]:
    must, beyond = (figure.target.must, figure.target.beyond) if figure.target else (None, None)
    return (
        figure.what,
        f"{figure.value:,.{DECIMALS[figure.unit]}f} {figure.unit}",
        "" if figure.ratio is None else f"{figure.ratio:.2f} {TIMES}",
        figure.to,
        "" if figure.spread is None else f"{figure.spread / 2:.0%}",
        wanted(figure, figure.target, must),
        wanted(figure, figure.target, beyond),
    )


def wanted(figure: Figure, target: Target | None, value: float | None) -> str:
    if target is None or value is None:
        return ""
    unit = figure.unit if figure.ratio is None else TIMES
    return f"{'≤' if target.at_most else '≥'} {value:g} {unit} {'✓' if target.reached(figure.judged, value) else '✗'}"


def table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A Markdown table with aligned columns: the first to the left, the others to the right."""
    cells = [headers, *rows]
    widths = [max(3, *map(len, column)) for column in zip(*cells, strict=True)]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    for line in (headers, rule, *cells[1:]):
        aligned = [cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)]
        yield f"| {' | '.join([line[0].ljust(widths[0]), *aligned])} |"


def listed(pairs: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in pairs.items())
