"""The one worker that waits for more, and those that leave their shards to it."""

import itertools
from collections.abc import Callable, Collection, Iterator
from contextlib import closing

import psycopg
import pytest
from redis import Redis as Client
from rq import Queue
from structlog.testing import capture_logs

from core.doorbell import GATHERER, GATHERER_TTL_S, LEFT, QUEUE, SERIALIZER, Doorbell
from local.redis import Redis
from tests.world import World, deposit
from worker.caution import BATCH_MAX
from worker.drain import Drainer
from worker.round import GATHER_ALONGSIDE_FROM, GATHER_FROM


@pytest.fixture
def bell(own_redis: Redis) -> Iterator[Doorbell]:
    bell = Doorbell(own_redis.url)
    yield bell
    bell.close()


@pytest.fixture
def redis(own_redis: Redis) -> Iterator[Client]:
    with Client.from_url(own_redis.url) as client:
        yield client


@pytest.fixture
def drainer(world: World, own_redis: Redis) -> Iterator[Drainer]:
    drainer = world.drainer(own_redis.url)
    yield drainer
    drainer.close()


class Interrupted(Doorbell):
    """A doorbell at which something happens while its worker gathers."""

    def __init__(self, url: str, interrupt: Callable[[], object]) -> None:
        super().__init__(url)
        self._interrupt = interrupt

    def adopt(self, shards: Collection[int]) -> list[int]:
        self._interrupt()
        return super().adopt(shards)


def submit(world: World, shard: int, count: int) -> None:
    wallet = world.new_wallet(shard=shard)
    world.submit(*(deposit(wallet, 1) for _ in range(count)))


def flags(redis: Client) -> set[bytes]:
    return {bytes(key) for key in redis.scan_iter("doorbell:*")}


def jobs(redis: Client) -> list[object]:
    return [job.args for job in Queue(QUEUE, connection=redis, serializer=SERIALIZER).jobs]


def test_there_is_one_gatherer_until_it_resigns(bell: Doorbell) -> None:
    assert bell.become_gatherer()
    assert not bell.become_gatherer()

    bell.resign()

    assert bell.become_gatherer()


def test_the_place_of_a_gatherer_that_died_becomes_free_by_itself(bell: Doorbell, redis: Client) -> None:
    bell.become_gatherer()
    assert 0 < redis.pttl(GATHERER) <= GATHERER_TTL_S * 1000
    redis.persist(GATHERER)

    bell.take_left()

    assert 0 < redis.pttl(GATHERER) <= GATHERER_TTL_S * 1000


def test_shards_are_left_to_the_gatherer_once_and_with_their_flags_up(bell: Doorbell, redis: Client) -> None:
    bell.ring([3, 5])
    bell.become_gatherer()

    assert bell.leave([3, 5])

    assert flags(redis) == {b"doorbell:3", b"doorbell:5"}
    assert sorted(bell.take_left()) == [3, 5]
    assert bell.take_left() == []


def test_without_a_gatherer_flags_are_lowered(bell: Doorbell, redis: Client) -> None:
    bell.ring([3, 5, 6])

    assert not bell.leave([3, 5])

    assert flags(redis) == {b"doorbell:6"}
    assert not redis.exists(LEFT)


def test_a_batcher_that_resigns_is_given_what_was_left_to_it(bell: Doorbell) -> None:
    bell.become_gatherer()
    bell.leave([3])

    assert bell.resign() == [3]

    assert not bell.leave([4])
    assert bell.resign() == []


def test_nothing_is_left_or_lowered_of_no_shards(bell: Doorbell) -> None:
    bell.become_gatherer()

    assert not bell.leave([])


@pytest.mark.parametrize("count", [1, GATHER_FROM])
def test_a_worker_leaves_its_shards_to_the_gatherer(
    world: World, drainer: Drainer, bell: Doorbell, redis: Client, count: int
) -> None:
    submit(world, 3, count)
    bell.ring([3])
    bell.become_gatherer()

    assert drainer.answer([3]) == count

    assert flags(redis) == {b"doorbell:3"}
    assert bell.take_left() == [3]


def test_a_worker_with_enough_for_two_stays_beside_the_gatherer(world: World, drainer: Drainer, bell: Doorbell) -> None:
    submit(world, 3, GATHER_ALONGSIDE_FROM)
    submit(world, 9, 1)
    bell.become_gatherer()

    assert drainer.answer([3]) == GATHER_ALONGSIDE_FROM + 1  # the silent shard too


def test_the_gatherer_drains_what_is_left_to_it(world: World, drainer: Drainer, bell: Doorbell, redis: Client) -> None:
    submit(world, 3, GATHER_FROM)
    submit(world, 9, 1)
    bell.ring([9])
    redis.delete(f"rq:queue:{QUEUE}")  # its worker has been there
    redis.sadd(LEFT, 3, 9)  # of which the gatherer is at one already

    assert drainer.answer([3]) == GATHER_FROM + 1

    assert flags(redis) == set()
    assert not redis.exists(GATHERER, LEFT)


def test_what_is_left_to_a_gatherer_that_meets_a_fault_is_rung_for(
    world: World, own_redis: Redis, connection: psycopg.Connection, bell: Doorbell, redis: Client
) -> None:
    submit(world, 3, GATHER_FROM)

    def interrupt() -> None:
        bell.leave([9])
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    unlucky = Drainer(world.applier(), Interrupted(own_redis.url, interrupt))
    assert unlucky.answer([3]) == 0

    assert jobs(redis) == [[[9]]]
    assert flags(redis) == {b"doorbell:9"}
    assert not redis.exists(GATHERER, LEFT)
    unlucky.close()


def test_a_gatherer_with_more_than_a_batch_holds_takes_on_what_is_left_to_it_all_the_same(
    world: World, own_redis: Redis, bell: Doorbell, redis: Client
) -> None:
    submit(world, 3, GATHER_FROM)
    left = deposit(world.new_wallet(shard=9), 1)
    world.submit(left)
    bell.ring([9])
    redis.delete(f"rq:queue:{QUEUE}")  # its worker has been there

    def flood() -> None:
        submit(world, 3, BATCH_MAX)
        bell.leave([9])

    rounds = itertools.count()
    with closing(Drainer(world.applier(), Interrupted(own_redis.url, flood), goes_on=lambda: next(rounds) < 3)) as flooded:
        flooded.answer([3])

    assert world.statuses(left.id) == [("applied", None)]
    assert world.waiting_shards() == [3]  # for more rounds than it has had


def test_a_shard_that_was_put_off_is_not_taken_on_again_at_once(
    world: World, own_redis: Redis, connection: psycopg.Connection
) -> None:
    submit(world, 3, GATHER_FROM)
    held = world.new_wallet(shard=9)
    world.submit(deposit(held, 1))

    with (
        closing(world.drainer(own_redis.url, lock_timeout="10ms")) as drainer,
        connection.transaction(),
        capture_logs() as lines,
    ):
        connection.execute("SELECT FROM wallets WHERE id = %s FOR UPDATE", [held])
        assert drainer.answer([3, 9]) == GATHER_FROM

    assert [line["shards"] for line in lines if line["event"] == "drain put off"] == [[9]]
