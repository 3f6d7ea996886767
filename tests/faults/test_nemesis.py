"""Seeded faults on a whole system of its own, for some seconds; `make soak` does it for longer, with other seeds."""

import random
import threading
from pathlib import Path

import psycopg
import pytest

from core.admin.audit import Report
from tests.nemesis.faults import plan
from tests.nemesis.house import ELDERS
from tests.nemesis.leaks import excess, growth
from tests.nemesis.run import run
from tests.nemesis.trial import Broken
from tests.nemesis.watch import Watch

SEED = 12980
SECONDS = 30.0


@pytest.mark.timeout(400)
@pytest.mark.long
def test_a_system_in_which_everything_breaks_keeps_its_promises(tmp_path: Path) -> None:
    try:
        run(SEED, SECONDS, tmp_path)
    except Broken:
        for log in sorted((tmp_path / "logs").glob("*.log")):
            print(f"{log.name}:\n{log.read_text()[-4000:]}")
        raise


def test_a_watch_that_cannot_look_says_why_and_goes_on() -> None:
    complaints = watched_by(KeyError("events"), psycopg.errors.DiskFull("no space left"), KeyError("once more"))

    assert [complaint.partition(": ")[2] for complaint in complaints[:3]] == [
        "KeyError('events')",
        "DiskFull('no space left')",
        "KeyError('once more')",
    ]


def test_a_watch_that_has_never_seen_the_ledger_is_a_broken_promise() -> None:
    [complaint] = watched_by(psycopg.errors.AdminShutdown(), psycopg.OperationalError("connection refused"))

    assert complaint.startswith("the watch looked 0 times in ")


def watched_by(*faults: Exception) -> list[str]:
    """Return what a watch complains of whose looks fail by these faults, one after the other."""
    left = list(faults)
    complaints: list[str] = []
    all_met = threading.Event()

    def fail(_: str) -> Report:
        if len(left) == 1:
            all_met.set()
        raise left.pop(0) if left else psycopg.OperationalError

    watch = Watch("", complaints.append, SEED, fail)
    watch.begin()
    assert all_met.wait(20), "the watch has ended"
    watch.end()
    return complaints


def test_the_same_seed_plans_the_same_faults_and_another_one_others() -> None:
    one, same, other = (plan(random.Random(seed), 60) for seed in (1, 1, 2))
    assert one == same != other


def test_no_process_that_is_spared_is_killed() -> None:
    faults = plan(random.Random(1), 600, sparing=ELDERS)
    assert not [fault for fault in faults if fault.target in ELDERS and fault.what in {"kill", "terminate"}]
    assert {fault.what for fault in faults if fault.target in ELDERS} == {"freeze"}


def test_what_grows_all_the_time_is_a_leak_and_what_comes_and_goes_is_none() -> None:
    assert growth("files", [3 * number for number in range(20)], 16) == ["files grew from 9 to 51, more than by 16"]
    assert growth("files", [10, 50] * 10, 16) == []
    assert growth("files", [0, *[60] * 19], 16) == []  # before the first request there was nothing to hold


def test_pools_may_fill_up_and_hold_no_more_than_they_may() -> None:
    assert excess("sessions", [8] * 8 + [29] * 22, 29) == []
    assert excess("sessions", [8] * 8 + [31, 28] * 10 + [31, 31], 29) == ["sessions were 31 in the end, and may be 29"]
