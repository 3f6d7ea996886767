"""The drivers: for each SDK a process that performs calls which it reads from its standard input. sdk/cases/README.md says how."""

import itertools
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PATH = os.pathsep.join([str(ROOT), str(ROOT / "sdk" / "python" / "src")])
ANSWERS_WITHIN_S = 60.0

PYTHON = (sys.executable, "-m", "tests.sdk.driver")
COMMANDS: Mapping[str, Sequence[str]] = {
    "python": (*PYTHON, "sync"),
    "python-async": (*PYTHON, "async"),
    "typescript": ("node", "sdk/typescript/.test/driver.js"),
}


class Driver:
    """A running driver. For several threads: each waits for the answer to its own call."""

    def __init__(self, command: Sequence[str]) -> None:
        self._process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, "PYTHONPATH": PATH}, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._waiting: dict[int, queue.SimpleQueue[dict[str, Any]]] = {}
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def call(
        self,
        url: str,
        call: str,
        args: Mapping[str, Any],
        *,
        key: str = "case-key",
        options: Mapping[str, Any] | None = None,
        then: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Return the driver's answer: {"ok": …} or {"error": …}, and "hook"."""
        mine: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        stdin = self._process.stdin
        assert stdin is not None
        with self._lock:
            number = next(self._numbers)
            self._waiting[number] = mine
            asked = {"id": number, "url": url, "key": key, "options": options or {}, "call": call, "args": args}
            asked["then"] = then or {}
            stdin.write(json.dumps(asked).encode() + b"\n")
            stdin.flush()
        return mine.get(timeout=ANSWERS_WITHIN_S)

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            answer = json.loads(line)
            self._waiting.pop(answer["id"]).put(answer)
