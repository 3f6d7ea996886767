"""The faults of a trial: planned from a seed before it begins, so that the same seed makes the same faults."""

import asyncio
import os
import random
import signal
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from tests.nemesis.house import DOORS, GRACE_S, TITLES, House, Seat
from tests.nemesis.proxy import Break

EVERY_S = 0.8  # on average; each lasts longer, so several are active at once
LASTS_S = (0.2, 4.0)
FROZEN_BEFORE_KILL_S = 1.0

PROCESS_FAULTS = ["kill", "freeze", "terminate"]
LINE_FAULTS = [one.name for one in Break]
REDIS_FAULTS = ["kill", "freeze", "flush", "restore"]
POSTGRES_FAULTS = ["stop", "terminate backends"]

SERVERS = ("postgres", "redis")
LINES = [f"{title}→{server}" for title in TITLES for server in SERVERS] + [f"clients→{title}" for title in DOORS]


@dataclass(frozen=True)
class Fault:
    at_s: float
    target: str  # a seat's or a line's title, a server, or "all→SERVER"
    what: str
    for_s: float


def plan(dice: random.Random, seconds: float, *, sparing: Sequence[str] = ()) -> list[Fault]:
    """Return the faults for so many seconds. No target in `sparing` is killed or terminated; all other faults may hit it."""
    faults = []
    at_s = 0.0
    while (at_s := at_s + dice.expovariate(1 / EVERY_S)) < seconds:
        target, what = dice.choice([process_fault, line_fault, line_fault, server_fault])(dice)
        if what not in {"kill", "terminate"} or target not in sparing:
            faults.append(Fault(at_s, target, what, min(dice.uniform(*LASTS_S), seconds - at_s)))
    return faults


def process_fault(dice: random.Random) -> tuple[str, str]:
    return dice.choice(TITLES), dice.choice(PROCESS_FAULTS)


def line_fault(dice: random.Random) -> tuple[str, str]:
    return dice.choice([*LINES, *(f"all→{server}" for server in SERVERS)]), dice.choice(LINE_FAULTS)


def server_fault(dice: random.Random) -> tuple[str, str]:
    return dice.choice([("redis", dice.choice(REDIS_FAULTS)), ("postgres", dice.choice(POSTGRES_FAULTS))])


class Nemesis:
    """Does what was planned. A target has one fault at a time; a second one waits."""

    def __init__(self, house: House, say: Callable[[str], None], complain: Callable[[str], None]) -> None:
        self._house = house
        self._say = say
        self._complain = complain
        self._locks = {target: asyncio.Lock() for target in [*TITLES, *LINES, *SERVERS]}
        self._begun = 0
        self._under_way = 0
        self._snapshot: bytes | None = None

    async def storm(self, faults: Sequence[Fault]) -> None:
        """Do all of them, each at its time; return when all have ended."""
        began = time.monotonic()
        async with asyncio.TaskGroup() as tasks:
            for fault in faults:
                await asyncio.sleep(max(began + fault.at_s - time.monotonic(), 0.0))
                tasks.create_task(self._do(fault))

    async def kill_all(self, before: Callable[[], None]) -> None:
        """Let work pile up, call `before`, kill -9 every process and both servers, and restart only the servers."""
        self._say("workers and sweeper: freeze")
        for title, seat in self._house.seats.items():
            if title not in DOORS:
                seat.signal(signal.SIGSTOP)
        await asyncio.sleep(FROZEN_BEFORE_KILL_S)
        before()
        self._say("everything: kill")
        await self._house.kill_all()
        await self._house.start_servers()

    async def _do(self, fault: Fault) -> None:
        targets = [line for line in LINES if line.endswith(fault.target[3:])] if fault.target.startswith("all→") else [fault.target]
        for target in targets:  # in one order, so that no two wait for each other
            await self._locks[target].acquire()
        disturbs = int(fault.what != "terminate")  # no process needs longer because another one has been asked to end
        self._begun += disturbs
        self._under_way += disturbs
        try:
            self._say(f"{fault.target}: {fault.what} ({fault.for_s:.1f} s)")
            await self._act(fault, targets)
        finally:
            self._under_way -= disturbs
            for target in targets:
                self._locks[target].release()

    async def _act(self, fault: Fault, targets: Sequence[str]) -> None:
        if "→" in fault.target:
            await self._break_lines(targets, Break[fault.what], fault.for_s)
        elif fault.target in self._house.seats:
            acts: dict[str, Callable[[Seat, float], Awaitable[None]]]
            acts = {"kill": self._kill, "freeze": self._freeze, "terminate": self._terminate}
            await acts[fault.what](self._house.seats[fault.target], fault.for_s)
        elif fault.target == "redis":
            await self._hurt_redis(fault.what, fault.for_s)
        else:
            await self._hurt_postgres(fault.what, fault.for_s)
        self._say(f"{fault.target}: healed")

    async def _break_lines(self, titles: Sequence[str], how: Break, for_s: float) -> None:
        lines = [self._house.lines()[title] for title in titles]
        for line in lines:
            line.break_(how)
        await asyncio.sleep(for_s)
        for line in lines:
            line.heal(cut=for_s > 2)  # by then TCP may have given up; before, what was held back arrives late

    async def _kill(self, seat: Seat, for_s: float) -> None:
        await self._end(seat, signal.SIGKILL, for_s)

    async def _terminate(self, seat: Seat, for_s: float) -> None:
        await self._end(seat, signal.SIGTERM, for_s)

    async def _freeze(self, seat: Seat, for_s: float) -> None:
        await until(lambda: seat.is_running)
        seat.signal(signal.SIGSTOP)
        await asyncio.sleep(for_s)
        seat.signal(signal.SIGCONT)

    async def _end(self, seat: Seat, number: signal.Signals, for_s: float) -> None:
        """Send the signal; return when the supervisor has started another one."""
        await until(lambda: self._house.is_ready(seat))  # before that, the process handles no SIGTERM
        ended = seat.process
        begun, is_undisturbed = self._begun, not self._under_way
        seat.restart_after_s = for_s
        seat.expected_exits = {-number} if number == signal.SIGKILL else {0}
        seat.signal(number)
        if not await until(lambda: seat.process is not ended or not seat.is_running, GRACE_S):
            if is_undisturbed and self._begun == begun:
                self._complain(f"{seat.title} does not end within {GRACE_S} s of SIGTERM, with nothing else broken")
            self._say(f"{seat.title} takes too long and is killed")
            seat.expected_exits = {0, -signal.SIGKILL}
            seat.signal(signal.SIGKILL)
        await until(lambda: seat.process is not ended)

    async def _hurt_redis(self, what: str, for_s: float) -> None:
        server = self._house.redis
        if what == "flush":
            await asyncio.to_thread(server.flush)
        elif what == "freeze":
            os.kill(server.pid, signal.SIGSTOP)
            await asyncio.sleep(for_s)
            os.kill(server.pid, signal.SIGCONT)
        else:
            snapshot = await asyncio.to_thread(self._house.snapshot)
            await asyncio.to_thread(server.kill)
            await asyncio.sleep(for_s)
            if what == "restore" and self._snapshot:
                self._house.put_snapshot(self._snapshot)
            else:
                self._house.forget_snapshot()
            self._snapshot = snapshot  # for the next time: an old one
            await asyncio.to_thread(server.start)

    async def _hurt_postgres(self, what: str, for_s: float) -> None:
        server = self._house.postgres
        if what == "terminate backends":
            count = await asyncio.to_thread(self._house.terminate_backends, for_s / LASTS_S[1])
            self._say(f"postgres: {count} backends terminated")
        else:
            await asyncio.to_thread(server.stop, "immediate")
            await asyncio.sleep(for_s)
            await asyncio.to_thread(server.start)


async def until(condition: Callable[[], object], within_s: float = 60.0) -> bool:
    """Wait until it holds; return whether it does."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.02)
    return True
