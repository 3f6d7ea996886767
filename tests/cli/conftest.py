"""`teller`, called in this process beside the shared system, with a configuration of the test's own."""

import io
import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cli.__main__ import main
from core.running import DATABASES
from tests.caller import OPERATOR_KEY, Caller
from tests.sdk.drivers import PATH
from tests.system import ROOT

Teller = Callable[..., "Done"]


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def key(self) -> str:
        """The idempotency key that it has printed before its call."""
        [line] = [line for line in self.err.splitlines() if line.startswith("idempotency key ")]
        return line.removeprefix("idempotency key ")


@pytest.fixture(scope="session", autouse=True)
def heard_interrupts() -> Iterator[None]:
    """Let what is started hear SIGINT. A suite that a shell runs in the background ignores it, and its children inherit that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(autouse=True)
def _logs_stay_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """`teller db` configures the logs of its process, and here that is the process of all tests."""
    monkeypatch.setattr("core.log.configure", lambda level: None)


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No login, no system in the folder, no API in the environment."""
    for name in ("TELLER_URL", "TELLER_KEY", "TELLER_PROFILE", "TELLER_DATA_DIR", "TELLER_OPERATOR_KEY", *DATABASES):
        monkeypatch.setenv(name, "")  # so that the test's end removes it, also where the command has set it
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def command(alone: None, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Teller:
    """Call `teller` without an API in the environment. Its standard input is no terminal."""

    def call(*arguments: str, stdin: str = "") -> Done:
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        capfd.readouterr()
        status = main(arguments)
        return Done(status, *capfd.readouterr())

    return call


@pytest.fixture
def teller(command: Teller, caller: Caller, monkeypatch: pytest.MonkeyPatch) -> Teller:
    """Call `teller` as the operator of the shared system."""
    monkeypatch.setenv("TELLER_URL", caller.url)
    monkeypatch.setenv("TELLER_KEY", OPERATOR_KEY)
    return command


@pytest.fixture
def ada(caller: Caller) -> Any:
    """A client with 50 USD, and an external id."""
    client = caller.new_client("Ada", external_id=f"u-{new_name()}")
    caller.applied(caller.deposit(client["wallet"]["id"], 5000))
    return client


@pytest.fixture
def bob(caller: Caller) -> Any:
    return caller.new_client("Bob", external_id=f"u-{new_name()}")


def new_name() -> str:
    """A text that no other test has."""
    return uuid.uuid4().hex[:12]


def started(*arguments: str, url: str, terminal: int | None = None, output: int = subprocess.PIPE) -> "subprocess.Popen[str]":
    """Start `teller` as a program, which writes to `output`; with `terminal` its input and outputs are that terminal."""
    return subprocess.Popen(
        [sys.executable, "-m", "cli", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": PATH, "TELLER_URL": url, "TELLER_KEY": OPERATOR_KEY},
        stdin=subprocess.DEVNULL if terminal is None else terminal,
        stdout=output if terminal is None else terminal,
        stderr=subprocess.PIPE if terminal is None else terminal,
        text=True,
    )
