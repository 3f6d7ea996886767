"""The transaction that moves money, run in this process against a real database."""

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from redis import Redis as Client

from core import ids
from core.audit import audit
from core.transfers import Submission
from local.redis import Redis
from tests.world import FAR_AWAY_S, World, deposit, transfer
from worker.apply import Applier, ShardBusy
from worker.caution import ATTEMPTS_MAX, BATCH_MAX

APPLIED, POOR, INTERNAL = ("applied", None), ("rejected", "insufficient_funds"), ("rejected", "internal")
QUEUED = ("queued", None)


@pytest.fixture
def applier(world: World) -> Iterator[Applier]:
    applier = world.applier()
    yield applier
    applier.close()


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as threads:
        yield threads


def far() -> float:
    return time.monotonic() + FAR_AWAY_S


def assert_clean(world: World) -> None:
    report = audit(world.url)
    assert report.clean, "\n".join(report.lines())


def test_a_wallet_with_funds_for_500_pays_exactly_500_of_1000_debits(world: World, applier: Applier) -> None:
    source, destination = world.new_wallets(500 * 7, 0)
    debits = [transfer(source, destination, 7) for _ in range(1000)]
    world.submit(*debits)

    finished = applier.drain(debits[0].shard, far())

    assert finished == 1000
    assert world.statuses(*(debit.id for debit in debits)) == [APPLIED] * 500 + [POOR] * 500
    assert (world.balance(source), world.balance(destination)) == (0, 3500)
    assert_clean(world)


def test_transfers_of_a_shard_are_applied_in_the_order_of_their_acceptance(world: World, applier: Applier) -> None:
    source, destination = world.new_wallets(1000, 0)
    sent = [transfer(source, destination, 1) for _ in range(40)]
    for late_id_first in (sent[30:], sent[:10], sent[10:30]):  # order of arrival, whatever the ids say
        world.submit(*late_id_first)

    applier.drain(sent[0].shard, far())

    order = world.query("SELECT transfer_id FROM entries WHERE wallet_id = %s AND amount < 0 ORDER BY version", source)
    assert [id for (id,) in order] == [one.id for one in [*sent[30:], *sent[:10], *sent[10:30]]]


def test_a_rejected_transfer_changes_no_wallet_and_says_why(world: World, applier: Applier) -> None:
    source, destination = world.new_wallets(99, 5)
    before = [world.wallet(source), world.wallet(destination)]
    short = transfer(source, destination, 100)
    world.submit(short)

    applier.drain(short.shard, far())

    found = world.transfer(short.id)
    assert (found.status, found.failure_code, found.entries) == ("rejected", "insufficient_funds", [])
    assert found.finished_at is not None
    assert [world.wallet(source), world.wallet(destination)] == before


def test_a_deposit_is_taken_from_the_external_wallet_of_its_shard(world: World, applier: Applier) -> None:
    wallet = world.new_wallet(shard=11)
    paid_in = deposit(wallet, 250)
    world.submit(paid_in)

    applier.drain(11, far())

    entries = world.transfer(paid_in.id).entries
    assert [(entry.wallet_id, entry.amount) for entry in entries] == [(ids.external_wallet(11), -250), (wallet, 250)]
    assert world.balance(ids.external_wallet(11)) == -250


def test_a_drain_goes_on_from_batch_to_batch_until_the_queue_is_empty(world: World, applier: Applier) -> None:
    wallet = world.new_wallet()
    many = [deposit(wallet, 1) for _ in range(2 * BATCH_MAX + 1)]
    world.submit(*many)

    assert applier.drain(many[0].shard, far()) == len(many)

    assert world.balance(wallet) == len(many)
    assert world.waiting_shards() == []


def test_a_drain_of_an_empty_shard_does_nothing(applier: Applier) -> None:
    assert applier.drain(3, far()) == 0


def test_a_shard_that_somebody_drains_is_busy(world: World, applier: Applier, connection: psycopg.Connection) -> None:
    with connection.transaction():
        connection.execute("SELECT FROM shards WHERE shard = 3 FOR UPDATE")
        with pytest.raises(ShardBusy):
            applier.drain(3, far())
        assert applier.drain(4, far()) == 0

    assert applier.drain(3, far()) == 0


def test_whoever_finds_the_shard_busy_makes_its_holder_look_again(
    world: World, connection: psycopg.Connection, own_redis: Redis, threads: ThreadPoolExecutor
) -> None:
    source, destination = world.new_wallets(10, 0)
    first, second = transfer(source, destination, 1), transfer(source, destination, 2)
    holder, other = world.applier(own_redis.url), world.applier(own_redis.url)
    world.submit(first)

    with connection.transaction():
        connection.execute("SELECT FROM wallets WHERE id = %s FOR UPDATE", [destination])
        answer = threads.submit(holder.answer, first.shard)
        world.wait_until_blocked()  # the holder has claimed the first
        world.submit(second)
        other.answer(second.shard)
        assert world.statuses(first.id, second.id) == [QUEUED, QUEUED]
    answer.result(20)

    assert world.statuses(first.id, second.id) == [APPLIED, APPLIED]
    holder.close()
    other.close()


def test_a_drain_that_ends_at_its_deadline_rings_again(world: World, own_redis: Redis) -> None:
    wallet = world.new_wallet()
    many = [deposit(wallet, 1) for _ in range(BATCH_MAX + 1)]
    world.submit(*many)
    impatient = world.applier(own_redis.url, fair_share_s=0)
    [shard] = world.waiting_shards()

    impatient.answer(shard)

    assert world.balance(wallet) == BATCH_MAX
    with Client.from_url(own_redis.url) as client:
        assert client.llen("rq:queue:transfers") == 1
        assert client.exists(f"doorbell:{shard}")
    impatient.answer(shard)
    assert world.balance(wallet) == BATCH_MAX + 1
    impatient.close()


def test_transfers_that_cross_between_two_shards_do_not_deadlock(world: World, threads: ThreadPoolExecutor) -> None:
    here, there = world.new_wallet(400, shard=1), world.new_wallet(400, shard=2)
    crossing = [transfer(*pair, 1) for _ in range(400) for pair in ((here, there), (there, here))]
    world.submit(*crossing)
    appliers = [world.applier(), world.applier()]

    drains = [threads.submit(applier.drain, shard, far()) for applier, shard in zip(appliers, (1, 2), strict=True)]

    assert [drain.result(30) for drain in drains] == [400, 400]
    assert world.statuses(*(one.id for one in crossing)) == [APPLIED] * 800
    assert (world.balance(here), world.balance(there)) == (400, 400)
    assert world.query("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") == [(0,)]
    assert_clean(world)
    for applier in appliers:
        applier.close()


def test_many_appliers_on_one_shard_apply_everything_once_and_in_order(world: World, threads: ThreadPoolExecutor) -> None:
    source, destination = world.new_wallets(300, 0)
    sent = [transfer(source, destination, 1) for _ in range(300)]
    world.submit(*sent)
    appliers = [world.applier() for _ in range(4)]

    for answer in [threads.submit(applier.answer, sent[0].shard) for applier in appliers]:
        answer.result(30)

    order = world.query("SELECT transfer_id FROM entries WHERE wallet_id = %s AND amount < 0 ORDER BY version", source)
    assert [id for (id,) in order] == [one.id for one in sent]
    assert_clean(world)
    for applier in appliers:
        applier.close()


# --- What goes wrong ---


def test_a_poison_transfer_is_given_up_on_and_all_others_of_its_shard_are_applied(world: World, applier: Applier) -> None:
    source, destination, doomed = world.new_wallets(1000, 0, 0, shard=6)
    healthy = [transfer(source, destination, 1) for _ in range(200)]
    poison = transfer(source, doomed, 1)
    world.submit(*healthy[:150], poison, *healthy[150:])
    world.query("DELETE FROM wallets WHERE id = %s", doomed)

    applier.answer(6)

    assert world.statuses(*(one.id for one in healthy)) == [APPLIED] * 200
    assert world.statuses(poison.id) == [INTERNAL]
    assert world.transfer(poison.id).entries == []
    assert (world.balance(source), world.waiting_shards()) == (800, [])


def test_a_transfer_that_the_schema_refuses_is_given_up_on_alike(world: World, applier: Applier) -> None:
    source, destination, damaged = world.new_wallets(1000, 0, 5, shard=6)
    world.query("UPDATE wallets SET version = 0, balance = 0 WHERE id = %s", damaged)  # its next entry's version is taken
    healthy = [transfer(source, destination, 1) for _ in range(20)]
    poison = transfer(source, damaged, 1)
    world.submit(*healthy[:10], poison, *healthy[10:])

    applier.answer(6)

    assert world.statuses(*(one.id for one in healthy)) == [APPLIED] * 20
    assert world.statuses(poison.id) == [INTERNAL]


def test_two_poison_transfers_are_both_given_up_on(world: World, applier: Applier) -> None:
    source, destination, doomed = world.new_wallets(1000, 0, 0, shard=6)
    sent = [transfer(source, doomed if n in {3, 4} else destination, 1) for n in range(9)]
    world.submit(*sent)
    world.query("DELETE FROM wallets WHERE id = %s", doomed)

    applier.answer(6)

    assert world.statuses(*(one.id for one in sent)) == [INTERNAL if n in {3, 4} else APPLIED for n in range(9)]


def test_a_final_transfer_in_the_queue_is_applied_no_second_time_and_holds_nobody_up(world: World, applier: Applier) -> None:
    source, destination = world.new_wallets(1000, 0)
    before, final, after = (transfer(source, destination, amount) for amount in (1, 100, 10))
    world.submit(before, final, after)
    world.query("UPDATE transfers SET status = 'applied', finished_at = now() WHERE id = %s", final.id)

    applier.answer(final.shard)

    assert world.statuses(before.id, final.id, after.id) == [APPLIED, APPLIED, APPLIED]
    assert world.transfer(final.id).entries == []
    assert (world.balance(source), world.balance(destination)) == (989, 11)
    assert world.waiting_shards() == []


def test_a_lock_that_does_not_come_is_waited_for_and_counted_against_nobody(world: World, connection: psycopg.Connection) -> None:
    source, destination = world.new_wallets(10, 0)
    sent = transfer(source, destination, 1)
    world.submit(sent)
    impatient = world.applier(lock_timeout="10ms")

    with connection.transaction():
        connection.execute("SELECT FROM wallets WHERE id = %s FOR UPDATE", [destination])
        for _ in range(2 * ATTEMPTS_MAX):
            impatient.answer(sent.shard)
            assert world.statuses(sent.id) == [QUEUED]
    impatient.answer(sent.shard)

    assert world.statuses(sent.id) == [APPLIED]
    impatient.close()


def test_a_connection_lost_in_the_middle_of_a_batch_loses_nothing(
    world: World, applier: Applier, connection: psycopg.Connection, threads: ThreadPoolExecutor
) -> None:
    source, destination = world.new_wallets(100, 0)
    sent = [transfer(source, destination, 1) for _ in range(5)]
    world.submit(*sent)

    for _ in range(ATTEMPTS_MAX + 1):
        with connection.transaction():
            connection.execute("SELECT FROM wallets WHERE id = %s FOR UPDATE", [destination])
            answer = threads.submit(applier.answer, sent[0].shard)
            [backend] = world.wait_until_blocked()
            world.query("SELECT pg_terminate_backend(%s)", backend)
            answer.result(20)
        assert world.statuses(*(one.id for one in sent)) == [QUEUED] * 5
    applier.answer(sent[0].shard)

    assert world.statuses(*(one.id for one in sent)) == [APPLIED] * 5
    assert_clean(world)


def test_a_drain_that_is_interrupted_in_the_middle_of_a_statement_gives_its_connection_and_its_locks_up(
    world: World, connection: psycopg.Connection, threads: ThreadPoolExecutor
) -> None:
    """As by a job's timeout, which is an exception out of a signal."""
    source, destination = world.new_wallets(10, 0)
    sent = transfer(source, destination, 1)
    world.submit(sent)
    applier = world.applier(lock_timeout="200ms")

    def interrupt(*_: object) -> None:
        raise RuntimeError("interrupted")

    def interrupt_when_blocked() -> None:
        world.wait_until_blocked()
        os.kill(os.getpid(), signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        with connection.transaction():
            connection.execute("SELECT FROM wallets WHERE id = %s FOR UPDATE", [destination])
            interruption = threads.submit(interrupt_when_blocked)
            applier.answer(sent.shard)
            interruption.result(10)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert world.drain(sent.shard) == 1
    applier.answer(sent.shard)

    assert world.statuses(sent.id) == [APPLIED]
    applier.close()


def test_a_connection_that_died_while_nobody_looked_is_replaced(world: World, applier: Applier) -> None:
    wallet = world.new_wallet()
    sent = deposit(wallet, 5)
    world.submit(sent)
    applier.drain(0, far())  # it has a connection now
    world.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )

    applier.answer(sent.shard)
    applier.answer(sent.shard)

    assert world.statuses(sent.id) == [APPLIED]


def test_a_deployment_that_is_not_finished_rejects_nothing(world: World, applier: Applier) -> None:
    wallet = world.new_wallet()
    sent = deposit(wallet, 5)
    world.submit(sent)

    world.query("ALTER TABLE entries RENAME COLUMN amount TO quantity")
    for _ in range(2 * ATTEMPTS_MAX):
        applier.answer(sent.shard)
    assert world.statuses(sent.id) == [QUEUED]
    world.query("ALTER TABLE entries RENAME COLUMN quantity TO amount")
    applier.answer(sent.shard)

    assert world.statuses(sent.id) == [APPLIED]


def test_a_place_that_is_committed_late_is_not_deleted_with_those_claimed_before_it(
    world: World, applier: Applier, connection: psycopg.Connection
) -> None:
    """Positions are given before COMMIT, so a smaller one may appear after a larger one is done."""
    source, destination = world.new_wallets(10, 0)
    late, early = transfer(source, destination, 1), transfer(source, destination, 2)
    with connection.transaction():
        take_position(connection, late)
        world.submit(early)
        assert applier.drain(early.shard, far()) == 1

    assert applier.drain(late.shard, far()) == 1

    assert world.statuses(late.id, early.id) == [APPLIED, APPLIED]


def take_position(connection: psycopg.Connection, sent: Submission) -> None:
    columns = "id, type, source, destination, amount, currency, metadata, owner, idempotency_key, fingerprint, shard"
    connection.execute(
        f"INSERT INTO transfers ({columns}) VALUES (%s, %s, %s, %s, %s, 'USD', '{{}}', 'operator', %s, %s, %s)".encode(),
        [sent.id, sent.type, sent.source, sent.destination, sent.amount, sent.idempotency_key, sent.fingerprint, sent.shard],
    )
    connection.execute("INSERT INTO queue (shard, transfer_id) VALUES (%s, %s)", [sent.shard, sent.id])


def test_money_only_moves_between_wallets_when_many_shards_are_drained_at_once(world: World, threads: ThreadPoolExecutor) -> None:
    wallets = [world.new_wallet(100, shard=shard) for shard in range(4)]
    sent = [
        transfer(source, destination, 60)
        for _ in range(15)
        for source in wallets
        for destination in wallets
        if source != destination
    ]
    world.submit(*sent)
    appliers = [world.applier() for _ in wallets]

    for drain in [threads.submit(applier.drain, shard, far()) for shard, applier in enumerate(appliers)]:
        drain.result(30)

    met = Counter(world.statuses(*(one.id for one in sent)))
    assert set(met) == {APPLIED, POOR}, met
    assert sum(world.balance(wallet) for wallet in wallets) == 400
    assert_clean(world)
    for applier in appliers:
        applier.close()


def test_a_poison_transfer_is_found_also_when_each_drain_has_time_for_one_attempt_only(world: World) -> None:
    source, destination, doomed = world.new_wallets(100, 0, 0, shard=6)
    poison, behind = transfer(source, doomed, 1), transfer(source, destination, 1)
    world.submit(poison, behind)
    world.query("DELETE FROM wallets WHERE id = %s", doomed)
    impatient = world.applier(fair_share_s=0)

    for _ in range(30):
        impatient.answer(6)

    impatient.close()
    assert world.statuses(poison.id, behind.id) == [INTERNAL, APPLIED]
