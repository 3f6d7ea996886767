"""Micro-batches: what comes in while one is on its way becomes the next, each item gets its own answer, and owners have turns."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from contextvars import copy_context

import pytest

from api.intake.micro_batches import OWNER_BATCHES_MAX, MicroBatches
from core.errors import Busy, Unavailable
from core.postgres import deadline
from core.turns import OWNER

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


def ask_all_as(owner: str, batches: MicroBatches[int, int], numbers: Numbers) -> "asyncio.Task[list[int]]":
    """Ask in a request of this owner's."""
    context = copy_context()
    context.run(OWNER.set, owner)
    return asyncio.create_task(batches.ask_all(numbers), context=context)


def test_what_comes_in_during_a_batch_is_the_next_batch() -> None:
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


def test_an_answer_that_does_not_come_in_time_is_unavailable_also_for_calls_that_wait_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(deadline, "ANSWER_WITHIN_S", 0.01)

    async def use(batches: MicroBatches[int, int], handler: Handler) -> None:
        asked = ask_each(batches, 1)
        await handler.began.wait()
        asked += ask_each(batches, 2)
        done = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(one) for one in done] == [Unavailable, Unavailable]
        handler.let.set()

        monkeypatch.setattr(deadline, "ANSWER_WITHIN_S", 10)
        assert await asyncio.create_task(batches.ask(3)) == 6
        assert handler.seen == [[1], [3]]  # a call that no caller waits for is not handled

    run(use)


def test_a_caller_that_leaves_is_not_answered_and_harms_no_other() -> None:
    async def use(batches: MicroBatches[int, int], handler: Handler) -> None:
        leaves, stays = ask_each(batches, 1, 2)
        await handler.began.wait()
        leaves.cancel()
        with suppress(asyncio.CancelledError):
            await leaves
        handler.let.set()

        assert await stays == 4

    run(use)


def test_owners_have_turns_when_more_waits_than_a_batch_holds_and_each_keeps_its_order() -> None:
    async def use(batches: MicroBatches[int, int], handler: Handler) -> None:
        asked = [ask_all_as("ada", batches, range(100, 110))]
        await handler.began.wait()
        asked += [
            ask_all_as("ada", batches, range(110, 114)),
            ask_all_as("ben", batches, [201, 202]),
            ask_all_as("cy", batches, [301]),
        ]
        await asyncio.sleep(0)
        handler.let.set()

        answers = await asyncio.gather(*asked)
        assert [*itertools.chain(*answers)] == [2 * number for number in (*range(100, 114), 201, 202, 301)]
        assert handler.seen == [[100, 101, 102, 103], [104, 201, 301, 105], [202, 106, 107, 108], [109, 110, 111, 112], [113]]

    run(use, batch_max=4)


def test_a_single_item_is_in_the_next_batch_however_much_of_another_owner_waits_before_it() -> None:
    async def use(batches: MicroBatches[int, int], handler: Handler) -> None:
        asked = [ask_all_as("ada", batches, range(10)) for _ in range(7)]
        await handler.began.wait()
        single = ask_all_as("ben", batches, [99])
        await asyncio.sleep(0)
        handler.let.set()
        await asyncio.gather(*asked, single)

        assert 99 in handler.seen[1]

    run(use, batch_max=10)


def test_an_owner_with_as_much_waiting_as_may_is_busy_at_once_and_others_are_not() -> None:
    async def use(batches: MicroBatches[int, int], handler: Handler) -> None:
        first = ask_all_as("ada", batches, [1])
        await handler.began.wait()
        most = 2 * OWNER_BATCHES_MAX
        fills = ask_all_as("ada", batches, range(100, 99 + most))
        await asyncio.sleep(0)
        with pytest.raises(Busy):
            await ask_all_as("ada", batches, [7, 8])  # both or none
        last, other = ask_all_as("ada", batches, [5]), ask_all_as("ben", batches, [6])
        await asyncio.sleep(0)
        handler.let.set()

        assert [*await asyncio.gather(first, last, other)] == [[2], [10], [12]]
        await fills
        assert not {7, 8} & {number for batch in handler.seen for number in batch}

    run(use, batch_max=2)


def test_what_has_been_told_that_no_answer_comes_leaves_room_while_the_batch_before_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline, "ANSWER_WITHIN_S", 0.01)

    async def use(batches: MicroBatches[int, int], handler: Handler) -> None:
        first = ask_all_as("ada", batches, [1])
        await handler.began.wait()
        fills = ask_all_as("ada", batches, range(100, 100 + 2 * OWNER_BATCHES_MAX))
        with pytest.raises(Unavailable):
            await fills
        with pytest.raises(Unavailable):
            await first

        monkeypatch.setattr(deadline, "ANSWER_WITHIN_S", 10)
        again = ask_all_as("ada", batches, range(100, 100 + 2 * OWNER_BATCHES_MAX))
        await asyncio.sleep(0)
        handler.let.set()
        assert len(await again) == 2 * OWNER_BATCHES_MAX

    run(use, batch_max=2)
