"""Deadlines of a connection by one timer, which looks every few seconds whether the caller still owes the same thing.

A request then costs no timer and no look at the clock. The price is precision: with looks every 2.4 s a request has 7 to 10 s.
docs/concepts/state-tables.md says what a caller owes in which state.
"""

import asyncio
from collections.abc import Callable

LOOKS = 3  # looks after the first one that find the same thing owed; then the caller is late. So a deadline is 3 to 4 intervals


class DeadlineWatch:
    """The timer of one connection.

    `owed` returns an object that stands for what the caller owes now, and another object once it owes something else, or None while
    it owes nothing. `on_late` is called once, when the same object was owed at LOOKS looks after the first. Then the watch ends.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, every_s: float, owed: Callable[[], object], on_late: Callable[[], None]
    ) -> None:
        self._loop = loop
        self._every_s = every_s
        self._owed = owed
        self._on_late = on_late
        self._last: object = None  # what was owed at the last look
        self._looks = 0  # looks after the first one that found the same owed
        self._timer = loop.call_later(every_s, self._look)

    def hurry(self, every_s: float) -> None:
        """Look at once, and from now on at this interval."""
        self._every_s = every_s
        self._timer.cancel()
        self._look()

    def stop(self) -> None:
        """End. The watch drops its callbacks: a cycle of references would keep the connection until the garbage collector runs."""
        self._timer.cancel()
        self._owed = self._on_late = owes_nothing

    def _look(self) -> None:
        owed = self._owed()
        self._looks = self._looks + 1 if owed is self._last else 0
        self._last = owed
        if owed is None or self._looks < LOOKS:
            self._timer = self._loop.call_later(self._every_s, self._look)
        else:
            self._on_late()


class IdleTimer:
    """Calls `on_idle` when a connection has rested for `within_s` seconds.

    A timer for each rest, which the next request cancels, costs as many timers as requests. This one is set once. When it ends too
    early, it is set again for what is left.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, within_s: float, on_idle: Callable[[], None]) -> None:
        self._loop = loop
        self._within_s = within_s
        self._on_idle = on_idle
        self._since: float | None = None  # when the rest began, by the loop's clock
        self._timer: asyncio.TimerHandle | None = None

    @property
    def runs(self) -> bool:
        """Whether the connection rests."""
        return self._since is not None

    def begin(self) -> None:
        """Note that the connection rests from now on."""
        self._since = self._loop.time()
        if self._timer is None:
            self._timer = self._loop.call_later(self._within_s, self._look)

    def end(self) -> None:
        """Note that the connection does not rest any more."""
        self._since = None

    def stop(self) -> None:
        """End for good. The timer drops its callback: see DeadlineWatch."""
        self._since = None
        self._on_idle = owes_nothing
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        self._timer = None
        if self._since is None:
            return
        left_s = self._since + self._within_s - self._loop.time()
        if left_s > 0:
            self._timer = self._loop.call_later(left_s, self._look)
        else:
            self._on_idle()


def owes_nothing() -> None:
    """Stand in for the callbacks of a watch that has ended."""
