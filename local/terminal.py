"""The terminal of `python -m local`: what it prints there, the signals that stop it, and the two exceptions that end it."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class CannotRun(Exception):
    """A reason to end with status 1; the message is printed at the terminal."""


class Stopped(BaseException):
    """SIGINT, SIGTERM or SIGHUP came. Not an Exception: a handler of failures must not catch it."""


def say(text: str, end: str = "\n") -> None:
    with suppress(OSError):  # the terminal may be closed; the servers still need an orderly stop
        print(text, end=end, flush=True)


@contextmanager
def step(title: str) -> Iterator[None]:
    """Print the title when the step begins, and the seconds that it took when it ends."""
    began = time.monotonic()
    say(f"{title} ... ", end="")
    try:
        yield
    except BaseException:
        say("")
        raise
    say(f"ready in {time.monotonic() - began:.1f} s")


class StopSignals:
    """Raises Stopped in the main thread at the first signal. Later signals do nothing, so that they cannot interrupt the stop.

    `received` stays set: Python discards an exception that is raised inside a destructor, and then only the flag is left.
    """

    received = False

    def listen(self) -> None:
        for number in STOP_SIGNALS:
            signal.signal(number, self.handle)
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # under nohup a closed terminal must not stop it
            signal.signal(signal.SIGHUP, self.handle)

    def ignore(self) -> None:
        """Ignore all signals from now on: a stop has begun."""
        self.received = True

    def handle(self, *_: object) -> None:
        if self.received:
            return
        self.received = True
        raise Stopped
