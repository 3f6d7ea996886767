"""Runs one doorbell job: batches until the shards are empty or a fair share of time has passed.

`next_step` decides what follows a batch. docs/concepts/state-tables.md draws it, and tests/unit/test_doorbell_model.py explores its
interleavings. worker/ledger/failures.py handles failed batches, worker/ledger/shards.py the shards that a job holds.
"""

import time
from collections.abc import Callable, Collection, Sequence
from enum import Enum, auto

import psycopg

from core.redis.batcher import Batcher
from core.redis.shard_doorbell import ShardDoorbell
from worker.ledger.apply import Applier, Batch
from worker.ledger.batch_limit import BATCH_MAX
from worker.ledger.failures import CarefulApplier, is_out_of_reach, merged
from worker.ledger.shards import ShardSet

# A guess. After this time a drain rings again and ends, so one hot shard delays the jobs behind it by 3 s at most.
FAIR_SHARE_S = 3.0


class Step(Enum):
    """What a worker does after a batch."""

    RING_AGAIN = auto()  # and end: there are more transfers, and the time is over
    GO_ON = auto()  # with the next batch, and with the shards that were handed over
    WAIT = auto()  # for more transfers if this worker may wait; otherwise hand over
    HAND_OVER = auto()  # to the batcher, and end; without a batcher lower the flags and take the last look
    END = auto()  # after the last look, unless another worker has asked for one more


def next_step(*, full: bool, is_over: bool, is_last_look: bool, waits: bool) -> Step:
    """Return the step that follows a batch.

    `full`: the shards may have more transfers. `is_over`: the job's time is over. `is_last_look`: the flags were lowered before
    this batch. `waits`: this worker may wait for more transfers; the sweeper may not.
    """
    if full:
        return Step.RING_AGAIN if is_over else Step.GO_ON
    if is_last_look:
        return Step.END
    return Step.WAIT if waits and not is_over else Step.HAND_OVER


class Drainer:
    """Drains shards. Closing it closes its connections to Postgres and to Redis."""

    def __init__(
        self,
        applier: Applier,
        doorbell: ShardDoorbell,
        batcher: Batcher,
        goes_on: Callable[[], bool] = lambda: True,
        fair_share_s: float = FAIR_SHARE_S,
    ) -> None:
        self._applier = CarefulApplier(applier, doorbell)
        self._doorbell = doorbell
        self._goes_on = goes_on
        self._fair_share_s = fair_share_s
        self._shards = ShardSet(doorbell, batcher, applier.all_shards)
        self.out_of_reach = False  # whether the last run ended because PostgreSQL did not answer

    def run(self, shards: Sequence[int], *, waits: bool = True) -> int:
        """Drain the shards until they are empty; after a fair share of time, ring again and end.

        The drain passes part of a deep backlog on to other workers. A worker that `waits` may wait for more transfers under load,
        and then acquires shards that no worker holds.

        Returns how many transfers it finished. A shard that another worker drains counts 0. A fault of the database is logged, not
        raised, and the count is then 0: the queue is unchanged, and the sweeper drains it later.
        """
        self._shards.begin(shards)
        self.out_of_reach = False
        try:
            return self._run(time.monotonic() + self._fair_share_s, waits=waits)
        except psycopg.Error as error:
            self.out_of_reach = is_out_of_reach(error)
            self._applier.defer(self._shards.held, error)
            return 0
        finally:
            self._shards.end()
            self._applier.add_totals()

    def disconnect(self) -> None:
        """Close the connection to PostgreSQL. The next run opens another."""
        self._applier.close()

    def close(self) -> None:
        """Close the connections."""
        self.disconnect()
        self._doorbell.close()

    def _run(self, deadline: float, *, waits: bool) -> int:
        """Drain while the flags are up, so no ring is needed; then hand over, or lower the flags and take a last look."""
        shards = self._shards
        finished, is_last_look = 0, False
        while shards.held:
            batch = self._drain(shards.held, deadline)
            finished += batch.finished
            shards.drop(batch)
            step = next_step(full=batch.full, is_over=self._is_over(deadline), is_last_look=is_last_look, waits=waits)
            if step is Step.RING_AGAIN:
                shards.ring_again()
                break
            if step is Step.GO_ON:
                shards.take_over()
                self._share(batch)
            elif step is Step.WAIT and shards.may_wait(batch.finished):
                shards.wait_for_more()
            elif step is not Step.END:
                shards.hand_over()
                is_last_look = True
            elif shards.is_asked_again():
                is_last_look = False
            else:
                break
        return finished

    def _drain(self, shards: Collection[int], deadline: float) -> Batch:
        """Apply a batch. Ask the holders of busy shards for one more look, then try those shards again: a holder may have ended."""
        batch = self._applier.apply(shards, deadline)
        if not batch.busy:
            return batch
        self._doorbell.ask_rerun(batch.busy)
        return merged([batch._replace(busy=frozenset()), self._applier.apply(batch.busy, deadline)])

    def _share(self, batch: Batch) -> None:
        """Pass half of the shards on to another worker after a batch of 250 transfers or more, so that idle workers help.

        Not while one of the shards fails: the limit of its batches is known to this process only.
        """
        if batch.finished >= BATCH_MAX // 2 and self._applier.is_healthy(self._shards.held):
            self._shards.share()

    def _is_over(self, deadline: float) -> bool:
        return not self._goes_on() or time.monotonic() >= deadline
