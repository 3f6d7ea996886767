"""Failpoints: named points in the code at which a test lets a process die, fail or freeze. Outside tests each is an empty function.

A process reads `TELLER_FAILPOINTS` when it starts: it names a folder. Without it no point can be armed later. A file in the folder,
`POINT:NUMBER:ACTION`, arms a point for one hit. The process that renames the file takes the hit; files are taken by rising number.
So hits are counted across processes and restarts, and the files that remain were never reached.

Test only: deliberately neither in core/settings.py nor in the reference of settings.
"""

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from core import log

__all__ = ["POINTS", "Reached", "announce", "failpoint"]

VARIABLE = "TELLER_FAILPOINTS"

# In the order in which a transfer reaches them.
POINTS = (
    "accept.before_insert",
    "accept.after_commit",  # before the responses, and before the doorbell
    "accept.before_explain",  # of a replay
    "doorbell.before_flags",
    "doorbell.before_enqueue",  # flags up, no job
    "doorbell.after_enqueue",
    "apply.after_claim",  # the shards' locks are held
    "apply.after_specials",  # of a batch with a special transfer
    "apply.after_wallets",  # the wallets' too
    "apply.after_insert_entries",
    "apply.after_update_wallets",
    "apply.after_update_counters",  # of a batch that touches a wallet with limits
    "apply.after_close_wallets",
    "apply.after_update_parents",
    "apply.after_insert_due",
    "apply.after_delete_due",
    "apply.after_finish_transfers",
    "apply.after_note_counted",
    "apply.after_note_shortfalls",  # of a batch that rejects a transfer for want of something
    "apply.after_delete_queue",
    "apply.before_commit",
    "doorbell.before_publish",  # after the drain's COMMIT
    "doorbell.after_hand_over",  # before the drain's last look
    "sweep.before_list",
    "sweep.after_due",  # what was due is queued
    "sweep.before_drain",
    "deliver.after_claim",  # before the request is sent
    "deliver.before_mark",  # after the request, before its outcome is stored
)

POLL_S = 0.01  # A guess. The delay with which a paused process goes on

logger = log.get(__name__)


class Reached(Exception):
    """The error that a point raises. No code handles it by its type."""


def announce() -> None:
    """Log that points can be armed in this process. Exits when the folder does not exist."""
    if failpoint is no_op:
        return
    if not Path(os.environ[VARIABLE]).is_dir():
        raise SystemExit(f"teller: {VARIABLE} is for tests only, and names a folder that does not exist")
    logger.critical("failpoints can be armed: this process may die at any moment, and is for tests only")


def no_op(_: str) -> None:
    """No-op outside tests."""


def armed_in(folder: Path) -> Callable[[str], None]:
    """Return a function that performs the action of the next file for a point, if there is one. The point must be one of POINTS."""

    def reach(point: str) -> None:
        if point not in POINTS:
            raise KeyError(point)
        for file in sorted(folder.glob(f"{point}:*")):
            action = file.name.rpartition(":")[2]
            with suppress(FileNotFoundError):  # another process has taken it
                act(action, point, file.rename(folder / f"taken:{file.name}"))
                return

    return reach


def act(action: str, point: str, taken: Path) -> None:
    """Kill the process, raise Reached, or block the thread until the taken file is removed."""
    match action:
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "raise":
            raise Reached(point)
        case "pause":
            while taken.exists():
                time.sleep(POLL_S)
        case _:
            raise KeyError(action)


failpoint: Callable[[str], None] = armed_in(Path(os.environ[VARIABLE])) if os.environ.get(VARIABLE) else no_op
