"""The common part of the embedded PostgreSQL and Redis: a process, a port, a password, a log."""

import os
import random
import secrets
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from psutil import Process  # type: ignore[import-untyped]

from local.account import Account, account_for, let_in, let_read
from local.process import ManagedProcess, family, running_in, signal_all, tail, wait_gone

START_TIMEOUT_S = 60.0  # after a crash PostgreSQL first replays its log: up to a checkpoint's distance of it
STOP_TIMEOUT_S = 30.0  # a checkpoint of all dirty pages on a slow disk
POLL_S = 0.02

# Below the ports that Linux gives outgoing connections (from 32768). Otherwise a client that reconnects to a stopped server could
# be given the port of that server as its own, and the server could not listen on it again.
PORTS = range(20_000, 32_768)


class ServerFailed(Exception):
    """A server did not start; the message names it and ends with the tail of its log."""


class PortTaken(ServerFailed):
    """Another process has taken the port since it was found free."""


class Server(ManagedProcess, ABC):
    """A server with its own data directory that listens only on 127.0.0.1, with a random password. Not thread-safe.

    A restart of the same object keeps the port, so that clients reconnect with the same URL. The server has its own session: Ctrl-C
    at the terminal does not reach it.
    """

    executable: Path
    programs: Sequence[Path]  # the folders that the server's account must be able to read

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
        """Start it if it does not run, and return when it answers. Raises ServerFailed, after which none of its processes runs."""
        if self.running:
            return
        self.open_folders()
        self._clear_remains()
        self._prepare()
        self._launch(time.monotonic() + START_TIMEOUT_S)

    def stop(self) -> None:
        """Stop it cleanly if it runs."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL to the process and all its children, and return when they have ended: this is how a power cut looks."""
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGSTOP)  # it must not start more children while they are listed
        victims = family(self._process.pid)
        self._process.kill()
        self._process.wait()
        signal_all(victims, signal.SIGKILL)
        if left := wait_gone(victims, STOP_TIMEOUT_S):
            raise ServerFailed(f"{self.title} does not die: {left}")

    @property
    def password(self) -> str:
        """The random password. The first use makes it and writes it to the data directory."""
        if not self.password_file.exists():
            self._write_private(self.password_file, secrets.token_urlsafe(24))
        return self.password_file.read_text()

    @property
    @abstractmethod
    def _work_dir(self) -> Path:
        """The working directory of the process. `processes` finds it by this folder after its supervisor has been killed."""

    def processes(self) -> list[Process]:
        """All processes that work on the data directory, also those that an earlier run has started."""
        return running_in(self._work_dir, self.executable.name)

    @abstractmethod
    def _clear_remains(self) -> None:
        """Remove what a killed server has left in the data directory. Raises ServerFailed when a server runs on it."""

    @abstractmethod
    def _prepare(self) -> None:
        """Make the files that a start needs and that are missing."""

    @abstractmethod
    def _command(self, port: int) -> Sequence[str]:
        """The command that runs the server in the foreground on this port."""

    @abstractmethod
    def _refusal(self, port: int) -> str | None:
        """Connect to the server on this port. Return None when that works, else the error."""

    def open_folders(self) -> None:
        """Make the data directory, and let the server's account into it and its programs; says what it changes. Raises OSError."""
        self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.account = account_for(self.data_dir)
        self.account.own(self.data_dir)
        let_in(self.account, self.data_dir)
        for folder in self.programs:
            let_read(self.account, folder)

    def _launch(self, deadline: float) -> None:
        while True:
            port = self._port or free_port()
            try:
                self._launch_on(port, deadline)
            except PortTaken:
                if time.monotonic() > deadline:
                    raise
                time.sleep(POLL_S)  # a restart needs the same port: the process that has it now may close it
            else:
                self._port = port
                return

    def _launch_on(self, port: int, deadline: float) -> None:
        with open(self.log_file, "ab", opener=open_private) as log:
            log_start = log.tell()
            self._process = subprocess.Popen(  # noqa: S603 - the command is made here
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
                raise ServerFailed(f"{self.title} refuses the connection: {refusal}\n{tail(self.log_file, log_start)}")
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
        """Write a file that only the server's account (and root) can read, in one step: all of the text, or nothing."""
        draft = path.with_name(f"{path.name}.{os.getpid()}.draft")
        draft.unlink(missing_ok=True)
        with open(draft, "x", opener=open_private) as file:
            file.write(text)
        self.account.own(draft)
        draft.replace(path)


# Without the caller's environment: an exported PGDATA, PGPORT or locale would change the embedded server.
SERVER_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def package_folder(name: str) -> Path:
    """The folder of an installed package. The package is not imported: only its programs are used."""
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise ImportError(f"{name} is not installed")
    return Path(spec.origin).parent


def open_private(path: str, flags: int) -> int:
    """An opener for open(). The server's account may write to the folder: root must not follow a symbolic link in it."""
    return os.open(path, flags | os.O_NOFOLLOW, 0o600)


def free_port() -> int:
    """Return a port on which no process listened a moment ago; another process may still take it first."""
    while is_taken(port := random.choice(PORTS)):  # noqa: S311 - not a secret
        pass
    return port


def free_ports(number: int) -> range:
    """Return so many ports in a row on which no process listened a moment ago."""
    while any(map(is_taken, found := range(first := random.choice(PORTS[:-number]), first + number))):  # noqa: S311 - not a secret
        pass
    return found


def is_taken(port: int) -> bool:
    """Whether a server could not listen on 127.0.0.1 at this port now."""
    return errno_of(port) is not None


def errno_of(port: int) -> int | None:
    """Why a server could not listen on 127.0.0.1 at this port now; None when it could."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: closed connections do not count
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            return error.errno
        return None
