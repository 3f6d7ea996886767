"""Prefer: wait. A request waits until its transfer is final, and holds no thread and no database connection while it waits."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from uuid import UUID

from fastapi import Request

from api.http.headers import preferred_wait_s
from api.intake.final_listener import FinalListener
from api.intake.micro_batches import MicroBatches
from core.errors import Unavailable
from core.postgres import deadline
from core.transfers import Transfer
from core.turns import OWNER

LOOK_UP_EVERY_S = 1.0  # also without a message from Redis, which may lose one

# Requests that wait in a process, about 10 KiB each. Beyond that a request is answered at once with the transfer as it is.
WAITING_MAX = 10_000
OWNER_WAITING_MAX = 5_000  # half, so that one owner leaves room for the others


class LongPoll:
    """Answers a request when its transfer is final, or when the time that it prefers to wait is over."""

    def __init__(self, listener: FinalListener, lookup: MicroBatches[UUID, Transfer | None]) -> None:
        self._listener = listener
        self._lookup = lookup
        self._by_owner: Counter[str] = Counter()

    async def wait_as_preferred(self, request: Request, transfer: Transfer) -> tuple[Transfer, dict[str, str]]:
        """Wait for the transfer's outcome as long as the request prefers to. Return the transfer, and headers for the response.

        When the process or the owner has its maximum of waiting requests, return the transfer as it is, without the header.
        """
        wait_s = preferred_wait_s(request)
        if wait_s is None:
            return transfer, {}
        if transfer.status == "queued":
            if not self.has_room(OWNER.get()):
                return transfer, {}
            transfer = await self.wait_until_final(request, transfer, wait_s)
        return transfer, {"Preference-Applied": f"wait={wait_s}"}

    async def wait_until_final(self, request: Request, transfer: Transfer, wait_s: float) -> Transfer:
        """Return the transfer as soon as it is final.

        Return it as it is after `wait_s` seconds, when the caller hangs up, and when the process begins to stop. While the database
        does not answer, the state last read counts; no error is raised.
        """
        until = time.monotonic() + wait_s
        with self._counted(OWNER.get()):
            async with self._listener.event_of(transfer.id) as published, hang_up_of(request) as hung_up:
                while True:
                    published.clear()
                    transfer = await self._look_up(transfer)
                    left_s = until - time.monotonic()
                    if transfer.status != "queued" or left_s <= 0 or hung_up.done() or is_stopping(request):
                        return transfer
                    await first_of(published, hung_up, min(left_s, LOOK_UP_EVERY_S))

    async def close(self) -> None:
        await self._listener.close()

    def count(self) -> int:
        """Return how many requests wait now."""
        return self._by_owner.total()

    def has_room(self, owner: str) -> bool:
        """Return whether one more request of this owner may wait."""
        return self._by_owner[owner] < OWNER_WAITING_MAX and self.count() < WAITING_MAX

    async def _look_up(self, last_read: Transfer) -> Transfer:
        deadline.start()
        with suppress(Unavailable):
            return await self._lookup.ask(last_read.id) or last_read
        return last_read

    @contextmanager
    def _counted(self, owner: str) -> Iterator[None]:
        self._by_owner[owner] += 1
        try:
            yield
        finally:
            self._by_owner[owner] -= 1
            if not self._by_owner[owner]:
                del self._by_owner[owner]


@asynccontextmanager
async def hang_up_of(request: Request) -> AsyncIterator["asyncio.Task[None]"]:
    """Yield a task that ends when the caller closes the connection. The body must have been read."""
    hung_up = asyncio.create_task(wait_for_hang_up(request))
    try:
        yield hung_up
    finally:
        hung_up.cancel()


async def wait_for_hang_up(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def first_of(published: asyncio.Event, hung_up: "asyncio.Task[None]", within_s: float) -> None:
    """Return when the event is set, when the task has ended, or after `within_s` seconds."""
    waits_for_event = asyncio.create_task(published.wait())
    waits: Sequence[asyncio.Task[object]] = [waits_for_event, hung_up]
    await asyncio.wait(waits, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
    waits_for_event.cancel()


def is_stopping(request: Request) -> bool:
    """Return whether the process has begun to stop: api/http/protocol.py sets this in the scope of each request in progress."""
    return bool(request.scope["state"].get("stopping"))
