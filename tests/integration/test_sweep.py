"""What waited too long is drained, Redis or no Redis."""

from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest

from core.admin.audit import audit
from core.postgres.connections import SyncConnection, connect_worker
from local.postgres import Postgres
from local.redis import Redis
from tests.bells import Bells
from tests.hooks import SUCCESS, new_endpoint
from tests.integration.test_retention import left, told
from tests.world import NO_REDIS, World, deposit, transfer, world_on
from worker.ledger.apply import Applier
from worker.ledger.drain import Drainer
from worker.ledger.shards import WAIT_FROM
from worker.ledger.sweep import SWEEP_AFTER_S, Sweeper
from worker.process import StopFlag


@pytest.fixture
def sweeper(world: World) -> Iterator[Sweeper]:
    yield from sweeper_of(world)


def sweeper_of(world: World, redis_url: str = NO_REDIS) -> Iterator[Sweeper]:
    drainer = world.drainer(redis_url)
    sweeper = Sweeper(lambda: connect_worker(world.url), drainer)
    yield sweeper
    sweeper.close()
    drainer.close()


def make_older(world: World, seconds: float) -> None:
    """Let all queued transfers have waited for so long."""
    world.query("UPDATE transfers SET created_at = now() - make_interval(secs => %s) WHERE status = 'queued'", seconds)


def test_what_waited_too_long_is_drained_without_redis(world: World, own_redis: Redis) -> None:
    sent = [deposit(world.new_wallet(shard=shard), 5) for shard in (2, 9)]
    world.submit(*sent)
    make_older(world, SWEEP_AFTER_S + 1)
    sweepers = sweeper_of(world, own_redis.url)
    sweeper = next(sweepers)
    own_redis.kill()

    assert sweeper.run_once() > 0

    assert world.statuses(*(one.id for one in sent)) == [("applied", None)] * 2
    assert sweeper.run_once() == 0
    assert list(sweepers) == []


def test_what_has_just_come_is_left_to_its_doorbell(world: World, sweeper: Sweeper) -> None:
    sent = deposit(world.new_wallet(), 5)
    world.submit(sent)
    make_older(world, SWEEP_AFTER_S - 1)

    assert sweeper.run_once() == 0
    assert world.statuses(sent.id) == [("queued", None)]


def test_what_seems_to_come_from_the_future_is_not_waited_for(world: World, sweeper: Sweeper) -> None:
    """The database's clock has stepped back, or another server has taken over: how long it has waited is unknown."""
    sent = deposit(world.new_wallet(), 5)
    world.submit(sent)
    make_older(world, -3600)

    assert sweeper.run_once() == 1

    assert world.statuses(sent.id) == [("applied", None)]
    assert audit(world.url).clean


def test_a_shard_whose_first_is_old_is_drained_with_all_that_came_later(world: World, sweeper: Sweeper) -> None:
    wallet = world.new_wallet()
    old, young = deposit(wallet, 5), deposit(wallet, 6)
    world.submit(old)
    make_older(world, SWEEP_AFTER_S + 1)
    world.submit(young)

    sweeper.run_once()

    assert world.statuses(old.id, young.id) == [("applied", None)] * 2


def test_a_place_in_the_queue_without_a_transfer_does_not_hide_what_waits_behind_it(world: World, sweeper: Sweeper) -> None:
    world.query("INSERT INTO queue (shard, transfer_id) SELECT 4, gen_random_uuid() FROM generate_series(1, 3)")
    sent = deposit(world.new_wallet(shard=4), 5)
    world.submit(sent)
    make_older(world, SWEEP_AFTER_S + 1)

    assert sweeper.run_once() == 1
    assert world.statuses(sent.id) == [("applied", None)]
    assert sweeper.run_once() == 0


def test_a_sweep_of_nothing_but_a_busy_shard_counts_nothing_so_that_the_next_waits(
    world: World, sweeper: Sweeper, connection: psycopg.Connection
) -> None:
    """Under a backlog the head of a shard is always old: without a pause the sweeper would ask for its lock without end."""
    sent = deposit(world.new_wallet(shard=3), 5)
    world.submit(sent)
    make_older(world, SWEEP_AFTER_S + 1)

    with connection.transaction():
        connection.execute("SELECT FROM shards WHERE shard = 3 FOR UPDATE")
        assert sweeper.run_once() == 0

    assert sweeper.run_once() == 1
    assert world.statuses(sent.id) == [("applied", None)]


def test_a_sweeper_does_not_stay_for_more_than_it_has_found(world: World, own_redis: Redis) -> None:
    """In that time it would find no other shard, and workers would leave theirs to it."""
    old, young = world.new_wallet(shard=3), deposit(world.new_wallet(shard=9), 5)
    world.submit(*(deposit(old, 1) for _ in range(WAIT_FROM)), young)
    make_older(world, SWEEP_AFTER_S + 1)
    sweepers = sweeper_of(world, own_redis.url)
    sweeper = next(sweepers)
    world.query("UPDATE transfers SET created_at = clock_timestamp() WHERE id = %s", young.id)

    assert sweeper.run_once() == WAIT_FROM

    assert world.statuses(young.id) == [("queued", None)]
    assert list(sweepers) == []


def test_a_sweep_that_can_do_nothing_but_fail_counts_nothing(world: World, connection: psycopg.Connection) -> None:
    source, destination = world.new_wallets(10, 0)
    world.submit(transfer(source, destination, 5))
    make_older(world, SWEEP_AFTER_S + 1)
    drainer = world.drainer(lock_timeout="10ms")
    sweeper = Sweeper(lambda: connect_worker(world.url), drainer)

    with connection.transaction():
        connection.execute("SELECT FROM wallets WHERE id = %s FOR UPDATE", [destination])
        assert sweeper.run_once() == 0

    assert sweeper.run_once() == 1
    sweeper.close()
    drainer.close()


def test_a_database_that_goes_away_and_comes_back_is_survived(own_postgres: Postgres) -> None:
    world = world_on(own_postgres)
    sweepers = sweeper_of(world)
    sweeper = next(sweepers)
    sent = deposit(world.new_wallet(), 5)
    world.submit(sent)
    make_older(world, SWEEP_AFTER_S + 1)

    own_postgres.stop("immediate")
    assert sweeper.run_once() == 0
    assert sweeper.run_once() == 0
    own_postgres.start()

    assert sweeper.run_once() == 1
    assert world.statuses(sent.id) == [("applied", None)]
    assert list(sweepers) == []


@pytest.mark.parametrize("lock", ["LOCK TABLE queue", "SELECT FROM wallets FOR UPDATE"], ids=["its own", "its drainer's"])
def test_a_sweeper_that_gets_no_answer_on_one_connection_leaves_both(world: World, lock: str) -> None:
    opened: list[SyncConnection] = []

    def connect() -> SyncConnection:
        opened.append(connect_worker(world.url))
        opened[-1].within_s = 0.5
        return opened[-1]

    def submit_older() -> None:
        world.submit(deposit(world.new_wallet(), 5))
        make_older(world, SWEEP_AFTER_S + 1)

    bells = Bells(NO_REDIS)
    drainer = Drainer(Applier(connect), bells.doorbell, bells.batcher)
    with closing(drainer), closing(Sweeper(connect, drainer)) as sweeper:
        submit_older()
        assert sweeper.run_once() == 1
        assert [connection.closed for connection in opened] == [False, False]

        submit_older()
        with psycopg.connect(world.url) as holder:
            holder.execute(lock.encode())
            assert sweeper.run_once() == 0
        assert {connection.closed for connection in opened} == {True}

        assert sweeper.run_once() == 1


class OneRound(StopFlag):
    """Goes on once."""

    def goes_on(self) -> bool:
        goes_on, self.stopping = not self.stopping, True
        return goes_on


def test_retention_takes_a_step_once_a_minute_while_each_sweep_drains_something(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    new_endpoint(world)
    told(world, SUCCESS, 31)
    drainer = world.drainer(NO_REDIS)
    sweeper = Sweeper(lambda: connect_worker(world.url), drainer, retention_days=30)
    kept = []

    for every_s in (60.0, 0.0):
        monkeypatch.setattr("worker.ledger.sweep.RETAIN_EVERY_S", every_s)
        world.submit(deposit(world.new_wallet(), 5))
        make_older(world, SWEEP_AFTER_S + 1)
        sweeper.run(OneRound())
        assert world.query("SELECT FROM queue") == []
        kept.append(len(left(world)))

    sweeper.close()
    drainer.close()
    assert kept == [1, 0]
