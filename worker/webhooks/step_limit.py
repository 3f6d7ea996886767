"""How much the next step of fan-outs may take after the results of the ones before, and when a transfer is stepped over.

docs/concepts/state-tables.md has the table of states.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

FAILURES_MAX = 3  # a guess; a transfer that fails so often in a row, alone, is stepped over
TRY_AGAIN_AFTER_S = 0.5  # a guess; the pause after a failure of a transfer alone


class FanOutPosition(NamedTuple):
    """How far the first fan-out of an audience has come: its moment, and the ordinal of the last transfer that is done."""

    moment: int
    after_ordinal: int


@dataclass(slots=True)
class StepLimit:
    """The size of an audience's next step: full, or 1 after a failure, doubled by each success.

    A step of size 1 takes the transfer at the position of the first fan-out. So a failure of such a step is counted against it.
    """

    limit: int | None = None  # of each size; None: the sizes as they are
    suspect: FanOutPosition | None = None
    failures: int = 0
    try_at: float = 0.0  # monotonic seconds; no step before

    def sizes(self, full: Mapping[str, int]) -> Mapping[str, int]:
        """Return the sizes of the next step."""
        return full if self.limit is None else {name: min(size, self.limit) for name, size in full.items()}

    def record_success(self, full: Mapping[str, int]) -> None:
        """Double the limit, until it is the full one."""
        self.failures = 0
        if self.limit is not None:
            self.limit = None if self.limit * 2 >= max(full.values()) else self.limit * 2

    def record_failure(self, position: FanOutPosition, now: float) -> None:
        """Set the limit to 1; at a limit of 1, count the failure against the transfer at this position."""
        if self.limit == 1:
            self.failures = self.failures + 1 if position == self.suspect else 1
            self.suspect = position
            self.try_at = now + TRY_AGAIN_AFTER_S
        self.limit = 1

    def record_unavailable(self) -> None:
        """Set the limit to 1 after a step that took too long: a smaller one takes less time. No failure is counted."""
        self.limit = 1

    def record_stepped_over(self) -> None:
        """Reset the count: the transfer that failed is stepped over, and the next step may begin at once."""
        self.failures, self.try_at = 0, 0.0

    @property
    def exhausted(self) -> bool:
        """Whether the suspect has failed as often as a transfer may."""
        return self.failures >= FAILURES_MAX
