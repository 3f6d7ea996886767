"""The memory of each process at rest, and of the API while a long backlog is queued."""

from contextlib import suppress
from dataclasses import asdict, dataclass

import psutil  # type: ignore[import-untyped]

from bench.figures import Figure, Result, Target
from bench.load import CONNECTIONS
from bench.session import Session
from bench.system import OwnSystem

MIB = 1024 * 1024
SEND_S = 5  # seconds of load at a time, until the backlog is long enough
LARGEST = Target(100.0, 70.0, at_most=True)
FLAT = Target(1.1, at_most=True)  # an allocator keeps up to a tenth more than it uses


@dataclass(frozen=True)
class Size:
    """MiB of one process: RSS counts shared pages in full, PSS its part of them (None where the kernel denies access to it)."""

    rss: float
    pss: float | None


Sizes = dict[str, list[Size]]


def measure_memory(session: Session) -> Result:
    """memory of each process before the first request, at rest after a load, and of the API beside a long backlog"""
    backlog = session.plan.backlog
    with session.own_system() as system:
        system.start_workers(session.settings.workers)
        system.start_sweeper()
        fresh = sizes(system)
        wallets = session.wallets(system)
        rest = sizes(system)
        system.stop("worker")
        system.stop("sweeper")
        while system.queued() < backlog:
            session.send(system, "uniform", wallets, SEND_S, CONNECTIONS)
        full = sizes(system)
    taken = {"fresh": fresh, "at rest": rest, "with backlog": full}
    raw = {when: {group: [asdict(size) for size in some] for group, some in groups.items()} for when, groups in taken.items()}
    return Result(figures(rest, full, backlog), raw)


def figures(rest: Sizes, full: Sizes, backlog: int) -> list[Figure]:
    api, api_full = largest(rest["API"]), largest(full["API"])
    return [
        Figure("memory_api", "RSS at rest: API", api, "MiB", target=LARGEST),
        Figure("memory_worker", "RSS at rest: largest worker", largest(rest["workers"]), "MiB", target=LARGEST),
        Figure("memory_postgres", "PSS at rest: all of Postgres", total(rest["Postgres"]), "MiB"),
        Figure("memory_redis", "RSS at rest: Redis", largest(rest["Redis"]), "MiB"),
        Figure("memory_backlog", f"RSS of the API, {backlog:,} queued", api_full, "MiB", api_full / api, "at rest", target=FLAT),
    ]


def sizes(system: OwnSystem) -> Sizes:
    """The sizes of all processes that run: sessions of Postgres may end while they are measured."""
    found = {group: [size(process) for process in running] for group, running in system.groups().items()}
    return {group: [one for one in some if one] for group, some in found.items()}


def size(process: psutil.Process) -> Size | None:
    with suppress(psutil.NoSuchProcess):
        rss = process.memory_info().rss / MIB
        with suppress(psutil.AccessDenied):
            return Size(rss, process.memory_full_info().pss / MIB)
        return Size(rss, None)
    return None


def largest(some: list[Size]) -> float:
    return max(size.rss for size in some)


def total(some: list[Size]) -> float:
    """The sum of the PSS, or of the RSS where the PSS is not accessible: then shared pages count once a process."""
    return sum(size.rss if size.pss is None else size.pss for size in some)
