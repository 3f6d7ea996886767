"""Teller's real processes, each started by its usual command."""

import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from core.admin.audit import Report, audit
from local.server import free_port
from tests.caller import OPERATOR_KEY, Caller
from tests.waiting import wait_for

ROOT = Path(__file__).parents[1]
STARTS_WITHIN_S = 60.0  # normally 2 s, of which the imports take most; six busy processes on two cores make it 14 s and more


class System:
    """An API, workers, a sweeper and deliverers on these servers, as many as a test starts; close() ends them all."""

    def __init__(self, folder: Path, database_url: str, redis_url: str, root: Path = ROOT) -> None:
        """`root` has the code that the processes run, and `folder` gets their logs."""
        self.root = root
        self.folder = folder
        self.database_url = database_url
        self.redis_url = redis_url
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.processes: list[subprocess.Popen[bytes]] = []
        self._callers: list[Caller] = []

    def start(self, *argv: str, environment: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Start `python -m ARGV`; its output goes to a file that a failing test can show."""
        number = len(self.processes)
        given = {
            "TELLER_HEARTBEAT_FILE": str(self.folder / f"{number}.heartbeat"),
            "DATABASE_URL": self.database_url,
            "TELLER_ADMIN_DATABASE_URL": "",  # none of these processes ever needs it
            "REDIS_URL": self.redis_url,
            "TELLER_PORT": str(self.port),
            "TELLER_API_PROCESSES": "1",  # tests freeze and kill the process that answers
            "TELLER_OPERATOR_KEY": OPERATOR_KEY,
        }
        with (self.folder / f"{'-'.join(argv)}-{number}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", *argv],
                cwd=self.root,
                env={**os.environ, **given, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.processes.append(process)
        return process

    def start_api(self, environment: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Start the API and wait until it answers."""
        process = self.start("api", environment=environment)
        wait_for(lambda: self.answers(process), "the API to answer", STARTS_WITHIN_S)
        return process

    def start_workers(self, count: int) -> list[subprocess.Popen[bytes]]:
        return [self.start("worker", "apply") for _ in range(count)]

    def start_sweeper(self) -> subprocess.Popen[bytes]:
        return self.start("worker", "sweep")

    def start_deliverer(self, environment: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Start a deliverer that may send to receivers on this host."""
        return self.start("worker", "deliver", environment={"TELLER_WEBHOOK_ALLOW_PRIVATE": "true", **(environment or {})})

    def wait_for_heartbeat(self, process: subprocess.Popen[bytes]) -> None:
        """Wait until the worker process has run its loop once."""
        file = self.folder / f"{self.processes.index(process)}.heartbeat"
        wait_for(file.exists, "a worker's first heartbeat")

    def answers(self, process: subprocess.Popen[bytes]) -> bool:
        assert process.poll() is None, self.logs()
        try:
            urllib.request.urlopen(f"{self.url}/healthz", timeout=5).close()
        except OSError:  # no process listens yet, or the one before has not ended yet
            return False
        return True

    def caller(self) -> Caller:
        caller = Caller(self.url)
        self._callers.append(caller)
        return caller

    def audit(self) -> Report:
        """Audit the database and fail with the report unless it is clean."""
        report = audit(self.database_url)
        assert report.clean, "\n".join(report.lines())
        return report

    def logs(self) -> str:
        return "\n".join(f"{file.name}:\n{file.read_text()[-4000:]}" for file in sorted(self.folder.glob("*.log")))

    def close(self) -> None:
        """End all processes. An API may have children, which it ends when it is asked to stop.

        Workers are killed, which loses nothing: one that waits for a job stops up to a second after SIGTERM.
        tests/faults/test_stopping.py tests how they stop.
        """
        for caller in self._callers:
            caller.close()
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill() if "worker" in cast(list[str], process.args) else process.terminate()
        for process in self.processes:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
