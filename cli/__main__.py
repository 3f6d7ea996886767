"""teller: Teller from a terminal. `teller --help` lists the commands; `python -m cli` is the same."""

import sys
from collections.abc import Sequence

from cli.exits import CANNOT, CUT_OFF, UNKNOWN, WELL, Cannot, Unknown
from cli.output import discard, encodable, json_document
from cli.safe import safe

ANYWHERE = {
    "--json": 0,
    "--profile": 1,
    "--url": 1,
    "--key": 1,
    "--retry-within": 1,
}  # options that may stand before the command, and their values
INTERRUPTED = 130  # as a shell says of a program that Ctrl-C has ended: 128 + SIGINT


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that the arguments name, and return the exit status: cli/exits.py."""
    try:
        return run(list(sys.argv[1:] if arguments is None else arguments))
    except Cannot as reason:
        return complain(f"teller: {reason}", CANNOT)
    except Unknown as known:
        return complain(f"teller: {known}", UNKNOWN)
    except KeyboardInterrupt:
        return complain("teller: stopped", INTERRUPTED)
    except BrokenPipeError:
        discard()
        return CUT_OFF


def run(tokens: list[str]) -> int:
    from cyclopts import CycloptsError

    from cli.app import build

    encodable()
    try:
        status = build(tokens[:3])(in_order(tokens))
    except CycloptsError:  # cyclopts has printed what is wrong
        return CANNOT
    except (Cannot, Unknown, BrokenPipeError):
        raise
    except Exception as error:  # noqa: BLE001 - raised again where it is no error of the API
        return refused(error, tokens)
    return status if isinstance(status, int) else WELL


def in_order(tokens: list[str]) -> list[str]:
    """Return the tokens with the options that stand before the command behind it, where the command reads them."""
    ahead: list[str] = []
    rest = list(tokens)
    while rest and (name := rest[0].partition("=")[0]) in ANYWHERE:
        values = 0 if "=" in rest[0] else ANYWHERE[name]
        ahead, rest = ahead + rest[: 1 + values], rest[1 + values :]
    end = rest.index("--") if "--" in rest else len(rest)
    return [*rest[:end], *ahead, *rest[end:]]


def refused(error: Exception, tokens: list[str]) -> int:
    """Print what an error of the API means to a person; with --json the API's problem too. Raises what is no such error."""
    from cli.refusals import described

    found = described(error)
    if found is None:
        raise error
    if "--json" in tokens and found.problem:
        json_document(found.problem)
    return complain(f"teller: {found.text}", found.status)


def complain(text: str, status: int) -> int:
    print(safe(text), file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
