"""The result of a measurement: figures, each with its target."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.pairs import Pair


@dataclass(frozen=True)
class Target:
    """The value that must be reached and the one that is aimed at next: at least for a speed, at most for a latency or a size."""

    must: float
    beyond: float | None = None
    at_most: bool = False

    def reached(self, value: float, wanted: float) -> bool:
        return value <= wanted if self.at_most else value >= wanted


@dataclass(frozen=True)
class Figure:
    """A line of the table. Its target applies to the ratio, or to the value of a figure without a ratio."""

    name: str
    what: str
    value: float
    unit: str
    ratio: float | None = None
    to: str = ""  # the name of the reference
    spread: float | None = None  # of the references before and after: about the uncertainty of the ratio
    target: Target | None = None

    @property
    def judged(self) -> float:
        """The number that the target applies to."""
        return self.value if self.ratio is None else self.ratio


@dataclass(frozen=True)
class Result:
    """The figures of a measurement, and the data that they were computed from."""

    figures: list[Figure] = field(default_factory=list)
    raw: Mapping[str, object] = field(default_factory=dict)


def paired(name: str, what: str, pair: Pair[Any, Any], to: str, target: Target | None = None) -> Figure:
    """The figure of a run with the ratio to its references."""
    return Figure(name, what, pair.run.per_s, "/s", pair.ratio, to, pair.spread, target)
