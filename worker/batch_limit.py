"""How large the next batch of a drain may be, after what happened to the ones before, and when a transfer is given up on."""

from collections import deque
from dataclasses import dataclass, field
from uuid import UUID

BATCH_MAX = 500  # beyond it a drain gains little and holds its wallets for longer
PART_MIN = 16  # of one shard in a batch of many: with fewer, a busy one would be slowed down by shards in which nothing waits
ATTEMPTS_MAX = 5  # a transfer that fails as often, on its own and for no known reason, is given up on

# A poison is one of a kind. What fails transfer after transfer is a bug of ours: it may delay them all, and must not reject them.
GIVEN_UP_MAX = 10
GIVEN_UP_WITHIN_S = 3600.0


def part(shards: int) -> int:
    """Return how many transfers each of so many shards may have in a batch that they share."""
    return max(-(-BATCH_MAX // shards), PART_MIN)


@dataclass(slots=True)
class Caution:
    """How large the next batch of a drain may be: halved by a failure, doubled by a success.

    So a batch that fails for an unknown reason shrinks to the one transfer that makes it fail. That one's failures are counted.
    """

    limit: int = BATCH_MAX
    suspect: UUID | None = None
    failures: int = 0

    def succeeded(self) -> bool:
        """Heed a success. Returns whether all is well again."""
        self.limit = min(self.limit * 2, BATCH_MAX)
        return self.limit == BATCH_MAX

    def failed(self, head: UUID | None) -> None:
        """Heed a failure of the batch that began with `head`."""
        if self.limit == 1:
            self.failures = self.failures + 1 if head == self.suspect else 1
            self.suspect = head
        self.limit = max(self.limit // 2, 1)

    def was_slow(self) -> None:
        """Heed a batch that ended because it took too long: a smaller one may not. That is no fault of a transfer's."""
        self.limit = max(self.limit // 2, 1)

    @property
    def exhausted(self) -> bool:
        return self.failures >= ATTEMPTS_MAX


@dataclass(slots=True)
class Allowance:
    """How many transfers a process may still give up on: GIVEN_UP_MAX within any GIVEN_UP_WITHIN_S. Times are monotonic seconds."""

    times: deque[float] = field(default_factory=lambda: deque(maxlen=GIVEN_UP_MAX))

    def is_spent(self, now: float) -> bool:
        return len(self.times) == GIVEN_UP_MAX and now - self.times[0] < GIVEN_UP_WITHIN_S

    def spend(self, now: float) -> None:
        self.times.append(now)
