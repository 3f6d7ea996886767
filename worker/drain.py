"""Who answers a doorbell: drains shards batch by batch, for a fair share of time, and heeds what fails."""

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from uuid import UUID

import psycopg

from core import db, ids, log
from core.ids import Prefix
from core.redis.shard_doorbell import Doorbell
from worker.apply import Applier, Batch
from worker.batch_limit import BATCH_MAX, Allowance, Caution, part
from worker.shards import Round

FAIR_SHARE_S = 3.0  # then the doorbell is rung again, so that one hot shard starves nobody
PAUSE_AFTER_FAILURE_S = 0.05  # long enough for a lock to go, short enough to try a poison some fifteen times

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
        self._round = Round(doorbell, applier.all_shards)
        # By shard, who had no turn for longest first; kept across answers: a slow database must not make a poison forgotten.
        self._cautions: dict[int, Caution] = {}
        self._allowance = Allowance()

    def answer(self, shards: Sequence[int], *, gathers: bool = True) -> int:
        """Answer the shards' doorbell: drain them until they are empty, or for a fair share of time and ring again.

        Part of a deep backlog is passed on to other workers. Who gathers may stay for more where there is much to do, and takes on
        shards that nobody is at.

        Returns how many transfers were finished, as far as it knows: none of a shard that somebody else drains, or after a fault of
        the database, which is logged, not raised: the queue is as it was, and the sweeper will come back to it.
        """
        self._round.begin(shards)
        try:
            return self._answer(gathers=gathers)
        except psycopg.Error as error:
            self._put_off(self._round.at, error)
            return 0
        finally:
            self._round.end()

    def close(self) -> None:
        """Give the connections back."""
        self._applier.close()
        self._doorbell.close()

    def _answer(self, *, gathers: bool) -> int:
        """Drain while the flags are up, so that nobody rings meanwhile; leave, and look once more if nobody else will."""
        round = self._round
        deadline = time.monotonic() + self._fair_share_s
        finished = 0
        lowered = False
        while round.at:
            batch = self._drain(round.at, deadline)
            finished += batch.finished
            round.leave_out(batch)
            is_over = not self._goes_on() or time.monotonic() >= deadline
            if batch.full and is_over:
                round.go_on_later()
                break
            if batch.full:
                round.take_on_left()
                self._share(batch)
            elif not lowered and not is_over and gathers and round.may_gather(batch.finished):
                round.gather()
            elif not lowered:
                round.leave()
                lowered = True
            elif round.is_asked_again():
                lowered = False
            else:
                break
        return finished

    def _share(self, batch: Batch) -> None:
        """Pass half of the shards on when the batch means work for more than one worker."""
        if batch.finished >= BATCH_MAX // 2 and self._is_calm(self._round.at):
            self._round.share()

    def _drain(self, shards: Collection[int], deadline: float) -> Batch:
        """Apply a batch. Of busy shards, ask whoever drains them to look again; he may just have left, so try them once more."""
        batch = self._try(shards, deadline)
        if not batch.busy:
            return batch
        self._doorbell.ask_rerun(batch.busy)
        return merged([batch._replace(busy=frozenset()), self._try(batch.busy, deadline)])

    def _try(self, shards: Collection[int], deadline: float) -> Batch:
        """Apply a batch of all the calm shards together, and one of each other on its own, so that it harms nobody.

        Those on their own have their turns while there is time, beginning with whoever waited longest for one, in this answer and
        in those to come: a shard whose failures take all the time that there is takes nobody's turn but its own.
        """
        calm = [shard for shard in shards if shard not in self._cautions]
        batches = []
        if len(calm) > 1:
            batches += self._try_together(calm)
            calm = []
        alone = [*calm, *(shard for shard in self._cautions if shard in shards)]
        return merged([*batches, *(self._drain_alone(shard, deadline, must=len(shards) == 1) for shard in alone)])

    def _try_together(self, shards: Collection[int]) -> list[Batch]:
        """Apply one batch of all; after a failure none, and each is to be tried on its own, with no more than it had here."""
        limit = part(len(shards))
        try:
            return [self._applier.apply(shards, limit)]
        except Exception as error:
            if is_out_of_reach(error):
                raise
            logger.warning("batch failed", shards=list(shards), exc_info=error)
            self._cautions.update((shard, Caution(limit)) for shard in shards)
            return []

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
            self._let_wait(shard, caution)
            if db.is_transient(error):
                if db.took_too_long(error):
                    caution.was_slow()
                self._put_off([shard], error)
                return Batch(0, put_off=frozenset([shard]))
            return self._heed_failure(shard, caution, error)
        if caution.succeeded():
            self._cautions.pop(shard, None)
        else:
            self._let_wait(shard, caution)
        return batch

    def _let_wait(self, shard: int, caution: Caution) -> None:
        """Keep the caution, as that of the shard whose turn comes last."""
        self._cautions.pop(shard, None)
        self._cautions[shard] = caution

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
