"""Systems that the tests of a file break in turn: each test finds all processes running, whatever the one before left."""

import signal
import subprocess
from typing import cast

from tests.system import System

API, APPLY, SWEEP = ("api",), ("worker", "apply"), ("worker", "sweep")


def running(system: System, *argv: str) -> list[subprocess.Popen[bytes]]:
    """The processes of `python -m ARGV` that have not ended."""
    return [process for process in system.processes if cast(list[str], process.args)[2:] == [*argv] and process.poll() is None]


def end(*processes: subprocess.Popen[bytes]) -> None:
    """Kill these and wait for their end."""
    for process in processes:
        process.kill()
        process.wait()


def complete(system: System, *, workers: int = 1, sweepers: int = 1) -> System:
    """Let what is frozen go on, start what is missing, and end what is too many."""
    for process in system.processes:
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
    if not running(system, *API):
        system.start_api()
    for argv, count in ((APPLY, workers), (SWEEP, sweepers)):
        there = running(system, *argv)
        end(*there[count:])
        for _ in range(count - len(there)):
            system.start(*argv)
    return system
