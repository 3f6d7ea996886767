"""Shows the same text again and again: at a terminal in place, elsewhere one after the other."""

import sys
from collections.abc import Callable

from cli import output

HOME_AND_CLEAR = "\x1b[H\x1b[J"


def repeat(show: Callable[[], None], every_s: float, times: int | None) -> None:
    """Show, wait, show again, until Ctrl-C or for so many times."""
    number = 0
    while True:
        if sys.stdout.isatty():
            print(HOME_AND_CLEAR, end="")
        show()
        number += 1
        if number == times:
            return
        output.pause(every_s)
