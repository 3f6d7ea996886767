"""Processes that this package starts: their common part, the Python ones (Child), and their rows in the process table (psutil)."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TextIO, TypeVar

import psutil  # type: ignore[import-untyped]

from local.terminal import Stopped

ROOT = Path(__file__).resolve().parents[1]

# In the environment of every Child; its value is the data directory. The next start finds the processes of a killed run by it.
MARK = "TELLER_LOCAL_CHILD_OF"

STOP_TIMEOUT_S = 30.0  # the API ends its requests within 10 s, a worker its transaction sooner, a deliverer its webhooks within 25
TAIL_LINES = 15
POLL_S = 0.02

Value = TypeVar("Value")


class ManagedProcess:
    """A process that this package starts, stops, and can start again after it has ended."""

    title: str
    log_file: Path
    _process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def exit_status(self) -> int | None:
        """As subprocess has it: negative for a signal; None while the process runs."""
        return self._process.poll() if self._process else None

    @property
    def pid(self) -> int:
        """The pid of the (main) process, also after it has ended."""
        if self._process is None:
            raise RuntimeError(f"{self.title} was not started")
        return self._process.pid


class Child(ManagedProcess):
    """`python -m …` in its own session; its output goes to a log file."""

    def __init__(self, title: str, argv: Sequence[str], environment: Mapping[str, str], log_file: Path) -> None:
        self.title = title
        self.command = [sys.executable, "-m", *argv]
        self.environment = {**environment, "PYTHONUNBUFFERED": "1"}
        self.log_file = log_file
        self.log_start = 0  # the byte of the log file at which the output of the present run begins

    def start(self) -> None:
        """Start the process, for the first time or after it has ended."""
        self.clear_session()
        with self.log_file.open("ab") as log:
            self.log_start = log.tell()
            self._process = subprocess.Popen(  # noqa: S603 - the command is this Python
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=ROOT,
                env=self.environment,
                start_new_session=True,
            )

    def clear_session(self) -> None:
        """Kill what the ended process has started: such a process may still hold the port, or a job."""
        if self._process is None:
            return
        marked_alike = marked(MARK, self.environment[MARK])
        signal_all(in_session(marked_alike, self._process.pid), signal.SIGKILL)

    def ask_to_stop(self) -> None:
        """Send SIGTERM, and do not wait."""
        if self._process is not None:
            self._process.terminate()

    def stop(self) -> None:
        """Send SIGTERM; after STOP_TIMEOUT_S send SIGKILL to the whole session. Returns when the process has ended."""
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
    """Run `python -m …` once; its standard error goes to the log. Raises subprocess.SubprocessError.

    On Stopped the process gets up to STOP_TIMEOUT_S to end before Stopped is raised again, so that `output` is complete.
    """
    with log_file.open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 - the command is this Python
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
    """Wait until the process has ended; after STOP_TIMEOUT_S send SIGTERM, and after as long again SIGKILL."""
    for insist in (process.terminate, process.kill):
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            insist()
        else:
            return


def tail(log_file: Path, start: int = 0) -> str:
    """Return the last TAIL_LINES lines of what was written after the byte `start`, for an error message."""
    written = log_file.read_bytes()[start:]
    return "\n".join(written.decode(errors="replace").splitlines()[-TAIL_LINES:])


def family(pid: int) -> list[psutil.Process]:
    """The process and all its descendants; empty when the process does not exist."""
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    return []


def running_in(folder: Path, name: str) -> list[psutil.Process]:
    """All processes of this name whose working directory is this folder: of a server, those that have its data open.

    The name excludes a shell in the same folder; the folder excludes all other servers of this machine.
    """
    return [
        process
        for process in psutil.process_iter()
        if read_or_none(process.name) == name and read_or_none(process.cwd) == str(folder)
    ]


def marked(variable: str, value: str) -> list[psutil.Process]:
    """All processes that were started with this variable in their environment."""
    return [process for process in psutil.process_iter() if (read_or_none(process.environ) or {}).get(variable) == value]


def in_session(processes: Iterable[psutil.Process], leader: int) -> list[psutil.Process]:
    """Those in the session whose leader had this pid; the leader itself may have ended."""
    return [process for process in processes if read_or_none(partial(os.getsid, process.pid)) == leader]


def signal_all(processes: Iterable[psutil.Process], number: int) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):  # psutil compares start times first: a reused pid is never signalled
            process.send_signal(number)


def wait_gone(processes: Iterable[psutil.Process], timeout_s: float) -> list[psutil.Process]:
    """Wait until all of them have ended; return those that still run after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    left = list(processes)
    while (left := [process for process in left if is_alive(process)]) and time.monotonic() < deadline:
        time.sleep(POLL_S)
    return left


def is_alive(process: psutil.Process) -> bool:
    """Whether it runs. A zombie does not: it holds nothing, and in some containers no process reaps it."""
    with suppress(psutil.NoSuchProcess):
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    return False


def read_or_none(read: Callable[[], Value]) -> Value | None:
    """Return what `read` says of a process; None when the process has ended, or this account may not read it."""
    with suppress(psutil.Error, OSError):
        return read()
    return None
