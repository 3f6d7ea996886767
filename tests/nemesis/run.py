"""One run: a system, a crowd and a nemesis; storms, calms in which the backlog must drain by itself, and the verdict."""

import asyncio
import random
import time
from pathlib import Path

import psycopg

from tests.nemesis import crowd
from tests.nemesis.client import Gate
from tests.nemesis.crowd import Crowd
from tests.nemesis.faults import Nemesis, plan
from tests.nemesis.history import History
from tests.nemesis.house import ELDERS, House
from tests.nemesis.leaks import Leaks
from tests.nemesis.verdict import judge
from tests.nemesis.watch import Watch

STORM_S = 20.0
DRAINED_WITHIN_S = 30.0  # on a machine that does much else meanwhile; the time that it took is printed
KNOWN_WITHIN_S = 60.0
LEAK_CHECK_FROM_S = 300.0


class Broken(AssertionError):
    """A promise does not hold. The message says which, and how to see it again."""


def run(seed: int, seconds: float, folder: Path) -> None:
    """Run for about so many seconds, plus what it takes to start and to judge. Raises Broken. Prints what it does."""
    asyncio.run(Run(seed, seconds, folder).run())


class Run:
    def __init__(self, seed: int, seconds: float, folder: Path) -> None:
        self._seed = seed
        self._seconds = seconds
        self._storms = max(round(seconds / STORM_S), 1)
        self._dice = random.Random(seed)
        self._history = History()
        self._say = self._history.say
        self._house = House(folder, self._say, self._history.complain)
        self._gate = Gate()
        self._recovered_s: list[float] = []

    async def run(self) -> None:
        self._say(f"seed {self._seed}: {self._replay()}")
        try:
            await self._open()
            try:
                for number in range(self._storms):
                    await self._round(number)
                await self._end()
            finally:
                await self._close()
        finally:
            await self._house.close()
        self._raise_if_broken()
        self._tell()

    async def _open(self) -> None:
        await self._house.open()
        self._nemesis = Nemesis(self._house, self._say, self._history.complain)
        self._crowd = Crowd(self._house.urls, self._history, self._gate, self._seed)
        self._watch = Watch(self._house.owner_url, self._history.complain, self._seed)
        self._leaks = Leaks(self._house, self._say)
        self._gate.open()
        await self._crowd.begin()
        self._watch.begin()
        self._say("everything runs")

    async def _round(self, number: int) -> None:
        """A storm, and the calm after it. The last one ends with the death of everything; so do the first ones of a long run,
        in the rest of which one process of each kind grows old.
        """
        is_fatal = number == self._storms - 1 or number < self._storms // 4
        sparing = () if number < self._storms // 4 or self._storms == 1 else ELDERS
        await self._nemesis.storm(plan(self._dice, self._seconds / self._storms, sparing=sparing))
        if is_fatal:
            await self._nemesis.kill_all(before=self._gate.close)
        self._gate.close()
        waiting = await self._count_queue()
        if is_fatal:
            self._house.start_all()
        await self._drain(waiting)
        await self._house.wait_until_open()
        self._leaks.sample()
        self._raise_if_broken()
        self._gate.open()

    async def _drain(self, waiting: int) -> None:
        """Promise 5: nobody asks for anything now, so that nothing but the system itself can find what waits."""
        healed_at = time.monotonic()
        while left := await self._count_queue():
            if time.monotonic() > healed_at + DRAINED_WITHIN_S:
                self._history.complain(f"{left} transfers still wait {DRAINED_WITHIN_S:.0f} s after the last fault")
                return
            await asyncio.sleep(0.05)
        self._recovered_s.append(time.monotonic() - healed_at)
        self._say(f"all is healed; {waiting} transfers waited, and were final within {self._recovered_s[-1]:.1f} s")
        await self._gate.wait_idle()

    async def _end(self) -> None:
        await asyncio.wait_for(self._crowd.end(), KNOWN_WITHIN_S)
        await self._drain(await self._count_queue())
        while await crowd.follow(self._crowd.client()):
            pass
        self._watch.end()
        for wrong in await asyncio.to_thread(lambda: list(judge(self._history, self._house.owner_url))):
            self._history.complain(wrong)
        if self._seconds >= LEAK_CHECK_FROM_S:
            for grown in self._leaks.found():
                self._history.complain(grown)

    async def _close(self) -> None:
        await asyncio.to_thread(self._watch.end)
        await self._crowd.close()

    async def _count_queue(self) -> int:
        return await asyncio.to_thread(count_queue, self._house.owner_url)

    def _replay(self) -> str:
        return f"make soak SEED={self._seed} MINUTES={self._seconds / 60:g}"

    def _raise_if_broken(self) -> None:
        if broken := self._history.broken:
            raise Broken("\n".join([*broken[:20], f"{len(broken)} in all; to see it again: {self._replay()}"]))

    def _tell(self) -> None:
        counts = sorted(self._history.counts.items())
        self._say("  ".join(f"{count} {what}" for what, count in counts))
        self._say(f"{self._watch.looks} looks at the ledger meanwhile, and {self._watch.in_vain} while Postgres was away")
        self._say(
            f"{len(self._history.followed)} events followed; the backlog was gone after {max(self._recovered_s):.1f} s at most"
        )
        self._say("every promise held")


def count_queue(owner_url: str) -> int:
    with psycopg.connect(owner_url) as connection:
        [(count,)] = connection.execute("SELECT count(*) FROM queue").fetchall()
    return int(count)
