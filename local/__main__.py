"""python -m local: the whole system on this machine, in the foreground, until Ctrl-C."""

import errno
import os
import sys

from local import settings, state
from local.orphans import stop_orphans
from local.server import errno_of
from local.supervisor import Supervisor
from local.terminal import CannotRun, Stopped, StopSignals, say


def main() -> int:
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
    except CannotRun as reason:
        print(f"teller: {reason}", file=sys.stderr)
        return 1
    except Stopped:
        pass
    return 0


def refuse_port(port: int, setting: str) -> None:
    if number := errno_of(port):
        raise CannotRun(f"port {port} {described(number)}; choose another one with {setting}")


def described(number: int) -> str:
    if number == errno.EADDRINUSE:
        return "is taken"
    if number == errno.EACCES:
        return "is privileged, and this account may not listen on it"
    return f"cannot be used ({os.strerror(number)})"


if __name__ == "__main__":
    sys.exit(main())
