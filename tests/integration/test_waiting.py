"""Waiting for outcomes inside one process: which requests are answered, and what is left of those that have ended."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from contextvars import copy_context
from typing import Any
from uuid import UUID

import pytest
from fastapi import Request
from redis import RedisError

from api.intake import long_poll as long_poll_module
from api.intake.final_listener import NEWS_MAX_BYTES, NEWS_MAX_PER_S, SILENT_MAX_S, FinalListener, Watch
from api.intake.long_poll import LongPoll
from api.intake.micro_batches import MicroBatches
from core import ids, transfers
from core.redis.client import client
from core.redis.final_news import FinalNews
from core.redis.hints import Hints
from core.redis.keys import FINAL
from core.transfers import Transfer
from core.turns import OWNER
from local.redis import Redis
from tests.nemesis.proxy import Break, Line
from tests.waiting import wait_for
from tests.world import World, deposit

Use = Callable[[LongPoll, FinalListener, MicroBatches[UUID, Transfer | None]], Awaitable[None]]


def use(world: World, redis_url: str, work: Use) -> None:
    async def with_lookup(database: Any) -> None:
        async def find(wanted: Sequence[UUID]) -> Sequence[Transfer | None]:
            return await transfers.find_all(database, wanted)

        lookup: MicroBatches[UUID, Transfer | None] = MicroBatches(find, 100)
        lookup.start()
        listener = FinalListener(redis_url)
        long_poll = LongPoll(listener, lookup)
        await work(long_poll, listener, lookup)
        await long_poll.close()
        lookup.stop()

    world.ask(with_lookup)


def request_of(gone: asyncio.Event) -> Request:
    async def receive() -> dict[str, str]:
        await gone.wait()
        return {"type": "http.disconnect"}

    return Request({"type": "http", "state": {}, "headers": []}, receive)


def test_a_caller_that_hangs_up_frees_its_place_at_once(world: World, own_redis: Redis) -> None:
    sent = deposit(world.new_wallet(), 1)
    world.submit(sent)

    async def work(long_poll: LongPoll, listener: FinalListener, lookup: MicroBatches[UUID, Transfer | None]) -> None:
        queued = await lookup.ask(sent.id)
        assert queued is not None
        gone = asyncio.Event()
        waits = asyncio.create_task(long_poll.wait_until_final(request_of(gone), queued, 3600))
        await asyncio.to_thread(wait_for, lambda: long_poll.count() == 1, "a request to wait")
        gone.set()
        async with asyncio.timeout(10):
            assert (await waits).status == "queued"
        assert long_poll.count() == 0

    use(world, own_redis.url, work)


def test_many_requests_that_wait_for_one_transfer_are_all_answered(world: World, own_redis: Redis) -> None:
    sent, other = deposit(world.new_wallet(), 1), ids.mint()
    world.submit(sent)

    async def work(long_poll: LongPoll, listener: FinalListener, lookup: MicroBatches[UUID, Transfer | None]) -> None:
        queued = await lookup.ask(sent.id)
        assert queued is not None
        waits = [asyncio.create_task(long_poll.wait_until_final(request_of(asyncio.Event()), queued, 3600)) for _ in range(20)]
        await asyncio.to_thread(wait_for, lambda: long_poll.count() == 20, "all to wait")
        await asyncio.to_thread(world.drain)
        FinalNews(Hints(own_redis.url)).publish_final([other, sent.id])
        async with asyncio.timeout(10):
            assert {done.status for done in await asyncio.gather(*waits)} == {"applied"}
        assert long_poll.count() == 0

    use(world, own_redis.url, work)


def test_a_subscription_that_is_half_dead_is_noticed_within_seconds_and_made_anew(world: World, own_redis: Redis) -> None:
    sent = deposit(world.new_wallet(), 1)
    world.submit(sent)
    line = Line("Redis", own_redis.port)

    async def subscribed(listener: FinalListener, is_so: bool) -> None:
        condition = f"subscribed: {is_so}"
        await asyncio.to_thread(wait_for, lambda: listener.is_subscribed() is is_so, condition, SILENT_MAX_S + 15)

    async def work(long_poll: LongPoll, listener: FinalListener, lookup: MicroBatches[UUID, Transfer | None]) -> None:
        await line.open()
        queued = await lookup.ask(sent.id)
        assert queued is not None
        waits = asyncio.create_task(long_poll.wait_until_final(request_of(asyncio.Event()), queued, 3600))
        await subscribed(listener, True)
        line.break_(Break.HOLE)
        await subscribed(listener, False)
        line.heal(cut=True)
        await subscribed(listener, True)
        await asyncio.to_thread(world.drain)
        async with asyncio.timeout(10):
            assert (await waits).status == "applied"
        await long_poll.close()
        await line.close()

    use(world, own_redis.url.replace(str(own_redis.port), str(line.port)), work)


def test_no_more_wait_than_may_and_an_owner_leaves_room_for_the_others(
    world: World, own_redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(long_poll_module, "WAITING_MAX", 3)
    monkeypatch.setattr(long_poll_module, "OWNER_WAITING_MAX", 2)
    sent = deposit(world.new_wallet(), 1)
    world.submit(sent)

    async def work(long_poll: LongPoll, listener: FinalListener, lookup: MicroBatches[UUID, Transfer | None]) -> None:
        queued = await lookup.ask(sent.id)
        assert queued is not None
        gone = {owner: asyncio.Event() for owner in ("ada", "ben")}
        waits = []

        async def wait_as(owner: str) -> None:
            context = copy_context()
            context.run(OWNER.set, owner)
            request = request_of(gone[owner])
            waits.append(asyncio.create_task(long_poll.wait_until_final(request, queued, 3600), context=context))
            expected = len(waits)
            await asyncio.to_thread(wait_for, lambda: long_poll.count() == expected, "another one to wait")

        await wait_as("ada")
        assert long_poll.has_room("ada")
        await wait_as("ada")
        assert (long_poll.has_room("ada"), long_poll.has_room("ben")) == (False, True)
        await wait_as("ben")
        assert (long_poll.has_room("ben"), long_poll.has_room("cy")) == (False, False)
        gone["ada"].set()
        async with asyncio.timeout(10):
            await asyncio.gather(*waits[:2])
        assert [long_poll.has_room(owner) for owner in ("ada", "ben")] == [True, True]
        gone["ben"].set()
        await waits[2]

    use(world, own_redis.url, work)


@pytest.mark.parametrize("news", [b"", b"x", b"x" * 15, b"x" * 17, b"x" * (NEWS_MAX_BYTES + 16), b"x" * 1_000_000], ids=len)
def test_news_of_another_form_are_left_out_and_the_next_ones_are_passed_on(world: World, own_redis: Redis, news: bytes) -> None:
    sent = deposit(world.new_wallet(), 1)
    world.submit(sent)

    async def work(long_poll: LongPoll, listener: FinalListener, lookup: MicroBatches[UUID, Transfer | None]) -> None:
        queued = await lookup.ask(sent.id)
        assert queued is not None
        waits = asyncio.create_task(long_poll.wait_until_final(request_of(asyncio.Event()), queued, 3600))
        await asyncio.to_thread(wait_for, listener.is_subscribed, "the subscription")
        with closing(client(own_redis.url, 20.0)) as stranger:
            await asyncio.to_thread(stranger.publish, FINAL, news)
        await asyncio.to_thread(world.drain)
        FinalNews(Hints(own_redis.url)).publish_final([sent.id])
        async with asyncio.timeout(10):
            assert (await waits).status == "applied"
        assert listener.is_listening()

    use(world, own_redis.url, work)


def test_a_flood_of_news_is_given_up_and_a_silent_subscription_too() -> None:
    watch = Watch()
    for _ in range(NEWS_MAX_PER_S):
        watch.heard()
    with pytest.raises(RedisError):
        watch.heard()

    watch.silent()
    watch._heard_at -= SILENT_MAX_S + 0.1
    with pytest.raises(RedisError):
        watch.silent()
