"""python -m local.audit: prove the ledger of the system that runs in the data directory."""

import json
import os
import sys
from pathlib import Path

from local import settings
from local.child import ROOT
from local.errors import CannotRun


def main() -> None:
    """Become `python -m core audit` for the database in local.json, or for DATABASE_URL when that is set."""
    try:
        configured = settings.load()
        url = configured.database_url or running_database(configured.data_dir)
    except CannotRun as reason:
        print(f"teller: {reason}", file=sys.stderr)
        sys.exit(2)  # as `python -m core audit`, which keeps 1 for damage
    os.chdir(ROOT)
    os.execve(sys.executable, [sys.executable, "-m", "core", "audit"], {**os.environ, "DATABASE_URL": url})  # noqa: S606 - ours


def running_database(data_dir: Path) -> str:
    try:
        url: str = json.loads((data_dir / "local.json").read_text())["database_url"]
    except FileNotFoundError:
        raise CannotRun(f"nothing to audit: nothing runs in {data_dir}; `make run` starts it") from None
    return url


if __name__ == "__main__":
    main()
