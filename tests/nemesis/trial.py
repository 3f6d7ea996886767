"""A system under trial: it runs, a crowd uses it, its ledger is watched, and in the end it is judged."""

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import psycopg

from tests.nemesis import crowd
from tests.nemesis.client import Gate
from tests.nemesis.crowd import Crowd
from tests.nemesis.faults import Nemesis
from tests.nemesis.history import History
from tests.nemesis.house import KINDS, House, Kind
from tests.nemesis.verdict import judge
from tests.nemesis.watch import Watch

DRAINED_WITHIN_S = 30.0  # on a machine that does much else meanwhile; the time that it took is printed
KNOWN_WITHIN_S = 60.0
SHOWN = 20


class Broken(AssertionError):
    """A promise does not hold. The message says which, and how to see it again."""


class Trial:
    """`async with Trial(…)`: inside, everything runs and the crowd is at it. `again` says how to have the same trial again."""

    def __init__(self, seed: int, folder: Path, again: str, kinds: Mapping[str, Kind] = KINDS) -> None:
        self.history = History()
        self.say = self.history.say
        self.house = House(folder, self.say, self.history.complain, kinds)
        self.gate = Gate()
        self.recovered_s: list[float] = []
        self._seed = seed
        self._how_to_repeat = f"seed {seed}; the same again: {again}"

    async def __aenter__(self) -> "Trial":
        self.say(self._how_to_repeat)
        try:
            await self._open()
        except BaseException:
            await self.house.close()
            raise
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            await asyncio.to_thread(self.watch.end)
            await self.crowd.close()
        finally:
            await self.house.close()
        if error is None:
            self.raise_if_broken()
        elif not isinstance(error, Broken):
            error.add_note(self._how_to_repeat)

    async def drain(self, waiting: int) -> None:
        """Promise 5: nobody asks for anything now, so that nothing but the system itself can find what waits."""
        healed_at = time.monotonic()
        while left := await self.count_queue():
            if time.monotonic() > healed_at + DRAINED_WITHIN_S:
                self.history.complain(f"{left} transfers still wait {DRAINED_WITHIN_S:.0f} s after the last fault")
                return
            await asyncio.sleep(0.05)
        self.recovered_s.append(time.monotonic() - healed_at)
        self.say(f"all is healed; {waiting} transfers waited, and were final within {self.recovered_s[-1]:.1f} s")
        await self.gate.wait_idle()

    async def settle(self) -> None:
        """Let everybody find out what became of what they asked for, and judge."""
        await asyncio.wait_for(self.crowd.end(), KNOWN_WITHIN_S)
        await self.drain(await self.count_queue())
        while await crowd.follow(self.crowd.client()):
            pass
        await asyncio.to_thread(self.watch.end)
        for wrong in await asyncio.to_thread(lambda: list(judge(self.history, self.house.owner_url))):
            self.history.complain(wrong)
        self.raise_if_broken()

    async def count_queue(self) -> int:
        return await asyncio.to_thread(count_queue, self.house.owner_url)

    def raise_if_broken(self) -> None:
        if broken := self.history.broken:
            raise Broken("\n".join([*broken[:SHOWN], f"{len(broken)} in all; {self._how_to_repeat}"]))

    def tell(self) -> None:
        """Say what it was that held."""
        counts = sorted(self.history.counts.items())
        self.say("  ".join(f"{count} {what}" for what, count in counts))
        self.say(f"{self.watch.looks} looks at the ledger meanwhile, and {self.watch.in_vain} while Postgres was away")
        self.say(f"{len(self.history.followed)} events followed; the backlog was gone after {max(self.recovered_s):.1f} s at most")
        self.say("every promise held")

    async def _open(self) -> None:
        await self.house.open()
        self.nemesis = Nemesis(self.house, self.say, self.history.complain)
        self.crowd = Crowd(self.house.urls, self.history, self.gate, self._seed)
        self.watch = Watch(self.house.owner_url, self.history.complain, self._seed)
        self.gate.open()
        try:
            await self.crowd.begin()
        except BaseException:
            await self.crowd.close()
            raise
        self.watch.begin()
        self.say("everything runs")


def count_queue(owner_url: str) -> int:
    with psycopg.connect(owner_url) as connection:
        [(count,)] = connection.execute("SELECT count(*) FROM queue").fetchall()
    return int(count)
