"""The backlog's places are reserved before anything is stored, counted once a second, and given back when they are not needed."""

import asyncio
from collections.abc import Awaitable, Callable

import psycopg

from api.admission.auth import OPERATOR, Caller
from api.admission.backlog import Backlog
from core.postgres.pool import Database
from tests.world import World, deposit

ADA, BEN = Caller(is_operator=False, owner="ada"), Caller(is_operator=False, owner="ben")

Use = Callable[[Backlog], Awaitable[None]]


def use(world: World, work: Use, *, most: int, most_by_client: int) -> None:
    async def with_backlog(database: Database) -> None:
        await work(Backlog(database, most, most_by_client))

    world.ask(with_backlog)


def test_places_are_reserved_all_or_none_and_given_back_but_for_what_is_kept(world: World) -> None:
    async def work(backlog: Backlog) -> None:
        assert backlog.reserve(ADA, 3)
        assert [backlog.reserve(ADA, 2), backlog.reserve(ADA, 1), backlog.reserve(ADA, 1)] == [False, True, False]
        assert [backlog.reserve(BEN, 4), backlog.reserve(OPERATOR, 3), backlog.reserve(OPERATOR, 2)] == [True, False, True]
        backlog.settle(ADA, 3, 1)
        assert [backlog.reserve(ADA, 3), backlog.reserve(ADA, 2)] == [False, True]

    use(world, work, most=10, most_by_client=4)


def test_what_is_under_way_stays_reserved_over_a_count_and_what_may_be_stored_until_one_that_begins_later(world: World) -> None:
    async def work(backlog: Backlog) -> None:
        assert backlog.reserve(ADA, 4)
        await backlog.count()
        assert not backlog.reserve(ADA, 1)
        backlog.settle(ADA, 4, 4)  # it is not known whether they were stored
        assert not backlog.reserve(ADA, 1)
        await backlog.count()
        assert backlog.reserve(ADA, 4)

    use(world, work, most=10, most_by_client=4)


def test_what_is_stored_while_the_queue_is_counted_stays_reserved_until_the_next_count(world: World) -> None:
    with psycopg.connect(world.owner_url) as blocker:
        blocker.execute("LOCK TABLE queue")

        async def work(backlog: Backlog) -> None:
            assert backlog.reserve(ADA, 4)
            count = asyncio.create_task(backlog.count())
            await asyncio.to_thread(world.wait_until_blocked)
            backlog.settle(ADA, 4, 4)
            await asyncio.to_thread(blocker.rollback)
            await count
            assert not backlog.reserve(ADA, 1)
            await backlog.count()
            assert backlog.reserve(ADA, 1)

        use(world, work, most=10, most_by_client=4)


def test_what_others_have_stored_is_counted_in_all_and_by_client(world: World) -> None:
    wallet = world.new_wallet()
    world.submit(*(deposit(wallet, 1, owner=owner) for owner in ("ada",) * 6 + ("ben",) * 2 + ("operator",)))

    async def work(backlog: Backlog) -> None:
        await backlog.count()
        assert [backlog.reserve(ADA, 3), backlog.reserve(ADA, 2)] == [False, True]
        assert [backlog.reserve(OPERATOR, 10), backlog.reserve(OPERATOR, 9)] == [False, True]

    use(world, work, most=20, most_by_client=8)


def test_a_client_below_a_quarter_of_its_limit_is_not_forgotten_by_a_count(world: World) -> None:
    wallet = world.new_wallet()
    world.submit(*(deposit(wallet, 1) for _ in range(10)))

    async def work(backlog: Backlog) -> None:
        assert backlog.reserve(ADA, 1)
        world_has_one = deposit(wallet, 1, owner="ada")
        await asyncio.to_thread(world.submit, world_has_one)
        backlog.settle(ADA, 1, 1)
        await backlog.count()
        assert [backlog.reserve(ADA, 8), backlog.reserve(ADA, 7)] == [False, True]

    use(world, work, most=100, most_by_client=8)
