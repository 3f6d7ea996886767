"""Lists of transfers by any filters: what they return is what matches, however small the windows are in which they search."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest

from core import clients, ids, transfer_lists, transfers
from core.postgres import deadline
from core.postgres.connections import connect_worker
from core.postgres.pool import Database
from core.postgres.statements import statement
from core.transfer_lists import CLOCK_SLACK_MS, ClientScope, SearchResult, id_at, milliseconds
from core.transfers import Submission, Transfer
from tests.world import World, deposit, hold, multi_leg, new_client, release, transfer

SHARD = 3


def made(world: World, dice: Random, wallets: list[UUID]) -> list[Submission]:
    """Transfers of several types, amounts, references and outcomes; some have children, some several debits, some wait."""
    sent: list[Submission] = []
    for number in range(40):
        first, second, third = dice.sample(wallets, 3)
        changes: dict[str, Any] = {"reference": dice.choice([None, "a", "b", ""])}
        amount = dice.choice([1, 2, 3, 500])
        one = dice.choice(
            [
                deposit(first, amount, **changes),
                transfer(first, second, amount, **changes),
                hold(first, second, amount),
                multi_leg({first: 3}, {second: 1, third: 2}, **changes),
            ]
        )
        sent.append(one)
        world.submit(one)
        if one.type == "hold":
            sent.append(release(one, 1))
            world.submit(sent[-1])
        if number < 30 and number % 3 == 2:
            world.drain()
    return sent


def shown_amount(found: Transfer, own: frozenset[UUID] | None) -> int:
    if own is None or not found.is_multi_leg:
        return found.total
    lines = [amount for wallet, amount in found.lines or () if wallet in own]
    return max(sum(amount for amount in lines if amount > 0), -sum(amount for amount in lines if amount < 0))


def matches(found: Transfer, asked: dict[str, Any], of_clients: dict[UUID, frozenset[UUID]], own: frozenset[UUID] | None) -> bool:
    amount = shown_amount(found, own)
    wanted: dict[str, Callable[[Any], bool]] = {
        "wallet_id": lambda value: value in found.parties,
        "client_id": lambda value: not of_clients[value].isdisjoint(found.parties),
        "status": lambda value: value == found.status,
        "type": lambda value: value == found.type,
        "parent": lambda value: value == found.parent,
        "reference": lambda value: value == found.reference,
        "key": lambda value: value == (found.owner, found.idempotency_key),
        "amount_from": lambda value: value <= amount,
        "amount_to": lambda value: value >= amount,
        "created_from": lambda value: value <= found.created_at,
        "created_to": lambda value: value > found.created_at,
    }
    return (own is None or not own.isdisjoint(found.parties)) and all(wanted[name](value) for name, value in asked.items())


def listed(world: World, dice: Random, **asked: Any) -> list[UUID]:
    return world.ask(lambda database: list_all(database, dice, **asked))


async def list_all(database: Database, dice: Random, **asked: Any) -> list[UUID]:
    """Walk through all pages of the list, each with another window and limit."""
    before, listed = ids.LAST, list[UUID]()
    for _ in range(1_000):
        limit, window = dice.randint(1, 5), dice.choice([1, 2, 7, 100])
        deadline.start()  # each page is a request
        found = await transfer_lists.list_page(database, before=before, limit=limit + 1, window=window, **asked)
        listed += [row.id for row in found.rows[:limit]]
        if len(found.rows) > limit:
            before = found.rows[limit - 1].id
        elif found.searched_to is not None:
            before = found.searched_to
        else:
            return listed
    pytest.fail("the list has no end")


@pytest.mark.parametrize("seed", range(2))
def test_a_list_by_any_filters_returns_what_matches_each_once(world: World, seed: int) -> None:
    dice = Random(seed)
    wallets = world.new_wallets(4, 4, 4, 4, shard=SHARD)
    made(world, dice, wallets)
    stored = [id for (id,) in world.query("SELECT id FROM transfers ORDER BY id DESC")]
    rows = [row for row in world.ask(lambda database: transfers.find_all(database, stored)) if row]
    assert [row.id for row in rows] == stored
    of_clients = {world.client_of(wallet): frozenset({wallet}) for wallet in wallets}
    values: dict[str, list[Any]] = {
        "wallet_id": wallets,
        "client_id": [*of_clients],
        "status": ["applied", "rejected", "queued"],
        "type": ["transfer", "deposit", "hold", "release"],
        "parent": [row.parent for row in rows if row.parent],
        "reference": ["a", "b", "", "c"],
        "key": [(row.owner, row.idempotency_key) for row in rows],
        "amount_from": [1, 2, 3, 500],
        "amount_to": [0, 1, 2, 3],
        "created_from": [row.created_at for row in rows],
        "created_to": [row.created_at for row in rows],
    }
    assert values.keys() == transfer_lists.UNFILTERED.keys()
    assert {row.status for row in rows} == {*values["status"]}
    some = world.ask(lambda database: compare(database, dice, rows, values, of_clients))
    assert some > 30


async def compare(
    database: Database,
    dice: Random,
    rows: list[Transfer],
    values: dict[str, list[Any]],
    of_clients: dict[UUID, frozenset[UUID]],
) -> int:
    """List by random filters over one pool of connections; return how many of the lists had a transfer."""
    some = 0
    for round in range(120):
        asked = {name: dice.choice(values[name]) for name in dice.sample([*values], 1 + round % 4)}
        client = dice.choice([None, *of_clients])
        if client is not None:
            asked.pop("client_id", None)
            asked.pop("wallet_id", None)
        own = None if client is None else of_clients[client]

        found = await list_all(database, dice, client=client and ClientScope(client, 1), **asked)

        assert found == [row.id for row in rows if matches(row, asked, of_clients, own)], (asked, client)
        some += bool(found)
    return some


def test_a_period_has_what_was_created_in_it_also_if_the_clock_of_the_api_is_a_little_off(world: World) -> None:
    wallet, dice = world.new_wallet(), Random(0)
    [(now,)] = world.query("SELECT now()")
    off = [id_at(milliseconds(now) + shift) for shift in (5_000 - CLOCK_SLACK_MS, 0, CLOCK_SLACK_MS - 5_000)]
    world.submit(*(replace(deposit(wallet, 1), id=id) for id in off))
    [(created,)] = world.query("SELECT DISTINCT created_at FROM transfers")
    moment = timedelta(microseconds=1)

    for asked in ({}, {"wallet_id": wallet}, {"client_id": world.client_of(wallet)}):
        assert listed(world, dice, created_from=created, created_to=created + moment, **asked) == off[::-1]
        assert listed(world, dice, created_from=created + moment, **asked) == []
        assert listed(world, dice, created_to=created, **asked) == []


@pytest.mark.parametrize("year", [1, 1970, 9999])
def test_a_period_may_lie_anywhere_in_time(world: World, year: int) -> None:
    wallet, dice = world.new_wallet(), Random(0)
    world.submit(deposit(wallet, 1))
    [(created,)] = world.query("SELECT created_at FROM transfers")
    then = created.replace(year=year, month=1, day=1)

    assert len(listed(world, dice, created_from=then)) == (year < 2000)
    assert len(listed(world, dice, created_to=then)) == (year > 2000)


def test_a_period_is_all_that_a_search_of_it_reads(world: World) -> None:
    """Counted by its pages: with a window of one row, each row that is read takes one."""
    wallet = world.new_wallet()
    ends = range(CLOCK_SLACK_MS * 10, CLOCK_SLACK_MS * 90, CLOCK_SLACK_MS * 10)
    sent = [replace(deposit(wallet, 1), id=id_at(at)) for at in ends]
    world.submit(*sent)
    for one, at in zip(sent, ends, strict=True):
        world.query("UPDATE transfers SET created_at = '1970-01-01Z'::timestamptz + %s * interval '1 ms' WHERE id = %s", at, one.id)
    since, until = (world.transfer(sent[number].id).created_at for number in (3, 5))

    def search(before: UUID) -> SearchResult:
        asked: dict[str, Any] = {"created_from": since, "created_to": until, "amount_from": 2}
        return world.ask(lambda database: transfer_lists.list_page(database, before=before, limit=1, window=1, **asked))

    pages = [search(ids.LAST)]
    while pages[-1].searched_to is not None:
        pages.append(search(pages[-1].searched_to))

    assert [page.searched_to for page in pages] == [sent[5].id, sent[4].id, sent[3].id, None]


def test_clients_are_found_by_how_their_names_begin_in_any_case(world: World) -> None:
    names = ["ada", "Ada Lovelace", "ADA%", "ada_", "adaz", "Adam\U0010ffff", "Ad", "Bob", "Éva", "éva b", "e"]
    world.insert_clients([replace(new_client(), name=name) for name in names])

    def found(text: str, limit: int = 3) -> list[str]:
        seen: list[str] = []
        after = ("", ids.FIRST)
        while True:
            page = world.ask(lambda database: by_name(database, text, after, limit))  # noqa: B023
            seen += [client.name for client in page]
            if len(page) < limit:
                return seen
            after = (page[-1].name, page[-1].id)

    assert found("ADA") == ["ada", "Ada Lovelace", "ADA%", "ada_", "Adam\U0010ffff", "adaz"]
    assert found("Adam") == ["Adam\U0010ffff"]
    assert found("ada%") == ["ADA%"]
    assert found("ada_") == ["ada_"]
    assert found("%") == found("_") == found("ada\\") == []
    assert found("bo") == ["Bob"]
    assert set(found("éva")) >= {"éva b"}
    [(folds,)] = world.query("SELECT lower('É') = 'é'")
    assert set(found("ÉVA")) == ({"Éva", "éva b"} if folds else set())


async def by_name(database: Database, text: str, after: tuple[str, UUID], limit: int) -> list[clients.Client]:
    return await clients.list_by_name(database, text, after=after, limit=limit)


def test_a_place_in_the_queue_is_counted_up_to_a_limit(world: World) -> None:
    sent = [deposit(world.new_wallet(shard=SHARD), 1) for _ in range(5)]
    world.submit(*sent)

    def ahead(id: UUID) -> list[int]:
        place = {"shard": SHARD, "id": id, "most": 3}
        with closing(connect_worker(world.url)) as connection:
            return [row[0] for row in connection.execute(statement("queue/find_place"), place)]

    assert [ahead(one.id) for one in sent] == [[0], [1], [2], [3], [3]]
    world.drain()
    assert ahead(sent[0].id) == []
