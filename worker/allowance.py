"""How often a process may give up on a transfer, or step over one."""

from collections import deque
from dataclasses import dataclass, field

# One transfer that always fails is at fault itself. Transfer after transfer that fails is a bug of Teller: it may delay them all,
# and must not reject them.
GIVEN_UP_MAX = 10
GIVEN_UP_WITHIN_S = 3600.0


@dataclass(slots=True)
class Allowance:
    """How many transfers a process may still give up on: GIVEN_UP_MAX within any GIVEN_UP_WITHIN_S. Times are monotonic seconds."""

    times: deque[float] = field(default_factory=lambda: deque(maxlen=GIVEN_UP_MAX))

    def is_spent(self, now: float) -> bool:
        """Return whether no transfer may be given up on now."""
        return len(self.times) == GIVEN_UP_MAX and now - self.times[0] < GIVEN_UP_WITHIN_S

    def spend(self, now: float) -> None:
        """Record that a transfer was given up on."""
        self.times.append(now)
