"""What every worker process shares: how it is asked to stop, and how it shows that it is alive."""

import signal
import time
from pathlib import Path
from types import FrameType

from core import log

STEP_S = 0.1  # how soon a pause notices a stop

logger = log.get(__name__)


class Rounds:
    """Whoever goes round in a loop asks here, each time, whether to go on."""

    def __init__(self, heartbeat_file: Path | None = None) -> None:
        self.stopping = False
        self._heartbeat_file = heartbeat_file
        self._is_missed = False

    def goes_on(self) -> bool:
        """Tell whether to go on. Asked in every round: the heartbeat file's age shows a health check that the loop goes round."""
        if self._heartbeat_file is not None:
            self._beat(self._heartbeat_file)
        return not self.stopping

    def _beat(self, file: Path) -> None:
        """Whoever reads the file takes a process that cannot write it for dead, and may end it; that is not for itself to do."""
        try:
            file.touch()
        except OSError as error:
            if not self._is_missed:
                self._is_missed = True  # said once: there are many rounds a second
                logger.warning("heartbeat not written", kind=type(error).__name__)

    def pause(self, seconds: float) -> None:
        """Sleep, but not past a stop."""
        deadline = time.monotonic() + seconds
        while not self.stopping and (left := deadline - time.monotonic()) > 0:
            time.sleep(min(left, STEP_S))


class Process(Rounds):
    """SIGTERM and SIGINT only set a flag, which is asked between transactions: nothing is ever broken off.

    A second signal changes nothing. What is under way ends within seconds by its own limits.
    """

    def __init__(self, heartbeat_file: Path | None) -> None:
        super().__init__(heartbeat_file)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self.stopping = True
