"""Reads that several open pages of one person need at the same time: the API is asked once a second."""

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable
from typing import Any

FRESH_S = 1.0  # the API's own answers about queue, processes and database are as old


class Shares:
    """Answers of the last second. Only pages of the same key share them, so each sees what its key may see."""

    def __init__(self) -> None:
        self._reads: dict[str, tuple[float, asyncio.Future[Any]]] = {}

    async def get(self, key: str, name: str, read: Callable[[], Awaitable[Any]]) -> Any:
        """Return what `read` returns, or what it returned within the last second for this key. Raises what it raises."""
        now = time.monotonic()
        self._reads = {place: kept for place, kept in self._reads.items() if now - kept[0] < FRESH_S}
        place = f"{name} {hashlib.sha256(key.encode()).hexdigest()}"
        if place not in self._reads:
            self._reads[place] = (now, asyncio.ensure_future(read()))
        return await asyncio.shield(self._reads[place][1])
