"""Processes that come and go in the ordinary way, by SIGTERM, at any moment under load: it changes nothing but speed."""

import asyncio
import random
from dataclasses import replace
from pathlib import Path

import pytest

from tests.nemesis.faults import Fault
from tests.nemesis.house import DOORS, KINDS, TITLES, name_of, wait_for
from tests.nemesis.proxy import Break
from tests.nemesis.trial import Trial

SEED = 20261127
STOPS = 4
EVERY_S = 0.8
AWAY_S = 0.3
LOAD_MIN = 100  # transfers, before the next step
MORE_WITHIN_S = 60.0


@pytest.mark.timeout(400)
@pytest.mark.long
def test_processes_that_are_stopped_at_random_moments_lose_nothing_and_end_well_in_time(tmp_path: Path) -> None:
    asyncio.run(stop_again_and_again(tmp_path))


async def stop_again_and_again(folder: Path) -> None:
    """The supervisor complains of any status but 0, and the nemesis of an end that takes more than ten seconds."""
    async with Trial(SEED, folder, again="tests/faults/test_scaling.py") as trial:
        for kind in KINDS:
            if kind == "sweeper":
                leave_it_to_the_sweeper(trial)
            await trial.nemesis.storm(stops_of(kind))
            trial.raise_if_broken()
        await trial.settle()
        trial.tell()


def stops_of(kind: str) -> list[Fault]:
    dice = random.Random(f"{SEED}-{kind}")
    victims = [title for title in TITLES if name_of(title) == kind]
    return [Fault((number + dice.random()) * EVERY_S, dice.choice(victims), "terminate", AWAY_S) for number in range(STOPS)]


def leave_it_to_the_sweeper(trial: Trial) -> None:
    """Cut the connections of the APIs to Redis: no ring comes any more."""
    for title in DOORS:
        trial.house.seats[title].redis.break_(Break.CUT)


@pytest.mark.timeout(400)
@pytest.mark.long
def test_workers_scaled_from_one_to_six_to_two_under_load_change_nothing_but_speed(tmp_path: Path) -> None:
    asyncio.run(scale_under_load(tmp_path))


async def scale_under_load(folder: Path) -> None:
    kinds = {**KINDS, "worker": replace(KINDS["worker"], count=1)}
    async with Trial(SEED, folder, again="tests/faults/test_scaling.py", kinds=kinds) as trial:
        for count in (6, 2):
            await more_load(trial)
            await trial.house.scale("worker", count)
            trial.say(f"{count} workers")
            trial.raise_if_broken()
        await more_load(trial)
        await trial.settle()
        trial.tell()


async def more_load(trial: Trial) -> None:
    """Return when so many more transfers have become final, as the feed told."""
    followed = trial.history.followed
    enough = len(followed) + LOAD_MIN
    await wait_for(lambda: len(followed) >= enough, "more transfers to become final", MORE_WITHIN_S)
