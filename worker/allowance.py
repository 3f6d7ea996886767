"""How many transfers a process may reject as `internal` or step over, within an hour."""

from collections import deque
from dataclasses import dataclass, field

# A single transfer that always fails is damaged itself. If many transfers fail, Teller has a bug. A bug may delay transfers, and
# must not reject them. Both numbers are guesses.
GIVEN_UP_MAX = 10
GIVEN_UP_WITHIN_S = 3600.0


@dataclass(slots=True)
class Allowance:
    """Counts transfers given up on: at most GIVEN_UP_MAX within any GIVEN_UP_WITHIN_S. Times are monotonic seconds."""

    times: deque[float] = field(default_factory=lambda: deque(maxlen=GIVEN_UP_MAX))

    def is_spent(self, now: float) -> bool:
        """Return whether the limit is reached: no transfer may be given up on now."""
        return len(self.times) == GIVEN_UP_MAX and now - self.times[0] < GIVEN_UP_WITHIN_S

    def spend(self, now: float) -> None:
        """Record that a transfer was given up on."""
        self.times.append(now)
