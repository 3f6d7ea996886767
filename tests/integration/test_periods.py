"""Periods of wallets: where they are cut, what they sum to, and what they cost."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any
from uuid import UUID

import psycopg
import pytest

from core import periods
from core.admin import heal
from core.admin.audit import audit
from core.periods import Period
from core.postgres.connections import connect_worker
from tests.histories import BEGIN, add_totals, every, write_history
from tests.integration.test_plans import Case, Session
from tests.world import World, deposit, new_id, transfer
from worker.ledger.totals import TOTAL_EVERY, Totals

SECOND = timedelta(seconds=1)
MICROSECOND = timedelta(microseconds=1)


def period(world: World, wallet: UUID, since: datetime | None, until: datetime | None, through: int | None = None) -> Period:
    found = world.ask(lambda database: periods.find(database, wallet, since=since, until=until, through=through))
    assert found is not None
    return found


def credits(world: World, found: Period) -> int:
    return world.ask(lambda database: periods.sum_credits(database, found))


def amounts(count: int, seed: int = 1) -> list[int]:
    """So many credits and debits in turn, by dice, that never overdraw."""
    dice, balance, made = Random(seed), 0, []
    for _ in range(count):
        amount = dice.randint(1, 9) if balance < 10 or dice.random() < 0.5 else -dice.randint(1, 9)
        balance += amount
        made.append(amount)
    return made


@pytest.mark.parametrize("totals", [False, True], ids=["without running totals", "with running totals"])
def test_a_period_is_half_open_and_its_balances_and_sums_are_those_of_its_entries(world: World, *, totals: bool) -> None:
    wallet, moved, times = world.new_wallet(), amounts(200), every(1, 200)
    write_history(world, wallet, moved, times)
    if totals:
        add_totals(world, wallet)

    for first, last in ((0, 200), (0, 1), (63, 64), (64, 128), (1, 199), (100, 100), (127, 130)):
        found = period(world, wallet, times[first], BEGIN + last * SECOND)

        within = moved[first:last]
        assert (found.begins, found.ends, found.entry_count) == (first, last, len(within))
        assert (found.opening, found.closing) == (sum(moved[:first]), sum(moved[:last]))
        assert credits(world, found) == sum(amount for amount in within if amount > 0)


def test_periods_tile(world: World) -> None:
    """Whatever the times: also between entries, at an entry, and where several have one time."""
    wallet, moved = world.new_wallet(), amounts(150)
    write_history(world, wallet, moved, [BEGIN + number // 3 * SECOND for number in range(150)])
    add_totals(world, wallet)
    cuts = [BEGIN + seconds * SECOND for seconds in (-5, 0, 0.5, 1, 20, 21, 21, 33.3, 60)]

    tiles = [period(world, wallet, since, until) for since, until in pairwise(cuts)]

    assert (tiles[0].begins, tiles[-1].ends) == (0, 150)
    for one, following in pairwise(tiles):
        assert (one.ends, one.closing) == (following.begins, following.opening)
    assert sum(credits(world, tile) for tile in tiles) == sum(amount for amount in moved if amount > 0)


def test_a_bound_that_is_not_given_is_no_bound(world: World) -> None:
    wallet = world.new_wallet()
    write_history(world, wallet, amounts(70), every(1, 70))
    add_totals(world, wallet)
    middle = BEGIN + 30 * SECOND

    found = [period(world, wallet, *span) for span in ((None, None), (middle, None), (None, middle))]

    assert [(one.begins, one.ends) for one in found] == [(0, 70), (30, 70), (0, 30)]


def test_a_wallet_without_entries_and_one_that_is_not_there(world: World) -> None:
    wallet, now = world.new_wallet(), datetime.now(UTC)

    found = period(world, wallet, now - SECOND, now)

    assert (found.begins, found.ends, found.opening, found.closing, found.credits) == (0, 0, 0, 0, 0)
    assert world.ask(lambda database: periods.find(database, new_id(), since=now, until=now)) is None


@pytest.mark.parametrize("totals", [False, True], ids=["without running totals", "with running totals"])
def test_a_clock_that_was_set_back_shifts_entries_and_loses_none(world: World, *, totals: bool) -> None:
    """The cut stands before the first entry that is not older, and stays there when further entries are older than the time."""
    wallet, moved = world.new_wallet(), amounts(300)
    times = [*every(1, 100), *every(1, 100, BEGIN - 50 * SECOND), *every(1, 100, BEGIN + 150 * SECOND)]
    write_history(world, wallet, moved[:200], times[:200])
    if totals:
        add_totals(world, wallet)
    cuts = [BEGIN + seconds * SECOND for seconds in (-20, 30, 60.5, 99, 120)]
    before = [period(world, wallet, None, cut) for cut in cuts]
    write_history(world, wallet, moved[200:], times[200:])
    write_history(world, wallet, amounts(100), every(1, 100, BEGIN - 30 * SECOND))
    if totals:
        add_totals(world, wallet)
    after = [period(world, wallet, None, cut) for cut in cuts]

    assert [one.ends for one in after[:4]] == [0, 30, 61, 99]
    assert after[4].ends == 200
    assert after[:4] == before[:4]
    for since, until in pairwise(cuts):
        tile = period(world, wallet, since, until)
        assert tile.closing - tile.opening == sum(moved[tile.begins : tile.ends])


def test_a_long_stretch_without_running_totals_is_cut_by_halving_and_summed_by_parts(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    wallet, moved, times = world.new_wallet(), amounts(9000), every(1, 9000)
    write_history(world, wallet, moved, times)
    monkeypatch.setattr(periods, "SUM_AT_ONCE", 1000)
    spans = [(0, 9000), (4500, 8999), (8192, 8193), (1, 2)]

    without = [period(world, wallet, times[first], BEGIN + last * SECOND) for first, last in spans]
    sums = [credits(world, found) for found in without]
    add_totals(world, wallet)
    found = [period(world, wallet, times[first], BEGIN + last * SECOND) for first, last in spans]

    assert [(one.begins, one.ends) for one in without] == [(one.begins, one.ends) for one in found] == spans
    assert [one.credits for one in without] == [None] * 4
    assert sums == [one.credits for one in found]
    assert sums == [sum(amount for amount in moved[first:last] if amount > 0) for first, last in spans]


def test_a_later_page_shows_what_the_first_one_began(world: World) -> None:
    wallet, moved = world.new_wallet(), amounts(90)
    write_history(world, wallet, moved[:80], every(1, 80))
    first = period(world, wallet, BEGIN, None)
    write_history(world, wallet, moved[80:], every(1, 10, BEGIN + 80 * SECOND))
    add_totals(world, wallet)

    later = period(world, wallet, BEGIN, None, through=first.ends)
    forged = period(world, wallet, BEGIN + 70 * SECOND, None, through=3)

    assert later == first
    assert period(world, wallet, BEGIN, None, through=2**63 - 1).ends == 90
    assert (forged.begins, forged.ends, forged.closing, forged.credits) == (70, 70, forged.opening, 0)


@pytest.fixture
def drain(world: World) -> Iterator[psycopg.Connection[Any]]:
    """A transaction that has locked wallets as a drain does, and has not committed."""
    with psycopg.connect(world.owner_url) as connection:
        yield connection


def test_a_period_is_settled_once_nothing_can_be_added_to_it(world: World, drain: psycopg.Connection[Any]) -> None:
    """Not while a drain that began before its end still runs: its COMMIT may wait for a standby for any time."""
    busy, idle = world.new_wallet(100), world.new_wallet()
    ended, recent = datetime.now(UTC) - 20 * SECOND, datetime.now(UTC) - 5 * SECOND
    write_history(world, idle, [5], [ended - SECOND])

    assert period(world, idle, None, ended).is_settled
    assert not period(world, idle, None, recent).is_settled
    assert not period(world, idle, None, None).is_settled
    for locked in (busy, idle):
        drain.execute("SELECT FROM wallets WHERE id = %s FOR NO KEY UPDATE", [locked])

    assert period(world, busy, None, ended).is_settled, "an entry stands behind the cut: the deposit"
    assert not period(world, idle, None, ended).is_settled, "the drain may have made an entry by then"
    drain.rollback()
    assert period(world, idle, None, ended).is_settled


def test_a_settled_period_never_changes(world: World, drain: psycopg.Connection[Any]) -> None:
    wallet = world.new_wallet()
    ended = datetime.now(UTC) - 20 * SECOND
    write_history(world, wallet, [7], [ended - SECOND])
    drain.execute("UPDATE wallets SET balance = 10, version = 2 WHERE id = %s", [wallet])
    drain.execute(
        "INSERT INTO entries (wallet_id, version, transfer_id, amount, balance_after, created_at) VALUES (%s, 2, %s, 3, 10, %s)",
        [wallet, new_id(), ended - MICROSECOND],
    )

    before = period(world, wallet, None, ended)
    drain.commit()
    after = period(world, wallet, None, ended)

    assert (before.is_settled, before.ends, before.closing) == (False, 1, 7)
    assert (after.is_settled, after.ends, after.closing) == (True, 2, 10)
    world.submit(deposit(wallet, 5))
    world.drain()
    assert period(world, wallet, None, ended) == after


def test_workers_add_a_running_total_for_each_64_entries_of_a_wallet(world: World) -> None:
    source, destination = world.new_wallets(1000, 0, shard=3)
    world.submit(*(transfer(source, destination, 1) for _ in range(2 * TOTAL_EVERY)))
    world.drain()

    rows = world.query(
        "SELECT wallet_id, version, credits FROM running_totals WHERE wallet_id = ANY(%s) ORDER BY 1, 2", [source, destination]
    )

    wanted = [(source, 64, 1000), (source, 128, 1000), (destination, 64, 64), (destination, 128, 128)]
    assert sorted(rows) == sorted(wanted)
    assert (
        world.query("SELECT r.version FROM running_totals r JOIN entries USING (wallet_id, version) WHERE latest <> created_at")
        == []
    )
    assert audit(world.url).clean


def test_running_totals_that_are_missing_are_added_a_part_at_a_time_and_by_two_at_once(world: World) -> None:
    wallet = world.new_wallet()
    write_history(world, wallet, amounts(9000), every(1, 9000))
    ones, others = Totals(), Totals()
    counts: list[int] = []
    with closing(connect_worker(world.url)) as one, closing(connect_worker(world.url)) as other:
        ones.ask_for([wallet])
        while ones.are_due:
            others.ask_for([wallet])
            ones.add(one)
            others.add(other)
            counts += world.query("SELECT count(*)::integer FROM running_totals")[0]

    assert counts[-1] == 9000 // TOTAL_EVERY
    assert len(counts) > 1
    assert period(world, wallet, None, None).credits == sum(amount for amount in amounts(9000) if amount > 0)


def test_money_moves_while_running_totals_cannot_be_added(world: World) -> None:
    world.query("ALTER TABLE running_totals ADD CONSTRAINT none CHECK (version < 0) NOT VALID")
    source, destination = world.new_wallets(1000, 0)

    world.submit(*(transfer(source, destination, 1) for _ in range(TOTAL_EVERY)))

    assert world.drain() == TOTAL_EVERY
    assert world.balance(destination) == TOTAL_EVERY
    assert world.query("SELECT version FROM running_totals") == []


@pytest.mark.parametrize("wrong", ["credits = credits + 1", "latest = latest + interval '1 second'"])
def test_a_wrong_running_total_is_seen_by_the_audit_and_repaired_with_those_after_it(
    world: World, wrong: str, capsys: pytest.CaptureFixture[str]
) -> None:
    source, destination = world.new_wallets(1000, 0)
    world.submit(*(transfer(source, destination, 1) for _ in range(3 * TOTAL_EVERY)))
    world.drain()
    before = world.query("SELECT * FROM running_totals ORDER BY wallet_id, version")
    world.query(f"UPDATE running_totals SET {wrong} WHERE wallet_id = %s AND version = 128", destination)

    report = audit(world.url)
    assert {check: count for check, count in report.counts.items() if count} == {"running_totals": 1}
    assert report.violations["running_totals"][0].id == destination
    with psycopg.connect(world.owner_url, autocommit=True) as owner:
        heal.repair(owner)

    assert "2 running totals" in capsys.readouterr().err
    assert len(world.query("SELECT version FROM running_totals")) == len(before) - 2
    add_totals(world, destination)
    assert world.query("SELECT * FROM running_totals ORDER BY wallet_id, version") == before


# What a page costs: blocks that are looked at, so that no machine's speed matters


LONG = """
INSERT INTO transfers (id, type, status, finished_at, source, destination, amount, currency, metadata, owner, idempotency_key,
                       fingerprint, shard, moment, ordinal, created_at)
SELECT gen_random_uuid(), 'transfer', 'applied', made, other.id, wallet.id, 1, 'USD', '{}', 'operator', n, sha256('f'), 0, n, 1,
       made
  FROM generate_series(1, %(count)s) n
 CROSS JOIN LATERAL (SELECT '2026-01-01Z'::timestamptz + n * interval '1 second' AS made) clock
 CROSS JOIN LATERAL (SELECT %(wallet)s::uuid AS id) wallet
 CROSS JOIN LATERAL (SELECT md5((n %% 5000)::text)::uuid AS id) other;

INSERT INTO entries (wallet_id, version, transfer_id, amount, balance_after, created_at)
SELECT CASE side WHEN 1 THEN destination ELSE source END, CASE side WHEN 1 THEN moment ELSE moment / 5000 + 1 END, id, side,
       CASE side WHEN 1 THEN moment ELSE -(moment / 5000 + 1) END, created_at
  FROM transfers, unnest(ARRAY[-1, 1]) side
 ORDER BY moment, side;

UPDATE wallets SET version = %(count)s, balance = %(count)s WHERE id = %(wallet)s;
"""


@pytest.mark.parametrize("count", [30_000, pytest.param(1_000_000, marks=pytest.mark.long)])
def test_a_page_of_a_long_statement_costs_at_most_three_pages_of_entries(world: World, count: int) -> None:
    """Its header too, wherever the period begins and ends."""
    wallet = world.new_wallet()
    with psycopg.connect(world.owner_url, autocommit=True) as owner, owner.transaction():
        psycopg.ClientCursor(owner).execute(LONG, {"count": count, "wallet": wallet})
    add_totals(world, wallet)
    ends = {"wallet_id": wallet, "through": None}
    with closing(connect_worker(world.url)) as connection:
        connection.execute("SET work_mem = '64MB'")
        session = Session(connection)
        entries = cost(session, "wallets/find", id=wallet) + cost(
            session, "wallets/list_entries", wallet_id=wallet, before=2**62, after=0, limit=21
        )
        pages = {}
        for first, last in [(0, count), (63, count - 1), (count // 3 + 40, count // 2 + 62), (count - 63, count), (1, 2)]:
            since, until = BEGIN + (first + 1) * SECOND, BEGIN + (last + 1) * SECOND
            page = {"wallet_id": wallet, "after": first, "ends": last, "limit": 21}
            pages[first, last] = cost(session, "periods/find", since=since, until=until, **ends) + cost(
                session, "periods/list_entries", **page
            )
            found = period(world, wallet, since, until)
            assert (found.begins, found.ends, found.credits) == (first, last, last - first)

    assert max(pages.values()) <= 3 * entries, (pages, entries)


def cost(session: Session, name: str, **params: object) -> int:
    """Return how many blocks a statement looks at, by a plan that is made for any parameters."""
    plan = session.plan(Case(params), name)
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])
