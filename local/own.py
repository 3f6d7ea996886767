"""What all processes that we start have in common, servers and children alike."""

import subprocess
from pathlib import Path


class OwnProcess:
    """A process of ours that may be started, may die, and may be started again."""

    title: str
    log_file: Path
    _process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def exit_status(self) -> int | None:
        """As subprocess has it: negative for a signal; None while it runs."""
        return self._process.poll() if self._process else None

    @property
    def pid(self) -> int:
        """The pid of the (main) process, also shortly after it died."""
        if self._process is None:
            raise RuntimeError(f"{self.title} was not started")
        return self._process.pid
