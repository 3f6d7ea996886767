"""Probes whether Redis accepts doorbells: for readiness, metrics and the log of a start."""

import time
from typing import NamedTuple
from uuid import uuid4

from rq import Queue

from core.redis.faults import Fault, fault_of
from core.redis.hints import UNTRUSTED, HintProtocol, Hints
from core.redis.jobs import APPLY, SERIALIZER, enqueue
from core.redis.keys import FINAL, PROBE

__all__ = ["Probe", "State"]

PROBE_EVERY_S = 1.0  # /readyz needs no API key: this bounds the writes that its callers can cause


class State(NamedTuple):
    """Whether Redis is reachable and accepts doorbells. `fault` is the reason if not."""

    is_reachable: bool
    takes_doorbells: bool
    fault: Fault | None


TAKEN = State(is_reachable=True, takes_doorbells=True, fault=None)


class Probe(HintProtocol):
    """Tries out, on keys of its own, the commands that doorbells, jobs and news of final transfers need."""

    def __init__(self, hints: Hints) -> None:
        super().__init__(hints)
        self._queue = Queue(PROBE, connection=hints.redis, serializer=SERIALIZER)
        self._checked_at = 0.0
        self._state = TAKEN

    def check(self) -> State:
        """Return the state of Redis. Executes each command that a ring and a worker need, at most once a second."""
        if time.monotonic() >= self._checked_at + PROBE_EVERY_S:
            fault = self._look()
            self._state = State(fault is None or fault.is_refusal, fault is None, fault)
            self._checked_at = time.monotonic()
        return self._state

    def _look(self) -> Fault | None:
        """Probe Redis, unless commands are suppressed now, and return its fault.

        A refusal does not suppress rings: a ring may need fewer rights than the probe (not that to publish).
        """
        if self._hints.is_resting:
            return self._hints.fault
        try:
            self._hints.healed(self._try_out)
        except UNTRUSTED as error:
            return self._hints.record(error, rests=not fault_of(error).is_refusal)
        return None

    def _try_out(self) -> bool:
        """Execute the commands of a ring, a worker and a waiting request. Raises UNTRUSTED."""
        marks = [f"{PROBE}:{uuid4().hex}" for _ in range(2)]  # two keys: a cluster refuses a script with keys in two slots
        self._hints.raise_flags(marks)
        job = enqueue(self._queue, APPLY)
        with self._hints.redis.pipeline(transaction=True) as transaction:
            transaction.lpop(self._queue.key)
            transaction.hget(job.key, "data")
            transaction.llen(self._queue.key)
            transaction.publish(FINAL, b"")
            transaction.unlink(job.key, self._queue.key, *marks)
            transaction.execute()
        return True
