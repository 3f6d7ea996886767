"""The edge to Redis: a doorbell a shard, which wakes a worker up and carries no money. One job may name several shards.

Everything here is a hint. Redis may lose, repeat or delay any of it, or be away: then the sweeper finds the work. Nothing here
raises, and nothing blocks for longer than its timeouts.
"""

import time
from collections.abc import Callable, Collection, Sequence
from typing import TypeVar
from uuid import UUID

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue

from core import log, metrics

__all__ = ["APPLY", "FINAL", "QUEUE", "SERIALIZER", "Doorbell", "client"]

QUEUE = "transfers"
FINAL = "final"  # the channel on which ids of transfers that became final are published, 16 bytes each
APPLY = "worker.jobs.apply"  # a name in worker/jobs.py; the only job there is
SERIALIZER = "json"  # pickle would run whatever somebody puts into Redis

TIMEOUT_S = 0.5  # the client's defaults blocked an enqueue for 59 s when packets were dropped
FLAG_TTL_S = 5  # heals a flag whose job was lost or whose worker died; longer than a drain's fair share. The sweeper comes before
RERUN_TTL_S = 60
REST_S = 1.0  # after a fault Redis is left alone for so long: a sweep of many shards must not wait for each one's timeout
JOB_TIMEOUT_S = 120  # a signal in the middle of a statement; far above every limit of Postgres, so that it never comes
RESULT_TTL_S = 10  # 0 would cost seven round trips more a job
JOB_TTL_S = 30  # one that nobody took: by then the sweeper has been there many times
FAILURE_TTL_S = 3600  # the default of a year fills Redis

Answer = TypeVar("Answer")

logger = log.get(__name__)


def client(url: str, timeout_s: float = TIMEOUT_S) -> redis.Redis:
    """Return a client that never repeats a command: a lost reply made the default one push a job twice."""
    return redis.Redis.from_url(url, socket_timeout=timeout_s, socket_connect_timeout=TIMEOUT_S, retry=Retry(NoBackoff(), 0))


class Doorbell:
    """Rings are coalesced: who raises a shard's flag enqueues the job, and the worker lowers the flag before its last look.

    So while a worker is at a shard nobody needs to ring for it, and a row committed after the last look finds no flag and rings
    again. A flag lasts for seconds: where no worker comes, jobs are enqueued anew, and those that nobody has taken expire.
    """

    def __init__(self, url: str) -> None:
        self._redis = client(url)
        self._queue = Queue(QUEUE, connection=self._redis, serializer=SERIALIZER)
        self._resting_until = 0.0

    def ring(self, shards: Collection[int]) -> bool:
        """Wake one worker for those of the shards whose flags are down. Call it after COMMIT alone.

        Returns False when Redis did not take it.
        """
        rung = self._try(lambda: self._ring(shards))
        if rung is None:
            metrics.DOORBELLS["lost"].inc(len(shards))
            return False
        metrics.DOORBELLS["rung"].inc(rung)
        metrics.DOORBELLS["coalesced"].inc(len(shards) - rung)
        return True

    def lower(self, shards: Collection[int]) -> None:
        """Take the shards' flags down: whoever commits from here on rings again. Look once more after this."""
        if shards:
            self._try(lambda: self._redis.delete(*(flag(shard) for shard in shards)))

    def adopt(self, shards: Collection[int]) -> list[int]:
        """Raise the flags that are down, without waking anybody: the caller will drain these shards. Returns them."""
        return self._try(lambda: self._raise_flags(shards) if shards else []) or []

    def is_silent(self) -> bool:
        """Tell whether no job waits for a worker."""
        return not self._try(lambda: self._redis.llen(self._queue.key))

    def pass_on(self, shards: Collection[int]) -> bool:
        """Wake another worker for shards that this one is at, flags up. Returns False when Redis did not take it."""
        return self._try(lambda: self._enqueue(shards)) is not None

    def ask_rerun(self, shards: Collection[int]) -> None:
        """Ask whoever drains these shards now to look once more. Try their locks once more after this."""
        self._try(lambda: self._set_reruns(shards))

    def rerun_asked(self, shards: Collection[int]) -> bool:
        """Tell, once, whether somebody asked. Call it after the locks of the last look are released."""
        return bool(self._try(lambda: self._take_reruns(shards)))

    def tell(self, ids: Sequence[UUID]) -> None:
        """Tell whoever waits for them that these transfers are final. Call it after COMMIT alone."""
        if ids:
            self._try(lambda: self._redis.publish(FINAL, b"".join(id.bytes for id in ids)))

    def is_reachable(self) -> bool:
        return self._try(self._redis.ping) is not None

    def close(self) -> None:
        self._redis.close()

    def _ring(self, shards: Collection[int]) -> int:
        silent = self._raise_flags(shards)
        if silent:
            self._enqueue(silent)
        return len(silent)

    def _raise_flags(self, shards: Collection[int]) -> list[int]:
        """Raise the flags that are down and return their shards. Under load most are up: one look at all of them is cheaper."""
        flags = self._redis.mget([flag(shard) for shard in shards])
        down = [shard for shard, value in zip(shards, flags, strict=True) if value is None]
        return self._raise(down) if down else []

    def _raise(self, shards: Collection[int]) -> list[int]:
        with self._redis.pipeline(transaction=False) as pipeline:
            for shard in shards:
                pipeline.set(flag(shard), 1, nx=True, ex=FLAG_TTL_S)
            return [shard for shard, raised in zip(shards, pipeline.execute(), strict=True) if raised]

    def _enqueue(self, shards: Collection[int]) -> bool:
        self._queue.enqueue(
            APPLY,
            list(shards),
            job_timeout=JOB_TIMEOUT_S,
            result_ttl=RESULT_TTL_S,
            failure_ttl=FAILURE_TTL_S,
            ttl=JOB_TTL_S,
            description=APPLY,
        )
        return True

    def _set_reruns(self, shards: Collection[int]) -> None:
        with self._redis.pipeline(transaction=False) as pipeline:
            for shard in shards:
                pipeline.set(rerun(shard), 1, ex=RERUN_TTL_S)
            pipeline.execute()

    def _take_reruns(self, shards: Collection[int]) -> bool:
        with self._redis.pipeline(transaction=False) as pipeline:
            for shard in shards:
                pipeline.getdel(rerun(shard))
            return any(pipeline.execute())

    def _try(self, command: Callable[[], Answer]) -> Answer | None:
        if time.monotonic() < self._resting_until:
            return None
        try:
            return command()
        except redis.RedisError as error:
            self._resting_until = time.monotonic() + REST_S
            logger.warning("doorbell out of reach", kind=type(error).__name__)
            return None


def flag(shard: int) -> str:
    return f"doorbell:{shard}"


def rerun(shard: int) -> str:
    return f"rerun:{shard}"
