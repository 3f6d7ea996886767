"""Named places at which tests let a process die, fail or freeze. Anywhere else they are calls of an empty function.

`TELLER_FAILPOINTS` names a folder when the process starts; without it nothing can be armed afterwards. A file in there,
`POINT:NUMBER:ACTION`, arms a point for one hit: whichever process renames it first has it, the smallest number first. So faults are
counted across processes and restarts, and what is left over was never reached.

It is no setting: nobody is to find it among them.
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

# In the order in which a transfer comes by.
POINTS = (
    "accept.before_insert",
    "accept.after_commit",  # before anybody is answered, and before the doorbell
    "accept.before_explain",  # of a replay
    "doorbell.before_flags",
    "doorbell.before_enqueue",  # flags up, no job
    "doorbell.after_enqueue",
    "apply.after_claim",  # the shards' locks are held
    "apply.after_wallets",  # the wallets' too
    "apply.after_insert_entries",
    "apply.after_update_wallets",
    "apply.after_finish_transfers",
    "apply.after_delete_queue",
    "apply.before_commit",
    "doorbell.before_publish",  # after the drain's COMMIT
    "doorbell.after_hand_over",  # before the drain's last look
    "sweep.before_list",
    "sweep.before_drain",
    "deliver.after_claim",  # nothing is sent yet
    "deliver.before_mark",  # it is sent, and nobody knows
)

POLL_S = 0.01

logger = log.get(__name__)


class Reached(Exception):
    """What a point raises: an error of no known kind."""


def announce() -> None:
    """Say loudly that points can be armed in this process. Exits when the folder that is named for it is not there."""
    if failpoint is nothing:
        return
    if not Path(os.environ[VARIABLE]).is_dir():
        raise SystemExit(f"teller: {VARIABLE} is for tests alone, and names a folder that is not there")
    logger.critical("failpoints can be armed: this process may die at any moment, and is for tests alone")


def nothing(_: str) -> None:
    """Be no failpoint."""


def armed_in(folder: Path) -> Callable[[str], None]:
    """Return a function that does to the process what the folder's files say of the point, which must be one of POINTS."""

    def reach(point: str) -> None:
        if point not in POINTS:
            raise KeyError(point)
        for file in sorted(folder.glob(f"{point}:*")):
            action = file.name.rpartition(":")[2]
            with suppress(FileNotFoundError):  # another process was faster
                act(action, point, file.rename(folder / f"taken:{file.name}"))
                return

    return reach


def act(action: str, point: str, taken: Path) -> None:
    """Die, raise Reached, or hold the whole thread up until the taken file is removed."""
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


failpoint: Callable[[str], None] = armed_in(Path(os.environ[VARIABLE])) if os.environ.get(VARIABLE) else nothing
