"""Who answers a doorbell: drains shards batch by batch, for a fair share of time, and heeds what fails."""

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from uuid import UUID

import psycopg

from core import db, ids, log
from core.doorbell import Doorbell
from core.ids import Prefix
from worker.apply import Applier, Batch
from worker.caution import BATCH_MAX, Allowance, Caution, part

FAIR_SHARE_S = 3.0  # then the doorbell is rung again, so that one hot shard starves nobody
PAUSE_AFTER_FAILURE_S = 0.05  # long enough for a lock to go, short enough to try a poison some fifteen times

# A transaction costs much more than a transfer in it. When a batch shows that transfers come in fast, the next one waits a little
# for more of them; when they come in one by one, nobody waits. One worker waits for all, unless there is enough for several.
GATHER_FROM = 10
GATHER_S = 0.02
GATHER_ALONGSIDE_FROM = BATCH_MAX // 4
GATHER_BESIDE_JOBS_S = 0.25  # leaving at once made workers and jobs chase each other, each with a handful of transfers

logger = log.get(__name__)


class Drainer:
    def __init__(
        self,
        applier: Applier,
        doorbell: Doorbell,
        goes_on: Callable[[], bool] = lambda: True,
        fair_share_s: float = FAIR_SHARE_S,
    ) -> None:
        self._applier = applier
        self._doorbell = doorbell
        self._goes_on = goes_on
        self._fair_share_s = fair_share_s
        self._at: list[int] = []  # the shards that are being answered
        self._faulty: set[int] = set()  # those that were put off meanwhile
        self._is_gatherer = False
        self._all_shards: Sequence[int] = ()
        self._cautions: dict[int, Caution] = {}  # by shard, kept across drains: a slow database must not make a poison forgotten
        self._allowance = Allowance()

    def answer(self, shards: Sequence[int], *, gathers: bool = True) -> int:
        """Answer the shards' doorbell: drain them until they are empty, or for a fair share of time and ring again.

        Part of a deep backlog is passed on to other workers. Who gathers may stay for more where there is much to do, and takes on
        shards that nobody is at.

        Returns how many transfers were finished, as far as it knows: none of a shard that somebody else drains, or after a fault of
        the database, which is logged, not raised: the queue is as it was, and the sweeper will come back to it.
        """
        self._at = list(shards)
        self._faulty.clear()
        try:
            return self._answer(gathers=gathers)
        except psycopg.Error as error:
            self._put_off(self._at, error)
            return 0
        finally:
            self._pass_on_left()

    def close(self) -> None:
        """Give the connections back."""
        self._applier.close()
        self._doorbell.close()

    def _answer(self, *, gathers: bool) -> int:
        """Drain while the flags are up, so that nobody rings meanwhile; leave, and look once more if nobody else will."""
        began = time.monotonic()
        deadline = began + self._fair_share_s
        finished = 0
        lowered = False
        while self._at:
            batch = self._drain(self._at, deadline)
            finished += batch.finished
            self._at = [shard for shard in self._at if shard not in batch.left]
            self._faulty |= batch.put_off
            is_over = not self._goes_on() or time.monotonic() >= deadline
            if batch.full and is_over:
                self._doorbell.lower(self._at)
                self._doorbell.ring(self._at)
                break
            if batch.full:
                self._take_on_left()
                self._share(batch)
            elif not lowered and not is_over and gathers and self._may_gather(batch, began):
                self._gather()
            elif not lowered:
                self._leave()
                lowered = True
            elif self._doorbell.rerun_asked(self._at):
                lowered = False
            else:
                break
        return finished

    def _may_gather(self, batch: Batch, began: float) -> bool:
        """Tell whether to stay and wait for more. Not for long while a job waits for a worker: it may be this one that it needs."""
        if batch.finished < GATHER_FROM or not (self._is_or_becomes_gatherer() or batch.finished >= GATHER_ALONGSIDE_FROM):
            return False
        return time.monotonic() < began + GATHER_BESIDE_JOBS_S or self._doorbell.is_silent()

    def _is_or_becomes_gatherer(self) -> bool:
        self._is_gatherer = self._is_gatherer or self._doorbell.become_gatherer()
        return self._is_gatherer

    def _gather(self) -> None:
        time.sleep(GATHER_S)
        self._take_on_left()
        self._take_on(self._doorbell.adopt(self._others()))

    def _take_on_left(self) -> None:
        """Be at what was left to the gatherer. After full batches too: nobody else comes to these shards, and nobody rings."""
        if self._is_gatherer:
            self._take_on(self._doorbell.take_left())

    def _leave(self) -> None:
        """Leave all shards, those that were left to this worker too: to another gatherer, or for a last look."""
        self._take_on(self._resign())
        if self._doorbell.leave(self._at):
            self._at = []

    def _take_on(self, shards: Iterable[int]) -> None:
        """Be at these shards too. Twice at one, a batch would claim its transfers twice."""
        self._at += [shard for shard in shards if shard not in self._at]

    def _resign(self) -> Sequence[int]:
        """Be the gatherer no more. Returns what was left to it."""
        if not self._is_gatherer:
            return []
        self._is_gatherer = False
        return self._doorbell.resign()

    def _pass_on_left(self) -> None:
        """See to it that somebody drains what was left to this worker, whose time is over, or which met a fault."""
        left = self._resign()
        if left:
            self._doorbell.lower(left)
            self._doorbell.ring(left)

    def _share(self, batch: Batch) -> None:
        """Pass half of the shards on when the batch means work for more than one worker."""
        half = len(self._at) // 2
        if batch.finished >= BATCH_MAX // 2 and half and self._is_calm(self._at) and self._doorbell.pass_on(self._at[half:]):
            self._at = self._at[:half]

    def _others(self) -> Sequence[int]:
        """Return the shards that this worker is not at. Taking on those that nobody is at saves their own jobs and transactions.

        Not those that it has just put off: each new try would cost all others the time for which a lock is waited for.
        """
        if not self._all_shards:
            self._all_shards = self._applier.all_shards()
        left_out = {*self._at, *self._faulty}
        return [shard for shard in self._all_shards if shard not in left_out]

    def _drain(self, shards: Collection[int], deadline: float) -> Batch:
        """Apply a batch. Of busy shards, ask whoever drains them to look again; he may just have left, so try them once more."""
        batch = self._try(shards, deadline)
        if not batch.busy:
            return batch
        self._doorbell.ask_rerun(batch.busy)
        return merged([batch._replace(busy=frozenset()), self._try(batch.busy, deadline)])

    def _try(self, shards: Collection[int], deadline: float) -> Batch:
        """Apply a batch of all the shards together; after a failure each on its own, so that it harms no other."""
        if len(shards) > 1 and self._is_calm(shards):
            try:
                return self._applier.apply(shards, part(len(shards)))
            except Exception as error:
                if is_out_of_reach(error):
                    raise
                logger.warning("batch failed", shards=list(shards), exc_info=error)
        return merged(self._drain_alone(shard, deadline, must=len(shards) == 1) for shard in shards)

    def _drain_alone(self, shard: int, deadline: float, *, must: bool) -> Batch:
        """Apply a batch of one shard. One for which no time is left counts as full: it has not been looked at."""
        if not must and time.monotonic() >= deadline:
            return Batch(0, full=True)
        caution = self._cautions.get(shard) or Caution()
        try:
            batch = self._applier.apply([shard], caution.limit)
        except Exception as error:
            if is_out_of_reach(error):
                raise
            if db.is_transient(error):
                self._put_off([shard], error)
                return Batch(0, put_off=frozenset([shard]))
            self._cautions[shard] = caution
            return self._heed_failure(shard, caution, error)
        if caution.succeeded():
            self._cautions.pop(shard, None)
        return batch

    def _heed_failure(self, shard: int, caution: Caution, error: Exception) -> Batch:
        """Shrink the next batch; give up on the transfer that has failed on its own too often, if that has not become a habit."""
        head = self._applier.head
        transfer = head and ids.text(Prefix.TRANSFER, head)
        logger.error("batch failed", shard=shard, limit=caution.limit, transfer=transfer, exc_info=error)
        caution.failed(head)
        if caution.suspect is None or not caution.exhausted:
            time.sleep(PAUSE_AFTER_FAILURE_S)
            return Batch(0, full=True)
        if self._allowance.is_spent(time.monotonic()):
            # Its flag stays up until it expires: until then only the sweeper tries.
            logger.critical("too many transfers given up on, shard put off", shard=shard, transfer=named(caution.suspect))
            return Batch(0, put_off=frozenset([shard]))
        return self._give_up(shard, caution, caution.suspect)

    def _give_up(self, shard: int, caution: Caution, suspect: UUID) -> Batch:
        """Reject the transfer. Where not even that succeeds, its shard is put off, and no other."""
        logger.critical("transfer given up on", shard=shard, transfer=named(suspect))
        try:
            rejected = self._applier.reject(shard, suspect)
        except psycopg.Error as error:
            if is_out_of_reach(error):
                raise
            self._put_off([shard], error)
            return Batch(0, put_off=frozenset([shard]))
        caution.failures = 0
        if rejected:
            self._allowance.spend(time.monotonic())
        return Batch(rejected, full=True)

    def _put_off(self, shards: Collection[int], error: Exception) -> None:
        """Leave shards to the next ring, or to the sweeper, after a fault that only time heals."""
        sqlstate = error.sqlstate if isinstance(error, psycopg.Error) else None
        logger.warning("drain put off", shards=list(shards), kind=type(error).__name__, sqlstate=sqlstate)
        self._doorbell.lower(shards)

    def _is_calm(self, shards: Collection[int]) -> bool:
        return self._cautions.keys().isdisjoint(shards)


def merged(batches: Iterable[Batch]) -> Batch:
    """Return what became of several batches as if they had been one."""
    all = list(batches)
    return Batch(
        finished=sum(batch.finished for batch in all),
        full=any(batch.full for batch in all),
        busy=frozenset().union(*(batch.busy for batch in all)),
        put_off=frozenset().union(*(batch.put_off for batch in all)),
    )


def named(transfer_id: UUID) -> str:
    return ids.text(Prefix.TRANSFER, transfer_id)


def is_out_of_reach(error: Exception) -> bool:
    """Tell whether the database itself did not answer: the next shard would fare no better."""
    return db.is_transient(error) and getattr(error, "sqlstate", None) is None
