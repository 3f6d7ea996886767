"""An API of several processes: their parent kills and replaces those that do not answer it."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from tests.system import System
from tests.waiting import wait_for

LATE_S = 7.0  # longer than the five seconds that uvicorn allows by default


def children_of(pid: int) -> list[int]:
    """Those that answer requests, and live."""
    return [child.pid for child in psutil.Process(pid).children() if is_one(child)]


def is_one(child: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):  # it has just ended, or was not waited for yet
        return any("spawn_main" in part for part in child.cmdline())
    return False


@pytest.mark.long
def test_a_process_that_is_seconds_late_is_left_alone(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """On a busy machine a process may be as late as that when it starts; killed and replaced, it would be late again."""
    system = System(tmp_path, database_url, redis_url)
    try:
        api = system.start_api({"TELLER_API_PROCESSES": "2"})
        before = wait_for(lambda: found if len(found := children_of(api.pid)) == 2 else [], "both processes")
        os.kill(before[0], signal.SIGSTOP)
        until = time.monotonic() + LATE_S
        wait_for(lambda: time.monotonic() > until or children_of(api.pid) != before, "the process to be late", LATE_S + 5)
        os.kill(before[0], signal.SIGCONT)

        until = time.monotonic() + 1.5  # the parent looks twice a second
        wait_for(lambda: time.monotonic() > until or children_of(api.pid) != before, "another look of the parent")
        assert children_of(api.pid) == before
        assert system.caller().get("/readyz").status == 200
    finally:
        system.close()


def test_the_processes_end_with_a_parent_that_is_killed(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """They would keep the port, and the next API could not take it."""
    system = System(tmp_path, database_url, redis_url)
    try:
        api = system.start_api({"TELLER_API_PROCESSES": "2"})
        processes = wait_for(lambda: found if len(found := children_of(api.pid)) == 2 else [], "both processes")
        os.kill(api.pid, signal.SIGKILL)

        wait_for(lambda: not any(psutil.pid_exists(pid) for pid in processes), "the processes to end")
    finally:
        system.close()
