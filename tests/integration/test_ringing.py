"""A process that commits due webhooks rings, and a deliverer looks at once; without a doorbell it looks each second."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing
from uuid import UUID

import pytest
from redis import Redis as Client
from rq import Queue

from core import ids
from core.ids import Prefix
from core.postgres.connections import connect_worker
from core.redis.deliverer_doorbell import DelivererDoorbell
from core.redis.hints import Hints
from core.redis.jobs import DELIVER, SERIALIZER
from core.redis.keys import DELIVERIES, DELIVERIES_FLAG, FLAG_TTL_S, QUEUE
from core.transfers import Submission
from local.redis import Redis
from tests.bells import Bells
from tests.hooks import new_endpoint, stored
from tests.receivers import Receiver, answer, receiving
from tests.waiting import wait_for
from tests.world import NO_REDIS, World, transfer
from worker.ledger.apply import Applier
from worker.ledger.drain import Drainer
from worker.webhooks.deliverer import STAY_S, Deliverer
from worker.webhooks.process import doorbell_heard, lower_in_thread
from worker.webhooks.send import Sender
from worker.webhooks.store import StoredDeliveries

NEVER_S = 3600.0


@pytest.fixture
def doorbell(own_redis: Redis) -> Iterator[DelivererDoorbell]:
    with closing(DelivererDoorbell(Hints(own_redis.url))) as doorbell:
        yield doorbell


@pytest.fixture
def redis(own_redis: Redis) -> Iterator[Client]:
    with Client.from_url(own_redis.url) as client:
        yield client


def drain(world: World, *sent: Submission, ring: Callable[[], None]) -> None:
    world.submit(*sent)
    bells = Bells(NO_REDIS)
    with closing(Drainer(Applier(lambda: connect_worker(world.url), ring=ring), bells.doorbell, bells.batcher)) as drainer:
        drainer.run(world.waiting_shards())


@pytest.fixture
def pair(world: World) -> tuple[UUID, UUID]:
    rich, poor = world.new_wallets(100, 0)
    return rich, poor


def test_a_batch_rings_when_webhooks_become_due_by_it_and_they_are_committed(world: World, pair: tuple[UUID, UUID]) -> None:
    new_endpoint(world)
    seen: list[object] = []

    drain(world, transfer(*pair, 1), transfer(*pair, 1), ring=lambda: seen.extend(world.query("SELECT count(*) FROM fan_outs")))

    assert seen == [(1,)]  # from which both deliveries are made


def test_a_batch_without_deliveries_rings_for_no_deliverer(world: World, pair: tuple[UUID, UUID]) -> None:
    seen: list[None] = []

    drain(world, transfer(*pair, 1), ring=lambda: seen.append(None))

    assert seen == []


def test_giving_up_on_a_transfer_rings_too(world: World, pair: tuple[UUID, UUID]) -> None:
    new_endpoint(world)
    doomed = transfer(*pair, 1)
    world.submit(doomed)
    seen: list[None] = []

    with closing(Applier(lambda: connect_worker(world.url), ring=lambda: seen.append(None))) as applier:
        assert [applier.reject(doomed.shard, doomed.id) for _ in range(2)] == [1, 0]

    assert seen == [None]


def jobs_waiting(redis: Client, queue: str) -> list[tuple[str | None, object]]:
    return [(job.func_name, job.args) for job in Queue(queue, connection=redis, serializer=SERIALIZER).jobs]


def test_rings_for_deliverers_are_coalesced_until_one_lowers_the_flag(doorbell: DelivererDoorbell, redis: Client) -> None:
    for _ in range(3):
        doorbell.ring()
    assert jobs_waiting(redis, DELIVERIES) == [(DELIVER, [])]
    assert jobs_waiting(redis, QUEUE) == []

    doorbell.lower()
    doorbell.ring()

    assert jobs_waiting(redis, DELIVERIES) == [(DELIVER, [])] * 2


def test_a_deliverers_flag_whose_job_was_lost_goes_by_itself(doorbell: DelivererDoorbell, redis: Client) -> None:
    doorbell.ring()

    assert 0 < redis.ttl(DELIVERIES_FLAG) <= FLAG_TTL_S


def test_a_ring_wakes_a_listening_deliverer_and_the_next_one_does_again(
    own_redis: Redis, doorbell: DelivererDoorbell, redis: Client
) -> None:
    async def main() -> None:
        woken = asyncio.Event()
        async with doorbell_heard(own_redis.url, woken.set):
            for _ in range(3):
                woken.clear()
                await asyncio.to_thread(doorbell.ring)
                await asyncio.wait_for(woken.wait(), 20)
                await asyncio.to_thread(doorbell.lower)

    asyncio.run(main())

    assert jobs_waiting(redis, DELIVERIES) == []
    assert redis.llen(f"rq:queue:{DELIVERIES}:intermediate") == 0
    assert redis.zcard(f"rq:failed:{DELIVERIES}") == 0


@pytest.mark.parametrize("fault", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "frozen"])
def test_a_listening_deliverer_stops_within_seconds_when_redis_is_away(own_redis: Redis, fault: signal.Signals) -> None:
    async def main() -> None:
        async with doorbell_heard(own_redis.url, lambda: None):
            os.kill(own_redis.pid, fault)
            await asyncio.sleep(0)

    try:
        asyncio.run(asyncio.wait_for(main(), 20))
    finally:
        if fault is signal.SIGSTOP:
            os.kill(own_redis.pid, signal.SIGCONT)


class Rung:
    """A deliverer that runs, with a receiver, and who rings for it."""

    def __init__(self, world: World, doorbell: DelivererDoorbell, receiver: Receiver) -> None:
        self.world, self.doorbell, self.receiver = world, doorbell, receiver
        self.rings = 0  # that woke it

    async def tell(self, sent: Submission, *, ring: bool = True) -> None:
        """Make a transfer final, and wait until its event is received."""
        await asyncio.to_thread(drain, self.world, sent, ring=self.doorbell.ring if ring else lambda: None)
        await asyncio.wait_for(self.receiver.arrivals.get(), 20)
        assert self.receiver.received()[-1].event_id == ids.text(Prefix.EVENT, sent.id)

    async def wait_for_ring(self, number: int) -> None:
        await asyncio.to_thread(wait_for, lambda: self.rings == number, f"ring {number}")

    async def wait_for_flag(self, redis: Client, up: int) -> None:
        await asyncio.to_thread(wait_for, lambda: redis.exists(DELIVERIES_FLAG) == up, f"the flag to be {up}")


@asynccontextmanager
async def delivering(world: World, redis_url: str, *, poll_s: float = NEVER_S, stay_s: float = STAY_S) -> AsyncIterator[Rung]:
    """A deliverer that looks so often without being rung, and stays for so long."""
    async with (
        receiving(answer("200 OK")) as receiver,
        stored(world) as database,
        Sender(allow_private=True) as sender,
    ):
        await asyncio.to_thread(new_endpoint, world, receiver.url)
        stopping, looked = asyncio.Event(), asyncio.Event()
        with closing(DelivererDoorbell(Hints(redis_url))) as doorbell:
            run = Rung(world, doorbell, receiver)
            deliverer = Deliverer(
                StoredDeliveries(database), sender, poll_s=poll_s, stay_s=stay_s, beat=looked.set, lower=lower_in_thread(doorbell)
            )

            def wake() -> None:
                run.rings += 1
                deliverer.wake()

            async with doorbell_heard(redis_url, wake):
                running = asyncio.create_task(deliverer.run(stopping))
                await looked.wait()
                yield run
                stopping.set()
                await running


def test_a_deliverer_that_is_rung_does_not_wait_for_its_next_look_and_then_listens_again(
    world: World, pair: tuple[UUID, UUID], own_redis: Redis, redis: Client
) -> None:
    async def main() -> None:
        async with delivering(world, own_redis.url) as deliverer:
            for _ in range(3):
                await deliverer.tell(transfer(*pair, 1))
                redis.persist(DELIVERIES_FLAG)  # if it is up still, it does not go by itself
                await deliverer.wait_for_flag(redis, up=0)

    asyncio.run(main())


def test_while_a_deliverer_is_busy_no_worker_enqueues(world: World, pair: tuple[UUID, UUID], own_redis: Redis) -> None:
    """But when the flag expires, each few seconds: then one does, and no more."""

    async def main() -> None:
        async with delivering(world, own_redis.url, stay_s=NEVER_S) as deliverer:
            began = time.monotonic()
            for _ in range(20):
                await deliverer.tell(transfer(*pair, 1))
            assert 1 <= deliverer.rings <= 1 + (time.monotonic() - began) / FLAG_TTL_S

    asyncio.run(main())


def test_a_busy_deliverer_finds_deliveries_without_a_ring(world: World, pair: tuple[UUID, UUID], own_redis: Redis) -> None:
    async def main() -> None:
        async with delivering(world, own_redis.url, stay_s=NEVER_S) as deliverer:
            await deliverer.tell(transfer(*pair, 1))
            for _ in range(3):
                await deliverer.tell(transfer(*pair, 1), ring=False)
            assert deliverer.rings == 1

    asyncio.run(main())


def test_when_the_flag_has_expired_or_was_lowered_by_another_the_next_ring_wakes_as_the_first_did(
    world: World, pair: tuple[UUID, UUID], own_redis: Redis, doorbell: DelivererDoorbell
) -> None:
    async def main() -> None:
        async with delivering(world, own_redis.url, stay_s=NEVER_S) as deliverer:
            for rings in range(1, 4):
                await deliverer.tell(transfer(*pair, 1))
                await deliverer.wait_for_ring(rings)
                await asyncio.to_thread(doorbell.lower)

    asyncio.run(main())


@pytest.mark.parametrize("is_up", [True, False], ids=["a flag is up and its job lost", "Redis is away"])
def test_a_deliverer_that_is_not_woken_looks_by_itself(
    world: World, pair: tuple[UUID, UUID], own_redis: Redis, redis: Client, is_up: bool
) -> None:
    async def main() -> None:
        async with delivering(world, own_redis.url if is_up else NO_REDIS, poll_s=0.05) as deliverer:
            redis.set(DELIVERIES_FLAG, 1)
            await deliverer.tell(transfer(*pair, 1))
            if is_up:
                await deliverer.wait_for_flag(redis, up=0)

    asyncio.run(main())
