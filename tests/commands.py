"""`python -m core …`, called in this process: a start of the program takes half a second.

Each file that calls a command so also starts the program once, or names the file that does.
"""

import io
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass

import pytest

from core.__main__ import main


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    status: int
    out: str
    err: str


def core(*argv: str, environment: Mapping[str, str]) -> Done:
    """Run the command with these variables beside the inherited ones. What it raises fails the test, as a traceback would."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, _variables(environment), redirect_stdout(out), redirect_stderr(err):
        patch.setattr("core.log.configure", lambda level: None)  # this is the process of all tests
        try:
            status = main(argv)
        except SystemExit as end:  # argparse ends so
            status = end.code if isinstance(end.code, int) else 1
    return Done(status, out.getvalue(), err.getvalue())


@contextmanager
def _variables(given: Mapping[str, str]) -> Iterator[None]:
    """Set these variables; afterwards all are as they were, also those that the command has set."""
    before = dict(os.environ)
    os.environ.update(given)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
