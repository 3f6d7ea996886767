"""A trial of a whole system: clients use it, a thread audits its ledger, and at the end a verdict is given."""

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import psycopg

from tests.nemesis import crowd
from tests.nemesis.client import Gate
from tests.nemesis.crowd import Crowd
from tests.nemesis.endpoint import Endpoint
from tests.nemesis.faults import Nemesis
from tests.nemesis.history import History
from tests.nemesis.house import KINDS, House, Kind
from tests.nemesis.verbs import AHEAD_S, ENDS_IN_S
from tests.nemesis.verdict import judge
from tests.nemesis.watch import Watch

DRAINED_WITHIN_S = 30.0  # on a machine with other load; the time that it took is printed
TOLD_WITHIN_S = 60.0  # and longer for a long backlog, at this pace, which is slow for any machine
TOLD_PER_S_MIN = 20
KNOWN_WITHIN_S = 60.0
DUE_WITHIN_S = max(ENDS_IN_S[:-1]) + AHEAD_S[1] + DRAINED_WITHIN_S
SHOWN = 20

# What waits for a worker, and what the sweeper should have queued by now: it comes once a second.
WAITING = "(SELECT FROM queue UNION ALL SELECT FROM due WHERE due_at < now() - interval '2 seconds') waits"
# Appointments and ends of holds that are close, or that are queued.
DUE = "due WHERE due_at < now() + interval '1 minute' OR due_at = 'infinity'"
PENDING = "(SELECT FROM deliveries WHERE status = 'pending' UNION ALL SELECT FROM fan_outs) told"
LAPSE = "UPDATE deliveries SET next_attempt_at = now() WHERE status = 'pending'"


class Broken(AssertionError):
    """A promise does not hold. The message names it, and the command that repeats the trial."""


class Trial:
    """`async with Trial(…)`: inside, all processes and clients run. `again` is the command that repeats the trial."""

    def __init__(self, seed: int, folder: Path, again: str, kinds: Mapping[str, Kind] = KINDS) -> None:
        self.history = History()
        self.say = self.history.say
        self.house = House(folder, self.say, self.history.complain, kinds)
        self.endpoint = Endpoint(self.history)
        self.gate = Gate()
        self.recovered_s: list[float] = []
        self._seed = seed
        self._how_to_repeat = f"seed {seed}; the same again: {again}"

    async def __aenter__(self) -> "Trial":
        self.say(self._how_to_repeat)
        try:
            await self._open()
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            await asyncio.to_thread(self.watch.end)
            await self.crowd.close()
        finally:
            await self._close()
        if error is None:
            self.raise_if_broken()
        elif not isinstance(error, Broken):
            error.add_note(self._how_to_repeat)

    async def drain(self, waiting: int) -> None:
        """Promise 5: no request is sent now, so that only the system itself can find what waits."""
        healed_at = time.monotonic()
        while left := await self.count_queue():
            if time.monotonic() > healed_at + DRAINED_WITHIN_S:
                self.history.complain(f"{left} transfers still wait {DRAINED_WITHIN_S:.0f} s after the last fault")
                return
            await asyncio.sleep(0.05)
        self.recovered_s.append(time.monotonic() - healed_at)
        self.say(f"all is healed; {waiting} transfers waited, and were final within {self.recovered_s[-1]:.1f} s")
        await self.gate.wait_idle()

    async def meet_all_appointments(self) -> None:
        """Promises 27 and 30: what is scheduled is decided, and what has expired is free, without a request."""
        began = time.monotonic()
        waiting = await self._count(DUE)
        while left := await self._count(DUE):
            if time.monotonic() > began + DUE_WITHIN_S:
                self.history.complain(f"{left} of {waiting} that were due were not queued and drained in {DUE_WITHIN_S:.0f} s")
                return
            await asyncio.sleep(0.1)
        self.say(f"{waiting} were due soon, and final within {time.monotonic() - began:.1f} s")
        await self.drain(await self.count_queue())

    async def tell_all(self) -> None:
        """Promise 22: the endpoint gets all events, whatever has died. Claims of dead deliverers lapse at once, not in 30 s."""
        began = time.monotonic()
        waiting = await self._count(PENDING)
        await asyncio.to_thread(execute, self.house.owner_url, LAPSE)
        while left := await self._count(PENDING):
            if time.monotonic() > began + TOLD_WITHIN_S + waiting / TOLD_PER_S_MIN:
                self.history.complain(f"{left} of {waiting} webhooks were not sent within {time.monotonic() - began:.0f} s")
                return
            await asyncio.sleep(0.2)
        self.say(f"{waiting} webhooks waited, and were sent within {time.monotonic() - began:.1f} s")

    async def settle(self) -> None:
        """Let all clients find out the outcome of their requests, and judge."""
        await asyncio.wait_for(self.crowd.end(), KNOWN_WITHIN_S)
        await self.drain(await self.count_queue())
        await self.meet_all_appointments()
        while await crowd.follow(self.crowd.client()):
            pass
        await asyncio.to_thread(self.watch.end)
        await self.tell_all()
        for wrong in await asyncio.to_thread(lambda: list(judge(self.history, self.house.owner_url))):
            self.history.complain(wrong)
        self.raise_if_broken()

    async def count_queue(self) -> int:
        return await self._count(WAITING)

    def raise_if_broken(self) -> None:
        if broken := self.history.broken:
            raise Broken("\n".join([*broken[:SHOWN], f"{len(broken)} in all; {self._how_to_repeat}"]))

    def tell(self) -> None:
        """Print the counts of the trial."""
        counts = sorted(self.history.counts.items())
        self.say("  ".join(f"{count} {what}" for what, count in counts))
        self.say(f"{self.watch.looks} looks at the ledger during the trial, and {self.watch.in_vain} while Postgres was away")
        self.say(f"{len(self.history.followed)} events followed; the backlog was gone after {max(self.recovered_s):.1f} s at most")
        self.say(f"{self.history.heard.total()} webhooks received, of {len(self.history.heard)} events")
        self.say("every promise held")

    async def _count(self, rows: str) -> int:
        [(count,)] = await asyncio.to_thread(execute, self.house.owner_url, f"SELECT count(*) FROM {rows}")
        return int(count)

    async def _open(self) -> None:
        await self.house.open()
        await self.endpoint.open(self.house.owner_url)
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

    async def _close(self) -> None:
        await self.house.close()
        await self.endpoint.close()


def execute(owner_url: str, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(owner_url) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []
