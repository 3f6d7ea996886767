"""Waiting for outcomes, inside one process: who is told, and what is left of those who have gone."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import copy_context
from typing import Any
from uuid import UUID

import pytest
from fastapi import Request

from api import waiting as waiting_module
from api.micro_batches import MicroBatches
from api.waiting import Waiting
from core import ids, transfers
from core.doorbell import Doorbell
from core.transfers import Transfer
from core.turns import OWNER
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


def test_no_more_wait_than_may_and_an_owner_leaves_room_for_the_others(
    world: World, own_redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting_module, "WAITING_MAX", 3)
    monkeypatch.setattr(waiting_module, "OWNER_WAITING_MAX", 2)
    sent = deposit(world.new_wallet(), 1)
    world.submit(sent)

    async def work(waiting: Waiting, lookup: MicroBatches[UUID, Transfer | None]) -> None:
        queued = await lookup.ask(sent.id)
        assert queued is not None
        gone = {owner: asyncio.Event() for owner in ("ada", "ben")}
        waits = []

        async def wait_as(owner: str) -> None:
            context = copy_context()
            context.run(OWNER.set, owner)
            request = request_of(gone[owner])
            waits.append(asyncio.create_task(waiting.until_final(request, queued, 3600), context=context))
            expected = len(waits)
            await asyncio.to_thread(wait_for, lambda: waiting.count() == expected, "another one to wait")

        await wait_as("ada")
        assert waiting.has_room("ada")
        await wait_as("ada")
        assert (waiting.has_room("ada"), waiting.has_room("ben")) == (False, True)
        await wait_as("ben")
        assert (waiting.has_room("ben"), waiting.has_room("cy")) == (False, False)
        gone["ada"].set()
        async with asyncio.timeout(10):
            await asyncio.gather(*waits[:2])
        assert [waiting.has_room(owner) for owner in ("ada", "ben")] == [True, True]
        gone["ben"].set()
        await waits[2]

    use(world, own_redis, work)
