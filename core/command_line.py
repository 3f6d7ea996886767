"""What the command lines of all processes share: `--help` and `--version`, which are answered before any setting is read."""

import argparse

from core.version import VERSION


def parser(prog: str, description: str) -> argparse.ArgumentParser:
    """Return a parser with both options and no argument."""
    made = argparse.ArgumentParser(prog=prog, description=description)
    made.add_argument("--version", action="version", version=f"teller {VERSION}", help="print the version of Teller")
    return made
