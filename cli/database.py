"""teller audit and teller db: what is done beside the database. It is `python -m core`, which finds the system that runs here."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Annotated, TextIO

from cyclopts import Parameter

from cli import profiles
from cli.exits import CANNOT
from cli.safe import safe
from core.__main__ import main

PROG = "teller db"
Rest = Annotated[str, Parameter(allow_leading_hyphen=True, show=False)]


def audit(
    *,
    json: Annotated[bool, Parameter(name="--json", negative="", help="print JSON")] = False,
    within: Annotated[float | None, Parameter(help="seconds after which it gives up (default: 3600)")] = None,
) -> int:
    """Prove the ledger from its entries, in the database of DATABASE_URL, or of the system that runs in this folder.

    Exits with 1 and names what is wrong. `teller db audit --help` has more: checkpoints, samples, metrics.
    """
    return db("audit", *(["--json"] if json else []), *(["--within", str(within)] if within is not None else []))


def db(*arguments: Rest) -> int:
    """Migrate, audit, checkpoint, reconcile, and keep keys, beside the database. `teller db --help` lists the commands.

    The database is that of DATABASE_URL, or of the system that runs in this folder.
    """
    if (folder := profiles.data_dir()) is not None:
        os.environ["TELLER_DATA_DIR"] = str(folder)  # it may lie above this folder, where core does not look
    with escaped():
        try:
            return main(arguments, prog=PROG)
        except SystemExit as ended:  # argparse: help, or wrong usage
            return ended.code if isinstance(ended.code, int) else CANNOT


@contextmanager
def escaped() -> Iterator[None]:
    """Let what is printed pass `safe`: names of keys are any operator's text."""
    with redirect_stdout(Escaping(sys.stdout)), redirect_stderr(Escaping(sys.stderr)):  # type: ignore[type-var]
        yield


class Escaping:
    """An output that escapes each line. All but `write` is the output's own."""

    def __init__(self, output: TextIO) -> None:
        self._output = output

    def write(self, text: str) -> int:
        self._output.write("\n".join(map(safe, text.split("\n"))))
        return len(text)

    def __getattr__(self, name: str) -> object:
        return getattr(self._output, name)
