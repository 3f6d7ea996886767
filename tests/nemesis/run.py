"""One run: phases of faults, phases without in which the backlog must drain, and the verdict."""

import asyncio
import random
from datetime import UTC, datetime
from pathlib import Path

from tests.nemesis.faults import plan
from tests.nemesis.house import ELDERS
from tests.nemesis.leaks import Leaks
from tests.nemesis.trial import Trial

STORM_S = 20.0
LEAK_CHECK_FROM_S = 300.0


def run(seed: int, seconds: float, folder: Path) -> None:
    """Run for about so many seconds, beside the start and the verdict. Raises Broken. Prints its steps."""
    asyncio.run(storms_and_calms(seed, seconds, folder))


async def storms_and_calms(seed: int, seconds: float, folder: Path) -> None:
    """The first quarter, of one storm at least, ends each storm with the death of everything, and so does the very last storm. In
    between, one process of each kind grows old, to see whether it leaks.
    """
    dice = random.Random(seed)
    storms = max(round(seconds / STORM_S), 1)
    async with Trial(seed, folder, again=f"make soak SEED={seed} MINUTES={seconds / 60:g}") as trial:
        leaks = Leaks(trial.house, trial.say)
        for number in range(storms):
            is_early, is_last = number < max(storms // 4, 1), number == storms - 1
            await trial.nemesis.storm(plan(dice, seconds / storms, sparing=() if is_early else ELDERS))
            await calm(trial, after_death=is_early or is_last)
            leaks.sample()
        await trial.settle()
        if seconds >= LEAK_CHECK_FROM_S:
            for grown in leaks.found():
                trial.history.complain(grown)
            trial.raise_if_broken()
        trial.tell()


async def calm(trial: Trial, *, after_death: bool) -> None:
    """No client sends a request until the backlog is drained."""
    if after_death:
        await trial.nemesis.kill_all(before=trial.gate.close)
    trial.gate.close()
    waiting = await trial.count_queue()
    if after_death:
        trial.history.restarts.append(datetime.now(UTC))
        trial.house.start_all()
    await trial.drain(waiting)
    await trial.house.wait_until_open()
    trial.raise_if_broken()
    trial.gate.open()
