"""Receivers that may have deliveries due are found at the same cost, however much has ended and whatever snapshot is held."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from core.postgres.statements import statement
from core.webhooks import deliveries
from tests.hooks import SUCCESS, claim, make_due, mark, new_endpoint, stored, with_deliveries
from tests.integration.test_fan_outs import pages
from tests.world import World, transfer
from worker.webhooks.delivery import Delivery
from worker.webhooks.fairness import SlotLimits
from worker.webhooks.receivers import LOOK_AT_MAX, LOOK_AT_OF_OWNER_MAX, Receivers
from worker.webhooks.store import StoredDeliveries

LOOK = {"from_owner": "", "owners": [], "receivers": [], "per_owner": LOOK_AT_OF_OWNER_MAX, "limit": LOOK_AT_MAX}
NEVER_S = 1e9
DEAD = 30_000


def with_receivers(world: World, work: Callable[[Receivers], Awaitable[Any]], **options: Any) -> Any:
    async def main() -> Any:
        async with stored(world) as database:
            return await work(Receivers(database, **options))

    return asyncio.run(main())


def end_many(world: World, receiver: str) -> None:
    """Let so many deliveries to the receiver end, each of which was due some minutes ago."""
    columns = "(owner, receiver, endpoint_id, transfer_id, shard, next_attempt_at)"
    row = f"'operator', '{receiver}', '{receiver}', gen_random_uuid(), 0, now() - interval '1 hour' + n * interval '60 ms'"
    world.query(f"INSERT INTO deliveries {columns} SELECT {row} FROM generate_series(1, {DEAD}) n")
    world.query("UPDATE receivers SET due_from = '-infinity'")
    world.query("UPDATE deliveries SET status = 'delivered', next_attempt_at = NULL, finished_at = now()")


def test_a_look_and_a_claim_read_nothing_of_what_has_ended_while_a_snapshot_is_held(
    world: World, connection: psycopg.Connection[Any]
) -> None:
    """Counted are the pages that Postgres looks at."""
    endpoint = new_endpoint(world)
    make_due(world)
    with psycopg.connect(world.owner_url) as held:
        held.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        held.execute("SELECT count(*) FROM deliveries")
        end_many(world, str(endpoint.id))
        make_due(world)
        without = pages(connection, "deliverer/list_receivers", LOOK)

        async def wear(receivers: Receivers) -> None:
            receivers.count_ended("operator", str(endpoint.id), DEAD)
            await receivers.look()

        with_receivers(world, wear)
        looked = pages(connection, "deliverer/list_receivers", LOOK)
        [(due_since,)] = world.query("SELECT min(next_attempt_at) FROM deliveries WHERE status = 'pending'")
        wanted = {"owners": ["operator"], "receivers": [str(endpoint.id)], "since": [due_since], "counts": [1], "lease_s": 30.0}
        claimed = pages(connection, "deliverer/claim_deliveries", wanted)

    assert without > 200  # so the bound is what makes the difference
    assert looked < 60
    assert claimed < 200


def test_attempts_that_end_move_the_bound_once_in_many_and_not_beyond_what_is_pending(world: World) -> None:
    endpoint = new_endpoint(world)
    make_due(world, 8)
    first = datetime.now(UTC) - timedelta(hours=1)
    world.query("UPDATE deliveries SET next_attempt_at = %s + (random() + 1) * interval '1 s'", first)
    moved: list[datetime] = []

    def bound() -> datetime:
        [(due_from,)] = world.query("SELECT due_from FROM receivers WHERE receiver = %s", str(endpoint.id))
        assert isinstance(due_from, datetime)
        return due_from

    async def work(deliveries: StoredDeliveries) -> None:
        for _ in range(6):
            [delivery] = await deliveries.claim(SlotLimits())
            await deliveries.mark(delivery, SUCCESS, None)
            moved.append(await asyncio.to_thread(bound))

    with_deliveries(world, work, advance_after=3)

    [(pending,)] = world.query("SELECT min(next_attempt_at) FROM deliveries WHERE status = 'pending'")
    assert len(set(moved)) == 2, moved
    assert first < moved[-1] <= pending


def test_the_bound_stays_half_a_minute_behind_now(world: World) -> None:
    """A transaction that began before may still commit what was due since."""
    endpoint = new_endpoint(world)
    make_due(world)
    world.query("UPDATE deliveries SET status = 'delivered', next_attempt_at = NULL, finished_at = now()")
    world.query("UPDATE receivers SET due_from = '-infinity'")

    async def work(receivers: Receivers) -> None:
        receivers.count_ended("operator", str(endpoint.id), 1)
        await receivers.look()

    with_receivers(world, work, advance_after=1)

    [(behind,)] = world.query("SELECT extract(epoch FROM now() - due_from)::float FROM receivers")
    assert 30 <= behind < 90


def test_what_is_due_is_found_after_the_clock_was_set_back(world: World) -> None:
    endpoint = new_endpoint(world)
    make_due(world)
    world.query("UPDATE receivers SET due_from = now() + interval '1 hour'")

    async def work(receivers: Receivers) -> list[Any]:
        receivers._recover_at = NEVER_S
        return await receivers.look()

    [found] = with_receivers(world, work)

    assert found.receiver == str(endpoint.id)
    assert found.due_since is not None


@pytest.mark.parametrize(
    "damage",
    ["DELETE FROM receivers", "UPDATE receivers SET due_from = now()"],
    ids=["a receiver that is not noted", "a bound beyond what is pending"],
)
def test_what_no_look_finds_is_recovered(world: World, damage: str) -> None:
    """An older version has made the delivery, or a transaction that lasted for minutes."""
    new_endpoint(world)
    make_due(world)
    world.query("UPDATE deliveries SET next_attempt_at = now() - interval '1 hour'")
    world.query(damage)

    async def found(receivers: Receivers) -> list[Any]:
        receivers._recover_at = NEVER_S
        before = [one for one in await receivers.look() if one.due_since]
        receivers._recover_at = 0.0
        return [before, [one for one in await receivers.look() if one.due_since]]

    before, after = with_receivers(world, found)

    assert (len(before), len(after)) == (0, 1)


def test_recovery_comes_by_all_receivers_part_by_part(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.webhooks.receivers.RECOVER_MAX", 3)
    columns = "(owner, receiver, transfer_id, shard)"
    world.query(
        f"INSERT INTO deliveries {columns} SELECT 'cli_' || n % 2, 'h' || n, gen_random_uuid(), 0 FROM generate_series(1, 10) n"
    )

    async def look_often(receivers: Receivers) -> None:
        for _ in range(5):
            await receivers.look()

    with_receivers(world, look_often)

    assert world.query("SELECT count(*) FROM receivers") == [(10,)]


def test_a_receiver_that_was_just_made_due_is_found_in_the_next_look_beside_one_with_many(world: World) -> None:
    """In turns it would be found in the last of many looks."""
    rich, poor = world.new_wallets(10, 0)
    world.query("INSERT INTO receivers (owner, receiver) SELECT 'operator', '-host-' || n FROM generate_series(1, 500) n")
    new_endpoint(world)
    world.submit(transfer(rich, poor, 1))
    world.drain()
    claimed: list[Delivery] = []

    async def work(deliveries: StoredDeliveries) -> None:
        claimed.extend(await deliveries.claim(SlotLimits()))

    with_deliveries(world, work, look_at_of_owner_max=5)

    assert len(claimed) == 1


def test_what_is_redelivered_is_found_although_its_receiver_was_deleted(world: World) -> None:
    new_endpoint(world)
    make_due(world)
    [delivery] = claim(world)
    mark(world, delivery, SUCCESS)
    world.query("DELETE FROM receivers")

    assert world.ask(lambda database: deliveries.redeliver(database, "operator", delivery.id))

    async def look(receivers: Receivers) -> list[Any]:
        receivers._recover_at = NEVER_S
        return [one for one in await receivers.look() if one.due_since]

    assert len(with_receivers(world, look)) == 1


def test_bounds_are_moved_in_the_order_in_which_fan_outs_note_receivers(world: World) -> None:
    """With another order two statements could each hold a row that the other one waits for."""
    world.query(
        "INSERT INTO receivers (owner, receiver, due_from) SELECT 'cli_', host, '-infinity' FROM unnest(ARRAY['a', 'b']) host"
    )
    select = "SELECT FROM receivers WHERE receiver = %s FOR NO KEY UPDATE NOWAIT"

    def advance() -> None:
        with psycopg.connect(world.url, autocommit=True) as session:
            session.execute(statement("deliverer/advance_receivers"), {"owners": ["cli_"] * 2, "receivers": ["b", "a"]})

    with ThreadPoolExecutor(1) as threads, psycopg.connect(world.url) as holder:
        holder.execute(select, ["a"])
        advanced = threads.submit(advance)
        world.wait_until_blocked()
        holder.execute(select, ["b"])  # fails when the statement has locked it before
        holder.rollback()
        advanced.result(10)

    assert world.query("SELECT receiver FROM receivers WHERE due_from > '-infinity' ORDER BY 1") == [("a",), ("b",)]
