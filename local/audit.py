"""python -m local.audit: audit the ledger of the system that runs on the data directory. `make audit` calls it."""

import argparse
import json
import os
import sys
from pathlib import Path

from core import command_line
from core.settings import without_secrets
from local import settings
from local.process import ROOT
from local.terminal import CannotRun


def main() -> None:
    """Replace this process by `python -m core audit`, in the workers' role, on the configured database or on that in local.json."""
    parser().parse_args()
    try:
        configured = settings.load()
        url = configured.url_of_workers or running_database(configured.data_dir)
    except CannotRun as reason:
        print(f"teller: {reason}", file=sys.stderr)
        sys.exit(2)  # as `python -m core audit`, whose status 1 means that the ledger is damaged
    environment = {**without_secrets(os.environ), "DATABASE_URL": url}
    os.chdir(ROOT)
    os.execve(sys.executable, [sys.executable, "-m", "core", "audit"], environment)  # noqa: S606 - the command is this Python


def parser() -> argparse.ArgumentParser:
    return command_line.parser("python -m local.audit", "Audit the ledger of the system that `make run` runs here.")


def running_database(data_dir: Path) -> str:
    try:
        url: str = json.loads((data_dir / "local.json").read_text())["worker_database_url"]
    except FileNotFoundError:
        raise CannotRun(f"nothing to audit: nothing runs in {data_dir}; `make run` starts it") from None
    return url


if __name__ == "__main__":
    main()
