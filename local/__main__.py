"""python -m local: the whole system on this machine, in the foreground, until Ctrl-C."""

import sys

from local import settings, state
from local.errors import CannotRun, Stopped
from local.leftovers import stop_leftovers
from local.ports import is_taken
from local.supervisor import Supervisor
from local.terminal import StopSignals, say


def main() -> int:
    signals = StopSignals()
    try:
        signals.listen()
        configured = settings.load()
        with state.locked(configured.data_dir):
            stop_leftovers(configured.data_dir, say)
            refuse_taken_port(configured.port)  # only now: an API that was left behind held it
            Supervisor(configured, signals).run()
    except CannotRun as reason:
        print(f"teller: {reason}", file=sys.stderr)
        return 1
    except Stopped:
        pass
    return 0


def refuse_taken_port(port: int) -> None:
    if is_taken(port):
        raise CannotRun(f"port {port} is taken; choose another one with TELLER_PORT")


if __name__ == "__main__":
    sys.exit(main())
