"""Find processes that an earlier run left behind, and wait until processes are gone. All that needs psutil is here."""

import os
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import psutil  # type: ignore[import-untyped]

POLL_S = 0.02


def family(pid: int) -> list[psutil.Process]:
    """The process and all its descendants; empty when it is gone."""
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    return []


def running_in(folder: Path, name: str) -> list[psutil.Process]:
    """All processes of this name whose working directory is this folder: for a server, those that have its data open.

    The name keeps out a shell that merely stands there; the folder keeps out every other server of this machine.
    """
    return [process for process in psutil.process_iter() if named(process, name) and stands_in(process, folder)]


def marked(variable: str, value: str) -> list[psutil.Process]:
    """All processes that were started with this variable in their environment."""
    return [process for process in psutil.process_iter() if mark(process, variable) == value]


def named(process: psutil.Process, name: str) -> bool:
    with suppress(psutil.Error):
        return bool(process.name() == name)
    return False


def stands_in(process: psutil.Process, folder: Path) -> bool:
    with suppress(psutil.Error):
        return bool(process.cwd() == str(folder))
    return False


def mark(process: psutil.Process, variable: str) -> str | None:
    with suppress(psutil.Error, OSError):
        value: str | None = process.environ().get(variable)
        return value
    return None


def in_session(some: Iterable[psutil.Process], leader: int) -> list[psutil.Process]:
    """Those of the session that this process has led, dead or alive."""
    return [process for process in some if session(process) == leader]


def session(process: psutil.Process) -> int | None:
    with suppress(OSError):
        return os.getsid(process.pid)
    return None


def parent(process: psutil.Process) -> int | None:
    with suppress(psutil.Error):
        pid: int = process.ppid()
        return pid
    return None


def signal_all(processes: Iterable[psutil.Process], number: int) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):  # psutil compares start times first: a reused pid is never signalled
            process.send_signal(number)


def wait_gone(processes: Iterable[psutil.Process], timeout_s: float) -> list[psutil.Process]:
    """Wait until all are gone; returns those that are not by then."""
    deadline = time.monotonic() + timeout_s
    left = list(processes)
    while (left := [process for process in left if alive(process)]) and time.monotonic() < deadline:
        time.sleep(POLL_S)
    return left


def alive(process: psutil.Process) -> bool:
    """A zombie counts as gone: it holds nothing, and some containers have nobody to reap it."""
    with suppress(psutil.NoSuchProcess):
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    return False
