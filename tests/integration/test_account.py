"""The account that servers run as where root starts them: added once, however many processes miss it at the same moment."""

import os
import subprocess
import sys

import pytest

from tests.system import ROOT

# In a mount namespace of its own, so that the machine's accounts are left alone.
AT_ONCE = """
import pwd, subprocess, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from local import account

folder, at_once = Path(sys.argv[1]), 4
for command in (
    ["mount", "-t", "tmpfs", "none", folder], ["cp", "-a", "/etc/.", folder], ["mount", "--bind", folder, "/etc"],
):
    subprocess.run(command, check=True)
barrier = Barrier(at_once)

def find(_):
    barrier.wait()
    return account.system_account().pw_uid

with ThreadPoolExecutor(at_once) as threads:
    for _ in range(8):
        for name in ("passwd", "shadow", "group", "gshadow"):
            file = Path("/etc") / name
            lines = file.read_text().splitlines(keepends=True)
            file.write_text("".join(line for line in lines if not line.startswith(f"{account.ACCOUNT}:")))
        found = list(threads.map(find, range(at_once)))
        assert set(found) == {pwd.getpwnam(account.ACCOUNT).pw_uid}, found
"""


def test_several_processes_that_miss_the_account_at_once_all_get_the_one_that_stays(tmp_path: os.PathLike[str]) -> None:
    unshare = ["unshare", "--mount"]
    if os.geteuid() != 0 or subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode:
        pytest.skip("the account is added by root alone; NOT tried without root, or where no mount namespace can be made")

    tried = subprocess.run(
        [*unshare, sys.executable, "-c", AT_ONCE, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert tried.returncode == 0, tried.stderr
