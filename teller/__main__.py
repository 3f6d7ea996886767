"""Installed as `teller`: puts the folder of this installation before all others, and runs the command of cli.

PYTHONPATH comes before installed packages, and may lead to other packages with the names api, cli or core.
"""

import sys
from pathlib import Path


def main() -> int:
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from cli.__main__ import main as run  # noqa: PLC0415 - found in the folder above from now on

    return run()


if __name__ == "__main__":
    sys.exit(main())
