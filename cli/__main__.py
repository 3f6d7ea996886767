"""teller run | db COMMAND … | version

`teller run` starts the whole system here, until Ctrl-C. `teller db` is `python -m core`: migrate, audit, keys and others.
"""

import sys
from collections.abc import Callable, Sequence

from core.version import VERSION

WRONG_USE = 2


def main() -> int:
    """Run the command that the arguments name, and return its exit status: 2 for an unknown one."""
    name, *arguments = sys.argv[1:] or ["--help"]
    if name in {"-h", "--help"}:
        print(__doc__.strip())
        return 0
    if name not in COMMANDS:
        print(f"teller: {name!r} is none of {', '.join(COMMANDS)}", file=sys.stderr)
        return WRONG_USE
    return COMMANDS[name](arguments)


def run(arguments: Sequence[str]) -> int:
    from local.__main__ import main  # noqa: PLC0415 - each command imports what it needs, so that the others start at once

    return main(arguments, prog="teller run")


def run_db(arguments: Sequence[str]) -> int:
    from core.__main__ import main  # noqa: PLC0415

    return main(arguments, prog="teller db")


def print_version(_: Sequence[str]) -> int:
    print(f"teller {VERSION}")
    return 0


COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {
    "run": run,
    "db": run_db,
    "version": print_version,
    "--version": print_version,
}

if __name__ == "__main__":
    sys.exit(main())
