"""What people have done in this console since it started. The log of the process has all of it, and lasts longer."""

from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

KEPT_MAX = 200  # some 50 kB
SHOWN = 20


@dataclass(frozen=True)
class Deed:
    """An action with its title, the id of its subject, the name of the person's key, and how it ended."""

    at: str
    person: str
    title: str
    subject: str
    outcome: str


class Journal:
    """The newest KEPT_MAX deeds."""

    def __init__(self) -> None:
        self._deeds: deque[Deed] = deque(maxlen=KEPT_MAX)

    def add(self, person: str, title: str, subject: str, outcome: str) -> None:
        self._deeds.appendleft(Deed(datetime.now(UTC).isoformat(), person, title, subject, outcome))

    def newest(self) -> list[Deed]:
        return list(islice(self._deeds, SHOWN))
