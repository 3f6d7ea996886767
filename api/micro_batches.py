"""Micro-batching: what concurrent requests of this process ask for while a batch is on its way becomes the next one."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

from core import db, log
from core.errors import Unavailable

Item = TypeVar("Item")
Answer = TypeVar("Answer")

EXPIRE_EVERY_S = 0.05

logger = log.get(__name__)


class Pending(NamedTuple, Generic[Item, Answer]):
    item: Item
    answer: "asyncio.Future[Answer]"
    answer_by: float  # monotonic seconds


class MicroBatches(Generic[Item, Answer]):
    """Gives items to `handle` in batches, one at a time, in order of arrival; it returns an answer an item, in order."""

    def __init__(self, handle: Callable[[Sequence[Item]], Awaitable[Sequence[Answer]]], batch_max: int) -> None:
        self._handle = handle
        self._batch_max = batch_max
        self._pending: list[Pending[Item, Answer]] = []
        self._unanswered: list[Pending[Item, Answer]] = []
        self._arrived = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._handle_for_ever()), asyncio.create_task(self._expire_for_ever())]

    def stop(self) -> None:
        """End, after the last answer: the server has let its callers finish before."""
        for task in self._tasks:
            task.cancel()

    async def ask(self, item: Item) -> Answer:
        """Return the item's answer. Raises Unavailable when it does not come in time, and what `handle` raised."""
        return await self._add(item)

    async def ask_all(self, items: Sequence[Item]) -> list[Answer]:
        """Return each item's answer, in order; up to `batch_max` of them share a batch. Raises as `ask` does, for all of them."""
        if len(items) == 1:
            return [await self._add(items[0])]
        return await asyncio.gather(*[self._add(item) for item in items])

    def _add(self, item: Item) -> "asyncio.Future[Answer]":
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        pending = Pending(item, answer, db.answer_by())
        self._pending.append(pending)
        self._unanswered.append(pending)
        self._arrived.set()
        return answer

    async def _expire_for_ever(self) -> None:
        """Tell those who have waited for too long. One timer for all: one each would cost more than the rest of this file."""
        while True:
            await asyncio.sleep(EXPIRE_EVERY_S)
            now = time.monotonic()
            tell([pending for pending in self._unanswered if pending.answer_by <= now], Unavailable("no answer in time"))
            self._unanswered = [pending for pending in self._unanswered if not pending.answer.done()]

    async def _handle_for_ever(self) -> None:
        while True:
            await self._arrived.wait()
            await self._answer(self._next_batch())

    def _next_batch(self) -> list[Pending[Item, Answer]]:
        waiting = [pending for pending in self._pending if not pending.answer.done()]  # the others have been answered 503
        batch, self._pending = waiting[: self._batch_max], waiting[self._batch_max :]
        if not self._pending:
            self._arrived.clear()
        return batch

    async def _answer(self, batch: Sequence[Pending[Item, Answer]]) -> None:
        """Answer each caller. An item that cannot be handled must not fail its neighbours."""
        if not batch:
            return
        db.start_clock()
        try:
            answers = await self._handle([pending.item for pending in batch])
        except Exception as error:  # noqa: BLE001  # whatever it is, each caller must be told
            if len(batch) > 1 and not isinstance(error, Unavailable):
                for pending in batch:
                    await self._answer([pending] if not pending.answer.done() else [])
                return
            tell(batch, error)
            return
        # Later, so that the next batch is on its way before this one's callers are woken up: the database need not wait for them.
        asyncio.get_running_loop().call_soon(hand_out, batch, answers)


def hand_out(batch: Sequence[Pending[Item, Answer]], answers: Sequence[Answer]) -> None:
    for pending, answer in zip(batch, answers, strict=True):
        if not pending.answer.done():
            pending.answer.set_result(answer)


def tell(batch: Sequence[Pending[Item, Answer]], error: Exception) -> None:
    """Raise the error at each caller that still waits."""
    if not isinstance(error, Unavailable):
        logger.error("batch failed", exc_info=error)
    for pending in batch:
        if not pending.answer.done():
            pending.answer.set_exception(error)
