"""The last quarter of an hour of the queue, as curves. What is drawn is what the console has seen while people looked."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

SHOWN_S = 900.0
EVERY_S = 1.0  # the API's own answers are up to a second old
GAP_S = 30.0  # without a look for so long, the curve has a gap: nothing was seen
WIDTH, HEIGHT = 600.0, 96.0  # of the drawing, in its own units


class Sample(NamedTuple):
    at: float
    queued: int
    oldest_s: float


@dataclass(frozen=True)
class Curve:
    """Lines as SVG has their points, and the greatest value, at which the drawing ends above."""

    lines: Sequence[str]
    areas: Sequence[str]
    top: float
    last: float


class History:
    """Samples of the queue, at most one a second."""

    def __init__(self) -> None:
        self._samples: deque[Sample] = deque(maxlen=int(SHOWN_S / EVERY_S) + 1)

    def add(self, queue: dict[str, Any], now: float | None = None) -> None:
        at = time.monotonic() if now is None else now
        if not self._samples or at - self._samples[-1].at >= EVERY_S:
            self._samples.append(Sample(at, queue["queued"], queue["oldest_seconds"] or 0.0))

    def waiting(self, now: float | None = None) -> Curve:
        return self._curve(lambda sample: float(sample.queued), 10.0, now)

    def oldest(self, now: float | None = None) -> Curve:
        return self._curve(lambda sample: sample.oldest_s, 1.0, now)

    def _curve(self, value: Callable[[Sample], float], least_top: float, now: float | None) -> Curve:
        end = time.monotonic() if now is None else now
        shown = [(sample.at, value(sample)) for sample in self._samples if end - sample.at <= SHOWN_S]
        top = max([least_top, *(height for _, height in shown)])
        lines = [[place(at, height, end, top) for at, height in run] for run in runs(shown)]
        areas = [f"{line[0][0]:.1f},{HEIGHT:g} {joined(line)} {line[-1][0]:.1f},{HEIGHT:g}" for line in lines]
        return Curve([joined(line) for line in lines], areas, top, shown[-1][1] if shown else 0.0)


def runs(points: Sequence[tuple[float, float]]) -> list[list[tuple[float, float]]]:
    """Return the points in runs without a gap."""
    found: list[list[tuple[float, float]]] = []
    for at, height in points:
        if not found or at - found[-1][-1][0] > GAP_S:
            found.append([])
        found[-1].append((at, height))
    return found


def place(at: float, height: float, end: float, top: float) -> tuple[float, float]:
    return WIDTH * (1 - (end - at) / SHOWN_S), HEIGHT * (1 - height / top)


def joined(line: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in line)
