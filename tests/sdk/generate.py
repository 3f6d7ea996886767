"""Writes what is generated of the Python SDK: models.py from the OpenAPI document, and `_sync` from `_async`.

python -m tests.sdk.generate
"""

import shutil
import subprocess
import sys
from pathlib import Path

import unasync

from tests.sdk.document import openapi
from tests.sdk.python_models import models

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "sdk" / "python" / "src" / "teller_client"
SETTINGS = ROOT / "sdk" / "python" / "pyproject.toml"

# Besides these, each name that begins with Async begins with Sync.
SYNC_NAMES = {
    "_async": "_sync",
    "AsyncTeller": "Teller",
    "async_sleep": "sync_sleep",
    "aclose": "close",
    "aiter_bytes": "iter_bytes",
}
SYNC_ABOUT = '"""The client for threads. Written from `_async` by `python -m tests.sdk.generate`: do not edit."""\n'


def generate(package: Path = PACKAGE) -> None:
    """Write models.py and `_sync` of the package in this folder."""
    (package / "models.py").write_text(models(openapi()))
    shutil.rmtree(package / "_sync", ignore_errors=True)
    rule = unasync.Rule(fromdir="/_async/", todir="/_sync/", additional_replacements=SYNC_NAMES)
    unasync.unasync_files([str(file) for file in sorted((package / "_async").glob("*.py"))], [rule])
    (package / "_sync" / "__init__.py").write_text(SYNC_ABOUT)
    made = [str(package / "models.py"), str(package / "_sync")]
    ruff = [sys.executable, "-m", "ruff"]
    subprocess.run([*ruff, "check", "--quiet", "--fix-only", "--select", "I", "--config", SETTINGS, *made], check=True)
    subprocess.run([*ruff, "format", "--quiet", "--config", SETTINGS, *made], check=True)


if __name__ == "__main__":
    generate()
