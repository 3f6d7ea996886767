"""The statements of a drain, one by one: claims, locks, verdicts, and which shards wait."""

from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import errors

from core.ledger.book import Entry
from core.postgres.statements import statement
from core.transfers import Terms
from tests.world import World, capture, deposit, hold, new_id, transfer
from worker.ledger.writes import write

Connection = psycopg.Connection[Any]


def run(connection: Connection, name: str, **params: object) -> psycopg.Cursor[Any]:
    return connection.execute(statement(name), params)


def run_verdicts(connection: Connection, refusals: dict[UUID, str | None]) -> psycopg.Cursor[Any]:
    moved = [None] * len(refusals)
    return run(connection, "drain/finish_transfers", transfer_id=[*refusals], refusal=[*refusals.values()], moved=moved)


def claimed(connection: Connection, shard: int, limit: int = 500) -> list[UUID]:
    return [row[2] for row in run(connection, "drain/claim_queue", shards=[shard], floors=[0], limit=limit)]


def test_claims_come_in_order_of_position_and_of_their_shard_alone(world: World, connection: Connection) -> None:
    here, there = world.new_wallet(shard=1), world.new_wallet(shard=2)
    sent = [deposit(wallet, 1) for _ in range(3) for wallet in (here, there)][::-1]
    world.submit(*sent)

    assert claimed(connection, 1) == [one.id for one in sent if one.shard == 1]
    assert claimed(connection, 1, limit=2) == [one.id for one in sent if one.shard == 1][:2]
    assert claimed(connection, 3) == []


def test_a_claim_says_what_is_to_be_moved(world: World, connection: Connection) -> None:
    source, destination = world.new_wallets(0, 0)
    sent = transfer(source, destination, 42)
    world.submit(sent)

    [(_, position, *claim)] = run(connection, "drain/claim_queue", shards=[sent.shard], floors=[0], limit=1)

    assert position >= 1
    assert claim == [sent.id, source, destination, 42, False]


def test_a_claim_says_which_transfers_are_special(world: World, connection: Connection) -> None:
    source, destination = world.new_wallets(0, 0)
    placed = hold(source, destination, 1)
    open_amount, with_deadline = (
        transfer(source, destination, 1, terms=terms) for terms in (Terms(fit="funds"), Terms(apply_within_s=9))
    )
    sent = [placed, capture(placed), open_amount, with_deadline, transfer(source, destination, 1)]
    world.submit(*sent)

    claim = run(connection, "drain/claim_queue", shards=[placed.shard], floors=[0], limit=9).fetchall()

    assert [row[-1] for row in claim] == [True, True, True, True, False]


def test_a_locked_shard_is_skipped_and_not_waited_for(world: World, connection: Connection) -> None:
    with psycopg.connect(world.url) as other:
        assert run(other, "drain/lock_shards", shards=[3]).fetchall() == [(3, 0)]

        connection.execute("SET lock_timeout = '1ms'")
        assert run(connection, "drain/lock_shards", shards=[3]).fetchall() == []
        assert run(connection, "drain/lock_shards", shards=[4]).fetchall() == [(4, 0)]
        other.rollback()

    assert run(connection, "drain/lock_shards", shards=[3]).fetchall() == [(3, 0)]


def test_a_shard_that_does_not_exist_cannot_be_locked(connection: Connection) -> None:
    assert run(connection, "drain/lock_shards", shards=[16]).fetchall() == []


def test_wallets_are_locked_in_id_order_and_read_as_they_are(world: World, connection: Connection) -> None:
    wallets = world.new_wallets(7, 0)

    rows = run(connection, "drain/lock_wallets", ids=[wallets[1], new_id(), wallets[0]]).fetchall()

    assert rows == sorted([(wallets[0], False, 7, 1, 0, None), (wallets[1], False, 0, 0, 0, None)])


def test_a_locked_wallet_is_waited_for(world: World, connection: Connection) -> None:
    wallet = world.new_wallet(7)
    with psycopg.connect(world.url) as other:
        run(other, "drain/lock_wallets", ids=[wallet])

        connection.execute("SET lock_timeout = '1ms'")
        with pytest.raises(errors.LockNotAvailable):
            run(connection, "drain/lock_wallets", ids=[wallet])


def test_a_locked_wallet_holds_up_no_submission(world: World, connection: Connection) -> None:
    wallet = world.new_wallet(7)
    with psycopg.connect(world.url) as other:
        run(other, "drain/lock_wallets", ids=[wallet])

        connection.execute("SET lock_timeout = '1ms'")
        assert connection.execute("SELECT FROM wallets WHERE id = %s FOR KEY SHARE", [wallet]).rowcount == 1
        assert len(world.submit(deposit(wallet, 1))) == 1


def test_a_verdict_makes_a_queued_transfer_final(world: World, connection: Connection) -> None:
    wallet = world.new_wallet()
    good, bad, untouched = (deposit(wallet, 1) for _ in range(3))
    world.submit(good, bad, untouched)

    finished = run_verdicts(connection, {good.id: None, bad.id: "balance_limit_exceeded"})

    assert finished.rowcount == 2
    assert world.statuses(good.id, bad.id, untouched.id) == [
        ("applied", None),
        ("rejected", "balance_limit_exceeded"),
        ("queued", None),
    ]
    found = world.transfer(good.id)
    assert found.finished_at is not None
    assert found.finished_at > found.created_at


def test_a_verdict_is_not_dated_before_the_acceptance_when_the_clock_was_set_back(world: World, connection: Connection) -> None:
    sent = deposit(world.new_wallet(), 5)
    world.submit(sent)
    world.query("UPDATE transfers SET created_at = now() + interval '1 hour' WHERE id = %s", sent.id)

    assert world.drain() == 1

    found = world.transfer(sent.id)
    assert (found.status, found.finished_at) == ("applied", found.created_at)


def test_a_verdict_leaves_what_is_final_alone_and_does_not_count_it(world: World, connection: Connection) -> None:
    wallet = world.new_wallet()
    applied, rejected, queued = (deposit(wallet, 1) for _ in range(3))
    world.submit(applied, rejected, queued)
    run_verdicts(connection, {applied.id: None, rejected.id: "internal"})
    before = [world.transfer(applied.id), world.transfer(rejected.id)]

    again = run_verdicts(connection, {applied.id: "internal", rejected.id: None, queued.id: None})

    assert again.rowcount == 1
    assert [world.transfer(applied.id), world.transfer(rejected.id)] == before


def test_exactly_the_given_places_are_deleted(world: World, connection: Connection) -> None:
    here, there = world.new_wallet(shard=1), world.new_wallet(shard=2)
    world.submit(*(deposit(here, 1) for _ in range(4)), deposit(there, 1))
    positions = [position for (position,) in world.query("SELECT position FROM queue ORDER BY position")]

    deleted = run(connection, "drain/delete_queue", shard=[1, 1, 1], position=[positions[1], positions[3], positions[4]])

    assert deleted.rowcount == 2
    assert world.query("SELECT position FROM queue ORDER BY position") == [(positions[0],), (positions[2],), (positions[4],)]


def test_entries_are_added_and_a_version_or_transfer_that_a_wallet_has_is_refused(connection: Connection) -> None:
    wallet, other, first = new_id(), new_id(), new_id()

    def insert(*rows: tuple[UUID, int, UUID, int, int]) -> int:
        return run(connection, "drain/insert_entries", **write("drain/insert_entries", Entry._fields, rows).params).rowcount

    assert insert((wallet, 1, first, -5, -5), (other, 1, first, 5, 5)) == 2
    with pytest.raises(errors.UniqueViolation, match="entries_pkey"):
        insert((wallet, 1, new_id(), 5, 0))
    with pytest.raises(errors.UniqueViolation, match="entries_transfer"):
        insert((wallet, 2, first, 5, 0))
    assert insert((wallet, 2, new_id(), 5, 0)) == 1


def test_new_balances_are_written_to_their_wallets(world: World, connection: Connection) -> None:
    one, other, third = world.new_wallets(1, 2, 3)

    updated = run(connection, "drain/update_wallets", id=[one, other], balance=[10, 20], version=[7, 8], held=[0, 20])

    assert updated.rowcount == 2
    found = [world.wallet(id) for id in (one, other, third)]
    assert [(wallet.balance, wallet.version, wallet.held) for wallet in found] == [(10, 7, 0), (20, 8, 20), (3, 1, 0)]


def test_shards_wait_whose_first_transfer_is_too_old_the_oldest_first(world: World, connection: Connection) -> None:
    ages = {1: 7.0, 2: 5.0, 3: 9.0, 5: 1.0}
    for shard, age in ages.items():
        old, young = (deposit(world.new_wallet(shard=shard), 1) for _ in range(2))
        world.submit(old, young)
        world.query("UPDATE transfers SET created_at = now() - make_interval(secs => %s) WHERE id = %s", age, old.id)

    assert run(connection, "sweep/list_waiting_shards", waited_s=2.0).fetchall() == [(3,), (1,), (2,)]
    assert run(connection, "sweep/list_waiting_shards", waited_s=6.0).fetchall() == [(3,), (1,)]
    assert run(connection, "sweep/list_waiting_shards", waited_s=60.0).fetchall() == []


def test_a_shard_does_not_wait_for_a_young_first_whatever_lies_behind(world: World, connection: Connection) -> None:
    wallet = world.new_wallet()
    first, second = deposit(wallet, 1), deposit(wallet, 1)
    world.submit(first, second)
    world.query("UPDATE transfers SET created_at = now() - interval '9 s' WHERE id = %s", second.id)

    assert run(connection, "sweep/list_waiting_shards", waited_s=2.0).fetchall() == []


def test_shards_are_counted(connection: Connection) -> None:
    assert run(connection, "queue/count_shards").fetchone() == (16,)
