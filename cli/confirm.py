"""Asks before what cannot be taken back."""

import sys

from cli.exits import Cannot
from cli.safe import safe
from cli.session import Session


def confirm(words: str, api: Session, *, yes: bool) -> None:
    """Return when it may be done. Raises Cannot when it may not: the person says no, or nothing at a place without a terminal.

    The question goes to standard error, so that the output stays the API's answer.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise Cannot(f"{words}: no terminal can be asked; repeat it with --yes to do it")
    print(f"{safe(words)}\nat {safe(api.target.url)} ({safe(api.target.said_by)})? [y/N] ", end="", file=sys.stderr, flush=True)
    answer = sys.stdin.readline().strip().lower()
    if answer not in {"y", "yes"}:
        raise Cannot("nothing is done")
