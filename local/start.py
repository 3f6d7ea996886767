"""Starts the whole system on this machine and stops it at a signal; says in a line why it cannot run."""

import errno
import os
import sys

from local import settings, state
from local.orphans import stop_orphans
from local.server import errno_of
from local.supervisor import Supervisor
from local.terminal import CannotRun, Stopped, StopSignals, say

NEEDED_MB = 100  # a new data directory has 47 MB, of which 16 are PostgreSQL's first log file


def start() -> int:
    """Run the system until a signal, and return the exit status: 1 when it cannot run."""
    signals = StopSignals()
    try:
        signals.listen()
        configured = settings.load()
        with state.locked(configured.data_dir):
            stop_orphans(configured.data_dir, say)
            refuse_port(configured.port, "TELLER_PORT")  # after the orphans: one of them may be an API that listens on this port
            if configured.console_port:
                refuse_port(configured.console_port, "TELLER_CONSOLE_PORT")
            Supervisor(configured, signals).run()
    except (CannotRun, OSError) as reason:
        print(f"teller: {explained(str(reason))}", file=sys.stderr)
        return 1
    except Stopped:
        pass
    return 0


def explained(reason: str) -> str:
    """The reason; where it is, or where it quotes, that a disk is full, that comes first: the lines of PostgreSQL say it last."""
    if os.strerror(errno.ENOSPC) not in reason:
        return reason
    return f"no space left on the disk of the data directory; Teller needs about {NEEDED_MB} MB to start\n{reason}"


def refuse_port(port: int, setting: str) -> None:
    if number := errno_of(port):
        raise CannotRun(f"port {port} {described(number)}; choose another one with {setting}")


def described(number: int) -> str:
    if number == errno.EADDRINUSE:
        return "is taken"
    if number == errno.EACCES:
        return "is privileged, and this account may not listen on it"
    return f"cannot be used ({os.strerror(number)})"
