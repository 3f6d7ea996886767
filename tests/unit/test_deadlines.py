"""A caller is late when it owes the same at several looks, a connection is idle after one rest, and both end without a trace."""

import asyncio
import gc
import weakref

from api.http.deadlines import LOOKS, DeadlineWatch, IdleTimer

ONE, OTHER = object(), object()


def looks_until_late(owed: list[object]) -> int | None:
    """The number of looks after which a caller that owes this, look by look, is late. None when it never is."""

    async def watch() -> int | None:
        done: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
        looks = 0

        def next_owed() -> object:
            nonlocal looks
            looks += 1
            if looks > len(owed) and not done.done():
                done.set_result(None)
            return owed[looks - 1] if looks <= len(owed) else None

        watching = DeadlineWatch(asyncio.get_running_loop(), 0.001, next_owed, lambda: done.set_result(looks))
        try:
            return await asyncio.wait_for(done, 10)
        finally:
            watching.stop()

    return asyncio.run(watch())


def test_a_caller_that_owes_the_same_at_each_look_is_late() -> None:
    assert looks_until_late([ONE] * (LOOKS + 1)) == LOOKS + 1
    assert looks_until_late([ONE] * LOOKS) is None


def test_another_debt_or_none_in_between_begins_anew() -> None:
    assert looks_until_late([*[ONE] * LOOKS, *[OTHER] * LOOKS]) is None
    assert looks_until_late([*[ONE] * LOOKS, None, *[ONE] * LOOKS]) is None
    assert looks_until_late([ONE, *[OTHER] * (LOOKS + 1)]) == LOOKS + 2


class Connection:
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.watch = DeadlineWatch(loop, 60, self.owed, self.on_late)
        self.idle = IdleTimer(loop, 60, self.on_late)
        self.idle.begin()

    def owed(self) -> None: ...

    def on_late(self) -> None: ...


def test_a_connection_is_freed_at_once_when_its_watch_has_stopped() -> None:
    async def make() -> weakref.ref[Connection]:
        connection = Connection(asyncio.get_running_loop())
        connection.watch.stop()
        connection.idle.stop()
        return weakref.ref(connection)

    gc.disable()
    try:
        assert asyncio.run(make())() is None
    finally:
        gc.enable()


RESTS_S = 0.05


def rest_until_idle(ends_s: list[float]) -> float:
    """The seconds from the begin of the last rest until its end by the timer. Each rest before it ends after `ends_s` seconds."""

    async def rest() -> float:
        loop = asyncio.get_running_loop()
        idle_at: asyncio.Future[float] = loop.create_future()
        timer = IdleTimer(loop, RESTS_S, lambda: idle_at.set_result(loop.time()))
        for end_s in ends_s:
            timer.begin()
            await asyncio.sleep(end_s)
            timer.end()
        timer.begin()
        began = loop.time()
        await asyncio.wait({idle_at}, timeout=10)
        assert idle_at.done(), "the rest has no end"
        return idle_at.result() - began

    return asyncio.run(rest())


def test_a_rest_lasts_its_time_however_long_the_rests_before_it_were() -> None:
    assert rest_until_idle([]) >= RESTS_S
    assert rest_until_idle([RESTS_S / 2]) >= RESTS_S
    assert rest_until_idle([RESTS_S / 4] * 10) >= RESTS_S


def test_a_connection_that_answers_is_not_idle() -> None:
    async def answer() -> bool:
        loop = asyncio.get_running_loop()
        timer = IdleTimer(loop, RESTS_S, lambda: was_idle.set_result(None))
        was_idle: asyncio.Future[None] = loop.create_future()
        timer.begin()
        timer.end()
        await asyncio.sleep(3 * RESTS_S)
        return was_idle.done() or timer.runs

    assert not asyncio.run(answer())
