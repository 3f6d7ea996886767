"""What every worker process shares: how it is asked to stop, and how it shows that it is alive."""

import signal
import time
from pathlib import Path
from types import FrameType

from core import log

STEP_S = 0.1  # how soon a pause notices a stop

logger = log.get(__name__)


class Heartbeat:
    """A file that is touched by each turn of a loop: its age shows a health check that the loop still turns."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._is_missed = False

    def beat(self) -> None:
        """Touch the file. A fault is logged once and ends nothing: the health check may end a process whose file grows old."""
        if self._file is None:
            return
        try:
            self._file.touch()
        except OSError as error:
            if not self._is_missed:
                self._is_missed = True  # logged once: a loop turns many times a second
                logger.warning("heartbeat not written", kind=type(error).__name__)


class StopFlag:
    """Loop control: a flag that asks the loop to end, a heartbeat file, and a sleep that a stop interrupts."""

    def __init__(self, heartbeat_file: Path | None = None) -> None:
        self.stopping = False
        self._heartbeat = Heartbeat(heartbeat_file)

    def goes_on(self) -> bool:
        """Return whether the loop goes on. Call it once a turn: it writes the heartbeat."""
        self._heartbeat.beat()
        return not self.stopping

    def pause(self, seconds: float) -> None:
        """Sleep, but not past a stop."""
        deadline = time.monotonic() + seconds
        while not self.stopping and (left := deadline - time.monotonic()) > 0:
            time.sleep(min(left, STEP_S))


class Process(StopFlag):
    """SIGTERM and SIGINT only set the flag, which is read between transactions: no statement is interrupted.

    A second signal changes nothing. What is under way ends within seconds by its own limits.
    """

    def __init__(self, heartbeat_file: Path | None) -> None:
        super().__init__(heartbeat_file)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self.stopping = True
