"""The gate refuses overload before anything is stored: a key that asks too fast, and a queue that has grown too long."""

import math

from api.admission.auth import Caller
from api.admission.backlog import Backlog
from api.admission.rate_limit import AT_ONCE as RATE_CONNECTIONS
from api.admission.rate_limit import RateLimit
from api.http.problems import Problem
from core.postgres.pool import POOL_TIMEOUT_S
from core.turns import Turns

# A guess. The rule: in the time after which callers come back, a worker should make room for many of them. It finishes thousands of
# transfers a second (docs/performance.md).
BACKLOG_RETRY_AFTER_S = 5

OWNER_RATE_CONNECTIONS = 5  # to Redis, of RATE_CONNECTIONS, that one owner's requests may hold: four owners must meet to take all
OWNER_WAITING_MAX = 1000  # requests of one owner that wait for them, in a process. A guess
BATCHES_READ_AT_ONCE = 4  # in a process, of four different owners. A guess
OWNER_BATCHES_WAITING_MAX = 64  # batches of one owner that wait to be read, in a process: up to 64 MiB of memory
BATCH_READ_WITHIN_S = 1.0


class Gate:
    """Decides, before anything is stored, whether a caller's transfers may be stored, and reserves their places in the backlog.

    A request waits for a connection to Redis no longer than for one to the database: POOL_TIMEOUT_S.
    """

    def __init__(self, backlog: Backlog, rate_limit: RateLimit | None) -> None:
        self._backlog = backlog
        self._rate_limit = rate_limit
        self._turns = Turns(RATE_CONNECTIONS, OWNER_RATE_CONNECTIONS, OWNER_WAITING_MAX, POOL_TIMEOUT_S)

    def start(self) -> None:
        self._backlog.start()

    async def stop(self) -> None:
        self._backlog.stop()
        if self._rate_limit is not None:
            await self._rate_limit.close()

    async def reserve(self, caller: Caller, transfers: int, tokens: int, *, waits: bool) -> Problem | None:
        """Reserve places for the caller's transfers, all or none. Return the problem that forbids it, or None.

        After None, `settle` must be called. Places are reserved before the INSERT, so that concurrent requests cannot exceed the
        limit together. `tokens` count against the key's rate; a request that finds no place costs one token. `waits`: some of the
        transfers wait for a time, or are holds, which wait for their end. They count with all others that do. Raises Busy and
        Unavailable.
        """
        if not self._backlog.reserve(caller, transfers):
            return await self.charge(caller, 1) or retry_after("backlog_full", BACKLOG_RETRY_AFTER_S)
        try:
            problem = await self.charge(caller, tokens)
            if problem is None and waits and not await self._backlog.has_room_for_due(caller):
                problem = retry_after("backlog_full", BACKLOG_RETRY_AFTER_S)
        except BaseException:
            self._backlog.settle(caller, transfers, 0)
            raise
        if problem is not None:
            self._backlog.settle(caller, transfers, 0)
        return problem

    async def charge(self, caller: Caller, tokens: int) -> Problem | None:
        """Take tokens from the key's rate. Return a problem when it has too few. Raises Busy."""
        if self._rate_limit is None:
            return None
        async with self._turns.turn(caller.turns):
            wait_s = await self._rate_limit.take(caller.key, tokens)
        return retry_after("rate_limited", wait_s) if wait_s else None

    async def charge_for(self, caller: Caller, problem: Problem) -> Problem:
        """Take one token for a request that has this problem. Return the problem, or "rate_limited" when no token is left."""
        return await self.charge(caller, 1) or problem

    def settle(self, caller: Caller, reserved: int, kept: int) -> None:
        """Free the reserved places except `kept`: the transfers that were stored, or may have been."""
        self._backlog.settle(caller, reserved, kept)


def retry_after(code: str, wait_s: float) -> Problem:
    return Problem(code, headers={"Retry-After": str(math.ceil(wait_s))})


def batch_turns() -> Turns:
    """Return the turns in which a process parses batches. Without them, an owner's batches hold the event loop for seconds."""
    return Turns(BATCHES_READ_AT_ONCE, 1, OWNER_BATCHES_WAITING_MAX, BATCH_READ_WITHIN_S)
