"""The files of a running `python -m local` in its data directory: a lock, and local.json with the URLs and the pids."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO

from local.terminal import CannotRun


@dataclass(frozen=True)
class State:
    """The contents of local.json. The pid of a server that is not embedded is null; a process that does not run has no pid."""

    api_url: str
    database_url: str
    worker_database_url: str
    deliverer_database_url: str
    admin_database_url: str
    redis_url: str
    metrics_urls: dict[str, str]
    pids: dict[str, int | list[int] | None]


@contextmanager
def locked(data_dir: Path) -> Iterator[None]:
    """Make the data directory if it is missing, and hold its lock. The kernel frees it when the process ends, also by SIGKILL."""
    with open_lock(data_dir) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            pid, url = lock.read().strip(), running_url(data_dir)
            raise CannotRun(f"already running in {data_dir} (pid {pid}){f': {url}' if url else ''}") from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def running_url(data_dir: Path) -> str | None:
    """The URL of the API that runs on this data directory; None before it has started, and where the file cannot be read."""
    with suppress(OSError, ValueError, KeyError):
        return str(json.loads((data_dir / "local.json").read_text())["api_url"])
    return None


def open_lock(data_dir: Path) -> TextIO:
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        return (data_dir / "lock").open("a+")
    except OSError as error:
        raise CannotRun(f"cannot use the data directory {data_dir}: {error.strerror}") from error


def write(data_dir: Path, state: State) -> None:
    """Replace local.json in one step. It holds passwords: only its owner may read it (mode 600)."""
    draft = data_dir / "local.json.draft"
    draft.unlink(missing_ok=True)
    with open(draft, "x", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
        json.dump(asdict(state), file, indent=2)
    draft.replace(data_dir / "local.json")


def remove(data_dir: Path) -> None:
    """Remove local.json: without the file, nothing runs."""
    (data_dir / "local.json").unlink(missing_ok=True)
