"""The measurements, in the order in which they are taken. The docstring of each is its line in `python -m bench --list`."""

from collections.abc import Callable, Mapping

from bench.burst import measure_burst
from bench.conditions import measure_large, measure_skew, measure_workers
from bench.console import measure_console
from bench.figures import Result
from bench.latency import measure_latency
from bench.memory import measure_memory
from bench.session import Session
from bench.snapshot import measure_snapshot
from bench.throughput import measure_batch, measure_drain, measure_get, measure_pgbench, measure_single
from bench.verbs import measure_verbs

MEASUREMENTS: Mapping[str, Callable[[Session], Result]] = {
    "pgbench": measure_pgbench,
    "single": measure_single,
    "batch": measure_batch,
    "drain": measure_drain,
    "burst": measure_burst,
    "get": measure_get,
    "verbs": measure_verbs,
    "latency": measure_latency,
    "skew": measure_skew,
    "workers": measure_workers,
    "snapshot": measure_snapshot,
    "memory": measure_memory,
    "large": measure_large,
    "console": measure_console,
}


def describe(name: str) -> str:
    return (MEASUREMENTS[name].__doc__ or "").strip()
