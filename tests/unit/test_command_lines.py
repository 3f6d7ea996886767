"""Every program answers `--help` and `--version` before it reads a setting, and none of them does its work then."""

import os
import re
import subprocess
import sys

import pytest

from core.version import VERSION
from tests.system import ROOT

PROGRAMS = ("api", "worker", "console", "local", "local.audit", "core", "cli", "teller")


BOTH = """
import runpy, sys
for option in ("--version", "--help"):
    sys.argv[1:] = [option]
    try:
        runpy.run_module({module!r}, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        print("status", end.code or 0)
"""


def run(module: str) -> subprocess.CompletedProcess[str]:
    """Run it as `python -m` does, with one option, then the other, in one start, and with settings that are not valid."""
    inherited = {name: value for name, value in os.environ.items() if not re.match("TELLER_|DATABASE_URL|REDIS_URL", name)}
    return subprocess.run(
        [sys.executable, "-c", BOTH.format(module=module)],
        cwd=ROOT,
        env={**inherited, "TELLER_PORT": "none", "TELLER_DATA_DIR": "/proc/none"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("module", PROGRAMS)
def test_a_program_says_its_version_and_its_use(module: str) -> None:
    done = run(module)

    version, status, help = done.stdout.split("\n", 2)
    assert (done.returncode, done.stderr) == (0, "")
    assert (version, status) == (f"teller {VERSION}", "status 0")
    assert help.startswith(("usage: python -m", "Usage: teller COMMAND"))
    assert help.endswith("status 0\n")
