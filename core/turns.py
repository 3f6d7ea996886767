"""Fair turns: what callers share is given to their owners in turn, and each owner has a bound."""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar

from core.errors import Busy, Unavailable

OWNER: ContextVar[str] = ContextVar("owner", default="")  # of the request under way; "" is the process itself, which has no bound


class Turns:
    """So many places, of which an owner holds up to `per_owner`. Owners that wait get free ones in turn.

    Within an owner the order of arrival is kept. Not for several threads.
    """

    def __init__(self, places: int, per_owner: int, waiting_max: int, within_s: float) -> None:
        self._free = places
        self._per_owner = per_owner
        self._waiting_max = waiting_max  # of an owner
        self._within_s = within_s
        self._held: Counter[str] = Counter()
        self._lines: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()  # the owner that has the next turn comes first

    @asynccontextmanager
    async def turn(self, owner: str) -> AsyncIterator[None]:
        """Hold a place of the owner's.

        Raises Busy at once when as many of its requests wait as may, and Unavailable when none is free within `within_s` seconds.
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
        # While requests wait and a place is free, their owners hold as many as they may: this passes over none of them.
        if self._free and self._held[owner] < self._per_owner:
            self._hold(owner)
            return
        line = self._lines.get(owner) or deque()
        if len(line) >= self._waiting_max:
            raise Busy("as many requests of this owner wait as may")
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
                self._give_back(owner)  # the place came in the moment of the cancellation
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
        """Give the free place to the first owner in turn that may hold one more."""
        for owner, line in [*self._lines.items()]:
            if self._held[owner] < self._per_owner and self._pass_on_to(owner, line):
                return

    def _pass_on_to(self, owner: str, line: deque["asyncio.Future[None]"]) -> bool:
        """Give the free place to the first of the line; tell whether one was still waiting."""
        turn = next((turn for turn in line if not turn.done()), None)  # one that is cancelled leaves by itself, a moment later
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
