"""The shards that one job works on, and the batching protocol: one elected worker waits so that batches grow.

docs/concepts/state-tables.md draws the states.
"""

import time
from collections.abc import Callable, Iterable, Sequence

from core.redis.batcher import Batcher
from core.redis.shard_doorbell import ShardDoorbell
from worker.ledger.apply import Batch
from worker.ledger.batch_limit import BATCH_MAX

# A transaction costs much more than a transfer in it. After a batch of WAIT_FROM transfers or more a worker waits WAIT_S for more;
# after a smaller batch no worker waits. One worker, the batcher, waits for all shards. Other workers wait too from
# WAIT_ALONGSIDE_FROM transfers a batch on. Waits and transactions of several shards cut workers' CPU from 404 to 71 µs a transfer
# (`python -m bench --quick single`, docs/decisions/0014-several-shards.md). The exact three numbers are guesses.
WAIT_FROM = 10
WAIT_S = 0.02
WAIT_ALONGSIDE_FROM = BATCH_MAX // 4
# A guess. A waiting worker looks at the queue of jobs only after this time. When it ended as soon as a job was queued, each job
# drained a handful of transfers.
WAIT_BESIDE_JOBS_S = 0.25


class ShardSet:
    """The shards that a worker holds during one job, from `begin` to `end`. Their flags are up until it hands them over."""

    def __init__(self, doorbell: ShardDoorbell, batcher: Batcher, all_shards: Callable[[], Sequence[int]]) -> None:
        self.held: list[int] = []
        self._doorbell = doorbell
        self._batcher = batcher
        self._ask_for_all_shards = all_shards
        self._all_shards: Sequence[int] = ()
        self._faulty: set[int] = set()  # the shards that were deferred during this job
        self._is_batcher = False
        self._began = 0.0

    def begin(self, shards: Sequence[int]) -> None:
        """Hold the shards of a job."""
        self.held = list(shards)
        self._faulty.clear()
        self._began = time.monotonic()

    def end(self) -> None:
        """Ring for the shards that were handed over to this worker and are not drained: its time is over, or a fault ended it."""
        handed_over = self._release()
        if handed_over:
            self._ring_again(handed_over)

    def drop(self, batch: Batch) -> None:
        """Drop the shards that another worker drains and the shards that are deferred."""
        self.held = [shard for shard in self.held if shard not in batch.untouched]
        self._faulty |= batch.deferred

    def ring_again(self) -> None:
        """Ring for the shards again: the new job runs after the jobs that are queued already."""
        self._ring_again(self.held)

    def may_wait(self, finished: int) -> bool:
        """Return whether to wait for more transfers after a batch that finished so many.

        Beyond WAIT_BESIDE_JOBS_S only while no job is queued: this worker may be the one to take it.
        """
        if finished < WAIT_FROM or not (self._is_or_becomes_batcher() or finished >= WAIT_ALONGSIDE_FROM):
            return False
        return time.monotonic() < self._began + WAIT_BESIDE_JOBS_S or self._doorbell.is_silent()

    def wait_for_more(self) -> None:
        """Wait, then also hold the shards that were handed over and those whose flags are down: that saves jobs and transactions.

        Raises psycopg.Error.
        """
        time.sleep(WAIT_S)
        self.take_over()
        self._add(self._doorbell.acquire(self._others()))

    def take_over(self) -> None:
        """Hold the shards that were handed over to this batcher. No other worker drains them, because their flags are up."""
        if self._is_batcher:
            self._add(self._batcher.take_over())

    def share(self) -> None:
        """Pass half of the shards on to another worker."""
        half = len(self.held) // 2
        if half and self._doorbell.pass_on(self.held[half:]):
            self.held = self.held[:half]

    def hand_over(self) -> None:
        """Stop being the batcher, and hand all shards over to the batcher, also those that were handed over to this worker.

        If there is no batcher now, their flags are lowered, and this worker keeps the shards for a last look.
        """
        self._add(self._release())
        if self._batcher.hand_over(self.held):
            self.held = []

    def is_asked_again(self) -> bool:
        """Return whether another worker asked for one more look, and delete the request. Call it after the last look's COMMIT."""
        return self._doorbell.rerun_asked(self.held)

    def _add(self, shards: Iterable[int]) -> None:
        """Add shards, without duplicates: a duplicate would claim the same rows twice in one batch."""
        self.held += [shard for shard in shards if shard not in self.held]

    def _others(self) -> Sequence[int]:
        """Return the shards that this worker does not hold.

        Deferred shards are left out: each new try may wait for a lock, and all other shards of the batch would wait with it.
        """
        if not self._all_shards:
            self._all_shards = self._ask_for_all_shards()
        left_out = {*self.held, *self._faulty}
        return [shard for shard in self._all_shards if shard not in left_out]

    def _is_or_becomes_batcher(self) -> bool:
        self._is_batcher = self._is_batcher or self._batcher.become()
        return self._is_batcher

    def _release(self) -> Sequence[int]:
        """Stop being the batcher. Returns the shards that were handed over to it."""
        if not self._is_batcher:
            return []
        self._is_batcher = False
        return self._batcher.release()

    def _ring_again(self, shards: Sequence[int]) -> None:
        """Lower the flags, then ring: a ring for a flag that is up would enqueue no job."""
        self._doorbell.lower(shards)
        self._doorbell.ring(shards)
