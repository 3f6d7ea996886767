"""The connection that carries all hints of one process to Redis.

Redis may lose, repeat or delay any hint, or be away: the sweeper and the deliverer find the work without hints. So the protocols
raise nothing, and block for no longer than their timeouts.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import redis

from core import log
from core.redis.client import client
from core.redis.faults import NO_COMMAND, SENTINEL, WRONG_TYPE, Fault, fault_of
from core.redis.keys import FLAG_TTL_S, delete_wrong_types

__all__ = ["REST_S", "TIMEOUT_S", "UNTRUSTED", "HintProtocol", "Hints"]

RAISE_FLAGS = Path(__file__).with_name("raise_flags.lua").read_text()

TIMEOUT_S = 0.5  # A guess: a ring may wait for it. redis-py's defaults blocked an enqueue for 59 s while packets were dropped
REST_S = 1.0  # the pause after a fault: else a sweep of many shards would wait for a timeout per shard
LOG_AGAIN_AFTER_S = 60.0  # A guess. For a fault that lasts; another kind of fault is logged at once

# What redis-py can raise for a reply in a form that it does not expect. A hint needs no trust in Redis.
UNTRUSTED = (redis.RedisError, OSError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)

Reply = TypeVar("Reply")

logger = log.get(__name__)


class Hints:
    """Runs commands in Redis, and sends none for REST_S after a fault.

    No reply is trusted for more than a hint: values are not read, replies are bounded, a flag without an expiry counts as down, and
    a key of a wrong type is deleted.
    """

    def __init__(self, url: str) -> None:
        self.redis = client(url, TIMEOUT_S)
        self.fault: Fault | None = None  # of the last command
        self.resting_until = 0.0
        self._raise = self.redis.register_script(RAISE_FLAGS)
        self._logged: tuple[str, float] = ("", 0.0)  # kind and time of the last logged fault

    @property
    def is_resting(self) -> bool:
        """Whether commands are suppressed now, because of a fault."""
        return time.monotonic() < self.resting_until

    def attempt(self, command: Callable[[], Reply]) -> Reply | None:
        """Return the command's reply, or None after a fault and while commands are suppressed. Raises nothing."""
        if self.is_resting:
            return None
        try:
            reply = self.healed(command)
        except UNTRUSTED as error:
            self.fault = self.record(error, rests=True)
            return None
        self.fault = None
        return reply

    def healed(self, command: Callable[[], Reply]) -> Reply:
        """Return the command's reply. If a key of a wrong type made it fail, delete the key and repeat. Raises UNTRUSTED."""
        try:
            return command()
        except redis.ResponseError as error:
            if fault_of(error) is not WRONG_TYPE:
                raise
            delete_wrong_types(self.redis)
            return command()

    def record(self, error: Exception, *, rests: bool) -> Fault:
        """Log the error's fault and return it. If it `rests`, send no command for REST_S."""
        fault = self._fault_of(error)
        if rests:
            self.resting_until, self.fault = time.monotonic() + REST_S, fault
        self._log(fault, error)
        return fault

    def raise_flags(self, flags: Sequence[str]) -> list[int]:
        """Raise the flags that are down, atomically, and return their indexes. Raises UNTRUSTED."""
        places = self._raise(flags, [FLAG_TTL_S * 1000])
        return [place - 1 for place in places if 0 < place <= len(flags)]

    @contextmanager
    def lowering_if_refused(self, flags: Iterable[str]) -> Iterator[None]:
        """Lower the flags again if Redis refuses the job: flags that stay up would suppress the next ring."""
        try:
            yield
        except redis.ResponseError:
            self.redis.unlink(*flags)
            raise

    def close(self) -> None:
        self.redis.close()

    def _fault_of(self, error: Exception) -> Fault:
        """Return the fault of the error. After an unknown command, a reply to SENTINEL MASTERS means a Sentinel."""
        fault = fault_of(error)
        if fault is not NO_COMMAND:
            return fault
        try:
            self.redis.execute_command("SENTINEL", "MASTERS")  # type: ignore[no-untyped-call]
        except UNTRUSTED:
            return fault
        return SENTINEL

    def _log(self, fault: Fault, error: Exception) -> None:
        """Log a fault when its kind changes, else once in LOG_AGAIN_AFTER_S."""
        now = time.monotonic()
        if self._logged[0] == fault.kind and now < self._logged[1] + LOG_AGAIN_AFTER_S:
            return
        self._logged = (fault.kind, now)
        event = "doorbell refused" if fault.is_refusal else "doorbell out of reach"
        logger.warning(event, kind=fault.kind, error=type(error).__name__, advice=fault.advice)


class HintProtocol:
    """A protocol over hints. Several protocols may share one Hints: then they pause together, and closing one closes all."""

    def __init__(self, hints: Hints) -> None:
        self._hints = hints

    def close(self) -> None:
        self._hints.close()
