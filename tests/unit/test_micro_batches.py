"""Micro-batches: what comes in while one is on its way becomes the next, and everybody gets an answer of his own."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

import pytest

from api.micro_batches import MicroBatches
from core import db
from core.errors import Unavailable

Numbers = Sequence[int]


class Handler:
    """Doubles numbers, when it is let; refuses 13."""

    def __init__(self) -> None:
        self.seen: list[list[int]] = []
        self.let = asyncio.Event()
        self.began = asyncio.Event()

    async def handle(self, numbers: Numbers) -> list[int]:
        self.seen.append(list(numbers))
        self.began.set()
        await self.let.wait()
        if 13 in numbers:
            raise ValueError("13")
        return [2 * number for number in numbers]


def run(use: Callable[[MicroBatches[int, int], Handler], Awaitable[None]], batch_max: int = 100) -> None:
    async def started() -> None:
        handler = Handler()
        batches = MicroBatches(handler.handle, batch_max)
        batches.start()
        await use(batches, handler)
        batches.stop()

    asyncio.run(started())


def ask_each(batches: MicroBatches[int, int], *numbers: int) -> list["asyncio.Task[int]"]:
    return [asyncio.create_task(batches.ask(number)) for number in numbers]


def test_what_comes_in_meanwhile_is_the_next_batch() -> None:
    async def use(batches: MicroBatches[int, int], handler: Handler) -> None:
        first = ask_each(batches, 1)
        await handler.began.wait()
        later = ask_each(batches, 2, 3, 4)
        await asyncio.sleep(0)
        handler.let.set()

        assert await asyncio.gather(*first, *later) == [2, 4, 6, 8]
        assert handler.seen == [[1], [2, 3, 4]]

    run(use)


def test_a_batch_has_its_limit_and_keeps_the_order_of_arrival() -> None:
    async def use(batches: MicroBatches[int, int], handler: Handler) -> None:
        handler.let.set()

        assert await batches.ask_all([5, 4, 3, 2, 1]) == [10, 8, 6, 4, 2]
        assert handler.seen == [[5, 4], [3, 2], [1]]

    run(use, batch_max=2)


def test_an_item_that_cannot_be_handled_fails_none_of_its_neighbours() -> None:
    async def use(batches: MicroBatches[int, int], handler: Handler) -> None:
        handler.let.set()

        one, bad, three = await asyncio.gather(*ask_each(batches, 1, 13, 3), return_exceptions=True)

        assert (one, three) == (2, 6)
        assert isinstance(bad, ValueError)

    run(use)


def test_an_answer_that_does_not_come_in_time_is_unavailable_also_for_those_who_wait_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(db, "ANSWER_WITHIN_S", 0.01)

    async def use(batches: MicroBatches[int, int], handler: Handler) -> None:
        asked = ask_each(batches, 1)
        await handler.began.wait()
        asked += ask_each(batches, 2)
        done = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(one) for one in done] == [Unavailable, Unavailable]
        handler.let.set()

        monkeypatch.setattr(db, "ANSWER_WITHIN_S", 10)
        assert await asyncio.create_task(batches.ask(3)) == 6
        assert handler.seen == [[1], [3]]  # nobody handles what nobody waits for

    run(use)


def test_a_caller_who_leaves_is_not_answered_and_harms_nobody() -> None:
    async def use(batches: MicroBatches[int, int], handler: Handler) -> None:
        leaves, stays = ask_each(batches, 1, 2)
        await handler.began.wait()
        leaves.cancel()
        with suppress(asyncio.CancelledError):
            await leaves
        handler.let.set()

        assert await stays == 4

    run(use)
