"""The audit of a standby, by a URL that names all hosts and prefers one that takes no writes."""

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from tests.standby import pair
from tests.system import ROOT


def test_the_audit_reads_the_standby_and_says_that_its_result_is_not_recorded(tmp_path: Path) -> None:
    with pair(tmp_path) as servers:
        url = urlsplit(servers.migrated())
        servers.replicate()
        user = url.netloc.rpartition("@")[0]
        hosts = ",".join(f"127.0.0.1:{server.port}" for server in (servers.primary, servers.standby))
        both = urlunsplit(url._replace(netloc=f"{user}@{hosts}", query="target_session_attrs=prefer-standby"))

        done = subprocess.run(
            [sys.executable, "-m", "core", "audit"],
            cwd=ROOT,
            env={**os.environ, "DATABASE_URL": both},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

        assert done.returncode == 0, done.stderr
        assert "not recorded" in done.stderr
        recorded = servers.ask(servers.primary, "SELECT count(*) FROM audits", url.path.removeprefix("/"))
        assert recorded == [(0,)]
