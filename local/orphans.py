"""Stop the processes that a killed `python -m local` has left running on its data directory."""

import signal
from collections.abc import Callable
from pathlib import Path

from psutil import Process  # type: ignore[import-untyped]

from local.postgres import Postgres
from local.process import MARK, marked, read_or_none, signal_all, wait_gone
from local.redis import Redis

STOP_TIMEOUT_S = 30.0  # as long as an ordinary stop gives: a worker its transaction, PostgreSQL its checkpoint


def stop_orphans(data_dir: Path, say: Callable[[str], None]) -> None:
    """Stop them in the order of an ordinary stop. The caller holds the lock of the data directory: no supervisor runs on it.

    A Child is found by MARK in its environment, a server by its name and working directory. The pids in local.json would be wrong:
    the kernel reuses pids, and the file is written after the processes have started.
    """
    stop("Python processes", marked(MARK, str(data_dir)), signal.SIGTERM, say)
    stop("Redis", Redis(data_dir / "redis").processes(), signal.SIGTERM, say)
    stop("PostgreSQL", Postgres(data_dir / "postgres").processes(), signal.SIGINT, say)


def stop(title: str, orphans: list[Process], number: int, say: Callable[[str], None]) -> None:
    if not orphans:
        return
    say(f"stopping {title} left by an earlier run (pid {', '.join(str(process.pid) for process in orphans)})")
    signal_all(eldest(orphans), number)
    left = wait_gone(orphans, STOP_TIMEOUT_S)
    signal_all(left, signal.SIGKILL)
    wait_gone(left, STOP_TIMEOUT_S)


def eldest(orphans: list[Process]) -> list[Process]:
    """Those whose parent is not among them. PostgreSQL's postmaster ends its own children in the right order."""
    pids = {process.pid for process in orphans}
    return [process for process in orphans if read_or_none(process.ppid) not in pids]
