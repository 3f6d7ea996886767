"""What a measurement hands over, and what it should have reached."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.pairs import Pair


@dataclass(frozen=True)
class Target:
    """What must be reached and what lies beyond it: at least for a speed, at most for a latency or a size."""

    must: float
    beyond: float | None = None
    at_most: bool = False

    def reached(self, value: float, wanted: float) -> bool:
        return value <= wanted if self.at_most else value >= wanted


@dataclass(frozen=True)
class Figure:
    """A line of the table. Its target is about the ratio, or about the value where there is none."""

    name: str
    what: str
    value: float
    unit: str
    ratio: float | None = None
    to: str = ""  # what the ratio is to
    spread: float | None = None  # of the references around it: the ratio is uncertain by about as much
    target: Target | None = None

    @property
    def judged(self) -> float:
        return self.value if self.ratio is None else self.ratio


@dataclass(frozen=True)
class Result:
    """The figures of a measurement, and all that they were taken from."""

    figures: list[Figure] = field(default_factory=list)
    raw: Mapping[str, object] = field(default_factory=dict)


def paired(name: str, what: str, pair: Pair[Any, Any], to: str, target: Target | None = None) -> Figure:
    """The figure of a run beside its references."""
    return Figure(name, what, pair.run.per_s, "/s", pair.ratio, to, pair.spread, target)
