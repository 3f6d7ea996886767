"""Micro-batching: the items that requests of this process add while one batch runs become the next batch.

All callers share the batches. When more items wait than a batch holds, their owners take turns. So one owner's thousands of items
delay another owner's single item by one batch.
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
Result = TypeVar("Result")

EXPIRE_EVERY_S = 0.05  # a caller gets its 503 at most this much later than its deadline of 2 s. A guess.
OWNER_BATCHES_MAX = 8  # of an owner's items that wait: more would pass their deadline, and each item takes 1 to 2 KiB

logger = log.get(__name__)


class Pending(NamedTuple, Generic[Item, Result]):
    """An item without a result so far."""

    item: Item
    result: "asyncio.Future[Result]"
    deadline: float  # monotonic seconds


class MicroBatches(Generic[Item, Result]):
    """Passes items to `handle` in batches, one batch at a time. `handle` returns one result an item, in order.

    Items of one owner are handled in the order of their arrival. The owner is that of the request (core/turns.py).
    """

    def __init__(
        self, handle: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]], batch_max: int, owner_max: int | None = None
    ) -> None:
        self._handle = handle
        self._batch_max = batch_max
        self._owner_max = OWNER_BATCHES_MAX * batch_max if owner_max is None else owner_max
        self._lines: OrderedDict[str, deque[Pending[Item, Result]]] = OrderedDict()  # by owner; the first has the next turn
        self._unresolved: list[Pending[Item, Result]] = []
        self._arrived = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._run_for_ever()), asyncio.create_task(self._expire_for_ever())]

    def stop(self) -> None:
        """Stop. The server stops first and has answered all requests by then, so no item is lost."""
        for task in self._tasks:
            task.cancel()

    async def ask(self, item: Item) -> Result:
        """Return the item's result. Raises Unavailable at the request's deadline, Busy, and what `handle` raised."""
        return await self._add(self._line(1), item)

    async def ask_all(self, items: Sequence[Item]) -> list[Result]:
        """Return each item's result, in order. Up to `batch_max` of them share a batch. Raises as `ask` does, for all of them.

        Raises Busy, before any item is handled, when the owner would then have more items waiting than its maximum.
        """
        if not items:
            return []
        line = self._line(len(items))
        if len(items) == 1:
            return [await self._add(line, items[0])]
        return await asyncio.gather(*[self._add(line, item) for item in items])

    def _line(self, more: int) -> deque[Pending[Item, Result]]:
        """Return the waiting items of the request's owner. Raises Busy when `more` of them are too many."""
        owner = OWNER.get()
        line = self._lines.get(owner)
        if line is None:
            line = self._lines[owner] = deque()
        elif len(line) + more > self._owner_max:
            raise Busy("the owner has its maximum of waiting items")
        return line

    def _add(self, line: deque[Pending[Item, Result]], item: Item) -> "asyncio.Future[Result]":
        result: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        pending = Pending(item, result, deadline.answer_by())
        line.append(pending)
        self._unresolved.append(pending)
        self._arrived.set()
        return result

    async def _expire_for_ever(self) -> None:
        """Fail the items whose deadline has passed. One timer serves all: a timer each cost more than the rest of this file."""
        while True:
            await asyncio.sleep(EXPIRE_EVERY_S)
            now = time.monotonic()
            expired = [pending for pending in self._unresolved if pending.deadline <= now]
            fail(expired, Unavailable("no answer in time"))
            self._unresolved = [pending for pending in self._unresolved if not pending.result.done()]
            if expired:
                self._drop_resolved()

    def _drop_resolved(self) -> None:
        """Remove items that have a result from the lines, also while a batch hangs: they count against their owner's maximum."""
        left = {owner: deque(item for item in line if not item.result.done()) for owner, line in self._lines.items()}
        self._lines = OrderedDict((owner, line) for owner, line in left.items() if line)

    async def _run_for_ever(self) -> None:
        while True:
            await self._arrived.wait()
            await self._run(self._next_batch())

    def _next_batch(self) -> list[Pending[Item, Result]]:
        """Take the items of the next batch, without those that have failed at their deadline."""
        if sum(map(len, self._lines.values())) <= self._batch_max:  # the common case: all of it fits, so turns change nothing
            batch = [pending for line in self._lines.values() for pending in line if not pending.result.done()]
            self._lines.clear()
        else:
            batch = self._take_turns()
        if not self._lines:
            self._arrived.clear()
        return batch

    def _take_turns(self) -> list[Pending[Item, Result]]:
        """Take one item of each owner, round robin, until the batch is full. The owner after the last one begins the next batch."""
        batch: list[Pending[Item, Result]] = []
        while self._lines and len(batch) < self._batch_max:
            owner, line = self._lines.popitem(last=False)
            pending = line.popleft()
            if not pending.result.done():
                batch.append(pending)
            if line:
                self._lines[owner] = line
        return batch

    async def _run(self, batch: Sequence[Pending[Item, Result]]) -> None:
        """Handle a batch. When that raises, handle its items one by one, so that only a bad item fails."""
        if not batch:
            return
        deadline.start()
        try:
            results = await self._handle([pending.item for pending in batch])
        except Exception as error:  # noqa: BLE001  # any error must reach the callers that wait
            if len(batch) > 1 and not isinstance(error, Unavailable):
                for pending in batch:
                    await self._run([pending] if not pending.result.done() else [])
                return
            fail(batch, error)
            return
        # On the next turn of the event loop: the next batch's statement is sent before the callers of this one continue.
        asyncio.get_running_loop().call_soon(resolve, batch, results)


def resolve(batch: Sequence[Pending[Item, Result]], results: Sequence[Result]) -> None:
    for pending, result in zip(batch, results, strict=True):
        if not pending.result.done():
            pending.result.set_result(result)


def fail(batch: Sequence[Pending[Item, Result]], error: Exception) -> None:
    """Raise the error at each caller that still waits."""
    if not isinstance(error, Unavailable):
        logger.error("batch failed", exc_info=error)
    for pending in batch:
        if not pending.result.done():
            pending.result.set_exception(error)
