"""Waiting for outcomes, inside one process: who is told, and what is left of those who have gone."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

from fastapi import Request

from api.micro_batches import MicroBatches
from api.waiting import Waiting
from core import ids, transfers
from core.doorbell import Doorbell
from core.transfers import Transfer
from local.redis import Redis
from tests.waiting import wait_for
from tests.world import World, deposit

Use = Callable[[Waiting, MicroBatches[UUID, Transfer | None]], Awaitable[None]]


def use(world: World, redis: Redis, work: Use) -> None:
    async def with_lookup(database: Any) -> None:
        async def find(wanted: Sequence[UUID]) -> Sequence[Transfer | None]:
            return await transfers.find_all(database, wanted)

        lookup: MicroBatches[UUID, Transfer | None] = MicroBatches(find, 100)
        lookup.start()
        waiting = Waiting(redis.url, lookup)
        await work(waiting, lookup)
        await waiting.close()
        lookup.stop()

    world.ask(with_lookup)


def request_of(gone: asyncio.Event) -> Request:
    async def receive() -> dict[str, str]:
        await gone.wait()
        return {"type": "http.disconnect"}

    return Request({"type": "http", "state": {}, "headers": []}, receive)


def test_a_caller_who_hangs_up_frees_its_place_at_once(world: World, own_redis: Redis) -> None:
    sent = deposit(world.new_wallet(), 1)
    world.submit(sent)

    async def work(waiting: Waiting, lookup: MicroBatches[UUID, Transfer | None]) -> None:
        queued = await lookup.ask(sent.id)
        assert queued is not None
        gone = asyncio.Event()
        waits = asyncio.create_task(waiting.until_final(request_of(gone), queued, 3600))
        await asyncio.to_thread(wait_for, lambda: waiting.count() == 1, "somebody to wait")
        gone.set()
        async with asyncio.timeout(10):
            assert (await waits).status == "queued"
        assert waiting.count() == 0

    use(world, own_redis, work)


def test_many_who_wait_for_one_transfer_are_all_told(world: World, own_redis: Redis) -> None:
    sent, other = deposit(world.new_wallet(), 1), ids.mint()
    world.submit(sent)

    async def work(waiting: Waiting, lookup: MicroBatches[UUID, Transfer | None]) -> None:
        queued = await lookup.ask(sent.id)
        assert queued is not None
        waits = [asyncio.create_task(waiting.until_final(request_of(asyncio.Event()), queued, 3600)) for _ in range(20)]
        await asyncio.to_thread(wait_for, lambda: waiting.count() == 20, "all to wait")
        await asyncio.to_thread(world.drain)
        Doorbell(own_redis.url).tell([other, sent.id])
        async with asyncio.timeout(10):
            assert {done.status for done in await asyncio.gather(*waits)} == {"applied"}
        assert waiting.count() == 0

    use(world, own_redis, work)
