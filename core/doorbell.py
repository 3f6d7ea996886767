"""The edge to Redis: a doorbell a shard, which wakes a worker up and carries no money, and one for all that deliver webhooks.

Everything here is a hint. Redis may lose, repeat or delay any of it, or be away: then the sweeper and the deliverer find the work.
Nothing here raises, and nothing blocks for longer than its timeouts.
"""

import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue

from core import log, metrics
from core.failpoint import failpoint

__all__ = ["APPLY", "DELIVER", "DELIVERIES", "FINAL", "QUEUE", "SERIALIZER", "Doorbell", "client"]

LEAVE_SHARDS = Path(__file__).with_name("leave_shards.lua").read_text()

QUEUE = "transfers"
DELIVERIES = "deliveries"  # a queue of its own: who listens to two loses jobs, see worker/listen.py
FINAL = "final"  # the channel on which ids of transfers that became final are published, 16 bytes each
GATHERER = "gatherer"  # there while a worker waits for more on behalf of all
LEFT = "left-to-gatherer"  # the shards that others have left to it
APPLY = "worker.jobs.apply"  # names in worker/jobs.py; the only jobs there are, each on its own queue
DELIVER = "worker.jobs.deliver"
SERIALIZER = "json"  # pickle would run whatever somebody puts into Redis

TIMEOUT_S = 0.5  # the client's defaults blocked an enqueue for 59 s when packets were dropped
DELIVERIES_FLAG = "doorbell:deliveries"
FLAG_TTL_S = 5  # heals a flag whose job was lost or whose worker died; longer than a drain's fair share. The sweeper comes before
RERUN_TTL_S = 60
GATHERER_TTL_S = 5  # heals the place of a worker that died; who lives renews it with each look at what was left to it
FEW = 2  # shards, whose flags are raised without a look at them: a round trip less for a transfer that comes alone
REST_S = 1.0  # after a fault Redis is left alone for so long: a sweep of many shards must not wait for each one's timeout
JOB_TIMEOUT_S = 120  # a signal in the middle of a statement; far above every limit of Postgres, so that it never comes
JOB_TTL_S = 30  # one that nobody took: by then the sweeper has been there many times
FAILURE_TTL_S = 3600  # of jobs whose worker died before it began; the default of a year fills Redis

Answer = TypeVar("Answer")

logger = log.get(__name__)


def client(url: str, timeout_s: float = TIMEOUT_S) -> redis.Redis:
    """Return a client that never repeats a command: a lost reply made the default one push a job twice."""
    return redis.Redis.from_url(url, socket_timeout=timeout_s, socket_connect_timeout=TIMEOUT_S, retry=Retry(NoBackoff(), 0))


class Doorbell:
    """Rings are coalesced: who raises a shard's flag enqueues the job, and the worker lowers the flag before its last look.

    So while a worker is at a shard nobody needs to ring for it, and a row committed after the last look finds no flag and rings
    again. One worker may be the gatherer: it stays and waits for more. The others leave their shards to it, flags up: several who
    stayed would divide the same transfers into smaller transactions, which wait for each other's wallets. A flag lasts for seconds:
    where no worker comes, jobs are enqueued anew, and those that nobody has taken expire.

    All deliverers share one flag. Nobody renews it: when it expires while one is busy, the next ring costs a job that nobody needs.
    """

    def __init__(self, url: str) -> None:
        self._redis = client(url)
        self._queue = Queue(QUEUE, connection=self._redis, serializer=SERIALIZER)
        self._leave = self._redis.register_script(LEAVE_SHARDS)
        self._deliveries = Queue(DELIVERIES, connection=self._redis, serializer=SERIALIZER)
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

    def become_gatherer(self) -> bool:
        """Take the gatherer's place, if it is free. Only the gatherer calls `take_left`, and `resign` in the end."""
        return bool(self._try(lambda: self._redis.set(GATHERER, 1, nx=True, ex=GATHERER_TTL_S)))

    def leave(self, shards: Collection[int]) -> bool:
        """Leave shards to the gatherer and return True; without one, lower their flags: then look once more."""
        is_left = bool(shards) and bool(self._try(lambda: self._leave([GATHERER, LEFT, *map(flag, shards)], shards)))
        failpoint("doorbell.after_leave")
        return is_left

    def take_left(self) -> list[int]:
        """Return the shards that others have left to the gatherer."""
        return self._try(lambda: self._take_left(GATHERER_TTL_S)) or []

    def resign(self) -> list[int]:
        """Free the gatherer's place, and return the shards that were left to it: the caller drains them, or rings for them."""
        return self._try(lambda: self._take_left(0)) or []

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

    def ring_deliverer(self) -> None:
        """Wake one deliverer, unless the flag is up: then one is at it, or will be at once. Call it after COMMIT alone."""
        self._try(self._ring_deliverer)

    def lower_deliveries(self) -> None:
        """Take the deliverers' flag down: whoever commits from here on rings again. Look once more for what is due after this."""
        self._try(lambda: self._redis.delete(DELIVERIES_FLAG))

    def tell(self, ids: Sequence[UUID]) -> None:
        """Tell whoever waits for them that these transfers are final. Call it after COMMIT alone."""
        if ids:
            failpoint("doorbell.before_tell")
            self._try(lambda: self._redis.publish(FINAL, b"".join(id.bytes for id in ids)))

    def is_reachable(self) -> bool:
        return self._try(self._redis.ping) is not None

    def close(self) -> None:
        self._redis.close()

    def _ring(self, shards: Collection[int]) -> int:
        failpoint("doorbell.before_flags")
        silent = self._raise_flags(shards)
        if silent:
            self._enqueue(silent)
        return len(silent)

    def _raise_flags(self, shards: Collection[int]) -> list[int]:
        """Raise the flags that are down and return their shards. Under load most are up: one look at all of them is cheaper."""
        if len(shards) <= FEW:
            return self._raise(shards)
        flags = self._redis.mget([flag(shard) for shard in shards])
        down = [shard for shard, value in zip(shards, flags, strict=True) if value is None]
        return self._raise(down) if down else []

    def _raise(self, shards: Collection[int]) -> list[int]:
        with self._redis.pipeline(transaction=False) as pipeline:
            for shard in shards:
                pipeline.set(flag(shard), 1, nx=True, ex=FLAG_TTL_S)
            return [shard for shard, raised in zip(shards, pipeline.execute(), strict=True) if raised]

    def _enqueue(self, shards: Collection[int]) -> bool:
        failpoint("doorbell.before_enqueue")
        enqueue(self._queue, APPLY, list(shards))
        failpoint("doorbell.after_enqueue")
        return True

    def _take_left(self, place_for_s: int) -> list[int]:
        """Take what was left, and keep the gatherer's place for so many seconds more, in one step."""
        with self._redis.pipeline() as transaction:
            transaction.smembers(LEFT)
            transaction.delete(LEFT)
            transaction.expire(GATHERER, place_for_s)
            left, _, _ = transaction.execute()
        return [int(shard) for shard in left]

    def _ring_deliverer(self) -> None:
        if self._redis.set(DELIVERIES_FLAG, 1, nx=True, ex=FLAG_TTL_S):
            enqueue(self._deliveries, DELIVER)

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


def enqueue(queue: Queue, job: str, *args: object) -> None:
    queue.enqueue(
        job,
        *args,
        job_timeout=JOB_TIMEOUT_S,
        failure_ttl=FAILURE_TTL_S,
        ttl=JOB_TTL_S,
        description=job,
    )


def flag(shard: int) -> str:
    return f"doorbell:{shard}"


def rerun(shard: int) -> str:
    return f"rerun:{shard}"
