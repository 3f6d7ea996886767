"""The one worker that waits for more, and those that hand over their shards to it."""

import itertools
from collections.abc import Callable, Collection, Iterator
from contextlib import closing

import psycopg
import pytest
from redis import Redis as Client
from rq import Queue
from structlog.testing import capture_logs

from core.redis.batcher import BATCHER_TTL_S
from core.redis.hints import Hints
from core.redis.jobs import SERIALIZER
from core.redis.keys import BATCHER, HANDED_OVER, QUEUE
from core.redis.shard_doorbell import ShardDoorbell
from local.redis import Redis
from tests.bells import Bells
from tests.world import World, deposit
from worker.ledger.batch_limit import BATCH_MAX
from worker.ledger.drain import Drainer
from worker.ledger.shards import WAIT_ALONGSIDE_FROM, WAIT_FROM


@pytest.fixture
def bells(own_redis: Redis) -> Iterator[Bells]:
    bells = Bells(own_redis.url)
    yield bells
    bells.close()


@pytest.fixture
def redis(own_redis: Redis) -> Iterator[Client]:
    with Client.from_url(own_redis.url) as client:
        yield client


@pytest.fixture
def drainer(world: World, own_redis: Redis) -> Iterator[Drainer]:
    drainer = world.drainer(own_redis.url)
    yield drainer
    drainer.close()


class Interrupted(ShardDoorbell):
    """A doorbell at which something happens while its worker waits for more."""

    def __init__(self, hints: Hints, interrupt: Callable[[], object]) -> None:
        super().__init__(hints)
        self._interrupt = interrupt

    def acquire(self, shards: Collection[int]) -> list[int]:
        self._interrupt()
        return super().acquire(shards)


def submit(world: World, shard: int, count: int) -> None:
    wallet = world.new_wallet(shard=shard)
    world.submit(*(deposit(wallet, 1) for _ in range(count)))


def flags(redis: Client) -> set[bytes]:
    return {bytes(key) for key in redis.scan_iter("doorbell:*")}


def jobs(redis: Client) -> list[object]:
    return [job.args for job in Queue(QUEUE, connection=redis, serializer=SERIALIZER).jobs]


def test_there_is_one_batcher_until_it_releases_its_place(bells: Bells) -> None:
    assert bells.batcher.become()
    assert not bells.batcher.become()

    bells.batcher.release()

    assert bells.batcher.become()


def test_the_place_of_a_batcher_that_died_becomes_free_by_itself(bells: Bells, redis: Client) -> None:
    bells.batcher.become()
    assert 0 < redis.pttl(BATCHER) <= BATCHER_TTL_S * 1000
    redis.persist(BATCHER)

    bells.batcher.take_over()

    assert 0 < redis.pttl(BATCHER) <= BATCHER_TTL_S * 1000


def test_shards_are_handed_over_to_the_batcher_once_and_with_their_flags_up(bells: Bells, redis: Client) -> None:
    bells.doorbell.ring([3, 5])
    bells.batcher.become()

    assert bells.batcher.hand_over([3, 5])

    assert flags(redis) == {b"doorbell:3", b"doorbell:5"}
    assert sorted(bells.batcher.take_over()) == [3, 5]
    assert bells.batcher.take_over() == []


def test_without_a_batcher_flags_are_lowered(bells: Bells, redis: Client) -> None:
    bells.doorbell.ring([3, 5, 6])

    assert not bells.batcher.hand_over([3, 5])

    assert flags(redis) == {b"doorbell:6"}
    assert not redis.exists(HANDED_OVER)


def test_a_batcher_that_releases_its_place_is_given_what_was_handed_over(bells: Bells) -> None:
    bells.batcher.become()
    bells.batcher.hand_over([3])

    assert bells.batcher.release() == [3]

    assert not bells.batcher.hand_over([4])
    assert bells.batcher.release() == []


def test_nothing_is_handed_over_or_lowered_of_no_shards(bells: Bells) -> None:
    bells.batcher.become()

    assert not bells.batcher.hand_over([])


@pytest.mark.parametrize("count", [1, WAIT_FROM])
def test_a_worker_hands_over_its_shards_to_the_batcher(
    world: World, drainer: Drainer, bells: Bells, redis: Client, count: int
) -> None:
    submit(world, 3, count)
    bells.doorbell.ring([3])
    bells.batcher.become()

    assert drainer.run([3]) == count

    assert flags(redis) == {b"doorbell:3"}
    assert bells.batcher.take_over() == [3]


def test_a_worker_with_enough_for_two_stays_beside_the_batcher(world: World, drainer: Drainer, bells: Bells) -> None:
    submit(world, 3, WAIT_ALONGSIDE_FROM)
    submit(world, 9, 1)
    bells.batcher.become()

    assert drainer.run([3]) == WAIT_ALONGSIDE_FROM + 1  # the silent shard too


def test_the_batcher_drains_what_is_handed_over_to_it(world: World, drainer: Drainer, bells: Bells, redis: Client) -> None:
    submit(world, 3, WAIT_FROM)
    submit(world, 9, 1)
    bells.doorbell.ring([9])
    redis.delete(f"rq:queue:{QUEUE}")  # its worker has been there
    redis.sadd(HANDED_OVER, 3, 9)  # of which the batcher is at one already

    assert drainer.run([3]) == WAIT_FROM + 1

    assert flags(redis) == set()
    assert not redis.exists(BATCHER, HANDED_OVER)


def test_what_is_handed_over_to_a_batcher_that_meets_a_fault_is_rung_for(
    world: World, own_redis: Redis, connection: psycopg.Connection, bells: Bells, redis: Client
) -> None:
    submit(world, 3, WAIT_FROM)

    def interrupt() -> None:
        bells.batcher.hand_over([9])
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    others = Bells(own_redis.url)
    unlucky = Drainer(world.applier(), Interrupted(others.hints, interrupt), others.batcher)
    assert unlucky.run([3]) == 0

    assert jobs(redis) == [[[9]]]
    assert flags(redis) == {b"doorbell:9"}
    assert not redis.exists(BATCHER, HANDED_OVER)
    unlucky.close()


def test_a_batcher_with_more_than_a_batch_holds_takes_over_shards_all_the_same(
    world: World, own_redis: Redis, bells: Bells, redis: Client
) -> None:
    submit(world, 3, WAIT_FROM)
    left = deposit(world.new_wallet(shard=9), 1)
    world.submit(left)
    bells.doorbell.ring([9])
    redis.delete(f"rq:queue:{QUEUE}")  # its worker has been there

    def flood() -> None:
        submit(world, 3, BATCH_MAX)
        bells.batcher.hand_over([9])

    turns = itertools.count()
    others = Bells(own_redis.url)
    drainer = Drainer(world.applier(), Interrupted(others.hints, flood), others.batcher, goes_on=lambda: next(turns) < 3)
    with closing(drainer) as flooded:
        flooded.run([3])

    assert world.statuses(left.id) == [("applied", None)]
    assert world.waiting_shards() == [3]  # for more turns than it has had


def test_a_shard_that_was_put_off_is_not_acquired_again_at_once(
    world: World, own_redis: Redis, connection: psycopg.Connection
) -> None:
    submit(world, 3, WAIT_FROM)
    held = world.new_wallet(shard=9)
    world.submit(deposit(held, 1))

    with (
        closing(world.drainer(own_redis.url, lock_timeout="10ms")) as drainer,
        connection.transaction(),
        capture_logs() as lines,
    ):
        connection.execute("SELECT FROM wallets WHERE id = %s FOR UPDATE", [held])
        assert drainer.run([3, 9]) == WAIT_FROM

    assert [line["shards"] for line in lines if line["event"] == "drain put off"] == [[9]]
