"""One read for all requests that ask the same within a second: ten consoles cost the database what one costs."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextvars import Context
from typing import Any, NamedTuple, TypeVar

from core.postgres import deadline

KEPT_S = 1.0  # how old a shared result may be. A guess: consoles show ages in seconds

Result = TypeVar("Result")


class Read(NamedTuple):
    """A read that runs or has ended. Its result is shared until `fresh_until`, in monotonic seconds; while it runs, in any case."""

    task: asyncio.Task[Any]
    fresh_until: float


class SharedReads:
    """Reads of one process, by name. One of a name runs at a time, and its result is kept for KEPT_S. A failed read is not kept."""

    def __init__(self) -> None:
        self._reads: dict[str, Read] = {}

    async def get(self, name: str, read: Callable[[], Awaitable[Result]]) -> Result:
        """Return the result of `read`, or that of a call with this name that runs, or that began within the last KEPT_S.

        Raises what the read raises, to each request that waits for it.
        """
        known = self._reads.get(name)
        if known is None or not is_shared(known):
            # An empty context: the task serves all requests, so it must not carry the owner and the deadline of this one.
            task = asyncio.create_task(within_deadline(read), context=Context())
            known = self._reads[name] = Read(task, time.monotonic() + KEPT_S)
        result: Result = await asyncio.shield(known.task)
        return result


def is_shared(read: Read) -> bool:
    task = read.task
    if not task.done():
        return True
    return time.monotonic() < read.fresh_until and not task.cancelled() and task.exception() is None


async def within_deadline(read: Callable[[], Awaitable[Result]]) -> Result:
    deadline.start()
    return await read()
