"""Reads that several open pages of one person need at the same time: the API is asked once a second, or less often."""

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable
from typing import Any

FRESH_S = 1.0  # the API's own answers about queue, processes and database are as old
AT_ONCE = 4  # as of names: more would delay other callers of the API


class Shares:
    """Answers while they are fresh. Only pages of the same key share them, so each sees what its key may see.

    Reads that are `many` on one page are made AT_ONCE at a time, those of all people together.
    """

    def __init__(self) -> None:
        self._reads: dict[str, tuple[float, asyncio.Future[Any]]] = {}
        self._turn = asyncio.Semaphore(AT_ONCE)

    async def get(
        self, key: str, name: str, read: Callable[[], Awaitable[Any]], *, fresh_s: float = FRESH_S, many: bool = False
    ) -> Any:
        """Return what `read` returns, or what it returned for this key within `fresh_s`. Raises what it raises.

        A read that failed is not shared with later pages.
        """
        now = time.monotonic()
        self._reads = {place: kept for place, kept in self._reads.items() if now < ends_at(*kept)}
        place = f"{name} {hashlib.sha256(key.encode()).hexdigest()}"
        if place not in self._reads:
            self._reads[place] = (now + fresh_s, asyncio.ensure_future(self._in_turn(read) if many else read()))
        return await asyncio.shield(self._reads[place][1])

    async def _in_turn(self, read: Callable[[], Awaitable[Any]]) -> Any:
        async with self._turn:
            return await read()


def ends_at(until: float, reading: asyncio.Future[Any]) -> float:
    """Return until when a read is shared. One that has failed is not: the next page asks again."""
    failed = reading.done() and (reading.cancelled() or reading.exception() is not None)
    return 0.0 if failed else until
