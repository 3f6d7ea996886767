"""Turns: owners share places, each within its bound, and none is passed over."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from core.errors import Busy, Unavailable
from core.turns import Turns


class Shop:
    """Requests that hold their places until they are let go."""

    def __init__(self, turns: Turns) -> None:
        self.turns = turns
        self.served: list[str] = []
        self._ends: dict[str, asyncio.Event] = {}

    def enter(self, name: str) -> "asyncio.Task[None]":
        """Ask for a place; the first letter of the name is the owner's."""
        self._ends[name] = asyncio.Event()
        return asyncio.create_task(self._hold(name))

    async def end(self, *names: str) -> None:
        for name in names:
            self._ends[name].set()
        await settle()

    async def _hold(self, name: str) -> None:
        async with self.turns.turn(name[0]):
            self.served.append(name)
            await self._ends[name].wait()


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def run(
    use: Callable[[Shop], Awaitable[None]], *, places: int, per_owner: int, waiting_max: int = 100, within_s: float = 60
) -> None:
    async def main() -> None:
        await use(Shop(Turns(places, per_owner, waiting_max, within_s)))

    asyncio.run(main())


def test_an_owner_holds_no_more_places_than_it_may_and_leaves_the_others_theirs() -> None:
    async def use(shop: Shop) -> None:
        _ = [shop.enter(name) for name in ("a1", "a2", "a3", "b1")]
        await settle()
        assert shop.served == ["a1", "a2", "b1"]
        await shop.end("a1")
        assert shop.served == ["a1", "a2", "b1", "a3"]
        await shop.end("a2", "a3", "b1")

    run(use, places=10, per_owner=2)


def test_owners_get_free_places_in_turn_and_each_its_own_in_order_of_arrival() -> None:
    async def use(shop: Shop) -> None:
        names = ["a1", "a2", "a3", "a4", "b1", "b2", "c1"]
        _ = [shop.enter(name) for name in names]
        await settle()
        for _ in names:
            await shop.end(shop.served[-1])
        assert shop.served == ["a1", "a2", "b1", "c1", "a3", "b2", "a4"]

    run(use, places=1, per_owner=1)


def test_a_request_too_many_is_busy_at_once_and_other_owners_may_still_wait() -> None:
    async def use(shop: Shop) -> None:
        _ = [shop.enter(name) for name in ("a1", "a2", "a3")]
        await settle()
        with pytest.raises(Busy):
            await shop.enter("a4")
        waits = shop.enter("b1")
        await settle()
        assert not waits.done()
        await shop.end("a1", "a2", "a3", "b1")
        assert shop.served == ["a1", "a2", "b1", "a3"]

    run(use, places=1, per_owner=1, waiting_max=2)


def test_a_place_that_does_not_become_free_in_time_is_unavailable_and_its_request_stands_in_no_line() -> None:
    async def use(shop: Shop) -> None:
        shop.enter("a1")
        await settle()
        with pytest.raises(Unavailable) as late:
            await shop.enter("b1")
        assert not isinstance(late.value, Busy)
        shop.enter("c1")
        await shop.end("a1")
        assert shop.served == ["a1", "c1"]
        await shop.end("c1")

    run(use, places=1, per_owner=1, within_s=0.05)


def test_a_cancelled_request_keeps_no_place_also_when_it_comes_in_that_moment() -> None:
    async def use(shop: Shop) -> None:
        shop.enter("a1")
        await settle()
        waits, last = shop.enter("b1"), shop.enter("c1")
        await settle()
        shop._ends["a1"].set()
        await asyncio.sleep(0)  # a1 gives its place to b1, which has not run since
        assert shop.turns._held["b"] == 1
        waits.cancel()
        with suppress(asyncio.CancelledError):
            await waits
        await settle()
        assert shop.served == ["a1", "c1"]
        await shop.end("c1")
        await last

    run(use, places=1, per_owner=1)


def test_a_place_that_becomes_free_in_the_moment_of_a_cancellation_goes_to_the_next_in_line() -> None:
    async def use(shop: Shop) -> None:
        shop.enter("a1")
        await settle()
        waits, last = shop.enter("b1"), shop.enter("b2")
        await settle()
        waits.cancel()
        shop.turns._give_back("a")  # before the cancelled request has run: it stands in the line still
        await settle()
        assert waits.cancelled()
        assert shop.served == ["a1", "b2"]
        await shop.end("b2")
        await last
        assert not shop.turns._lines

    run(use, places=1, per_owner=1)
