"""Rings the doorbells of shards from a thread of its own, and collects rings under load."""

import asyncio
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor

from core.redis.shard_doorbell import ShardDoorbell

# Under load a worker looks at its shards again for longer than this (worker/ledger/shards.py), so a ring may wait this long.
RING_AGAIN_AFTER_S = 0.01
BUSY_FROM = 8  # submissions at a ring that count as load. A guess.


class Ringer:
    """Rings for shards without blocking the event loop. Rings that are asked for while one is sent go out together."""

    def __init__(self, doorbell: ShardDoorbell) -> None:
        self._doorbell = doorbell
        self._to_ring: list[int] = []  # one shard for each stored submission
        self._unlocked: list[int] = []  # one shard for each cancellation
        self._ringing: asyncio.Task[None] | None = None
        # Not asyncio.to_thread: its threads also serve other requests, such as /metrics, and a slow Redis would occupy them.
        self._thread = ThreadPoolExecutor(1, "doorbell")

    def ring(self, shards: Sequence[int]) -> None:
        """Ring for these shards soon: at once, or up to RING_AGAIN_AFTER_S after a ring under load."""
        self._to_ring += shards
        self._begin()

    def ring_if_asked(self, shard: int) -> None:
        """Ring for this shard, which this process has locked and released, if a worker has passed it by."""
        self._unlocked.append(shard)
        self._begin()

    async def stop(self) -> None:
        """Send the rings that were asked for, then stop."""
        if self._ringing is not None:
            await asyncio.wait({self._ringing})
        self._thread.shutdown(wait=False)

    def _begin(self) -> None:
        if (self._to_ring or self._unlocked) and (self._ringing is None or self._ringing.done()):
            self._ringing = asyncio.create_task(self._ring_until_none_is_left())

    async def _ring_until_none_is_left(self) -> None:
        while self._to_ring or self._unlocked:
            shards, self._to_ring = self._to_ring, []
            unlocked, self._unlocked = self._unlocked, []
            await asyncio.get_running_loop().run_in_executor(self._thread, self._send, set(shards), set(unlocked))
            if len(shards) >= BUSY_FROM:
                await asyncio.sleep(RING_AGAIN_AFTER_S)

    def _send(self, shards: Collection[int], unlocked: Collection[int]) -> None:
        if unlocked:
            self._doorbell.ring_if_asked(unlocked)
        if shards:
            self._doorbell.ring(shards)
