"""Micro-batching: what concurrent requests of this process ask for while a batch is on its way becomes the next one.

Callers share the batches: when more waits than a batch holds, their owners have turns, so that one owner's thousands delay another
owner's single item by a batch and not by all that waits.
"""

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

from core import log
from core.errors import Busy, Unavailable
from core.postgres import deadline
from core.turns import OWNER

Item = TypeVar("Item")
Answer = TypeVar("Answer")

EXPIRE_EVERY_S = 0.05
OWNER_BATCHES_MAX = 8  # that an owner may have waiting: more would be answered too late, and each item takes 1 to 2 KiB

logger = log.get(__name__)


class Pending(NamedTuple, Generic[Item, Answer]):
    item: Item
    answer: "asyncio.Future[Answer]"
    answer_by: float  # monotonic seconds


class MicroBatches(Generic[Item, Answer]):
    """Gives items to `handle` in batches, one at a time; it returns an answer an item, in order.

    An owner's items are handled in order of their arrival. The owner is that of the request that asks (core/turns.py).
    """

    def __init__(
        self, handle: Callable[[Sequence[Item]], Awaitable[Sequence[Answer]]], batch_max: int, owner_max: int | None = None
    ) -> None:
        self._handle = handle
        self._batch_max = batch_max
        self._owner_max = OWNER_BATCHES_MAX * batch_max if owner_max is None else owner_max
        self._lines: OrderedDict[str, deque[Pending[Item, Answer]]] = OrderedDict()  # the owner that has the next turn comes first
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
        """Return the item's answer. Raises Unavailable when it does not come in time, Busy, and what `handle` raised."""
        return await self._add(self._line(1), item)

    async def ask_all(self, items: Sequence[Item]) -> list[Answer]:
        """Return each item's answer, in order; up to `batch_max` of them share a batch. Raises as `ask` does, for all of them.

        Raises Busy before any item is handled, when more items of the owner would wait than may.
        """
        if not items:
            return []
        line = self._line(len(items))
        if len(items) == 1:
            return [await self._add(line, items[0])]
        return await asyncio.gather(*[self._add(line, item) for item in items])

    def _line(self, more: int) -> deque[Pending[Item, Answer]]:
        """Return the line of the request's owner, for so many more items."""
        owner = OWNER.get()
        line = self._lines.get(owner)
        if line is None:
            line = self._lines[owner] = deque()
        elif len(line) + more > self._owner_max:
            raise Busy("as many items of this owner wait as may")
        return line

    def _add(self, line: deque[Pending[Item, Answer]], item: Item) -> "asyncio.Future[Answer]":
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        pending = Pending(item, answer, deadline.answer_by())
        line.append(pending)
        self._unanswered.append(pending)
        self._arrived.set()
        return answer

    async def _expire_for_ever(self) -> None:
        """Tell callers that have waited for too long. One timer for all: one each would cost more than the rest of this file."""
        while True:
            await asyncio.sleep(EXPIRE_EVERY_S)
            now = time.monotonic()
            expired = [pending for pending in self._unanswered if pending.answer_by <= now]
            tell(expired, Unavailable("no answer in time"))
            self._unanswered = [pending for pending in self._unanswered if not pending.answer.done()]
            if expired:
                self._drop_answered()

    def _drop_answered(self) -> None:
        """Free the places of items that wait for no answer any more, also while a batch hangs."""
        left = {owner: deque(item for item in line if not item.answer.done()) for owner, line in self._lines.items()}
        self._lines = OrderedDict((owner, line) for owner, line in left.items() if line)

    async def _handle_for_ever(self) -> None:
        while True:
            await self._arrived.wait()
            await self._answer(self._next_batch())

    def _next_batch(self) -> list[Pending[Item, Answer]]:
        """Take what the next batch holds, without what has been answered 503."""
        if sum(map(len, self._lines.values())) <= self._batch_max:  # as nearly always: all of it fits, and turns change nothing
            batch = [pending for line in self._lines.values() for pending in line if not pending.answer.done()]
            self._lines.clear()
        else:
            batch = self._take_turns()
        if not self._lines:
            self._arrived.clear()
        return batch

    def _take_turns(self) -> list[Pending[Item, Answer]]:
        """Take an item an owner, round and round, until the batch is full. The owner after the last one begins the next batch."""
        batch: list[Pending[Item, Answer]] = []
        while self._lines and len(batch) < self._batch_max:
            owner, line = self._lines.popitem(last=False)
            pending = line.popleft()
            if not pending.answer.done():
                batch.append(pending)
            if line:
                self._lines[owner] = line
        return batch

    async def _answer(self, batch: Sequence[Pending[Item, Answer]]) -> None:
        """Answer each caller. An item that cannot be handled must not fail its neighbours."""
        if not batch:
            return
        deadline.start()
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
