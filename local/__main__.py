"""python -m local: the whole system on this machine, in the foreground, until Ctrl-C."""

import signal
import sys

if __name__ == "__main__":  # before the other imports: Ctrl-C during them ends the process without a word, as nothing has started
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import argparse
from collections.abc import Sequence

from core import command_line

PROG = "python -m local"


def main(argv: Sequence[str] = (), prog: str = PROG) -> int:
    """Run the system until a signal, and return the exit status. `argv` are the arguments behind the command."""
    parser(prog).parse_args(argv)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # as above, where another program has called this
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from local.start import start  # noqa: PLC0415 - the imports take 0.3 s

    return start()


def parser(prog: str = PROG) -> argparse.ArgumentParser:
    return command_line.parser(prog, "Run the whole system here, until Ctrl-C. All that can be set are environment variables.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
