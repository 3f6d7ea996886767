"""The doorbell of the shards: wakes one worker for a shard in which transfers wait. docs/concepts/state-tables.md draws its states.

Key doorbell:N, the flag, exists while a job for shard N is queued or running. Only the process that raises it enqueues a job. The
worker lowers it before its last look, so no ring is needed while a worker is at a shard, and a row committed after the last look
finds no flag and rings again.

Key rerun:N, the wish, is set by a worker that finds shard N locked. The worker that holds the lock reads it after its last look.
The API locks a shard for a cancellation. It reads the wish afterwards, and rings again.
"""

from collections.abc import Collection

from rq import Queue

from core import metrics
from core.failpoint import failpoint
from core.redis.hints import HintProtocol, Hints
from core.redis.jobs import APPLY, SERIALIZER, enqueue
from core.redis.keys import QUEUE, flag, rerun

__all__ = ["ShardDoorbell"]

RERUN_TTL_S = 60  # longer than a transaction may last: the wish must still be there when the lock is released


class ShardDoorbell(HintProtocol):
    """Rings for shards. A flag is not renewed: if it expires during a long run, one superfluous job is enqueued: harmless."""

    def __init__(self, hints: Hints) -> None:
        super().__init__(hints)
        self._queue = Queue(QUEUE, connection=hints.redis, serializer=SERIALIZER)

    def ring(self, shards: Collection[int]) -> bool:
        """Wake one worker for those of the shards whose flags are down. Call it only after COMMIT.

        Returns False when Redis did not accept it.
        """
        rung = self._hints.attempt(lambda: self._ring(shards))
        if rung is None:
            fault = self._hints.fault
            metrics.DOORBELLS["refused" if fault is not None and fault.is_refusal else "lost"].inc(len(shards))
            return False
        metrics.DOORBELLS["rung"].inc(rung)
        metrics.DOORBELLS["coalesced"].inc(len(shards) - rung)
        return True

    def lower(self, shards: Collection[int]) -> None:
        """Lower the shards' flags: the next commit rings again. Look once more after this call."""
        if shards:
            self._hints.attempt(lambda: self._hints.redis.unlink(*map(flag, shards)))

    def acquire(self, shards: Collection[int]) -> list[int]:
        """Raise the flags that are down, and return their shards. No job is enqueued: the caller drains these shards itself."""
        return self._hints.attempt(lambda: self._raise_flags(shards) if shards else []) or []

    def pass_on(self, shards: Collection[int]) -> bool:
        """Enqueue a job for shards whose flags this worker has raised. Returns False when Redis did not accept it."""
        return self._hints.attempt(lambda: self._enqueue(shards)) is not None

    def is_silent(self) -> bool:
        """Return whether no job waits for a worker."""
        return not self._hints.attempt(lambda: self._hints.redis.llen(self._queue.key))

    def ask_rerun(self, shards: Collection[int]) -> None:
        """Ask the worker that drains these shards now to look once more. Try their locks once more after this call."""
        self._hints.attempt(lambda: self._set_reruns(shards))

    def rerun_asked(self, shards: Collection[int]) -> bool:
        """Return whether another worker asked, and delete its wish. Call it after the locks of the last look are released."""
        return bool(shards) and bool(self._hints.attempt(lambda: self._hints.redis.unlink(*map(rerun, shards))))

    def ring_if_asked(self, shards: Collection[int]) -> None:
        """Ring for these shards if a worker passed them by: this process had their locks, and drains nothing itself.

        That worker has left the flags up, so they are lowered first. Call it after the locks are released.
        """
        if self.rerun_asked(shards):
            self.lower(shards)
            self.ring(shards)

    def _ring(self, shards: Collection[int]) -> int:
        failpoint("doorbell.before_flags")
        silent = self._raise_flags(shards)
        if silent:
            with self._hints.lowering_if_refused(map(flag, silent)):
                self._enqueue(silent)
        return len(silent)

    def _raise_flags(self, shards: Collection[int]) -> list[int]:
        """Raise the flags that are down and return their shards."""
        given = list(shards)
        return [given[index] for index in self._hints.raise_flags([flag(shard) for shard in given])]

    def _enqueue(self, shards: Collection[int]) -> bool:
        """Enqueue one job for these shards. Returns True, which `attempt` passes on; after a fault it returns None."""
        failpoint("doorbell.before_enqueue")
        enqueue(self._queue, APPLY, list(shards))
        failpoint("doorbell.after_enqueue")
        return True

    def _set_reruns(self, shards: Collection[int]) -> None:
        with self._hints.redis.pipeline(transaction=False) as pipeline:
            for shard in shards:
                pipeline.set(rerun(shard), 1, ex=RERUN_TTL_S)
            pipeline.execute()
