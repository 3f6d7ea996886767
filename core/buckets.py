"""The edge to Redis for rate limits: a token bucket a key, shared by all processes; without Redis each process has its own."""

import time
from pathlib import Path

from redis import RedisError
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from core import log

TAKE_TOKEN = Path(__file__).with_name("take_token.lua").read_text()

TIMEOUT_S = 0.1  # a request waits for it
CONNECTIONS = 20
WAIT_TIMEOUTS = 10  # for a free connection; each is free again after one at most
REST_S = 1.0  # after a fault Redis is left alone for so long
LOCAL_MAX = 10_000  # buckets that a process keeps; those that are full again go first

logger = log.get(__name__)


class Buckets:
    """Token buckets that hold `burst` tokens and get `per_s` new ones a second."""

    def __init__(self, redis_url: str, per_s: float, burst: int, *, timeout_s: float = TIMEOUT_S) -> None:
        self._redis = Redis.from_pool(
            BlockingConnectionPool.from_url(
                redis_url,
                max_connections=CONNECTIONS,
                timeout=WAIT_TIMEOUTS * timeout_s,
                socket_timeout=timeout_s,
                socket_connect_timeout=timeout_s,
                retry=Retry(NoBackoff(), 0),
            )
        )
        self._take = self._redis.register_script(TAKE_TOKEN)
        self._token_s = 1 / per_s
        self._full_s = burst / per_s
        self._full_at: dict[str, float] = {}  # of local buckets, monotonic seconds
        self._resting_until = 0.0

    async def take(self, name: str, tokens: int) -> float:
        """Take tokens from the bucket of this name. Returns 0.0, or the seconds after which to try again.

        Who finds one token may take more than there are; the next one then waits longer. Never raises: without Redis the bucket is
        this process's own.
        """
        if time.monotonic() >= self._resting_until:
            try:
                return float(await self._take([f"bucket:{name}"], [self._token_s, self._full_s, tokens]))
            except RedisError as error:
                self._resting_until = time.monotonic() + REST_S
                logger.warning("buckets out of reach", kind=type(error).__name__)
        return self._take_locally(name, tokens)

    async def close(self) -> None:
        await self._redis.aclose()

    def _take_locally(self, name: str, tokens: int) -> float:
        """The same as take_token.lua does."""
        now = time.monotonic()
        full_at = max(self._full_at.get(name, 0.0), now)
        wait_s = full_at + self._token_s - now - self._full_s
        if wait_s > 1e-6:
            return wait_s
        if len(self._full_at) >= LOCAL_MAX:
            self._full_at = {name: at for name, at in self._full_at.items() if at > now}
        self._full_at[name] = full_at + self._token_s * tokens
        return 0.0
