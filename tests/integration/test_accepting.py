"""What is stored of a batch of submissions, and what of a client: insert_transfers, insert_client."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from uuid import UUID

import psycopg
import pytest

from core import ids
from core.transfers import Submission
from tests.world import World, deposit, insert_by_hand, new_client, new_id, transfer


def queued(world: World) -> list[tuple[int, UUID]]:
    return [(shard, id) for shard, id in world.query("SELECT shard, transfer_id FROM queue ORDER BY position")]


@pytest.mark.parametrize("way", ["hashjoin", "mergejoin", "nestloop"])
def test_submissions_are_stored_and_queued_in_the_order_of_their_arrival(world: World, way: str) -> None:
    """However Postgres joins: each way of its planner's has an order of its own."""
    [(database,)] = world.query("SELECT current_database()")
    for other in {"hashjoin", "mergejoin", "nestloop"} - {way}:
        world.query(f"ALTER DATABASE {database} SET enable_{other} = off")
    wallets = world.new_wallets(*[0] * 6)
    sent = [deposit(wallet, amount, idempotency_key=f"{99 - amount}") for amount, wallet in enumerate(wallets, start=1)]
    sent = [sent[n] for n in (3, 0, 5, 1, 4, 2)]  # neither by id nor by key

    stored = world.submit(*sent)

    assert {row.id for row in stored} == {one.id for one in sent}
    assert queued(world) == [(one.shard, one.id) for one in sent]


def test_a_stored_transfer_is_what_was_submitted(world: World) -> None:
    source, destination = world.new_wallets(0, 0)
    sent = transfer(source, destination, 2**53 - 1, reference="rent ü", metadata={"order": "7"}, owner="cli", fingerprint=b"x" * 32)

    [stored] = world.submit(sent)

    found = world.transfer(sent.id)
    assert (found.id, found.type, found.status, found.failure_code) == (sent.id, "transfer", "queued", None)
    assert (found.source, found.destination, found.amount, found.currency) == (source, destination, sent.amount, "USD")
    assert (found.reference, found.metadata, found.owner) == ("rent ü", {"order": "7"}, "cli")
    assert (found.idempotency_key, found.fingerprint) == (sent.idempotency_key, b"x" * 32)
    assert (found.created_at, found.finished_at, found.entries) == (stored.created_at, None, [])


def test_an_empty_batch_stores_nothing(world: World) -> None:
    assert world.submit() == []


def test_a_used_key_is_left_out_and_its_neighbours_are_stored(world: World) -> None:
    wallet = world.new_wallet()
    first = deposit(wallet, 1)
    again, neighbour = deposit(wallet, 2, idempotency_key=first.idempotency_key), deposit(wallet, 3)
    world.submit(first)

    stored = world.submit(again, neighbour)

    assert [row.id for row in stored] == [neighbour.id]
    assert [id for _, id in queued(world)] == [first.id, neighbour.id]


def test_a_key_belongs_to_its_owner_alone(world: World) -> None:
    wallet = world.new_wallet()
    ours = deposit(wallet, 1)
    theirs = deposit(wallet, 1, idempotency_key=ours.idempotency_key, owner="cli_1")

    assert len(world.submit(ours, theirs)) == 2


def test_of_one_key_twice_in_a_batch_the_first_to_arrive_is_stored(world: World) -> None:
    wallet = world.new_wallet()
    later_id, earlier_id = (deposit(wallet, amount, idempotency_key="same") for amount in (1, 2))

    stored = world.submit(earlier_id, later_id)

    assert [row.id for row in stored] == [earlier_id.id]
    assert [id for _, id in queued(world)] == [earlier_id.id]


def test_the_same_batch_twice_is_stored_and_queued_once(world: World) -> None:
    wallet = world.new_wallet()
    batch = [deposit(wallet, amount) for amount in (1, 2, 3)]
    world.submit(*batch)

    assert world.submit(*batch) == []

    assert [id for _, id in queued(world)] == [one.id for one in batch]


def unusable(usable: UUID) -> dict[str, Submission]:
    outside = ids.external_wallet(3)
    return {
        "from a wallet that does not exist": transfer(new_id(), usable, 1),
        "to a wallet that does not exist": transfer(usable, new_id(), 1),
        "a deposit to a wallet that does not exist": deposit(new_id(), 1),
        "from an external wallet": transfer(outside, usable, 1),
        "to an external wallet": transfer(usable, outside, 1),
        "a deposit to an external wallet": deposit(outside, 1, source=ids.external_wallet(4)),
        "a deposit from a client's wallet": deposit(usable, 1, source=new_id()),
    }


@pytest.mark.parametrize("name", unusable(new_id()))
def test_a_wallet_that_may_not_be_used_so_leaves_the_row_out_and_its_neighbours_in(world: World, name: str) -> None:
    usable, other = world.new_wallets(0, 0)
    bad, good = unusable(usable)[name], transfer(usable, other, 1)

    stored = world.submit(bad, good)

    assert [row.id for row in stored] == [good.id]
    assert [id for _, id in queued(world)] == [good.id]


def test_a_key_of_a_client_leaves_an_operators_transfer_out(world: World) -> None:
    wallet = world.new_wallet()
    world.insert_clients([new_client(idempotency_key="taken", fingerprint=b"f" * 32)])
    ours, theirs = (deposit(wallet, 1, idempotency_key="taken", owner=owner) for owner in ("operator", "cli_1"))

    assert [row.id for row in world.submit(ours, theirs)] == [theirs.id]


def test_batches_with_the_same_keys_in_opposite_orders_do_not_deadlock(world: World) -> None:
    wallet = world.new_wallet()
    keys = [f"{n:03}" for n in range(400)]
    together = threading.Barrier(2)

    def submit(order: list[str]) -> int:
        batch = [deposit(wallet, 1, idempotency_key=key) for key in order]
        together.wait(10)
        return len(world.submit(*batch))

    with ThreadPoolExecutor(2) as threads:
        counts = [done.result(30) for done in [threads.submit(submit, keys), threads.submit(submit, keys[::-1])]]

    assert sum(counts) == 400
    assert len(queued(world)) == 400


def test_the_same_submission_several_times_at_once_is_stored_once_and_fails_no_caller(
    world: World, connection: psycopg.Connection[Any]
) -> None:
    """As when a connection is lost and its batch is sent again while the first backend is still at it.

    A race: they start together when a lock frees them all, and now and then two meet at the primary key.
    """
    wallet = world.new_wallet()
    rounds, sessions = 25, 6

    for _ in range(rounds):
        sent = deposit(wallet, 1)
        with ThreadPoolExecutor(sessions) as threads:
            with connection.transaction(force_rollback=True):
                insert_by_hand(connection, replace(sent, id=new_id()))
                again = [threads.submit(world.submit, sent) for _ in range(sessions)]
                world.wait_until_blocked(sessions)
            assert sum(len(one.result(10)) for one in again) == 1

    assert len(queued(world)) == rounds


def test_a_second_submission_waits_for_the_first_and_is_stored_if_that_fails(
    world: World, connection: psycopg.Connection[Any]
) -> None:
    wallet = world.new_wallet()
    sent = deposit(wallet, 1, idempotency_key="k", owner="cli_1")
    with ThreadPoolExecutor(1) as threads:
        with connection.transaction(force_rollback=True):
            insert_by_hand(connection, sent)
            second = threads.submit(world.submit, deposit(wallet, 2, idempotency_key="k", owner="cli_1"))
            world.wait_until_blocked()
        assert len(second.result(10)) == 1


# --- Clients ---


def test_a_client_is_stored_with_its_wallet(world: World) -> None:
    new = new_client(name="Ada", external_id="a-1", metadata='{"a": "b"}', idempotency_key="k", fingerprint=b"f" * 32)

    [client] = world.insert_clients([new])

    assert (client.id, client.name, client.external_id, client.metadata) == (new.id, "Ada", "a-1", {"a": "b"})
    assert (client.idempotency_key, client.fingerprint) == ("k", b"f" * 32)
    assert client.wallet == world.wallet(new.wallet_id)
    assert (client.wallet.client_id, client.wallet.balance, client.wallet.version) == (new.id, 0, 0)


@pytest.mark.parametrize(
    "taken", [{"external_id": "a-1"}, {"idempotency_key": "k", "fingerprint": b"f" * 32}], ids=lambda d: next(iter(d))
)
def test_a_client_whose_key_or_external_id_is_in_use_is_not_stored_and_has_no_wallet(world: World, taken: dict[str, Any]) -> None:
    assert world.insert_clients([new_client(**taken)])

    assert world.insert_clients([new_client(**taken)]) == []

    assert world.query("SELECT count(*) FROM wallets WHERE kind = 'client'") == [(1,)]


def test_a_key_of_a_transfer_leaves_a_client_out(world: World) -> None:
    wallet = world.new_wallet()
    world.submit(deposit(wallet, 1, idempotency_key="taken"), deposit(wallet, 1, idempotency_key="free", owner="cli_1"))

    assert world.insert_clients([new_client(idempotency_key="taken", fingerprint=b"f" * 32)]) == []
    assert world.insert_clients([new_client(idempotency_key="free", fingerprint=b"f" * 32)])


def test_clients_without_key_and_external_id_are_never_in_each_others_way(world: World) -> None:
    assert len(world.insert_clients([new_client(), new_client()])) == 2
