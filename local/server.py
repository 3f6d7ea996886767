"""What PostgreSQL and Redis have in common when we run them ourselves: our own child process, a port, a password, a log."""

import os
import secrets
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from psutil import Process  # type: ignore[import-untyped]

from local import processes
from local.account import Account, account_for, let_in
from local.logs import tail
from local.own import OwnProcess
from local.ports import free_port

START_TIMEOUT_S = 60.0  # after a crash PostgreSQL first replays its log, and that takes as long as it takes
STOP_TIMEOUT_S = 30.0  # a checkpoint of all dirty pages on a slow disk
POLL_S = 0.02


class ServerFailed(Exception):
    """A server did not start; the message says which and ends with the tail of its log."""


class PortTaken(ServerFailed):
    """Somebody else was quicker to take the port."""


class Server(OwnProcess, ABC):
    """A server in a data directory of its own, listening on 127.0.0.1 alone, with a random password.

    Started again, the same object keeps its port, so that clients find it again by themselves. It runs in a session of its own: a
    terminal's Ctrl-C does not reach it. Not thread-safe.
    """

    executable: Path

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir.resolve()
        self.log_file = self.data_dir / f"{self.executable.name}.log"
        self.password_file = self.data_dir / "password"
        self.account = Account(None, None)
        self._port: int | None = None

    @property
    def port(self) -> int:
        if self._port is None:
            raise RuntimeError(f"{self.title} was not started")
        return self._port

    def start(self) -> None:
        """Start it and return when it answers; does nothing when it runs. Raises ServerFailed, and then nothing is left running."""
        if self.running:
            return
        self._make_data_dir()
        self._clear_remains()
        self._prepare()
        self._launch(time.monotonic() + START_TIMEOUT_S)

    def stop(self) -> None:
        """Stop it cleanly; does nothing when it does not run."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL, for the process and all its children, as a power cut would; returns when they are gone."""
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGSTOP)  # so that it has no more children while we look for them
        victims = processes.family(self._process.pid)
        self._process.kill()
        self._process.wait()
        processes.signal_all(victims, signal.SIGKILL)
        if left := processes.wait_gone(victims, STOP_TIMEOUT_S):
            raise ServerFailed(f"{self.title} does not die: {left}")

    @property
    def password(self) -> str:
        """The random password, made at the first use and kept in the data directory."""
        if not self.password_file.exists():
            self._write_private(self.password_file, secrets.token_urlsafe(24))
        return self.password_file.read_text()

    @property
    @abstractmethod
    def _work_dir(self) -> Path:
        """Where the process stands; by this it is found again when we lost it."""

    def processes(self) -> list[Process]:
        """All processes that have the data directory open, whoever started them."""
        return processes.running_in(self._work_dir, self.executable.name)

    @abstractmethod
    def _clear_remains(self) -> None:
        """Deal with what a killed predecessor left in the data directory."""

    @abstractmethod
    def _prepare(self) -> None:
        """Make whatever a start needs and is not there yet."""

    @abstractmethod
    def _command(self, port: int) -> Sequence[str]:
        """The command that runs the server in the foreground on this port."""

    @abstractmethod
    def _refusal(self, port: int) -> str | None:
        """None when the server on this port lets us in, else its reason."""

    def _make_data_dir(self) -> None:
        self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.account = account_for(self.data_dir)
        self.account.own(self.data_dir)
        let_in(self.account, self.data_dir)

    def _launch(self, deadline: float) -> None:
        while True:
            port = self._port or free_port()
            try:
                self._launch_on(port, deadline)
            except PortTaken:
                if time.monotonic() > deadline:
                    raise
                time.sleep(POLL_S)  # our own port again: whoever has it now may give it back
            else:
                self._port = port
                return

    def _launch_on(self, port: int, deadline: float) -> None:
        with open(self.log_file, "ab", opener=open_private) as log:
            log_start = log.tell()
            self._process = subprocess.Popen(  # noqa: S603 - a program of our own choosing
                self._command(port),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._work_dir,
                env=SERVER_ENVIRONMENT,
                start_new_session=True,
                user=self.account.uid,
                group=self.account.gid,
                extra_groups=self.account.groups,
            )
        try:
            self._wait_until_it_answers(port, deadline, log_start)
        except BaseException:
            self.kill()
            raise

    def _wait_until_it_answers(self, port: int, deadline: float, log_start: int) -> None:
        while self.running:
            refusal = self._refusal(port)
            if refusal is None:
                return
            if time.monotonic() > deadline:
                raise ServerFailed(f"{self.title} does not let us in: {refusal}\n{tail(self.log_file, log_start)}")
            time.sleep(POLL_S)
        ended_with = tail(self.log_file, log_start)
        failure = PortTaken if "Address already in use" in ended_with else ServerFailed
        raise failure(f"{self.title} did not start (its log is {self.log_file}):\n{ended_with}")

    def _end(self, number: int) -> None:
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            self._process.send_signal(number)
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.kill()

    def _write_private(self, path: Path, text: str) -> None:
        """Write a file that only the server's account (and root) can read, all of it or nothing."""
        draft = path.with_name(f"{path.name}.{os.getpid()}.draft")
        draft.unlink(missing_ok=True)
        with open(draft, "x", opener=open_private) as file:
            file.write(text)
        self.account.own(draft)
        draft.replace(path)


# Nothing of the caller's: a PGDATA, PGPORT or locale that somebody has exported must not reach a server of ours.
SERVER_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def package_folder(name: str) -> Path:
    """Where an installed package is. It is not imported: all we want of it are its programs."""
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise ImportError(f"{name} is not installed")
    return Path(spec.origin).parent


def open_private(path: str, flags: int) -> int:
    """An opener for open(). The folder belongs to the server's account: root must not follow a link that lies there."""
    return os.open(path, flags | os.O_NOFOLLOW, 0o600)
