"""Rate limits: a token bucket for each key, in Redis for all processes. Without Redis each process keeps its own buckets."""

import asyncio
import math
import time
from pathlib import Path

import redis

from core import log
from core.redis import client as redis_client
from core.redis.faults import fault_of

TAKE_TOKEN = Path(__file__).with_name("take_token.lua").read_text()

TIMEOUT_S = 0.1  # for a reply of Redis; the request waits for it
AT_ONCE = 20  # requests that ask Redis at the same time, each over a connection of its own
WAIT_TIMEOUTS = 10  # timeouts that a request waits for a connection; each holder frees its connection after one timeout at most
TOKENS_MAX = 1000  # that one request takes: a whole batch of the API
REST_S = 1.0  # after a fault the process asks Redis nothing for so long. A guess
LOCAL_MAX = 10_000  # buckets that a process keeps without Redis; beyond that, full ones are dropped first

logger = log.get(__name__)


class RateLimit:
    """Token buckets that hold `burst` tokens and gain `per_s` tokens a second."""

    def __init__(self, redis_url: str, per_s: float, burst: int, *, timeout_s: float = TIMEOUT_S) -> None:
        self._redis = redis_client.async_client(redis_url, timeout_s)
        self._take = self._redis.register_script(TAKE_TOKEN)
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._turn_within_s = WAIT_TIMEOUTS * timeout_s
        self._token_s = 1 / per_s
        self._full_s = burst / per_s
        self._longest_s = TOKENS_MAX / per_s
        self._full_at: dict[str, float] = {}  # of local buckets, monotonic seconds
        self._resting_until = 0.0

    async def take(self, name: str, tokens: int) -> float:
        """Take tokens from this bucket. Return 0.0, or the seconds after which to try again: at most those of TOKENS_MAX.

        A request may overdraw the bucket if at least one token is left. Later requests wait until it has refilled. Never raises:
        without Redis the process uses a bucket of its own. Redis stores the name, so it must not be derived from a secret.
        """
        if time.monotonic() >= self._resting_until:
            try:
                return await self._take_in_redis(name, tokens)
            except (redis.RedisError, TimeoutError, TypeError, ValueError) as error:
                self._resting_until = time.monotonic() + REST_S
                logger.warning("buckets out of reach", kind=fault_of(error).kind, error=type(error).__name__)
        return self._take_locally(name, tokens)

    async def close(self) -> None:
        await self._redis.aclose()

    async def _take_in_redis(self, name: str, tokens: int) -> float:
        """Raises RedisError, TimeoutError when no connection is free in time, TypeError and ValueError for a bad reply."""
        async with asyncio.timeout(self._turn_within_s), self._turns:
            reply = await self._take([f"bucket:{name}"], [self._token_s, self._full_s, tokens, self._longest_s])
        wait_s = float(reply)
        if not math.isfinite(wait_s):
            raise ValueError("no finite wait")
        return min(max(wait_s, 0.0), self._longest_s)

    def _take_locally(self, name: str, tokens: int) -> float:
        """Do what take_token.lua does, with a bucket of this process."""
        now = time.monotonic()
        full_at = max(self._full_at.get(name, 0.0), now)
        wait_s = full_at + self._token_s - now - self._full_s
        if wait_s > 1e-6:
            return wait_s
        if len(self._full_at) >= LOCAL_MAX:
            self._full_at = {name: at for name, at in self._full_at.items() if at > now}
        self._full_at[name] = full_at + self._token_s * tokens
        return 0.0
