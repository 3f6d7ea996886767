"""How large the next batch of a shard may be after the outcomes of the ones before, and when a transfer is given up on.

docs/concepts/state-tables.md has the four rows: state, outcome, next limit, whether a failure is counted.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from uuid import UUID

BATCH_MAX = 500  # beyond it a drain gains little and holds its wallets for longer
PART_MIN = 16  # of one shard in a batch of many: with fewer, a busy one would be slowed down by shards in which nothing waits
ATTEMPTS_MAX = 5  # a transfer that fails as often, on its own and for no known reason, is given up on


def share_of(shards: int) -> int:
    """Return how many transfers each of so many shards may have in a batch that they share."""
    return max(-(-BATCH_MAX // shards), PART_MIN)


@dataclass(slots=True)
class BatchLimit:
    """How large the next batch of one shard may be: halved by a failure, doubled by a success.

    So a batch that fails for an unknown reason shrinks to the one transfer that makes it fail. Failures are counted only then, at a
    limit of one: in a larger batch it is unknown which transfer failed.
    """

    limit: int = BATCH_MAX
    suspect: UUID | None = None
    failures: int = 0

    def record_success(self) -> bool:
        """Double the limit. Returns whether it is the full one again."""
        self.limit = min(self.limit * 2, BATCH_MAX)
        return self.limit == BATCH_MAX

    def record_failure(self, head: UUID | None) -> None:
        """Halve the limit after a failure of the batch that began with `head`; at a limit of one, count it against `head`."""
        if self.limit == 1:
            self.failures = self.failures + 1 if head == self.suspect else 1
            self.suspect = head
        self.limit = max(self.limit // 2, 1)

    def record_timeout(self) -> None:
        """Halve the limit after a batch that took too long: a smaller one may not. That is counted against no transfer."""
        self.limit = max(self.limit // 2, 1)

    @property
    def exhausted(self) -> bool:
        """Whether the suspect has failed as often as a transfer may."""
        return self.failures >= ATTEMPTS_MAX


class BatchLimits:
    """The limits of the shards that have failed, in the order of their turns: the one that had its turn longest ago comes first.

    They are kept from one job to the next: a slow database must not let a failing transfer be forgotten.
    """

    def __init__(self) -> None:
        self._by_shard: dict[int, BatchLimit] = {}

    def without(self, shards: Iterable[int]) -> list[int]:
        """Return those of the shards that have no limit of their own: their last batches succeeded."""
        return [shard for shard in shards if shard not in self._by_shard]

    def by_turn(self, shards: Collection[int]) -> list[int]:
        """Return those of the shards that have a limit of their own, in the order of their turns."""
        return [shard for shard in self._by_shard if shard in shards]

    def of(self, shard: int) -> BatchLimit:
        """Return the shard's limit: a full one where it has none of its own."""
        return self._by_shard.get(shard) or BatchLimit()

    def keep(self, shard: int, limit: BatchLimit) -> None:
        """Keep the shard's limit. The shard has had its turn."""
        self.drop(shard)
        self._by_shard[shard] = limit

    def drop(self, shard: int) -> None:
        """Forget the shard's limit: it is the full one again."""
        self._by_shard.pop(shard, None)
