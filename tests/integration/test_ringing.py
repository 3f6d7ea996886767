"""Who commits webhooks rings, and a deliverer looks at once; without a doorbell it looks each second."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from uuid import UUID

import pytest
from redis import Redis as Client
from rq import Queue

from core import db, ids
from core.doorbell import DELIVER, DELIVERIES, DELIVERIES_FLAG, FLAG_TTL_S, QUEUE, SERIALIZER, Doorbell
from core.ids import Prefix
from core.transfers import Submission
from local.redis import Redis
from tests.hooks import new_endpoint, stored
from tests.receivers import Receiver, answer, receiving
from tests.waiting import wait_for
from tests.world import NO_REDIS, World, transfer
from worker.apply import Applier
from worker.deliver import Deliverer
from worker.deliveries import StoredDeliveries
from worker.delivering import rung
from worker.drain import Drainer
from worker.send import Sender

NEVER_S = 3600.0
WITHIN_S = 40.0


@pytest.fixture
def doorbell(own_redis: Redis) -> Iterator[Doorbell]:
    with closing(Doorbell(own_redis.url)) as doorbell:
        yield doorbell


@pytest.fixture
def redis(own_redis: Redis) -> Iterator[Client]:
    with Client.from_url(own_redis.url) as client:
        yield client


def drain(world: World, *sent: Submission, ring: Callable[[], None]) -> None:
    world.submit(*sent)
    with closing(Drainer(Applier(lambda: db.connect(world.url), ring=ring), Doorbell(NO_REDIS))) as drainer:
        drainer.answer(world.waiting_shards())


@pytest.fixture
def pair(world: World) -> tuple[UUID, UUID]:
    rich, poor = world.new_wallets(100, 0)
    return rich, poor


def test_a_batch_rings_when_webhooks_become_due_by_it_and_they_are_committed(world: World, pair: tuple[UUID, UUID]) -> None:
    new_endpoint(world)
    seen: list[object] = []

    drain(world, transfer(*pair, 1), transfer(*pair, 1), ring=lambda: seen.extend(world.query("SELECT count(*) FROM deliveries")))

    assert seen == [(2,)]


def test_a_batch_that_nobody_is_told_of_rings_nobody(world: World, pair: tuple[UUID, UUID]) -> None:
    seen: list[None] = []

    drain(world, transfer(*pair, 1), ring=lambda: seen.append(None))

    assert seen == []


def test_who_gives_up_on_a_transfer_rings_too(world: World, pair: tuple[UUID, UUID]) -> None:
    new_endpoint(world)
    doomed = transfer(*pair, 1)
    world.submit(doomed)
    seen: list[None] = []

    with closing(Applier(lambda: db.connect(world.url), ring=lambda: seen.append(None))) as applier:
        assert [applier.reject(doomed.shard, doomed.id) for _ in range(2)] == [1, 0]

    assert seen == [None]


def jobs_waiting(redis: Client, queue: str) -> list[tuple[str | None, object]]:
    return [(job.func_name, job.args) for job in Queue(queue, connection=redis, serializer=SERIALIZER).jobs]


def test_rings_for_deliverers_are_coalesced_until_one_answers(doorbell: Doorbell, redis: Client) -> None:
    for _ in range(3):
        doorbell.ring_deliverer()
    assert jobs_waiting(redis, DELIVERIES) == [(DELIVER, [])]
    assert jobs_waiting(redis, QUEUE) == []

    doorbell.answer_deliveries()
    doorbell.ring_deliverer()

    assert jobs_waiting(redis, DELIVERIES) == [(DELIVER, [])] * 2


def test_a_deliverers_flag_whose_job_was_lost_goes_by_itself(doorbell: Doorbell, redis: Client) -> None:
    doorbell.ring_deliverer()

    assert 0 < redis.ttl(DELIVERIES_FLAG) <= FLAG_TTL_S


def test_a_ring_wakes_whoever_listens_and_the_next_one_does_again(own_redis: Redis, doorbell: Doorbell, redis: Client) -> None:
    async def main() -> None:
        woken = asyncio.Event()
        async with rung(own_redis.url, woken.set):
            for _ in range(3):
                woken.clear()
                await asyncio.to_thread(doorbell.ring_deliverer)
                await asyncio.wait_for(woken.wait(), WITHIN_S)
                await asyncio.to_thread(wait_for, lambda: not redis.exists(DELIVERIES_FLAG), "the flag to be lowered")

    asyncio.run(main())

    assert jobs_waiting(redis, DELIVERIES) == []
    assert redis.llen(f"rq:queue:{DELIVERIES}:intermediate") == 0


def test_who_listens_looks_again_after_the_flag_is_lowered(own_redis: Redis, doorbell: Doorbell, redis: Client) -> None:
    """What is committed while the flag is still up rings nobody."""

    async def main() -> None:
        flags: asyncio.Queue[int] = asyncio.Queue()
        async with rung(own_redis.url, lambda: flags.put_nowait(redis.exists(DELIVERIES_FLAG))):
            await asyncio.to_thread(doorbell.ring_deliverer)
            async with asyncio.timeout(WITHIN_S):
                await flags.get()
                assert await flags.get() == 0

    asyncio.run(main())


@pytest.mark.parametrize("fault", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "frozen"])
def test_who_listens_stops_within_seconds_when_redis_is_away(own_redis: Redis, fault: signal.Signals) -> None:
    async def main() -> None:
        async with rung(own_redis.url, lambda: None):
            os.kill(own_redis.pid, fault)
            await asyncio.sleep(0)

    try:
        asyncio.run(asyncio.wait_for(main(), 60))  # it takes 15 seconds; for ever, where a frozen Redis is waited for
    finally:
        if fault is signal.SIGSTOP:
            os.kill(own_redis.pid, signal.SIGCONT)


async def delivered(world: World, poll_s: float, redis_url: str, act: Callable[[], Awaitable[object]]) -> Receiver:
    """Do this while a deliverer runs that looks so often, and wait until something has been received."""
    async with (
        receiving(answer("200 OK")) as receiver,
        stored(world) as database,
        Sender(allow_private=True) as sender,
    ):
        await asyncio.to_thread(new_endpoint, world, receiver.url)
        stopping = asyncio.Event()
        looked = asyncio.Event()
        deliverer = Deliverer(StoredDeliveries(database), sender, poll_s=poll_s, beat=looked.set)
        async with rung(redis_url, deliverer.wake):
            running = asyncio.create_task(deliverer.run(stopping))
            await looked.wait()
            await act()
            await asyncio.wait_for(receiver.arrivals.get(), WITHIN_S)
            stopping.set()
            await running
    return receiver


def test_a_deliverer_that_is_rung_does_not_wait_for_its_next_look(
    world: World, pair: tuple[UUID, UUID], own_redis: Redis, doorbell: Doorbell
) -> None:
    sent = transfer(*pair, 1)

    async def act() -> None:
        await asyncio.to_thread(drain, world, sent, ring=doorbell.ring_deliverer)

    receiver = asyncio.run(delivered(world, NEVER_S, own_redis.url, act))

    assert [one.event_id for one in receiver.received()] == [ids.text(Prefix.EVENT, sent.id)]


def test_without_redis_a_deliverer_looks_by_itself(world: World, pair: tuple[UUID, UUID]) -> None:
    sent = transfer(*pair, 1)

    async def act() -> None:
        await asyncio.to_thread(drain, world, sent, ring=lambda: None)

    receiver = asyncio.run(delivered(world, 0.05, NO_REDIS, act))

    assert [one.event_id for one in receiver.received()] == [ids.text(Prefix.EVENT, sent.id)]
