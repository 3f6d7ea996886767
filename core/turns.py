"""Fair turns: a shared resource has a number of places. Owners that wait get free places round robin; each owner has a limit."""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar

from core.errors import Busy, Unavailable

OWNER: ContextVar[str] = ContextVar("owner", default="")  # of the current request; "" is the process itself, which has no limit


class Turns:
    """`places` places, of which each owner holds at most `per_owner`. Owners that wait get free places round robin.

    The requests of one owner keep their order of arrival. Not thread-safe.
    """

    def __init__(self, places: int, per_owner: int, waiting_max: int, within_s: float) -> None:
        self._free = places
        self._per_owner = per_owner
        self._waiting_max = waiting_max  # of an owner
        self._within_s = within_s
        self._held: Counter[str] = Counter()
        self._lines: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()  # in order of turns, the next owner first

    @asynccontextmanager
    async def turn(self, owner: str) -> AsyncIterator[None]:
        """Hold a place for the owner.

        Raises Busy at once when `waiting_max` of its requests wait already, and Unavailable after `within_s` seconds.
        """
        await self._take(owner)
        try:
            yield
        finally:
            self._give_back(owner)

    def waiting(self) -> int:
        """Return how many requests wait for a place."""
        return sum(len(line) for line in self._lines.values())

    async def _take(self, owner: str) -> None:
        # When a place is free while requests wait, their owners hold `per_owner` each: so this request overtakes none of them.
        if self._free and self._held[owner] < self._per_owner:
            self._hold(owner)
            return
        line = self._lines.get(owner) or deque()
        if len(line) >= self._waiting_max:
            raise Busy("too many requests of this owner wait")
        self._lines.setdefault(owner, line)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        line.append(turn)
        try:
            async with asyncio.timeout(self._within_s):
                await self._wait(owner, turn)
        except TimeoutError:
            raise Unavailable("no place became free in time") from None

    async def _wait(self, owner: str, turn: "asyncio.Future[None]") -> None:
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._leave(owner, turn)
            else:
                self._give_back(owner)  # the place was assigned just before the cancellation
            raise

    def _hold(self, owner: str) -> None:
        self._free -= 1
        self._held[owner] += 1

    def _give_back(self, owner: str) -> None:
        self._free += 1
        self._held[owner] -= 1
        if not self._held[owner]:
            del self._held[owner]
        self._pass_on()

    def _pass_on(self) -> None:
        """Assign the free place to the first owner in turn that is below its limit."""
        for owner, line in [*self._lines.items()]:
            if self._held[owner] < self._per_owner and self._pass_on_to(owner, line):
                return

    def _pass_on_to(self, owner: str, line: deque["asyncio.Future[None]"]) -> bool:
        """Assign the free place to the first request of the line. Returns False when none waits any more."""
        turn = next((turn for turn in line if not turn.done()), None)  # a cancelled one is removed by its own task
        if turn is None:
            return False
        turn.set_result(None)
        self._hold(owner)
        self._lines.move_to_end(owner)
        self._leave(owner, turn)
        return True

    def _leave(self, owner: str, turn: "asyncio.Future[None]") -> None:
        line = self._lines[owner]
        line.remove(turn)
        if not line:
            del self._lines[owner]
