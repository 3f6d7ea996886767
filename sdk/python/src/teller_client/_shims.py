"""Where the clients differ: how a task sleeps, and how one is told to stop. `unasync` replaces each Async name by its Sync one."""

from __future__ import annotations

import asyncio
import threading
import time

import httpx

AsyncHttpxClient = httpx.AsyncClient
SyncHttpxClient = httpx.Client


async def async_sleep(seconds: float) -> None:
    await asyncio.sleep(seconds)


def sync_sleep(seconds: float) -> None:
    time.sleep(seconds)


class AsyncStop:
    """Set once, by any task of the same event loop."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def set(self) -> None:
        self._event.set()

    def is_set(self) -> bool:
        return self._event.is_set()

    async def wait(self, seconds: float) -> None:
        """Return after so many seconds, or when it is set."""
        try:
            await asyncio.wait_for(self._event.wait(), seconds)
        except asyncio.TimeoutError:
            return


class SyncStop:
    """Set once, by any thread."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        self._event.set()

    def is_set(self) -> bool:
        return self._event.is_set()

    def wait(self, seconds: float) -> None:
        """Return after so many seconds, or when it is set."""
        self._event.wait(seconds)
