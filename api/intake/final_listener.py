"""One subscription to Redis for each API process: it sets the events of requests whose transfer has become final.

Workers publish the ids of final transfers after COMMIT (core/redis/final_news.py). Redis may lose a message, so a waiting request
also looks its transfer up every second (api/intake/long_poll.py). The listener subscribes when the first request waits.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from contextvars import Context
from uuid import UUID

from redis import ConnectionError, RedisError
from redis.asyncio.client import PubSub

from core import log
from core.redis import client as redis_client
from core.redis.faults import fault_of
from core.redis.hints import UNTRUSTED
from core.redis.keys import FINAL

POLL_S = 1.0  # without a message for this long the listener sends a PING; after a fault it reconnects this much later
SUBSCRIBED_WITHIN_S = 0.5  # a request waits this long for a new subscription, then looks its transfer up. A guess.
LISTEN_ON_S = 10.0  # the subscription stays open this long after the last waiting request, for the next one. A guess.
SILENT_MAX_S = 3.0  # three PINGs without an answer: the connection is half open, and the listener makes another one
ID_BYTES = 16
NEWS_MAX_BYTES = 1000 * ID_BYTES  # a drain publishes at most 500 ids; a longer message is not from a worker
NEWS_MAX_PER_S = 5000  # about five times what eight workers publish; beyond it the listener drops the connection

logger = log.get(__name__)


class FinalListener:
    """Sets an event for each request that waits for a transfer, when a worker publishes the transfer's id."""

    def __init__(self, redis_url: str) -> None:
        self._redis = redis_client.async_client(redis_url, SUBSCRIBED_WITHIN_S)
        self._events: defaultdict[UUID, set[asyncio.Event]] = defaultdict(set)  # by transfer
        self._subscribed = asyncio.Event()
        self._listening: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def event_of(self, id: UUID) -> AsyncIterator[asyncio.Event]:
        """Yield an event that is set each time a worker publishes this id.

        The subscription is made first, at most SUBSCRIBED_WITHIN_S later. A transfer that becomes final after that sets the event.
        """
        event = asyncio.Event()
        self._events[id].add(event)
        try:
            await self._subscribe()
            yield event
        finally:
            self._events[id].discard(event)
            if not self._events[id]:
                del self._events[id]

    def is_subscribed(self) -> bool:
        return self._subscribed.is_set()

    def is_listening(self) -> bool:
        """Return whether the task that reads from Redis, or tries to, runs."""
        return self._listening is not None and not self._listening.done()

    async def close(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait({self._listening})
        await self._redis.aclose()

    async def _subscribe(self) -> None:
        if not self.is_listening():
            self._listening = asyncio.create_task(self._listen(), context=Context())  # of no request: the task serves all of them
        with suppress(TimeoutError):
            async with asyncio.timeout(SUBSCRIBED_WITHIN_S):
                await self._subscribed.wait()

    async def _listen(self) -> None:
        """Listen while a request waits, and LISTEN_ON_S longer. After a fault of Redis, subscribe again POLL_S later."""
        listen_until = time.monotonic() + LISTEN_ON_S
        while self._events or time.monotonic() < listen_until:
            if self._events:
                listen_until = time.monotonic() + LISTEN_ON_S
            try:
                async with self._redis.pubsub() as subscription:
                    await subscription.subscribe(FINAL)
                    listen_until = await self._read_messages(subscription, listen_until)
            except UNTRUSTED as error:
                logger.warning("news out of reach", kind=fault_of(error).kind, error=type(error).__name__)
                await asyncio.sleep(POLL_S)
            finally:
                self._subscribed.clear()

    async def _read_messages(self, subscription: PubSub, listen_until: float) -> float:
        """Read messages until `listen_until`, and return it: while a request waits it is moved LISTEN_ON_S ahead.

        Raises RedisError: when Redis does, when it is silent, and when it sends more than workers publish.
        """
        watch = Watch()
        while self._events or time.monotonic() < listen_until:
            message = await subscription.get_message(timeout=POLL_S)
            if message is None:
                watch.silent()
                await subscription.ping()
                continue
            watch.heard()
            if message["type"] == "subscribe":
                self._subscribed.set()
            elif message["type"] == "message":
                self._set_events(message["data"])
            await asyncio.sleep(0)  # get_message does not yield while messages are buffered: requests get a turn here
            if self._events:
                listen_until = time.monotonic() + LISTEN_ON_S
        return listen_until

    def _set_events(self, ids: object) -> None:
        """Set the events of these ids, 16 bytes each. Skip a message of any other form: no worker has sent it."""
        if not isinstance(ids, bytes) or len(ids) > NEWS_MAX_BYTES or len(ids) % ID_BYTES:
            return
        for start in range(0, len(ids), ID_BYTES):
            for event in self._events.get(UUID(bytes=ids[start : start + ID_BYTES]), ()):
                event.set()


class Watch:
    """Checks a subscription: it may be silent for SILENT_MAX_S, and bring NEWS_MAX_PER_S messages a second."""

    def __init__(self) -> None:
        self._heard_at = self._second_began = time.monotonic()
        self._messages_in_second = 0

    def silent(self) -> None:
        """Record that no message came. Raises ConnectionError when none has come for SILENT_MAX_S."""
        if time.monotonic() - self._heard_at > SILENT_MAX_S:
            raise ConnectionError("a subscription is silent")

    def heard(self) -> None:
        """Record a message. Raises RedisError when it is one more than NEWS_MAX_PER_S within a second."""
        self._heard_at = time.monotonic()
        if self._heard_at - self._second_began >= 1.0:
            self._second_began, self._messages_in_second = self._heard_at, 0
        self._messages_in_second += 1
        if self._messages_in_second > NEWS_MAX_PER_S:
            raise RedisError("more news than workers publish")
