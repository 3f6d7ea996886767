"""The processor cores that this process may use, and the default number of API processes that follows from them."""

import math
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath

# The API uses about half of the processor time of a transfer, so more than one process a core would never be busy at once. Four
# processes and their parent (85 MiB each) fit into the containers' 512 MiB, and hold 40 connections to PostgreSQL.
API_PROCESSES_MAX = 4

MEMBERSHIP = Path("/proc/self/cgroup")
GROUPS = Path("/sys/fs/cgroup")


def default_api_processes() -> int:
    """Return one process a usable core, at most 4."""
    return min(usable(), API_PROCESSES_MAX)


def usable(membership: Path = MEMBERSHIP, groups: Path = GROUPS) -> int:
    """Return the number of cores that this process may use: its affinity, or fewer where a control group limits it; at least 1.

    A limit of 1.5 cores counts as 2, as in Java. Reads `cpu.max` (version 2) and `cpu.cfs_quota_us` (version 1) of the process's
    own group and of each group above it (https://docs.kernel.org/admin-guide/cgroup-v2.html). Without control groups (macOS),
    only the affinity counts.
    """
    return max(1, min([allowed(), *map(math.ceil, limits(membership, groups))]))


def allowed() -> int:
    """Return the number of cores in this process's affinity; of the machine, where the system has no affinity."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def limits(membership: Path, groups: Path) -> Iterator[float]:
    """Yield the limits of processor time, in cores. In a container the path may be the host's: its own group is the root then."""
    for controllers, path in memberships(membership):
        mounted = groups / "cpu" if "cpu" in controllers else groups
        for group in (path, *path.parents):
            folder = mounted / group.relative_to("/")
            with suppress(OSError, ValueError):
                yield limit_of_version_1(folder) if "cpu" in controllers else limit_of_version_2(folder)


def memberships(file: Path) -> Iterator[tuple[list[str], PurePosixPath]]:
    """Yield the controllers and the path of each group that limits this process. Version 2 lists no controllers."""
    with suppress(OSError):
        for line in file.read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers == "" or "cpu" in controllers.split(","):
                yield controllers.split(",") if controllers else [], PurePosixPath(path)


def limit_of_version_2(folder: Path) -> float:
    """Return the limit of a control group of version 2, in cores. Raises OSError or ValueError where there is none."""
    quota, period = (folder / "cpu.max").read_text().split()
    return int(quota) / int(period)  # "max" is no number


def limit_of_version_1(folder: Path) -> float:
    """Return the limit of a control group of version 1, in cores. Raises OSError or ValueError where there is none."""
    quota, period = (int((folder / f"cpu.cfs_{name}_us").read_text()) for name in ("quota", "period"))
    if quota <= 0:
        raise ValueError("no limit")
    return quota / period
