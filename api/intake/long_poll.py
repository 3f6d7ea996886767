"""Prefer: wait. Requests that stay until a transfer is final: thousands share one subscription and hold no database connection."""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from contextvars import Context
from uuid import UUID

from fastapi import Request
from redis import ConnectionError, RedisError
from redis.asyncio.client import PubSub

from api.http.parameters import preferred_wait_s
from api.intake.micro_batches import MicroBatches
from core import log
from core.errors import Unavailable
from core.postgres import deadline
from core.redis import client as redis_client
from core.redis.faults import fault_of
from core.redis.hints import UNTRUSTED
from core.redis.keys import FINAL
from core.transfers import Transfer
from core.turns import OWNER

READ_EVERY_S = 1.0  # also without news, which Redis may lose
SUBSCRIBED_WITHIN_S = 0.5
LISTEN_ON_S = 10.0  # after the last one has gone: the next one need not wait for the subscription
SILENT_MAX_S = 3.0  # each silent second a PING is sent: a subscription that answers none is half dead, and made anew
ID_BYTES = 16
NEWS_MAX_BYTES = 1000 * ID_BYTES  # a drain publishes at most 500 ids; what is longer comes from something else
NEWS_MAX_PER_S = 5000  # some five times what eight workers publish; beyond it the waiting look for themselves

# Requests that wait in a process, some 10 KiB each. Beyond that a request is answered at once with what is known.
WAITING_MAX = 10_000
OWNER_WAITING_MAX = 5_000

logger = log.get(__name__)


class Waiting:
    """Wakes requests when their transfer is final: workers publish which ones became so, after COMMIT."""

    def __init__(self, redis_url: str, lookup: MicroBatches[UUID, Transfer | None]) -> None:
        self._redis = redis_client.async_client(redis_url, SUBSCRIBED_WITHIN_S)
        self._lookup = lookup
        self._waiting: defaultdict[UUID, set[asyncio.Event]] = defaultdict(set)
        self._by_owner: Counter[str] = Counter()
        self._subscribed = asyncio.Event()
        self._listening: asyncio.Task[None] | None = None

    async def as_preferred(self, request: Request, transfer: Transfer) -> tuple[Transfer, dict[str, str]]:
        """Wait for the transfer's outcome as long as the request prefers to; return the transfer, and the headers that say so.

        When as many wait as may, the preference is not applied: the transfer is returned as it is.
        """
        wait_s = preferred_wait_s(request)
        if wait_s is None:
            return transfer, {}
        if transfer.status == "queued":
            if not self.has_room(OWNER.get()):
                return transfer, {}
            transfer = await self.until_final(request, transfer, wait_s)
        return transfer, {"Preference-Applied": f"wait={wait_s}"}

    async def until_final(self, request: Request, transfer: Transfer, wait_s: float) -> Transfer:
        """Return the transfer as soon as it is final, or as it is after `wait_s` seconds, or when the process is told to stop.

        When the caller hangs up, at once. A database that does not answer delays what is known, and raises nothing.
        """
        give_up = time.monotonic() + wait_s
        async with self._expecting(transfer.id) as news, hanging_up(request) as gone:
            while True:
                news.clear()
                transfer = await self._read(transfer)
                left_s = give_up - time.monotonic()
                if transfer.status != "queued" or left_s <= 0 or gone.done() or is_stopping(request):
                    return transfer
                await first_of(news, gone, min(left_s, READ_EVERY_S))

    def count(self) -> int:
        """Return how many wait now."""
        return self._by_owner.total()

    def has_room(self, owner: str) -> bool:
        """Tell whether one more request of this owner may wait."""
        return self._by_owner[owner] < OWNER_WAITING_MAX and self.count() < WAITING_MAX

    async def close(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait({self._listening})
        await self._redis.aclose()

    async def _read(self, known: Transfer) -> Transfer:
        deadline.start()
        with suppress(Unavailable):
            return await self._lookup.ask(known.id) or known
        return known

    @asynccontextmanager
    async def _expecting(self, id: UUID) -> AsyncIterator[asyncio.Event]:
        """Subscribe before the first look: what becomes final between the two would else be missed."""
        news, owner = asyncio.Event(), OWNER.get()
        self._waiting[id].add(news)
        self._by_owner[owner] += 1
        try:
            await self._subscribe()
            yield news
        finally:
            self._by_owner[owner] -= 1
            if not self._by_owner[owner]:
                del self._by_owner[owner]
            self._waiting[id].discard(news)
            if not self._waiting[id]:
                del self._waiting[id]

    async def _subscribe(self) -> None:
        if self._listening is None or self._listening.done():
            self._listening = asyncio.create_task(self._listen(), context=Context())  # of no request: it serves all
        with suppress(TimeoutError):
            async with asyncio.timeout(SUBSCRIBED_WITHIN_S):
                await self._subscribed.wait()

    async def _listen(self) -> None:
        """Listen while a request waits, and a little longer. Without Redis, try each second: the waiting look for themselves."""
        listen_until = time.monotonic() + LISTEN_ON_S
        while self._waiting or time.monotonic() < listen_until:
            if self._waiting:
                listen_until = time.monotonic() + LISTEN_ON_S
            try:
                async with self._redis.pubsub() as subscription:
                    await subscription.subscribe(FINAL)
                    listen_until = await self._pass_on_news(subscription, listen_until)
            except UNTRUSTED as error:
                logger.warning("news out of reach", kind=fault_of(error).kind, error=type(error).__name__)
                await asyncio.sleep(READ_EVERY_S)
            finally:
                self._subscribed.clear()

    async def _pass_on_news(self, subscription: PubSub, listen_until: float) -> float:
        """Raises RedisError: when Redis does, when it is silent, and when it sends more than workers publish."""
        watch = Watch()
        while self._waiting or time.monotonic() < listen_until:
            message = await subscription.get_message(timeout=READ_EVERY_S)
            if message is None:
                watch.silent()
                await subscription.ping()
                continue
            watch.heard()
            if message["type"] == "subscribe":
                self._subscribed.set()
            elif message["type"] == "message":
                self._pass_on(message["data"])
            await asyncio.sleep(0)  # messages that have come already are read without a turn for any request
            if self._waiting:
                listen_until = time.monotonic() + LISTEN_ON_S
        return listen_until

    def _pass_on(self, ids: object) -> None:
        """Wake the requests that wait for these ids. What no worker publishes is left out."""
        if not isinstance(ids, bytes) or len(ids) > NEWS_MAX_BYTES or len(ids) % ID_BYTES:
            return
        for start in range(0, len(ids), ID_BYTES):
            for news in self._waiting.get(UUID(bytes=ids[start : start + ID_BYTES]), ()):
                news.set()


class Watch:
    """Watches over a subscription: that it is not silent for long, and that it does not take all the time of the event loop."""

    def __init__(self) -> None:
        self._heard_at = self._second_began = time.monotonic()
        self._in_second = 0

    def silent(self) -> None:
        """Note that nothing came. Raises ConnectionError when that has been so for SILENT_MAX_S."""
        if time.monotonic() - self._heard_at > SILENT_MAX_S:
            raise ConnectionError("a subscription is silent")

    def heard(self) -> None:
        """Note that something came. Raises RedisError when that happened more than NEWS_MAX_PER_S times within a second."""
        self._heard_at = time.monotonic()
        if self._heard_at - self._second_began >= 1.0:
            self._second_began, self._in_second = self._heard_at, 0
        self._in_second += 1
        if self._in_second > NEWS_MAX_PER_S:
            raise RedisError("more news than workers publish")


@asynccontextmanager
async def hanging_up(request: Request) -> AsyncIterator["asyncio.Task[None]"]:
    """Give a task that is done when the caller has hung up. The body must have been read."""
    gone = asyncio.create_task(hang_up(request))
    try:
        yield gone
    finally:
        gone.cancel()


async def hang_up(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def first_of(news: asyncio.Event, gone: "asyncio.Task[None]", within_s: float) -> None:
    told = asyncio.create_task(news.wait())
    waits: Sequence[asyncio.Task[object]] = [told, gone]
    await asyncio.wait(waits, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
    told.cancel()


def is_stopping(request: Request) -> bool:
    """Tell whether the process has been told to stop: api/http/protocol.py notes it with each request under way."""
    return bool(request.scope["state"].get("stopping"))
