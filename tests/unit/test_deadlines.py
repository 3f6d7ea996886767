"""A caller is late when it owes the same thing at several looks, and a watch that has stopped keeps nothing alive."""

import asyncio
import gc
import weakref

from api.http.deadlines import LOOKS, DeadlineWatch

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

    def owed(self) -> None: ...

    def on_late(self) -> None: ...


def test_a_connection_is_freed_at_once_when_its_watch_has_stopped() -> None:
    async def make() -> weakref.ref[Connection]:
        connection = Connection(asyncio.get_running_loop())
        connection.watch.stop()
        return weakref.ref(connection)

    gc.disable()
    try:
        assert asyncio.run(make())() is None
    finally:
        gc.enable()
