"""Wait for a condition with a deadline; a test never sleeps and hopes."""

import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")

POLL_S = 0.02
LOADED_S = 3.0  # a busy machine may add this to a promised time


def wait_for(condition: Callable[[], Value], what: str, within_s: float = 20.0) -> Value:
    """Return the condition's first true value; fail with `what` when there is none in time."""
    deadline = time.monotonic() + within_s
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {within_s} s in vain for {what}; last: {value!r}")
        time.sleep(POLL_S)
    return value
