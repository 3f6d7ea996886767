"""Ratios between runs that are close in time."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Generic, Protocol, TypeVar


class Rated(Protocol):
    @property
    def per_s(self) -> float: ...


Reference = TypeVar("Reference", bound=Rated)
Measured = TypeVar("Measured", bound=Rated)
Run = TypeVar("Run")
OtherRun = TypeVar("OtherRun")


@dataclass(frozen=True)
class Pair(Generic[Reference, Measured]):
    """A measured run and the reference runs right before and after it."""

    before: Reference
    run: Measured
    after: Reference

    @property
    def reference_per_s(self) -> float:
        return (self.before.per_s + self.after.per_s) / 2

    @property
    def ratio(self) -> float:
        return self.run.per_s / self.reference_per_s

    @property
    def spread(self) -> float:
        """The distance of the two references, as a part of their mean: the ratio is uncertain by at least as much."""
        return abs(self.before.per_s - self.after.per_s) / self.reference_per_s


def pair(reference: Callable[[], Reference], measured: Callable[[], Measured]) -> Pair[Reference, Measured]:
    """Run reference, measured, reference."""
    return Pair(reference(), measured(), reference())


def chain(reference: Callable[[], Reference], measured: Iterable[Callable[[], Measured]]) -> list[Pair[Reference, Measured]]:
    """Run reference, measured, reference, measured, …, reference: two neighbours share the reference between them."""
    return neighbours(*alternate(reference, measured))


def alternate(reference: Callable[[], Run], measured: Iterable[Callable[[], OtherRun]]) -> tuple[list[Run], list[OtherRun]]:
    """Run reference, measured, …, reference; return the results of the references, and those of the measured runs: one less."""
    references, runs = [reference()], []
    for measure in measured:
        runs.append(measure())
        references.append(reference())
    return references, runs


def neighbours(references: Sequence[Reference], runs: Sequence[Measured]) -> list[Pair[Reference, Measured]]:
    """Pair each run with the references before and after it. `references` has one more element than `runs`."""
    return [Pair(before, run, after) for (before, after), run in zip(pairwise(references), runs, strict=True)]
