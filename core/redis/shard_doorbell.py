"""The edge to Redis: a doorbell a shard, which wakes a worker up and carries no money, and one for all that deliver webhooks.

Everything here is a hint. Redis may lose, repeat or delay any of it, or be away: then the sweeper and the deliverer find the work.
Nothing here raises, and nothing blocks for longer than its timeouts.
"""

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TypeVar
from uuid import UUID, uuid4

import redis
from rq import Queue
from rq.job import Job

from core import log, metrics
from core.failpoint import failpoint
from core.redis import client as redis_client
from core.redis.faults import NO_COMMAND, SENTINEL, WRONG_TYPE, Fault, fault_of
from core.sharding import SHARDS_MAX

__all__ = ["APPLY", "DELIVER", "DELIVERIES", "FINAL", "QUEUE", "SERIALIZER", "Doorbell", "State", "client", "heal"]

RAISE_FLAGS = Path(__file__).with_name("raise_flags.lua").read_text()
LEAVE_SHARDS = Path(__file__).with_name("hand_over.lua").read_text()

QUEUE = "transfers"
DELIVERIES = "deliveries"  # a queue of its own: a listener pops from one queue alone, see worker/listen.py
PROBE = "probe"  # a queue of jobs that never run: `check` writes one and deletes it
FINAL = "final"  # the channel on which ids of transfers that became final are published, 16 bytes each
GATHERER = "gatherer"  # there while a worker waits for more on behalf of all
LEFT = "left-to-gatherer"  # the shards that others have left to it
APPLY = "worker.jobs.apply"  # names in worker/jobs.py; the only jobs there are, each on its own queue
DELIVER = "worker.jobs.deliver"
SERIALIZER = "json"  # a pickle in Redis would run as code

TIMEOUT_S = 0.5  # a ring may wait for it; redis-py's defaults blocked an enqueue for 59 s when packets were dropped
DELIVERIES_FLAG = "doorbell:deliveries"
FLAG_TTL_S = 5  # heals a flag whose job was lost or whose worker died; longer than a drain's fair share. The sweeper comes before
RERUN_TTL_S = 60
GATHERER_TTL_S = 5  # heals the place of a worker that died; a living one renews it with each look at what was left to it
REST_S = 1.0  # after a fault Redis is left alone for so long: a sweep of many shards must not wait for each one's timeout
SAY_AGAIN_AFTER_S = 60.0  # a fault that lasts is logged as often; another kind of fault at once
PROBE_EVERY_S = 1.0  # /readyz needs no key: what it writes to Redis is bounded
JOB_TIMEOUT_S = 120  # a signal in the middle of a statement; far above every limit of Postgres, so that it never comes
JOB_TTL_S = 30  # of a job that no worker took: by then the sweeper has been there many times
FAILURE_TTL_S = 3600  # of jobs whose worker died before it began; the default of a year fills Redis

# The types of the keys that last for as long as there is work. Flags and wishes are written and deleted whatever their type.
KEY_TYPES = {
    b"list": (f"rq:queue:{QUEUE}", f"rq:queue:{DELIVERIES}", f"rq:queue:{PROBE}"),
    b"set": ("rq:queues", LEFT),
    b"string": (GATHERER,),
}

# What a reply of another form than redis-py expects can raise there. Redis is trusted for no more than a doorbell.
UNTRUSTED = (redis.RedisError, OSError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)

Answer = TypeVar("Answer")

logger = log.get(__name__)


class State(NamedTuple):
    """What Redis does with doorbells. `fault` says why it does not take them."""

    is_reachable: bool
    takes_doorbells: bool
    fault: Fault | None


TAKEN = State(is_reachable=True, takes_doorbells=True, fault=None)


def client(url: str, timeout_s: float = TIMEOUT_S) -> redis.Redis:
    """Return a client that never repeats a command and reads no unbounded reply, see core/redis_client.py."""
    return redis_client.client(url, timeout_s)


class Doorbell:
    """Rings are coalesced: the process that raises a shard's flag enqueues the job. The worker lowers it before its last look.

    So no ring is needed while a worker is at a shard, and a row committed after the last look finds no flag and rings again. One
    worker may be the gatherer: it stays and waits for more. The others leave their shards to it, flags up: several that stayed
    would divide the same transfers into smaller transactions, which wait for each other's wallets. A flag lasts for seconds: where
    no worker comes, jobs are enqueued anew, and those that no worker took expire.

    All deliverers share one flag. It is not renewed: if it expires during a long run, one superfluous job is enqueued.

    Nothing that Redis says is trusted for more than a hint: values are not read, replies are bounded, what is no shard is left out.
    A flag that would stay up for ever counts as down, and a key of the wrong type is deleted.
    """

    def __init__(self, url: str) -> None:
        self._redis = client(url)
        self._queue = Queue(QUEUE, connection=self._redis, serializer=SERIALIZER)
        self._raise = self._redis.register_script(RAISE_FLAGS)
        self._leave = self._redis.register_script(LEAVE_SHARDS)
        self._deliveries = Queue(DELIVERIES, connection=self._redis, serializer=SERIALIZER)
        self._probe_queue = Queue(PROBE, connection=self._redis, serializer=SERIALIZER)
        self._resting_until = 0.0
        self._fault: Fault | None = None  # of the last command
        self._said: tuple[str, float] = ("", 0.0)  # the kind of the fault that was logged last, and when
        self._checked_at = 0.0
        self._state = TAKEN

    def ring(self, shards: Collection[int]) -> bool:
        """Wake one worker for those of the shards whose flags are down. Call it after COMMIT alone.

        Returns False when Redis did not take it.
        """
        rung = self._try(lambda: self._ring(shards))
        if rung is None:
            refused = self._fault is not None and self._fault.is_refusal
            metrics.DOORBELLS["refused" if refused else "lost"].inc(len(shards))
            return False
        metrics.DOORBELLS["rung"].inc(rung)
        metrics.DOORBELLS["coalesced"].inc(len(shards) - rung)
        return True

    def lower(self, shards: Collection[int]) -> None:
        """Take the shards' flags down: a commit from here on rings again. Look once more after this."""
        if shards:
            self._try(lambda: self._redis.unlink(*(flag(shard) for shard in shards)))

    def adopt(self, shards: Collection[int]) -> list[int]:
        """Raise the flags that are down, and enqueue no job: the caller will drain these shards. Returns them."""
        return self._try(lambda: self._raise_flags(shards) if shards else []) or []

    def become_gatherer(self) -> bool:
        """Take the gatherer's place, if it is free. Only the gatherer calls `take_left`, and `resign` in the end."""
        return bool(self._try(lambda: self._redis.set(GATHERER, 1, nx=True, ex=GATHERER_TTL_S)))

    def leave(self, shards: Collection[int]) -> bool:
        """Leave shards to the gatherer and return True; without one, lower their flags: then look once more."""
        keys, args = [GATHERER, LEFT, *map(flag, shards)], [GATHERER_TTL_S * 1000, *shards]
        is_left = bool(shards) and bool(self._try(lambda: self._leave(keys, args)))
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
        """Ask the worker that drains these shards now to look once more. Try their locks once more after this."""
        self._try(lambda: self._set_reruns(shards))

    def rerun_asked(self, shards: Collection[int]) -> bool:
        """Tell, once, whether another worker asked. Call it after the locks of the last look are released."""
        return bool(shards) and bool(self._try(lambda: self._redis.unlink(*map(rerun, shards))))

    def ring_deliverer(self) -> None:
        """Wake one deliverer, unless the flag is up: then one is at it, or will be at once. Call it after COMMIT alone."""
        self._try(self._ring_deliverer)

    def lower_deliveries(self) -> None:
        """Take the deliverers' flag down: a commit from here on rings again. Look once more for what is due after this."""
        self._try(lambda: self._redis.unlink(DELIVERIES_FLAG))

    def tell(self, ids: Sequence[UUID]) -> None:
        """Publish that these transfers are final. Call it after COMMIT alone."""
        if ids:
            failpoint("doorbell.before_tell")
            self._try(lambda: self._redis.publish(FINAL, b"".join(id.bytes for id in ids)))

    def check(self) -> State:
        """Return what Redis does with doorbells: each command that a ring and a worker need is tried, at most once a second."""
        if time.monotonic() >= self._checked_at + PROBE_EVERY_S:
            fault = self._look()
            self._state = State(fault is None or fault.is_refusal, fault is None, fault)
            self._checked_at = time.monotonic()
        return self._state

    def close(self) -> None:
        self._redis.close()

    def _ring(self, shards: Collection[int]) -> int:
        failpoint("doorbell.before_flags")
        silent = self._raise_flags(shards)
        if silent:
            with self._down_again_if_refused(map(flag, silent)):
                self._enqueue(silent)
        return len(silent)

    @contextmanager
    def _down_again_if_refused(self, flags: Iterable[str]) -> Iterator[None]:
        """Take flags down again where Redis refuses the job that they stand for: up, they would keep the next ring from trying."""
        try:
            yield
        except redis.ResponseError:
            self._redis.unlink(*flags)
            raise

    def _raise_flags(self, shards: Collection[int]) -> list[int]:
        """Raise the flags that are down and return their shards."""
        given = list(shards)
        places = self._raise([flag(shard) for shard in given], [FLAG_TTL_S * 1000])
        return [given[place - 1] for place in places if 0 < place <= len(given)]

    def _enqueue(self, shards: Collection[int]) -> bool:
        failpoint("doorbell.before_enqueue")
        enqueue(self._queue, APPLY, list(shards))
        failpoint("doorbell.after_enqueue")
        return True

    def _take_left(self, place_for_s: int) -> list[int]:
        """Take what was left, and keep the gatherer's place for so many seconds more, in one step.

        No more is read than there can be shards; the rest of a larger set is thrown away.
        """
        with self._redis.pipeline() as transaction:
            transaction.spop(LEFT, SHARDS_MAX)
            transaction.unlink(LEFT)
            transaction.expire(GATHERER, place_for_s)
            left, _, _ = transaction.execute()
        return [int(shard) for shard in left if shard.isdigit() and len(shard) <= 4 and int(shard) < SHARDS_MAX]

    def _ring_deliverer(self) -> None:
        if self._raise([DELIVERIES_FLAG], [FLAG_TTL_S * 1000]):
            with self._down_again_if_refused([DELIVERIES_FLAG]):
                enqueue(self._deliveries, DELIVER)

    def _set_reruns(self, shards: Collection[int]) -> None:
        with self._redis.pipeline(transaction=False) as pipeline:
            for shard in shards:
                pipeline.set(rerun(shard), 1, ex=RERUN_TTL_S)
            pipeline.execute()

    def _look(self) -> Fault | None:
        """Probe Redis, unless it is left alone now, and return what is wrong with it.

        What the probe alone is refused (the right to publish) keeps no ring from trying.
        """
        if time.monotonic() < self._resting_until:
            return self._fault
        try:
            self._healed(self._probe)
        except UNTRUSTED as error:
            return self._note(error, rests=not fault_of(error).is_refusal)
        return None

    def _probe(self) -> bool:
        """Do what a ring, a worker and the waiting do, under keys of its own. Raises what _try handles."""
        marks = [f"{PROBE}:{uuid4().hex}" for _ in range(2)]  # two keys: a cluster refuses a script with keys in two slots
        self._raise(marks, [FLAG_TTL_S * 1000])
        job = enqueue(self._probe_queue, APPLY)
        with self._redis.pipeline(transaction=True) as transaction:
            transaction.lpop(self._probe_queue.key)
            transaction.hget(job.key, "data")
            transaction.llen(self._probe_queue.key)
            transaction.publish(FINAL, b"")
            transaction.unlink(job.key, self._probe_queue.key, *marks)
            transaction.execute()
        return True

    def _try(self, command: Callable[[], Answer]) -> Answer | None:
        if time.monotonic() < self._resting_until:
            return None
        try:
            answer = self._healed(command)
        except UNTRUSTED as error:
            self._fault = self._note(error, rests=True)
            return None
        self._fault = None
        return answer

    def _note(self, error: Exception, *, rests: bool) -> Fault:
        """Log what the error means, leave Redis alone for a while if it `rests`, and return the fault."""
        fault = self._fault_of(error)
        if rests:
            self._resting_until, self._fault = time.monotonic() + REST_S, fault
        self._say(fault, error)
        return fault

    def _healed(self, command: Callable[[], Answer]) -> Answer:
        """Return what the command does; where a key of the wrong type refuses it, after that key is gone."""
        try:
            return command()
        except redis.ResponseError as error:
            if fault_of(error) is not WRONG_TYPE:
                raise
            heal(self._redis)
            return command()

    def _fault_of(self, error: Exception) -> Fault:
        """Return what the error means. That a command is unknown means a Sentinel, where one answers what only Sentinels answer."""
        fault = fault_of(error)
        if fault is not NO_COMMAND:
            return fault
        try:
            self._redis.execute_command("SENTINEL", "MASTERS")  # type: ignore[no-untyped-call]
        except UNTRUSTED:
            return fault
        return SENTINEL

    def _say(self, fault: Fault, error: Exception) -> None:
        """Log a fault when its kind changes, and once a minute."""
        now = time.monotonic()
        if self._said[0] == fault.kind and now < self._said[1] + SAY_AGAIN_AFTER_S:
            return
        self._said = (fault.kind, now)
        event = "doorbell refused" if fault.is_refusal else "doorbell out of reach"
        logger.warning(event, kind=fault.kind, error=type(error).__name__, advice=fault.advice)


def heal(connection: redis.Redis) -> None:
    """Delete those of the lasting keys that have the wrong type: something else has written them. Raises RedisError."""
    keys = [(key, kind) for kind, of_kind in KEY_TYPES.items() for key in of_kind]
    with connection.pipeline(transaction=False) as pipeline:
        for key, _ in keys:
            pipeline.type(key)
        found = pipeline.execute()
    wrong = [key for (key, kind), is_of in zip(keys, found, strict=True) if is_of not in (kind, b"none")]
    if wrong:
        logger.warning("keys of a wrong type deleted", keys=wrong)
        connection.unlink(*wrong)


def enqueue(queue: Queue, job: str, *args: object) -> Job:
    return queue.enqueue(
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
