"""How large the next batch of a shard may be after the outcomes of the ones before, and when a transfer is given up on.

docs/concepts/state-tables.md has the four rows: state, outcome, next limit, whether a failure is counted.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from uuid import UUID

BATCH_MAX = 500  # transfers; a larger batch drains hardly faster and locks its wallets for longer
# A guess. A shard's smallest share of a common batch. A smaller share would slow a busy shard down when it shares with empty ones.
PART_MIN = 16
ATTEMPTS_MAX = 5  # a guess; a transfer that fails so often alone, for an unknown reason, is rejected as `internal`


def share_of(shards: int) -> int:
    """Return how many transfers each shard may have in a batch of so many shards."""
    return max(-(-BATCH_MAX // shards), PART_MIN)


@dataclass(slots=True)
class BatchLimit:
    """How large the next batch of one shard may be: halved by a failure, doubled by a success.

    So a batch that fails for an unknown reason shrinks to the one transfer that makes it fail. Failures are counted at a limit of
    one only: in a larger batch it is unknown which transfer failed.
    """

    limit: int = BATCH_MAX
    suspect: UUID | None = None
    failures: int = 0

    def record_success(self) -> bool:
        """Double the limit. Returns whether it is BATCH_MAX again."""
        self.limit = min(self.limit * 2, BATCH_MAX)
        return self.limit == BATCH_MAX

    def record_failure(self, head: UUID | None) -> None:
        """Halve the limit after a failure of the batch that began with `head`; at a limit of one, count it against `head`."""
        if self.limit == 1:
            self.failures = self.failures + 1 if head == self.suspect else 1
            self.suspect = head
        self.limit = max(self.limit // 2, 1)

    def record_timeout(self) -> None:
        """Halve the limit after a batch that took too long: a smaller one takes less time. No failure is counted."""
        self.limit = max(self.limit // 2, 1)

    @property
    def exhausted(self) -> bool:
        """Whether the suspect has failed as often as a transfer may."""
        return self.failures >= ATTEMPTS_MAX


class BatchLimits:
    """The limits of the shards that have failed, ordered by their last turn, the oldest first.

    They are kept from one job to the next. Otherwise a slow database would reset the count of a failing transfer.
    """

    def __init__(self) -> None:
        self._by_shard: dict[int, BatchLimit] = {}

    def without(self, shards: Iterable[int]) -> list[int]:
        """Return the shards among these that have no limit of their own: their last batches succeeded."""
        return [shard for shard in shards if shard not in self._by_shard]

    def by_turn(self, shards: Collection[int]) -> list[int]:
        """Return the shards among these that have a limit of their own, the oldest turn first."""
        return [shard for shard in self._by_shard if shard in shards]

    def of(self, shard: int) -> BatchLimit:
        """Return the shard's limit: a full one if it has none of its own."""
        return self._by_shard.get(shard) or BatchLimit()

    def keep(self, shard: int, limit: BatchLimit) -> None:
        """Store the shard's limit. The shard's turn ends with that."""
        self.drop(shard)
        self._by_shard[shard] = limit

    def drop(self, shard: int) -> None:
        """Delete the shard's limit: it is the full one again."""
        self._by_shard.pop(shard, None)
