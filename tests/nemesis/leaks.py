"""Whether processes leak: threads, open files, memory, and the sessions that Postgres counts."""

import statistics
from collections.abc import Callable, Sequence
from typing import NamedTuple

import psutil  # type: ignore[import-untyped]

from tests.nemesis.house import ELDERS, SESSIONS_MAX, House

SAMPLES_MIN = 8  # fewer show no growth
THREADS_GROW_MAX = 4
FILES_GROW_MAX = 16  # pooled connections come and go
MEMORY_GROWS_MAX_MIB = 20


class Sample(NamedTuple):
    pid: int
    threads: int
    files: int
    memory_mib: float


class Leaks:
    """Takes samples while no request is sent: compares the first of a process with its last, sessions with their limit."""

    def __init__(self, house: House, say: Callable[[str], None]) -> None:
        self._house = house
        self._say = say
        self._lives: dict[str, list[list[Sample]]] = {title: [[]] for title in ELDERS}  # samples of each process that sat there
        self._sessions: list[int] = []

    def sample(self) -> None:
        for title in ELDERS:
            process = self._house.seats[title].process
            if process is not None and process.poll() is None:
                self._note(title, sample_of(process.pid))
        self._sessions.append(self._house.count_backends())
        newest = ((title, lives[-1][-1]) for title, lives in self._lives.items() if lives[-1])
        shown = [f"{title} {one.threads} threads {one.files} files {one.memory_mib:.0f} MiB" for title, one in newest]
        self._say("  ".join(["sample:", *shown, f"postgres {self._sessions[-1]} sessions"]))

    def found(self) -> list[str]:
        """Return, in words, what grew in the longest life at each seat."""
        grown = []
        for title, lives in self._lives.items():
            samples = max(lives, key=len)
            if len(samples) >= SAMPLES_MIN:
                grown += growth(f"{title}'s threads", [one.threads for one in samples], THREADS_GROW_MAX)
                grown += growth(f"{title}'s open files", [one.files for one in samples], FILES_GROW_MAX)
                grown += growth(f"{title}'s MiB of memory", [one.memory_mib for one in samples], MEMORY_GROWS_MAX_MIB)
        return grown + excess("Postgres's sessions", self._sessions, SESSIONS_MAX)

    def _note(self, title: str, sample: Sample) -> None:
        lives = self._lives[title]
        if lives[-1] and lives[-1][-1].pid != sample.pid:
            lives.append([])
        lives[-1].append(sample)


def sample_of(pid: int) -> Sample:
    process = psutil.Process(pid)
    return Sample(pid, process.num_threads(), process.num_fds(), process.memory_info().rss / 1024**2)


def growth(what: str, values: Sequence[float], most: float) -> list[str]:
    """Compare the median of the first quarter, without the very first, with that of the last."""
    quarter = max(len(values) // 4, 1)
    first, last = statistics.median(values[1 : quarter + 1]), statistics.median(values[-quarter:])
    return [f"{what} grew from {first:.0f} to {last:.0f}, more than by {most}"] if last - first > most else []


def excess(what: str, values: Sequence[float], most: float) -> list[str]:
    """Compare the median of the last quarter with a limit: for pools that fill up slowly and then stay full."""
    last = statistics.median(values[-max(len(values) // 4, 1) :])
    return [f"{what} were {last:.0f} in the end, and may be {most}"] if last > most else []
