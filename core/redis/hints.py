"""The connection over which all hints of one process go to Redis.

Redis may lose, repeat or delay any hint, or be away: then the sweeper and the deliverer find the work. So nothing here raises, and
nothing blocks for longer than its timeouts.
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

TIMEOUT_S = 0.5  # a ring may wait for it; redis-py's defaults blocked an enqueue for 59 s when packets were dropped
REST_S = 1.0  # after a fault Redis is left alone for so long: a sweep of many shards must not wait for each one's timeout
SAY_AGAIN_AFTER_S = 60.0  # a fault that lasts is logged as often; another kind of fault at once

# What a reply of another form than redis-py expects can raise there. Redis is trusted for no more than a hint.
UNTRUSTED = (redis.RedisError, OSError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)

Reply = TypeVar("Reply")

logger = log.get(__name__)


class Hints:
    """Runs commands in Redis, and leaves Redis alone for REST_S after a fault.

    Nothing that Redis says is trusted for more than a hint: values are not read, replies are bounded, a flag that would stay up for
    ever counts as down, and a key of a wrong type is deleted.
    """

    def __init__(self, url: str) -> None:
        self.redis = client(url, TIMEOUT_S)
        self.fault: Fault | None = None  # of the last command
        self.resting_until = 0.0
        self._raise = self.redis.register_script(RAISE_FLAGS)
        self._logged: tuple[str, float] = ("", 0.0)  # the kind of the fault that was logged last, and when

    @property
    def is_resting(self) -> bool:
        """Whether Redis is left alone now, because of a fault."""
        return time.monotonic() < self.resting_until

    def attempt(self, command: Callable[[], Reply]) -> Reply | None:
        """Return the command's reply, or None when Redis did not take it, or is left alone now. Raises nothing."""
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
        """Return the command's reply; where a key of a wrong type refuses it, after that key is deleted. Raises UNTRUSTED."""
        try:
            return command()
        except redis.ResponseError as error:
            if fault_of(error) is not WRONG_TYPE:
                raise
            delete_wrong_types(self.redis)
            return command()

    def record(self, error: Exception, *, rests: bool) -> Fault:
        """Log what the error means, leave Redis alone for a while if it `rests`, and return the fault."""
        fault = self._fault_of(error)
        if rests:
            self.resting_until, self.fault = time.monotonic() + REST_S, fault
        self._log(fault, error)
        return fault

    def raise_flags(self, flags: Sequence[str]) -> list[int]:
        """Raise the flags that are down, in one step, and return their indexes. Raises UNTRUSTED."""
        places = self._raise(flags, [FLAG_TTL_S * 1000])
        return [place - 1 for place in places if 0 < place <= len(flags)]

    @contextmanager
    def lowering_if_refused(self, flags: Iterable[str]) -> Iterator[None]:
        """Lower flags again where Redis refuses the job that they stand for: up, they would keep the next ring from trying."""
        try:
            yield
        except redis.ResponseError:
            self.redis.unlink(*flags)
            raise

    def close(self) -> None:
        self.redis.close()

    def _fault_of(self, error: Exception) -> Fault:
        """Return what the error means. An unknown command means a Sentinel, if a command that only Sentinels know is answered."""
        fault = fault_of(error)
        if fault is not NO_COMMAND:
            return fault
        try:
            self.redis.execute_command("SENTINEL", "MASTERS")  # type: ignore[no-untyped-call]
        except UNTRUSTED:
            return fault
        return SENTINEL

    def _log(self, fault: Fault, error: Exception) -> None:
        """Log a fault when its kind changes, and once a minute."""
        now = time.monotonic()
        if self._logged[0] == fault.kind and now < self._logged[1] + SAY_AGAIN_AFTER_S:
            return
        self._logged = (fault.kind, now)
        event = "doorbell refused" if fault.is_refusal else "doorbell out of reach"
        logger.warning(event, kind=fault.kind, error=type(error).__name__, advice=fault.advice)


class HintProtocol:
    """A protocol over hints. Several may share the hints of a process, and then rest together; closing one closes them all."""

    def __init__(self, hints: Hints) -> None:
        self._hints = hints

    def close(self) -> None:
        self._hints.close()
