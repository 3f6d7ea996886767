"""The seconds and the memory that an audit of the whole ledger takes: `python -m core audit`, as an operator runs it."""

import os
import subprocess
import sys
import time
from contextlib import suppress

import psutil  # type: ignore[import-untyped]

from bench.errors import UnexpectedAnswer
from bench.figures import Figure, Target
from bench.memory import MIB
from bench.system import System

WITHIN = Target(60.0, at_most=True)
LOOK_EVERY_S = 0.05


def audited(system: System) -> list[Figure]:
    """Audit, and return its seconds and its memory. Raises UnexpectedAnswer when the audit finds damage."""
    environment = {**os.environ, "DATABASE_URL": system.admin_database_url}
    began, most = time.monotonic(), 0.0
    with subprocess.Popen([sys.executable, "-m", "core", "audit"], env=environment, stdout=subprocess.PIPE, text=True) as audit:
        while audit.poll() is None:
            most = max(most, rss_of(audit.pid))
            time.sleep(LOOK_EVERY_S)
        output, _ = audit.communicate()
    if audit.returncode:
        raise UnexpectedAnswer(output)
    return [
        Figure("audit", "audit after them", time.monotonic() - began, "s", target=WITHIN),
        Figure("memory_audit", "RSS of the audit, at most", most, "MiB"),
    ]


def rss_of(pid: int) -> float:
    with suppress(psutil.Error):
        return float(psutil.Process(pid).memory_info().rss / MIB)
    return 0.0
