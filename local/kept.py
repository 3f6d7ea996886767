"""A process that is started again when it dies, with patience when it keeps dying."""

import signal
import time

from local.process import Child
from local.server import Server, ServerFailed
from local.terminal import say

BACKOFF_FIRST_S, BACKOFF_MAX_S = 0.5, 10.0  # a process that dies at once must not become a hot loop
STEADY_AFTER_S = 30.0  # one that lived this long has earned a quick restart


class Kept:
    """A running server or child, to be minded again and again."""

    def __init__(self, process: Server | Child) -> None:
        self.process = process
        self.started_at = time.monotonic()
        self.backoff_s = BACKOFF_FIRST_S
        self.restart_at: float | None = None

    def mind(self) -> bool:
        """Do what is due; True when that changed which pids run."""
        if self.restart_at is None:
            return not self.process.running and self.plan_restart(ending(self.process))
        return time.monotonic() >= self.restart_at and self.restart()

    def plan_restart(self, reason: str) -> bool:
        if time.monotonic() - self.started_at > STEADY_AFTER_S:
            self.backoff_s = BACKOFF_FIRST_S
        say(f"{self.process.title} {reason}; its log is {self.process.log_file}; next start in {self.backoff_s:g} s")
        self.restart_at = time.monotonic() + self.backoff_s
        self.backoff_s = min(2 * self.backoff_s, BACKOFF_MAX_S)
        return True

    def restart(self) -> bool:
        self.started_at = time.monotonic()
        try:
            self.process.start()
        except (ServerFailed, OSError) as error:
            return self.plan_restart(f"did not start: {error}")
        self.restart_at = None
        say(f"{self.process.title} runs again (pid {self.process.pid})")
        return True


def ending(process: Server | Child) -> str:
    status = process.exit_status or 0
    return f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended by itself with status {status}"
