"""python -m tests.nemesis --minutes 10 [--seed N]: what `make soak` runs."""

import argparse
import random
import shutil
import sys
import tempfile
from pathlib import Path

from tests.nemesis.run import run
from tests.nemesis.trial import Broken


def main() -> int:
    arguments = parser().parse_args()
    seed = random.randrange(10**6) if arguments.seed is None else arguments.seed
    folder = Path(tempfile.mkdtemp(prefix="teller-nemesis-"))
    try:
        run(seed, arguments.minutes * 60, folder)
    except Broken as broken:
        print(f"{broken}\nthe logs are in {folder}", file=sys.stderr)
        return 1
    shutil.rmtree(folder)
    return 0


def parser() -> argparse.ArgumentParser:
    nemesis = argparse.ArgumentParser(prog="python -m tests.nemesis", description="Break a whole system, and see what it keeps.")
    nemesis.add_argument("--minutes", type=float, default=10.0, help="how long faults are made")
    nemesis.add_argument("--seed", type=int, default=None, help="the faults of an earlier run (default: new ones)")
    return nemesis


if __name__ == "__main__":
    sys.exit(main())
