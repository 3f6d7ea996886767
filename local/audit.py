"""python -m local.audit: prove the ledger of the system that runs in the data directory."""

import json
import os
import sys
from pathlib import Path

from core.settings import without_secrets
from local import settings
from local.errors import CannotRun
from local.process import ROOT


def main() -> None:
    """Become `python -m core audit` as the workers' role: of the database in local.json, or of the configured one."""
    try:
        configured = settings.load()
        url = configured.url_of_workers or running_database(configured.data_dir)
    except CannotRun as reason:
        print(f"teller: {reason}", file=sys.stderr)
        sys.exit(2)  # as `python -m core audit`, which keeps 1 for damage
    environment = {**without_secrets(os.environ), "DATABASE_URL": url}
    os.chdir(ROOT)
    os.execve(sys.executable, [sys.executable, "-m", "core", "audit"], environment)  # noqa: S606 - ours


def running_database(data_dir: Path) -> str:
    try:
        url: str = json.loads((data_dir / "local.json").read_text())["worker_database_url"]
    except FileNotFoundError:
        raise CannotRun(f"nothing to audit: nothing runs in {data_dir}; `make run` starts it") from None
    return url


if __name__ == "__main__":
    main()
