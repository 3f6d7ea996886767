"""Loop control of all worker processes: a stop flag set by signals, a heartbeat file, a sleep that a stop interrupts."""

import signal
import time
from pathlib import Path
from types import FrameType

from core import log

STEP_S = 0.1  # a guess; a pause notices a stop within this time

logger = log.get(__name__)


class Heartbeat:
    """A file that each turn of a loop touches. A health check reads its age: an old file means that the loop hangs."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._is_missed = False

    def beat(self) -> None:
        """Touch the file. A fault is logged once, and the loop goes on. The health check may end a process with an old file."""
        if self._file is None:
            return
        try:
            self._file.touch()
        except OSError as error:
            if not self._is_missed:
                self._is_missed = True  # a loop may turn many times a second
                logger.warning("heartbeat not written", kind=type(error).__name__)


class StopFlag:
    """A flag that asks a loop to end, with the loop's heartbeat and its interruptible sleep."""

    def __init__(self, heartbeat_file: Path | None = None) -> None:
        self.stopping = False
        self._heartbeat = Heartbeat(heartbeat_file)

    def goes_on(self) -> bool:
        """Return whether the loop goes on. Call it once a turn: it writes the heartbeat."""
        self._heartbeat.beat()
        return not self.stopping

    def pause(self, seconds: float) -> None:
        """Sleep for so long, or until a stop."""
        deadline = time.monotonic() + seconds
        while not self.stopping and (remaining_s := deadline - time.monotonic()) > 0:
            time.sleep(min(remaining_s, STEP_S))


class Process(StopFlag):
    """The stop flag of a process. SIGTERM and SIGINT set it, and loops read it between transactions: no statement is interrupted.

    A second signal changes nothing. A running transaction ends within seconds by its own limits.
    """

    def __init__(self, heartbeat_file: Path | None) -> None:
        super().__init__(heartbeat_file)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self.stopping = True
