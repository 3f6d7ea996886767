"""Every program answers `--help` and `--version` before it reads a setting, and none of them does its work then."""

import os
import re
import subprocess
import sys

import pytest

from core.version import VERSION
from tests.system import ROOT

PROGRAMS = ("api", "worker", "console", "local", "local.audit", "core", "cli", "teller")


def run(module: str, option: str) -> subprocess.CompletedProcess[str]:
    """Run it with settings that are not valid."""
    inherited = {name: value for name, value in os.environ.items() if not re.match("TELLER_|DATABASE_URL|REDIS_URL", name)}
    return subprocess.run(
        [sys.executable, "-m", module, option],
        cwd=ROOT,
        env={**inherited, "TELLER_PORT": "none", "TELLER_DATA_DIR": "/proc/none"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("module", PROGRAMS)
def test_a_program_says_its_version_and_its_use(module: str) -> None:
    version, help = run(module, "--version"), run(module, "--help")

    assert (version.returncode, version.stdout, version.stderr) == (0, f"teller {VERSION}\n", "")
    assert (help.returncode, help.stderr) == (0, "")
    assert help.stdout.startswith(("usage: python -m", "Usage: teller COMMAND"))
