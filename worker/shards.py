"""The shards that a worker is at: taken on, shared, left. One worker at a time gathers for all."""

import time
from collections.abc import Callable, Iterable, Sequence

from core.redis.shard_doorbell import Doorbell
from worker.apply import Batch
from worker.batch_limit import BATCH_MAX

# A transaction costs much more than a transfer in it. When a batch shows that transfers come in fast, the next one waits a little
# for more of them; when they come in one by one, nobody waits. One worker waits for all, unless there is enough for several.
GATHER_FROM = 10
GATHER_S = 0.02
GATHER_ALONGSIDE_FROM = BATCH_MAX // 4
GATHER_BESIDE_JOBS_S = 0.25  # leaving at once made workers and jobs chase each other, each with a handful of transfers


class Round:
    """Where a worker is while it answers a doorbell, from `begin` to `end`. The flags of these shards are up until it leaves."""

    def __init__(self, doorbell: Doorbell, all_shards: Callable[[], Sequence[int]]) -> None:
        self.at: list[int] = []
        self._doorbell = doorbell
        self._ask_for_all_shards = all_shards
        self._all_shards: Sequence[int] = ()
        self._faulty: set[int] = set()  # the shards that were put off meanwhile
        self._is_gatherer = False
        self._began = 0.0

    def begin(self, shards: Sequence[int]) -> None:
        self.at = list(shards)
        self._faulty.clear()
        self._began = time.monotonic()

    def end(self) -> None:
        """See to it that somebody drains what was left to this worker, whose time is over, or which met a fault."""
        left = self._resign()
        if left:
            self._ring_again(left)

    def leave_out(self, batch: Batch) -> None:
        """Be no more at the shards that, as the batch has shown, are for others, or for later."""
        self.at = [shard for shard in self.at if shard not in batch.left]
        self._faulty |= batch.put_off

    def go_on_later(self) -> None:
        """Ring for the shards again: their turn comes after those that wait already."""
        self._ring_again(self.at)

    def may_gather(self, finished: int) -> bool:
        """Tell whether to wait for more after a batch of so many. Not for long while a job waits: it may be for this worker."""
        if finished < GATHER_FROM or not (self._is_or_becomes_gatherer() or finished >= GATHER_ALONGSIDE_FROM):
            return False
        return time.monotonic() < self._began + GATHER_BESIDE_JOBS_S or self._doorbell.is_silent()

    def gather(self) -> None:
        """Wait for more, and be also where others have left, and where nobody is: that saves jobs and transactions.

        Raises psycopg.Error.
        """
        time.sleep(GATHER_S)
        self.take_on_left()
        self._take_on(self._doorbell.adopt(self._others()))

    def take_on_left(self) -> None:
        """Be at what was left to the gatherer. After full batches too: nobody else comes to these shards, and nobody rings."""
        if self._is_gatherer:
            self._take_on(self._doorbell.take_left())

    def share(self) -> None:
        """Pass half of the shards on to another worker."""
        half = len(self.at) // 2
        if half and self._doorbell.pass_on(self.at[half:]):
            self.at = self.at[:half]

    def leave(self) -> None:
        """Leave all shards, those that were left to this worker too: to another gatherer, or for a last look."""
        self._take_on(self._resign())
        if self._doorbell.leave(self.at):
            self.at = []

    def is_asked_again(self) -> bool:
        """Tell, once, whether somebody has asked for another look. Call it after the locks of the last look are released."""
        return self._doorbell.rerun_asked(self.at)

    def _take_on(self, shards: Iterable[int]) -> None:
        """Be at these shards too. Twice at one, a batch would claim its transfers twice."""
        self.at += [shard for shard in shards if shard not in self.at]

    def _others(self) -> Sequence[int]:
        """Return the shards that this worker is not at.

        Not those that it has just put off: each new try would cost all others the time for which a lock is waited for.
        """
        if not self._all_shards:
            self._all_shards = self._ask_for_all_shards()
        left_out = {*self.at, *self._faulty}
        return [shard for shard in self._all_shards if shard not in left_out]

    def _is_or_becomes_gatherer(self) -> bool:
        self._is_gatherer = self._is_gatherer or self._doorbell.become_gatherer()
        return self._is_gatherer

    def _resign(self) -> Sequence[int]:
        """Be the gatherer no more. Returns what was left to it."""
        if not self._is_gatherer:
            return []
        self._is_gatherer = False
        return self._doorbell.resign()

    def _ring_again(self, shards: Sequence[int]) -> None:
        self._doorbell.lower(shards)
        self._doorbell.ring(shards)
