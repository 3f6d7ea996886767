"""python -m local.audit: prove the ledger of the system that runs in the data directory."""

import json
import os
import sys

from local import settings
from local.child import ROOT
from local.errors import CannotRun


def main() -> None:
    """Become `python -m core audit` for the database in local.json, or for DATABASE_URL when that is set."""
    try:
        configured = settings.load()
        url = configured.database_url or json.loads((configured.data_dir / "local.json").read_text())["database_url"]
    except (CannotRun, FileNotFoundError) as reason:
        sys.exit(f"teller: nothing to audit, because nothing runs in the data directory ({reason})")
    os.chdir(ROOT)
    os.execve(sys.executable, [sys.executable, "-m", "core", "audit"], {**os.environ, "DATABASE_URL": url})  # noqa: S606 - ours


if __name__ == "__main__":
    main()
