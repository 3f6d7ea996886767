"""What the person at the terminal sees, and how they say stop."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from local.errors import Stopped

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def say(text: str, end: str = "\n") -> None:
    with suppress(OSError):  # the terminal may be gone; the servers still need an orderly stop
        print(text, end=end, flush=True)


@contextmanager
def step(title: str) -> Iterator[None]:
    """Show that a step has begun, then how long it took."""
    began = time.monotonic()
    say(f"{title} ... ", end="")
    try:
        yield
    except BaseException:
        say("")
        raise
    say(f"ready in {time.monotonic() - began:.1f} s")


class StopSignals:
    """Raises Stopped in the main thread at the first signal, and only then, so that nothing interrupts the stop itself.

    `received` stays set, for the rare case that Python swallows an exception raised in a destructor.
    """

    received = False

    def listen(self) -> None:
        for number in STOP_SIGNALS:
            signal.signal(number, self.handle)
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # nohup asks to outlive the terminal
            signal.signal(signal.SIGHUP, self.handle)

    def ignore(self) -> None:
        """From now on none interrupts: a stop has begun."""
        self.received = True

    def handle(self, *_: object) -> None:
        if self.received:
            return
        self.received = True
        raise Stopped
