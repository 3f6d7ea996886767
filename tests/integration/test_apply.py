"""The transaction that moves money, run in this process against a real database."""

import os
import signal
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import psycopg
import pytest
from redis import Redis as Client
from rq import Queue
from structlog.testing import capture_logs

from core import ids, metrics
from core.admin.audit import audit
from core.ids import Prefix
from core.postgres.connections import connect_worker
from core.redis.jobs import APPLY, SERIALIZER
from core.redis.keys import QUEUE
from core.transfers import Submission
from local.redis import Redis
from tests.bells import Bells
from tests.waiting import wait_for
from tests.world import World, deposit, insert_by_hand, transfer
from worker.allowance import GIVEN_UP_MAX
from worker.jobs import jobs_of_worker
from worker.ledger.apply import Applier, Batch
from worker.ledger.batch_limit import ATTEMPTS_MAX, BATCH_MAX
from worker.ledger.drain import Drainer
from worker.ledger.shards import WAIT_FROM

APPLIED, POOR, INTERNAL = ("applied", None), ("rejected", "insufficient_funds"), ("rejected", "internal")
QUEUED = ("queued", None)


@pytest.fixture
def drainer(world: World) -> Iterator[Drainer]:
    drainer = world.drainer()
    yield drainer
    drainer.close()


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as threads:
        yield threads


def assert_clean(world: World) -> None:
    report = audit(world.url)
    assert report.clean, "\n".join(report.lines())


def test_a_wallet_with_funds_for_500_pays_exactly_500_of_1000_debits(world: World, drainer: Drainer) -> None:
    source, destination = world.new_wallets(500 * 7, 0)
    debits = [transfer(source, destination, 7) for _ in range(1000)]
    world.submit(*debits)

    finished = drainer.run([debits[0].shard])

    assert finished == 1000
    assert world.statuses(*(debit.id for debit in debits)) == [APPLIED] * 500 + [POOR] * 500
    assert (world.balance(source), world.balance(destination)) == (0, 3500)
    assert_clean(world)


def test_transfers_of_a_shard_are_applied_in_the_order_of_their_acceptance(world: World, drainer: Drainer) -> None:
    source, destination = world.new_wallets(1000, 0)
    sent = [transfer(source, destination, 1) for _ in range(40)]
    for late_id_first in (sent[30:], sent[:10], sent[10:30]):  # order of arrival, whatever the ids say
        world.submit(*late_id_first)

    drainer.run([sent[0].shard])

    order = world.query("SELECT transfer_id FROM entries WHERE wallet_id = %s AND amount < 0 ORDER BY version", source)
    assert [id for (id,) in order] == [one.id for one in [*sent[30:], *sent[:10], *sent[10:30]]]


def test_a_rejected_transfer_changes_no_wallet_and_says_why(world: World, drainer: Drainer) -> None:
    source, destination = world.new_wallets(99, 5)
    before = [world.wallet(source), world.wallet(destination)]
    short = transfer(source, destination, 100)
    world.submit(short)

    drainer.run([short.shard])

    found = world.transfer(short.id)
    assert (found.status, found.failure_code, found.entries) == ("rejected", "insufficient_funds", [])
    assert found.finished_at is not None
    assert [world.wallet(source), world.wallet(destination)] == before


def test_a_deposit_is_taken_from_the_external_wallet_of_its_shard(world: World, drainer: Drainer) -> None:
    wallet = world.new_wallet(shard=11)
    paid_in = deposit(wallet, 250)
    world.submit(paid_in)

    drainer.run([11])

    entries = world.transfer(paid_in.id).entries
    assert [(entry.wallet_id, entry.amount) for entry in entries] == [(ids.external_wallet(11), -250), (wallet, 250)]
    assert world.balance(ids.external_wallet(11)) == -250


def test_a_drain_goes_on_from_batch_to_batch_until_the_queue_is_empty(world: World, drainer: Drainer) -> None:
    wallet = world.new_wallet()
    many = [deposit(wallet, 1) for _ in range(2 * BATCH_MAX + 1)]
    world.submit(*many)

    assert drainer.run([many[0].shard]) == len(many)

    assert world.balance(wallet) == len(many)
    assert world.waiting_shards() == []


def test_a_drain_of_an_empty_shard_does_nothing(drainer: Drainer) -> None:
    assert drainer.run([3]) == 0


def test_a_shard_that_a_worker_drains_is_busy(world: World, connection: psycopg.Connection) -> None:
    applier = world.applier()
    with connection.transaction():
        connection.execute("SELECT FROM shards WHERE shard = 3 FOR UPDATE")
        assert applier.apply([3, 4], BATCH_MAX) == Batch(0, full=False, busy=frozenset({3}))

    assert applier.apply([3, 4], BATCH_MAX) == Batch(0)
    applier.close()


def test_a_worker_that_finds_the_shard_busy_makes_its_holder_look_again(
    world: World, connection: psycopg.Connection, own_redis: Redis, threads: ThreadPoolExecutor
) -> None:
    source, destination = world.new_wallets(10, 0)
    first, second = transfer(source, destination, 1), transfer(source, destination, 2)
    holder, other = world.drainer(own_redis.url), world.drainer(own_redis.url)
    world.submit(first)

    with connection.transaction():
        connection.execute("SELECT FROM wallets WHERE id = %s FOR UPDATE", [destination])
        answer = threads.submit(holder.run, [first.shard])
        world.wait_until_blocked()  # the holder has claimed the first
        world.submit(second)
        other.run([second.shard])
        assert world.statuses(first.id, second.id) == [QUEUED, QUEUED]
    answer.result(20)

    assert world.statuses(first.id, second.id) == [APPLIED, APPLIED]
    holder.close()
    other.close()


def test_a_drain_that_ends_at_its_deadline_rings_again(world: World, own_redis: Redis) -> None:
    wallet = world.new_wallet()
    many = [deposit(wallet, 1) for _ in range(BATCH_MAX + 1)]
    world.submit(*many)
    impatient = world.drainer(own_redis.url, fair_share_s=0)
    [shard] = world.waiting_shards()

    impatient.run([shard])

    assert world.balance(wallet) == BATCH_MAX
    with Client.from_url(own_redis.url) as client:
        assert client.llen("rq:queue:transfers") == 1
        assert client.exists(f"doorbell:{shard}")
    impatient.run([shard])
    assert world.balance(wallet) == BATCH_MAX + 1
    impatient.close()


def test_transfers_that_cross_between_two_shards_do_not_deadlock(world: World, threads: ThreadPoolExecutor) -> None:
    here, there = world.new_wallet(400, shard=1), world.new_wallet(400, shard=2)
    crossing = [transfer(*pair, 1) for _ in range(400) for pair in ((here, there), (there, here))]
    world.submit(*crossing)
    drainers = [world.drainer(), world.drainer()]

    drains = [threads.submit(drainer.run, [shard]) for drainer, shard in zip(drainers, (1, 2), strict=True)]

    assert [drain.result(30) for drain in drains] == [400, 400]
    assert world.statuses(*(one.id for one in crossing)) == [APPLIED] * 800
    assert (world.balance(here), world.balance(there)) == (400, 400)
    assert world.query("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") == [(0,)]
    assert_clean(world)
    for drainer in drainers:
        drainer.close()


def test_nothing_of_a_drain_is_seen_before_all_of_it_is_committed(
    world: World, connection: psycopg.Connection, threads: ThreadPoolExecutor
) -> None:
    source, destination = world.new_wallets(10, 0)
    sent = transfer(source, destination, 4)
    world.submit(sent)

    with closing(world.drainer(lock_timeout="4s")) as drainer:
        with connection.transaction():
            connection.execute("SELECT FROM transfers WHERE id = %s FOR UPDATE", [sent.id])
            answer = threads.submit(drainer.run, [sent.shard])
            world.wait_until_blocked()  # its entries and balances are written; its verdict waits
            assert_clean(world)
            assert (world.balance(source), world.balance(destination)) == (10, 0)
        answer.result(20)

    assert world.statuses(sent.id) == [APPLIED]
    assert_clean(world)


def test_a_drain_decides_by_what_those_before_it_have_left_in_the_wallets(
    world: World, connection: psycopg.Connection, threads: ThreadPoolExecutor
) -> None:
    """A wallet of one shard is credited by a drain of another one, which is held up before its COMMIT."""
    rich, shared, last = world.new_wallet(50, shard=1), world.new_wallet(shard=2), world.new_wallet(shard=3)
    credit, debit = transfer(rich, shared, 50), transfer(shared, last, 50)
    world.submit(credit, debit)
    drainers = [world.drainer(lock_timeout="4s") for _ in range(2)]

    with connection.transaction():
        connection.execute("SELECT FROM transfers WHERE id = %s FOR UPDATE", [credit.id])
        first = threads.submit(drainers[0].run, [credit.shard])
        world.wait_until_blocked()
        second = threads.submit(drainers[1].run, [debit.shard])
        wait_for(lambda: second.done() or len(world.wait_until_blocked()) == 2, "a drain that waits, or does not")
    assert (first.result(20), second.result(20)) == (1, 1)

    assert world.statuses(credit.id, debit.id) == [APPLIED, APPLIED]
    assert_clean(world)
    for drainer in drainers:
        drainer.close()


def test_many_drainers_on_one_shard_apply_everything_once_and_in_order(world: World, threads: ThreadPoolExecutor) -> None:
    source, destination = world.new_wallets(300, 0)
    sent = [transfer(source, destination, 1) for _ in range(300)]
    world.submit(*sent)
    drainers = [world.drainer() for _ in range(4)]

    for answer in [threads.submit(drainer.run, [sent[0].shard]) for drainer in drainers]:
        answer.result(30)

    order = world.query("SELECT transfer_id FROM entries WHERE wallet_id = %s AND amount < 0 ORDER BY version", source)
    assert [id for (id,) in order] == [one.id for one in sent]
    assert_clean(world)
    for drainer in drainers:
        drainer.close()


def test_transfers_of_several_shards_share_a_transaction_in_the_order_of_their_acceptance(world: World) -> None:
    ada, ben, cid = (world.new_wallet(shard=shard) for shard in (1, 2, 3))
    chain = [deposit(ada, 5), transfer(ada, ben, 5), transfer(ben, cid, 5)]
    world.submit(*chain)

    with closing(world.applier()) as applier:
        assert applier.apply([3, 2, 1], BATCH_MAX) == Batch(3)

    assert world.statuses(*(one.id for one in chain)) == [APPLIED] * 3
    assert len(world.query("SELECT DISTINCT xmin FROM transfers WHERE status = 'applied'")) == 1


def test_a_batch_tells_that_one_of_its_shards_has_more(world: World) -> None:
    one, other = (world.new_wallet(shard=shard) for shard in (1, 2))
    world.submit(deposit(one, 1), deposit(one, 1), deposit(other, 1))

    with closing(world.applier()) as applier:
        assert applier.apply([1, 2], 2) == Batch(3, full=True)
        assert applier.apply([1, 2], 2) == Batch(0)


def test_no_ring_is_needed_while_a_shard_is_drained(
    world: World, connection: psycopg.Connection, own_redis: Redis, threads: ThreadPoolExecutor
) -> None:
    source, destination = world.new_wallets(10, 0)
    first, second = transfer(source, destination, 1), transfer(source, destination, 2)
    drainer, bells = world.drainer(own_redis.url), Bells(own_redis.url)
    world.submit(first)
    bells.doorbell.ring([first.shard])

    with connection.transaction():
        connection.execute("SELECT FROM wallets WHERE id = %s FOR UPDATE", [destination])
        answer = threads.submit(drainer.run, [first.shard])
        world.wait_until_blocked()
        world.submit(second)
        bells.doorbell.ring([second.shard])
    answer.result(20)

    assert world.statuses(first.id, second.id) == [APPLIED, APPLIED]
    with Client.from_url(own_redis.url) as client:
        assert client.llen("rq:queue:transfers") == 1  # the first ring's; no worker takes jobs here
        assert not client.exists(f"doorbell:{first.shard}")
    drainer.close()
    bells.close()


def test_a_backlog_of_many_shards_is_shared_with_other_workers(world: World, own_redis: Redis) -> None:
    wallets = [world.new_wallet(shard=shard) for shard in range(4)]
    world.submit(*(deposit(wallet, 1) for wallet in wallets for _ in range(BATCH_MAX)))
    drainer, bells = world.drainer(own_redis.url), Bells(own_redis.url)
    bells.doorbell.ring(range(4))

    finished = drainer.run(range(4))

    with Client.from_url(own_redis.url) as client:
        jobs = Queue(QUEUE, connection=client, serializer=SERIALIZER).jobs
    assert [job.args for job in jobs] == [[[0, 1, 2, 3]], [[2, 3]], [[1]]]  # the ring's, and what was passed on
    assert world.balance(wallets[0]) == BATCH_MAX
    assert BATCH_MAX < finished < 4 * BATCH_MAX
    assert finished + sum(drainer.run(shards) for shards in ([2, 3], [1], [3])) == 4 * BATCH_MAX
    drainer.close()
    bells.close()


def test_without_redis_a_backlog_of_many_shards_is_drained_alone(world: World, drainer: Drainer) -> None:
    wallets = [world.new_wallet(shard=shard) for shard in range(2)]
    world.submit(*(deposit(wallet, 1) for wallet in wallets for _ in range(BATCH_MAX)))

    assert drainer.run([0, 1]) == 2 * BATCH_MAX


def counted(sample: str, **labels: str) -> float:
    """What this process has counted until now."""
    return metrics.REGISTRY.get_sample_value(sample, labels) or 0.0


def test_a_batch_is_counted_before_its_news_is_published(world: World) -> None:
    """Its time ends with its COMMIT, however long Redis takes."""
    sent = deposit(world.new_wallet(), 1)
    world.submit(sent)
    seen = [counted("teller_drain_batch_seconds_count")]

    def tell(_: object) -> None:
        seen.append(counted("teller_drain_batch_seconds_count"))

    with closing(Applier(lambda: connect_worker(world.url), tell)) as applier:
        applier.apply([sent.shard], BATCH_MAX)

    assert seen == [seen[0], seen[0] + 1]


# --- What goes wrong ---


def test_a_poison_transfer_harms_none_of_the_shards_that_share_its_batch(world: World, drainer: Drainer) -> None:
    source, destination, doomed = world.new_wallets(100, 0, 0, shard=6)
    elsewhere = world.new_wallet(shard=7)
    poison, behind, beside = transfer(source, doomed, 1), transfer(source, destination, 1), deposit(elsewhere, 1)
    world.submit(poison, behind, beside)
    world.query("DELETE FROM wallets WHERE id = %s", doomed)

    drainer.run([6, 7])

    assert world.statuses(poison.id, behind.id, beside.id) == [INTERNAL, APPLIED, APPLIED]
    assert world.waiting_shards() == []


def test_a_lock_that_does_not_come_puts_off_its_own_shard_alone(
    world: World, connection: psycopg.Connection, own_redis: Redis
) -> None:
    [held] = world.new_wallets(0, shard=6)
    waits, goes = deposit(held, 1), deposit(world.new_wallet(shard=7), 1)
    world.submit(waits, goes)
    drainer, bells = world.drainer(own_redis.url, lock_timeout="10ms"), Bells(own_redis.url)
    bells.doorbell.ring([6, 7])

    with connection.transaction():
        connection.execute("SELECT FROM wallets WHERE id = %s FOR UPDATE", [held])
        drainer.run([6, 7])

    assert world.statuses(waits.id, goes.id) == [QUEUED, APPLIED]
    with Client.from_url(own_redis.url) as client:
        assert client.keys("doorbell:*") == []  # the next commit rings for both
    drainer.close()
    bells.close()


def test_a_worker_that_finds_all_its_shards_busy_goes_on_ringing_for_others(
    world: World, connection: psycopg.Connection, own_redis: Redis
) -> None:
    wallet = world.new_wallet(shard=5)
    bells, drainer = Bells(own_redis.url), world.drainer(own_redis.url)
    with connection.transaction():
        connection.execute("SELECT FROM shards WHERE shard = 3 FOR UPDATE")
        assert drainer.run([3]) == 0
    world.submit(deposit(wallet, 1))
    bells.doorbell.ring([5])

    assert drainer.run([5]) == 1

    with Client.from_url(own_redis.url) as client:
        assert not client.exists("doorbell:5")  # the next commit rings again
    drainer.close()
    bells.close()


def test_shards_for_which_no_time_was_left_are_rung_for(world: World, own_redis: Redis) -> None:
    source, destination, doomed = world.new_wallets(100, 0, 0, shard=6)
    beside = world.new_wallet(shard=7)
    world.submit(transfer(source, doomed, 1), transfer(source, destination, 1), deposit(beside, 1))
    world.query("DELETE FROM wallets WHERE id = %s", doomed)
    impatient = world.drainer(own_redis.url, fair_share_s=0)

    impatient.run([6, 7])  # fails together; then there is no time for either

    with Client.from_url(own_redis.url) as client:
        assert [job.args for job in Queue(QUEUE, connection=client, serializer=SERIALIZER).jobs] == [[[6, 7]]]
        assert client.exists("doorbell:6", "doorbell:7") == 2
    impatient.close()


def test_a_job_that_names_no_shards_is_over_at_once_and_rung_for_no_more(world: World, own_redis: Redis) -> None:
    sent = deposit(world.new_wallet(shard=3), 1)
    world.submit(sent)

    with closing(world.drainer(own_redis.url, fair_share_s=0)) as drainer:
        jobs_of_worker(drainer.run)[APPLY](["x", None, True, -1, 2**70])
        assert world.statuses(sent.id) == [QUEUED]
        jobs_of_worker(drainer.run)[APPLY](["x", 3])

    assert world.statuses(sent.id) == [APPLIED]
    with Client.from_url(own_redis.url) as client:
        assert client.llen(f"rq:queue:{QUEUE}") == 0


def test_a_busy_worker_takes_on_the_shards_of_no_worker(world: World, own_redis: Redis) -> None:
    wallet, elsewhere = world.new_wallet(shard=3), world.new_wallet(shard=9)
    world.submit(*(deposit(wallet, 1) for _ in range(WAIT_FROM)), deposit(elsewhere, 1))
    bells, drainer = Bells(own_redis.url), world.drainer(own_redis.url)

    assert drainer.run([3]) == WAIT_FROM + 1

    with Client.from_url(own_redis.url) as client:
        assert client.keys("doorbell:*") == []
    drainer.close()
    bells.close()


def test_a_busy_worker_leaves_shards_to_the_job_that_waits_for_them(world: World, own_redis: Redis) -> None:
    wallet, elsewhere = world.new_wallet(shard=3), world.new_wallet(shard=9)
    world.submit(*(deposit(wallet, 1) for _ in range(WAIT_FROM)), deposit(elsewhere, 1))
    bells, drainer = Bells(own_redis.url), world.drainer(own_redis.url)
    bells.doorbell.ring([9])

    assert drainer.run([3]) == WAIT_FROM

    drainer.close()
    bells.close()


def test_a_drain_that_is_told_to_stop_finishes_its_batch_and_rings_for_the_rest(world: World, own_redis: Redis) -> None:
    wallet = world.new_wallet(shard=3)
    world.submit(*(deposit(wallet, 1) for _ in range(BATCH_MAX + 1)))
    bells = Bells(own_redis.url)
    stopping = Drainer(world.applier(), bells.doorbell, bells.batcher, goes_on=lambda: False)

    assert stopping.run([3]) == BATCH_MAX

    with Client.from_url(own_redis.url) as client:
        assert [job.args for job in Queue(QUEUE, connection=client, serializer=SERIALIZER).jobs] == [[[3]]]
    stopping.close()


def test_a_poison_transfer_is_given_up_on_and_all_others_of_its_shard_are_applied(world: World, drainer: Drainer) -> None:
    source, destination, doomed = world.new_wallets(1000, 0, 0, shard=6)
    healthy = [transfer(source, destination, 1) for _ in range(200)]
    poison = transfer(source, doomed, 1)
    world.submit(*healthy[:150], poison, *healthy[150:])
    world.query("DELETE FROM wallets WHERE id = %s", doomed)

    drainer.run([6])

    assert world.statuses(*(one.id for one in healthy)) == [APPLIED] * 200
    assert world.statuses(poison.id) == [INTERNAL]
    assert world.transfer(poison.id).entries == []
    assert (world.balance(source), world.waiting_shards()) == (800, [])


def test_a_transfer_that_the_schema_refuses_is_given_up_on_alike(world: World, drainer: Drainer) -> None:
    source, destination, damaged = world.new_wallets(1000, 0, 5, shard=6)
    world.query("UPDATE wallets SET version = 0, balance = 0 WHERE id = %s", damaged)  # its next entry's version is taken
    healthy = [transfer(source, destination, 1) for _ in range(20)]
    poison = transfer(source, damaged, 1)
    world.submit(*healthy[:10], poison, *healthy[10:])

    drainer.run([6])

    assert world.statuses(*(one.id for one in healthy)) == [APPLIED] * 20
    assert world.statuses(poison.id) == [INTERNAL]


def test_two_poison_transfers_are_both_given_up_on(world: World, drainer: Drainer) -> None:
    source, destination, doomed = world.new_wallets(1000, 0, 0, shard=6)
    sent = [transfer(source, doomed if n in {3, 4} else destination, 1) for n in range(9)]
    world.submit(*sent)
    world.query("DELETE FROM wallets WHERE id = %s", doomed)

    drainer.run([6])

    assert world.statuses(*(one.id for one in sent)) == [INTERNAL if n in {3, 4} else APPLIED for n in range(9)]


def test_poisons_in_several_shards_of_one_batch_are_given_up_on_loudly_and_nothing_else_is(world: World, drainer: Drainer) -> None:
    wallets = [world.new_wallet(shard=shard) for shard in (6, 7, 8)]
    doomed = [world.new_wallet(shard=shard) for shard in (6, 7)]
    healthy = [deposit(wallet, 1) for wallet in wallets for _ in range(5)]
    poisons = [deposit(wallet, 1) for wallet in doomed]
    world.submit(*healthy[:7], *poisons, *healthy[7:])
    world.query("DELETE FROM wallets WHERE id = ANY(%s)", doomed)

    with capture_logs() as logs:
        assert drainer.run([6, 7, 8]) == len(healthy) + len(poisons)

    assert world.statuses(*(one.id for one in healthy)) == [APPLIED] * len(healthy)
    assert world.statuses(*(one.id for one in poisons)) == [INTERNAL] * len(poisons)
    loud = [(line["event"], line["transfer"]) for line in logs if line["log_level"] == "critical"]
    assert sorted(loud) == sorted(("transfer given up on", ids.text(Prefix.TRANSFER, one.id)) for one in poisons)


def test_a_poison_that_cannot_even_be_given_up_on_holds_its_own_shard_alone(world: World, drainer: Drainer) -> None:
    stuck, beside = (deposit(world.new_wallet(shard=shard), 1) for shard in (6, 7))
    world.submit(stuck, beside)
    world.query(
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'no known reason'; END$$;"
        f" CREATE TRIGGER fail BEFORE UPDATE ON transfers FOR EACH ROW WHEN (old.id = '{stuck.id}') EXECUTE FUNCTION fail()"
    )

    assert drainer.run([6, 7]) == 1

    assert world.statuses(stuck.id, beside.id) == [QUEUED, APPLIED]
    world.query("DROP FUNCTION fail CASCADE")
    assert drainer.run([6, 7]) == 1
    assert world.statuses(stuck.id) == [APPLIED]


def test_a_fault_of_ours_that_hits_every_transfer_rejects_few_and_delays_the_rest(world: World, drainer: Drainer) -> None:
    wallets = [world.new_wallet(shard=shard) for shard in (6, 7)]
    sent = [deposit(wallet, 1) for _ in range(GIVEN_UP_MAX) for wallet in wallets]
    world.submit(*sent)
    world.query(
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'no known reason'; END$$;"
        " CREATE TRIGGER fail BEFORE INSERT ON entries EXECUTE FUNCTION fail()"
    )

    drainer.run([6, 7])
    with capture_logs() as logs:
        for _ in range(3):
            assert drainer.run([6, 7]) == 0

    met = Counter(world.statuses(*(one.id for one in sent)))
    assert met == {INTERNAL: GIVEN_UP_MAX, QUEUED: GIVEN_UP_MAX}
    loud = [line["shard"] for line in logs if line["event"] == "too many transfers given up on, shard put off"]
    assert set(loud) == {6, 7}
    world.query("DROP FUNCTION fail CASCADE")
    assert drainer.run([6, 7]) == GIVEN_UP_MAX
    assert Counter(world.statuses(*(one.id for one in sent))) == {INTERNAL: GIVEN_UP_MAX, APPLIED: GIVEN_UP_MAX}
    assert_clean(world)


def test_a_final_transfer_in_the_queue_is_applied_no_second_time_and_holds_up_no_other(world: World, drainer: Drainer) -> None:
    source, destination = world.new_wallets(1000, 0)
    before, final, after = (transfer(source, destination, amount) for amount in (1, 100, 10))
    world.submit(before, final, after)
    world.query("UPDATE transfers SET status = 'applied', finished_at = now(), moment = 1, ordinal = 1 WHERE id = %s", final.id)

    drainer.run([final.shard])

    assert world.statuses(before.id, final.id, after.id) == [APPLIED, APPLIED, APPLIED]
    assert world.transfer(final.id).entries == []
    assert (world.balance(source), world.balance(destination)) == (989, 11)
    assert world.waiting_shards() == []


def test_only_what_becomes_rejected_is_counted_as_such(world: World) -> None:
    source, destination = world.new_wallets(10, 0)
    doomed, final = transfer(source, destination, 1), transfer(source, destination, 2)
    world.submit(doomed, final)
    world.query("UPDATE transfers SET status = 'applied', finished_at = now(), moment = 1, ordinal = 1 WHERE id = %s", final.id)
    before = counted("teller_transfers_rejected_total", code="internal")

    with closing(world.applier()) as applier:
        for one in (doomed, final):
            assert applier.reject(one.shard, one.id) == 1
            assert counted("teller_transfers_rejected_total", code="internal") == before + 1

    assert world.statuses(doomed.id, final.id) == [INTERNAL, APPLIED]


def test_a_lock_that_does_not_come_is_waited_for_and_counted_against_no_transfer(
    world: World, connection: psycopg.Connection
) -> None:
    source, destination = world.new_wallets(10, 0)
    sent = transfer(source, destination, 1)
    world.submit(sent)
    impatient = world.drainer(lock_timeout="10ms")

    with connection.transaction():
        connection.execute("SELECT FROM wallets WHERE id = %s FOR UPDATE", [destination])
        for _ in range(2 * ATTEMPTS_MAX):
            impatient.run([sent.shard])
            assert world.statuses(sent.id) == [QUEUED]
    impatient.run([sent.shard])

    assert world.statuses(sent.id) == [APPLIED]
    impatient.close()


def test_a_connection_lost_in_the_middle_of_a_batch_loses_nothing(
    world: World, drainer: Drainer, connection: psycopg.Connection, threads: ThreadPoolExecutor
) -> None:
    source, destination = world.new_wallets(100, 0)
    sent = [transfer(source, destination, 1) for _ in range(5)]
    world.submit(*sent)

    for _ in range(ATTEMPTS_MAX + 1):
        with connection.transaction():
            connection.execute("SELECT FROM wallets WHERE id = %s FOR UPDATE", [destination])
            answer = threads.submit(drainer.run, [sent[0].shard])
            [backend] = world.wait_until_blocked()
            world.query("SELECT pg_terminate_backend(%s)", backend)
            answer.result(20)
        assert world.statuses(*(one.id for one in sent)) == [QUEUED] * 5
    drainer.run([sent[0].shard])

    assert world.statuses(*(one.id for one in sent)) == [APPLIED] * 5
    assert_clean(world)


def test_a_drain_that_is_interrupted_in_the_middle_of_a_statement_gives_its_connection_and_its_locks_up(
    world: World, connection: psycopg.Connection, threads: ThreadPoolExecutor
) -> None:
    """As by a job's timeout, which is an exception out of a signal."""
    source, destination = world.new_wallets(10, 0)
    sent = transfer(source, destination, 1)
    world.submit(sent)
    drainer = world.drainer(lock_timeout="200ms")

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
            drainer.run([sent.shard])
            interruption.result(10)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert world.drain(sent.shard) == 1
    drainer.run([sent.shard])

    assert world.statuses(sent.id) == [APPLIED]
    drainer.close()


def test_a_connection_that_died_unused_is_replaced(world: World, drainer: Drainer) -> None:
    wallet = world.new_wallet()
    sent = deposit(wallet, 5)
    world.submit(sent)
    drainer.run([0])  # it has a connection now
    world.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )

    drainer.run([sent.shard])
    drainer.run([sent.shard])

    assert world.statuses(sent.id) == [APPLIED]


def test_a_deployment_that_is_not_finished_rejects_nothing(world: World, drainer: Drainer) -> None:
    wallet = world.new_wallet()
    sent = deposit(wallet, 5)
    world.submit(sent)

    world.query("ALTER TABLE entries RENAME COLUMN amount TO quantity")
    for _ in range(2 * ATTEMPTS_MAX):
        drainer.run([sent.shard])
    assert world.statuses(sent.id) == [QUEUED]
    world.query("ALTER TABLE entries RENAME COLUMN quantity TO amount")
    drainer.run([sent.shard])

    assert world.statuses(sent.id) == [APPLIED]


def test_a_place_that_is_committed_late_is_not_deleted_with_those_claimed_before_it(
    world: World, drainer: Drainer, connection: psycopg.Connection
) -> None:
    """Positions are given before COMMIT, so a smaller one may appear after a larger one is done."""
    source, destination = world.new_wallets(10, 0)
    late, early = transfer(source, destination, 1), transfer(source, destination, 2)
    with connection.transaction():
        take_position(connection, late)
        world.submit(early)
        assert drainer.run([early.shard]) == 1

    assert drainer.run([late.shard]) == 1

    assert world.statuses(late.id, early.id) == [APPLIED, APPLIED]


def take_position(connection: psycopg.Connection, sent: Submission) -> None:
    insert_by_hand(connection, sent)
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
    drainers = [world.drainer() for _ in wallets]

    for drain in [threads.submit(drainer.run, [shard]) for shard, drainer in enumerate(drainers)]:
        drain.result(30)

    met = Counter(world.statuses(*(one.id for one in sent)))
    assert set(met) == {APPLIED, POOR}, met
    assert sum(world.balance(wallet) for wallet in wallets) == 400
    assert_clean(world)
    for drainer in drainers:
        drainer.close()


def test_a_poison_transfer_is_found_also_when_each_drain_has_time_for_one_attempt_only(world: World) -> None:
    source, destination, doomed = world.new_wallets(100, 0, 0, shard=6)
    poison, behind = transfer(source, doomed, 1), transfer(source, destination, 1)
    world.submit(poison, behind)
    world.query("DELETE FROM wallets WHERE id = %s", doomed)
    impatient = world.drainer(fair_share_s=0)

    for _ in range(30):
        impatient.run([6])

    impatient.close()
    assert world.statuses(poison.id, behind.id) == [INTERNAL, APPLIED]


def test_a_shard_that_fails_slowly_takes_the_turn_of_no_other(world: World, connection: psycopg.Connection) -> None:
    """Each try of it lasts for longer than all may: the next answer begins with those that had no turn."""
    held = world.new_wallet(shard=6)
    world.submit(deposit(held, 1))
    beside = [deposit(world.new_wallet(shard=shard), 1) for shard in (7, 8)]
    world.submit(*beside)
    drainer = world.drainer(lock_timeout="200ms", fair_share_s=0.15)

    with connection.transaction():
        connection.execute("SELECT FROM wallets WHERE id = %s FOR UPDATE", [held])
        for _ in range(10):  # one turn an answer, on a machine that does much else
            drainer.run([6, 7, 8])

        assert world.statuses(*(one.id for one in beside)) == [APPLIED] * 2

    drainer.run([6, 7, 8])
    assert world.waiting_shards() == []
    drainer.close()


def test_a_statement_that_hangs_in_one_shard_does_not_stop_the_others(world: World) -> None:
    stuck = deposit(world.new_wallet(shard=6), 1)
    beside = [deposit(world.new_wallet(shard=shard), 1) for shard in (7, 8)]
    world.submit(stuck, *beside)
    sleep_at_each_entry(world, seconds=30, of=stuck)
    drainer = world.drainer(statement_timeout="300ms", fair_share_s=0.2)

    for _ in range(10):  # each fails slowly, together or with 6 alone, and takes all the time that there is
        drainer.run([6, 7, 8])

    assert world.statuses(stuck.id, *(one.id for one in beside)) == [QUEUED, APPLIED, APPLIED]
    drainer.close()


def test_a_batch_that_takes_too_long_becomes_smaller_until_it_does_not(world: World) -> None:
    wallet = world.new_wallet(shard=6)
    sent = [deposit(wallet, 1) for _ in range(100)]
    world.submit(*sent)
    sleep_at_each_entry(world, seconds=0.002)
    drainer = world.drainer(statement_timeout="200ms")

    answers = 0
    while world.waiting_shards() and answers < 200:
        drainer.run([6])
        answers += 1

    assert world.statuses(*(one.id for one in sent)) == [APPLIED] * 100
    drainer.close()


def sleep_at_each_entry(world: World, seconds: float, of: Submission | None = None) -> None:
    when = f" WHEN (new.transfer_id = '{of.id}')" if of else ""
    world.query(
        f"CREATE FUNCTION sleep() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM pg_sleep({seconds}); RETURN new; END$$;"
        f" CREATE TRIGGER sleep BEFORE INSERT ON entries FOR EACH ROW{when} EXECUTE FUNCTION sleep()"
    )
