"""Stop what a killed `python -m local` left running in its data directory."""

import signal
from collections.abc import Callable
from pathlib import Path

from psutil import Process  # type: ignore[import-untyped]

from local import processes
from local.postgres import Postgres
from local.process import MARK
from local.redis import Redis

STOP_TIMEOUT_S = 30.0


def stop_leftovers(data_dir: Path, say: Callable[[str], None]) -> None:
    """Stop them in the order of an ordinary stop. The caller holds the lock, so nobody else watches over them.

    They are found by what they are (children by the mark in their environment, servers by their name and where they stand), not by
    the pids in local.json: pids are reused, and the file may be a moment behind.
    """
    end("Python processes", processes.marked(MARK, str(data_dir)), signal.SIGTERM, say)
    end("Redis", Redis(data_dir / "redis").processes(), signal.SIGTERM, say)
    end("PostgreSQL", Postgres(data_dir / "postgres").processes(), signal.SIGINT, say)


def end(what: str, leftovers: list[Process], number: int, say: Callable[[str], None]) -> None:
    if not leftovers:
        return
    say(f"stopping {what} left by an earlier run (pid {', '.join(str(process.pid) for process in leftovers)})")
    processes.signal_all(eldest(leftovers), number)
    left = processes.wait_gone(leftovers, STOP_TIMEOUT_S)
    processes.signal_all(left, signal.SIGKILL)
    processes.wait_gone(left, STOP_TIMEOUT_S)


def eldest(leftovers: list[Process]) -> list[Process]:
    """Those whose parent is not among them: PostgreSQL's postmaster ends its own children, better than we could."""
    pids = {process.pid for process in leftovers}
    return [process for process in leftovers if processes.parent(process) not in pids]
