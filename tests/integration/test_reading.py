"""What is read, as it was written: single objects and lists, with their order, their limits and their filters."""

import re
import threading
from contextlib import closing
from dataclasses import asdict
from typing import Any
from uuid import UUID

import psycopg
import pytest

from core import clients, ids, keys, transfer_lists, transfers, wallets
from core.ledger.kinds import Status
from core.postgres.pool import Database
from core.postgres.statements import statement
from core.transfer_lists import SearchResult
from tests.world import World, deposit, insert_by_hand, new_client, new_id, transfer


def page(world: World, **filters: Any) -> list[UUID]:
    """Ids of a page of transfers."""
    asked: dict[str, Any] = {"wallet_id": None, "status": None, "key": None, "before": ids.LAST, "limit": 100, **filters}
    return [one.id for one in world.ask(lambda database: transfer_lists.list_page(database, **asked)).rows]


def test_what_is_not_there_is_not_found(world: World) -> None:
    nobody = new_id()

    assert world.ask(lambda database: transfers.find_all(database, [nobody])) == [None]
    assert world.ask(lambda database: wallets.find(database, nobody)) is None
    assert world.ask(lambda database: clients.find(database, nobody)) is None
    assert world.run(lambda connection: clients.find_by_key(connection, "none")) is None
    assert world.run(lambda connection: clients.find_by_external_id(connection, "none")) is None
    assert world.ask(lambda database: keys.find(database, b"d" * 32)) is None
    assert world.run(lambda connection: transfers.find_by_keys(connection, [("operator", "none")])) == []
    assert page(world) == page(world, wallet_id=nobody) == []
    assert world.ask(lambda database: wallets.list_entries(database, nobody, before=10, limit=10)) == []


def test_an_applied_transfer_is_found_with_its_entries_the_debit_first(world: World) -> None:
    source, destination = world.new_wallets(100, 5)
    sent = transfer(source, destination, 30)
    world.submit(sent)
    world.drain()

    found = world.transfer(sent.id)

    assert [(entry.wallet_id, entry.version, entry.amount, entry.balance_after) for entry in found.entries] == [
        (source, 2, -30, 70),
        (destination, 2, 30, 35),
    ]
    assert world.run(lambda connection: transfers.find_by_keys(connection, [("operator", sent.idempotency_key)])) == [found]
    assert world.ask(
        lambda database: transfer_lists.list_page(database, wallet_id=source, status=None, key=None, before=ids.LAST, limit=1)
    ) == SearchResult([found])


def test_transfers_are_found_by_their_owners_keys_each_once(world: World) -> None:
    wallet = world.new_wallet()
    ours, theirs, other = (
        deposit(wallet, 1, idempotency_key=key, owner=owner) for owner, key in (("operator", "a"), ("cli", "a"), ("cli", "b"))
    )
    world.submit(ours, theirs, other)
    asked = [("operator", "a"), ("operator", "b"), ("cli", "b"), ("cli", "b")]

    found = world.run(lambda connection: transfers.find_by_keys(connection, asked))

    assert sorted(one.id for one in found) == sorted([ours.id, other.id])


def test_a_client_is_found_by_id_key_and_external_id(world: World) -> None:
    [client, other] = world.insert_clients(
        [new_client(external_id="a-1", idempotency_key="k", fingerprint=b"f" * 32), new_client(external_id="A-1")]
    )

    assert world.ask(lambda database: clients.find(database, client.id)) == client
    assert world.run(lambda connection: clients.find_by_key(connection, "k")) == client
    assert world.run(lambda connection: clients.find_by_external_id(connection, "a-1")) == client
    assert world.ask(lambda database: clients.find(database, other.id)) == other


def test_clients_are_listed_newest_first_from_just_below_one(world: World) -> None:
    made = world.insert_clients([new_client(external_id=f"{n}") for n in range(5)])

    def listed(before: UUID, limit: int, external_id: str | None = None) -> list[int]:
        found = world.ask(lambda database: clients.list_page(database, external_id=external_id, before=before, limit=limit))
        return [made.index(client) for client in found]

    assert listed(ids.LAST, 10) == [4, 3, 2, 1, 0]
    assert listed(ids.LAST, 2) == [4, 3]
    assert listed(made[3].id, 2) == [2, 1]
    assert listed(made[0].id, 2) == []
    assert listed(ids.LAST, 10, "2") == [2]
    assert listed(made[2].id, 10, "2") == []
    assert listed(ids.LAST, 10, "none") == []


def test_a_wallet_is_found_with_its_balance_and_version(world: World) -> None:
    wallet = world.new_wallet(70)

    found = world.wallet(wallet)

    assert (found.id, found.currency, found.balance, found.version, found.status) == (wallet, "USD", 70, 1, "active")
    assert world.wallet(ids.external_wallet(wallet.int & 15)).client_id is None


def test_wallets_and_transfers_are_read_as_of_one_instant_while_money_moves(world: World) -> None:
    wallet = world.new_wallet()
    sent = [deposit(wallet, 1) for _ in range(2000)]
    world.submit(*sent)
    ending = threading.Event()

    def drain_one_by_one() -> None:
        with closing(world.applier()) as applier:
            while not ending.is_set() and applier.apply([sent[0].shard], 1).finished:
                pass

    async def look(database: Database) -> int:
        """Look at the wallet, and at the transfer whose turn it is, a hundred times each; return how many have been applied."""
        applied = 0
        for _ in range(100):
            found = await wallets.find(database, wallet)
            assert found is not None
            assert found.balance == found.version
            [head] = await transfers.find_all(database, [sent[min(found.version, len(sent) - 1)].id])
            assert head is not None
            assert len(head.entries) == (2 if head.status == "applied" else 0)
            applied = found.version
        return applied

    drain = threading.Thread(target=drain_one_by_one)
    drain.start()
    try:
        assert world.ask(look) > 0
    finally:
        ending.set()
        drain.join()


def test_the_sides_of_wallets_are_told_where_they_exist(world: World) -> None:
    wallet, outside, nobody = world.new_wallet(), ids.external_wallet(3), new_id()

    assert world.run(lambda connection: wallets.sides(connection, [wallet, outside, nobody])) == {
        wallet: (wallet, "client", "USD"),
        outside: (outside, "external", "USD"),
    }


def test_a_wallets_history_is_read_newest_first_from_just_below_a_version(world: World) -> None:
    mine, other = world.new_wallets(0, 50)
    moves = [deposit(mine, 100, reference="in"), transfer(mine, other, 30, reference="out"), transfer(other, mine, 5)]
    for move in moves:
        world.submit(move)
        world.drain()

    def history(before: int, limit: int) -> list[tuple[Any, ...]]:
        found = world.ask(lambda database: wallets.list_entries(database, mine, before=before, limit=limit))
        return [(e.version, e.transfer_id, e.type, e.amount, e.balance_after, e.counterparty, e.reference) for e in found]

    whole = [
        (3, moves[2].id, "transfer", 5, 75, other, None),
        (2, moves[1].id, "transfer", -30, 70, other, "out"),
        (1, moves[0].id, "deposit", 100, 100, ids.external_wallet(mine.int & 15), "in"),
    ]
    assert history(2**62, 10) == whole
    assert history(2**62, 2) == whole[:2]
    assert history(3, 1) == whole[1:2]
    assert history(1, 10) == []


def test_transfers_are_listed_newest_first_from_just_below_one(world: World) -> None:
    wallet = world.new_wallet()
    sent = [deposit(wallet, 1) for _ in range(5)]
    world.submit(*sent[::-1])
    order = [one.id for one in sent][::-1]

    for filters in ({}, {"wallet_id": wallet}):
        assert page(world, **filters) == order
        assert page(world, **filters, limit=2) == order[:2]
        assert page(world, **filters, before=order[1], limit=2) == order[2:4]
        assert page(world, **filters, before=order[-1]) == []


def test_a_wallets_transfers_are_those_on_either_side_of_which_it_stands_each_once(world: World) -> None:
    mine, other, third = world.new_wallets(0, 0, 0)
    sent = [
        transfer(mine, other, 1),
        transfer(other, mine, 1),
        transfer(other, third, 1),
        deposit(mine, 1),
        transfer(mine, third, 1),
    ]
    world.submit(*sent)
    order = [sent[n].id for n in (4, 3, 1, 0)]

    assert page(world, wallet_id=mine) == order
    assert page(world, wallet_id=mine, limit=3) == order[:3]
    assert page(world, wallet_id=mine, before=order[1], limit=1) == order[2:3]


@pytest.mark.parametrize("of_one_wallet", [False, True])
def test_transfers_are_filtered_by_status(world: World, of_one_wallet: bool) -> None:
    mine, other = world.new_wallets(0, 0)
    applied, rejected, queued = deposit(mine, 5), transfer(mine, other, 6), deposit(mine, 1)
    for sent in (applied, rejected):
        world.submit(sent)
        world.drain()
    world.submit(queued)

    def filtered(status: Status | None) -> list[UUID]:
        return page(world, status=status, wallet_id=mine if of_one_wallet else None)

    assert filtered("applied") == [applied.id]
    assert filtered("rejected") == [rejected.id]
    assert filtered("queued") == [queued.id]
    assert filtered(None) == [queued.id, rejected.id, applied.id]


@pytest.mark.parametrize("of_one_wallet", [False, True])
@pytest.mark.parametrize("limit", [1, 2, 100])
@pytest.mark.parametrize("window", [1, 2, 3, 7, 8, 100])
def test_a_search_for_a_rare_status_ends_with_its_window_and_goes_on_from_there(
    world: World, of_one_wallet: bool, window: int, limit: int
) -> None:
    mine, other = world.new_wallets(0, 0)
    sent = [deposit(mine, 1) if n % 4 else transfer(other, mine, 1) for n in range(8)]
    world.submit(*sent)
    world.drain()
    filters = {
        "wallet_id": mine if of_one_wallet else None,
        "status": "rejected",
        "key": None,
        "limit": limit + 1,
        "window": window,
    }

    found: list[UUID] = []
    before = ids.LAST
    for _ in range(10):
        page = world.ask(lambda database: transfer_lists.list_page(database, before=before, **filters))  # type: ignore[arg-type] # noqa: B023
        found += [one.id for one in page.rows[:limit]]
        if len(page.rows) > limit:
            before = page.rows[limit - 1].id
        elif page.searched_to is not None:
            before = page.searched_to
        else:
            break
    else:
        pytest.fail("the list has no end")

    assert found == [sent[4].id, sent[0].id]


def test_a_transaction_that_is_held_open_hides_none_of_the_rows_committed_before_the_first_page(
    world: World, connection: psycopg.Connection
) -> None:
    wallet = world.new_wallet()
    sent = [deposit(wallet, amount) for amount in range(1, 8)]
    world.submit(*sent[:2], *sent[3:5], sent[6])
    with connection.transaction():
        for late in (sent[2], sent[5]):
            insert_by_hand(connection, late)
        first = page(world, wallet_id=wallet, limit=2)
    second = page(world, wallet_id=wallet, limit=2, before=first[-1])
    third = page(world, wallet_id=wallet, limit=9, before=second[-1])

    listed = [*first, *second, *third]
    assert [id for id in listed if id not in {sent[2].id, sent[5].id}] == [sent[n].id for n in (6, 4, 3, 1, 0)]
    assert len(set(listed)) == len(listed)
    assert listed == sorted(listed, reverse=True)


def test_queued_transfers_are_listed_newest_first_from_just_below_one_whatever_their_shard(world: World) -> None:
    mine, other = world.new_wallet(shard=1), world.new_wallet(shard=2)
    final, others, forgotten = deposit(mine, 5), deposit(other, 1), deposit(mine, 1)
    world.submit(final)
    world.drain()
    sent = [transfer(mine, other, 1), transfer(other, mine, 1), others, deposit(mine, 1), transfer(mine, other, 1)]
    world.submit(*sent, forgotten)
    # What the queue should not hold is not listed, and only the queue is read.
    world.query("INSERT INTO queue (shard, transfer_id) VALUES (1, %s), (1, %s)", final.id, new_id())
    world.query("DELETE FROM queue WHERE transfer_id = %s", forgotten.id)
    order = sorted((one.id for one in sent), reverse=True)

    assert page(world, status="queued") == order
    assert page(world, status="queued", limit=2) == order[:2]
    assert page(world, status="queued", before=order[1], limit=2) == order[2:4]
    assert page(world, status="queued", before=order[-1]) == []


@pytest.mark.parametrize("queued", [0, 20, 4000])
def test_a_listing_of_what_is_queued_reads_the_queue_and_never_scans_all_transfers(world: World, queued: int) -> None:
    wallet = world.new_wallet()
    world.query(
        """
        WITH stored AS (
            INSERT INTO transfers (id, type, status, finished_at, source, destination, amount, currency, metadata, owner,
                                   idempotency_key, fingerprint, shard, moment, ordinal)
            SELECT gen_random_uuid(), 'deposit', CASE WHEN n <= %s THEN 'queued' ELSE 'applied' END,
                   CASE WHEN n > %s THEN now() END, %s, %s, 1, 'USD', '{}', 'operator', n, sha256('f'), 0,
                   CASE WHEN n > %s THEN 1 END, CASE WHEN n > %s THEN n END
              FROM generate_series(1, 4000) n
            RETURNING id, shard, status
        )
        INSERT INTO queue (shard, transfer_id) SELECT shard, id FROM stored WHERE status = 'queued'
        """,
        queued, queued, ids.external_wallet(0), wallet, queued, queued,
    )  # fmt: skip
    world.query("ANALYZE")
    params = {"before": ids.LAST, "limit": 21}

    with psycopg.connect(world.url) as connection:
        plan = "\n".join(line for (line,) in connection.execute("EXPLAIN " + statement("transfers/list_queued"), params))

    assert "Scan on queue" in plan, plan
    assert re.findall(r"(\w+) on transfers\b.*\n\s*(.*)", plan) == [("transfers_pkey", "Index Cond: (id = queue_1.transfer_id)")], (
        plan
    )
    assert len(page(world, status="queued", limit=21)) == min(queued, 21)


def test_a_transfer_is_listed_by_its_key_if_it_passes_the_other_filters(world: World) -> None:
    mine, other, third = world.new_wallets(0, 0, 0)
    sent = transfer(mine, other, 1, idempotency_key="k")
    world.submit(sent, deposit(third, 1))
    key = ("operator", "k")

    assert page(world, key=key) == [sent.id]
    assert page(world, key=key, wallet_id=other, status="queued") == [sent.id]
    for filters in ({"status": "applied"}, {"wallet_id": third}, {"before": sent.id}, {"key": ("cli", "k")}):
        assert page(world, **{"key": key, **filters}) == []


def test_a_key_opens_what_it_is_for_until_it_is_revoked(world: World) -> None:
    [client] = world.insert_clients([new_client()])
    (operator_key, operators), (client_key, clients_own), (stray_key, stray) = (
        keys.new_key(),
        keys.new_key(client.id),
        keys.new_key(new_id()),
    )
    for kept in (operators, clients_own, stray):
        world.query("INSERT INTO keys (id, role, client_id, digest, name) VALUES (%s, %s, %s, %s, %s)", *asdict(kept).values())

    def opens(key: str) -> keys.Access | None:
        return world.ask(lambda database: keys.find(database, keys.digest(key)))

    assert opens(operator_key) == keys.Access(operators.id, "operator", None, [], use_is_due=True)
    assert opens(client_key) == keys.Access(clients_own.id, "client", client.id, [client.wallet.id], use_is_due=True)
    assert opens(stray_key) is None
    assert opens(keys.generate()) is None
    world.query("UPDATE keys SET revoked_at = now() WHERE role = 'client'")
    assert opens(client_key) is None
    assert opens(operator_key) is not None
