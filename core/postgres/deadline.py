"""The deadline of a request: the time until which PostgreSQL may keep it waiting. Each request has its own, in its context.

It starts at the request's first question to the database, or to a micro-batch that asks for it. All later questions share it.
The time in which the caller sends its body is not counted: api/http bounds that. A task that serves many requests, and a loop that
waits on purpose (a long poll, the deliverer), call `start` before each piece of work.
"""

import time
from contextvars import ContextVar

__all__ = ["ANSWER_WITHIN_S", "answer_by", "left_s", "start", "start_once"]

# A caller gets its 503 within 2 s (promise 17): 0.2 s remain for the response. PostgreSQL's own limits end a statement before
# that (core/postgres/limits.py), so that none runs on unseen.
ANSWER_WITHIN_S = 1.8

ANSWER_BY: ContextVar[float] = ContextVar("answer_by")  # monotonic seconds


def start() -> None:
    """Start the deadline of this context anew."""
    ANSWER_BY.set(time.monotonic() + ANSWER_WITHIN_S)


def start_once() -> None:
    """Start the deadline of this context, unless it has been started."""
    if ANSWER_BY.get(None) is None:
        start()


def answer_by() -> float:
    """Return the deadline in monotonic seconds. The first call in a context starts it."""
    start_once()
    return ANSWER_BY.get()


def left_s() -> float:
    """Return the seconds until the deadline, at least 0. The first call in a context starts it."""
    return max(answer_by() - time.monotonic(), 0.0)
