"""One of our own Python processes: the API, a worker."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from local import processes
from local.errors import Stopped
from local.own import OwnProcess

ROOT = Path(__file__).resolve().parents[1]

# In the environment of every child; its value is the data directory. By this the next start finds those that a killed one left.
MARK = "TELLER_LOCAL_CHILD_OF"

STOP_TIMEOUT_S = 30.0  # the API ends its requests within 10 s, a worker its transaction sooner, a deliverer its webhooks within 25


class Child(OwnProcess):
    """`python -m …` in a session of its own, writing to a log file. Can be started again."""

    def __init__(self, title: str, argv: Sequence[str], environment: Mapping[str, str], log_file: Path) -> None:
        self.title = title
        self.command = [sys.executable, "-m", *argv]
        self.environment = {**environment, "PYTHONUNBUFFERED": "1"}
        self.log_file = log_file
        self.log_start = 0  # where in the log file the output of the present run begins

    def start(self) -> None:
        """Start it, again if it died."""
        self.clear_session()
        with self.log_file.open("ab") as log:
            self.log_start = log.tell()
            self._process = subprocess.Popen(  # noqa: S603 - a program of our own choosing
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=ROOT,
                env=self.environment,
                start_new_session=True,
            )

    def clear_session(self) -> None:
        """Kill what a dead predecessor left: processes of its own may hold its port or its job."""
        if self._process is None:
            return
        ours = processes.marked(MARK, self.environment[MARK])
        processes.signal_all(processes.in_session(ours, self._process.pid), signal.SIGKILL)

    def ask_to_stop(self) -> None:
        """SIGTERM, without waiting."""
        if self._process is not None:
            self._process.terminate()

    def stop(self) -> None:
        """SIGTERM; SIGKILL for all of its session when that is not enough. Returns when it is gone."""
        if self._process is None:
            return
        self.ask_to_stop()
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


def run_to_end(argv: Sequence[str], environment: Mapping[str, str], output: TextIO, log_file: Path, timeout_s: float) -> None:
    """Run `python -m …` once; its errors go to the log. Raises subprocess.SubprocessError.

    A stop lets it end before it is passed on, within reason, so that `output` holds all that the process has said.
    """
    with log_file.open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 - a program of our own choosing
            [sys.executable, "-m", *argv],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=log,
            cwd=ROOT,
            env=environment,
            start_new_session=True,
        )
    with process:
        try:
            process.wait(timeout_s)
        except Stopped:
            end_gently(process)
            raise
        except BaseException:
            process.terminate()
            end_gently(process)
            raise
    if process.returncode != 0:
        raise subprocess.CalledProcessError(process.returncode, process.args)


def end_gently(process: subprocess.Popen[bytes]) -> None:
    """Wait for its end; SIGTERM and then SIGKILL when that does not come."""
    for insist in (process.terminate, process.kill):
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            insist()
        else:
            return
