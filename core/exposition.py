"""The exposition: shows the metrics to Prometheus, over HTTP or in a file, for one process or for all processes of an API.

The processes of one API share a folder of counters (prometheus_client's multiprocess mode), so that any of them answers a scrape
for all: see `shared`.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest, start_http_server, write_to_textfile
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from core import log
from core.metrics import COUNTED_BY, FOLDER, OF_ALL, REGISTRY

__all__ = ["CONTENT_TYPE", "family", "level", "serve", "shared", "text", "write"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
FOLDER_PREFIX = "teller-metrics-"

logger = log.get(__name__)


class StaticCollector:
    """Metrics that were looked up for one scrape, and not counted."""

    def __init__(self, families: Sequence[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        yield from self._families


class Counted:
    """Of a registry, what this process counts: a key of COUNTED_BY."""

    def __init__(self, registry: CollectorRegistry, process: str) -> None:
        self._registry = registry
        self._names = COUNTED_BY[process]

    def collect(self) -> Iterator[Metric]:
        for metric in self._registry.collect():
            if metric.name in self._names or metric.name.startswith(OF_ALL):
                yield metric


def family(name: str, help: str, label: str, values: Mapping[str, float]) -> Metric:
    """Return a gauge that was looked up, with a sample for each value of the label."""
    made = GaugeMetricFamily(name, help, labels=[label])
    for value, number in values.items():
        made.add_metric([value], number)
    return made


def level(name: str, help: str, number: float) -> Metric:
    """Return a gauge without a label."""
    return GaugeMetricFamily(name, help, value=number)


def write(file: Path, families: Sequence[Metric]) -> None:
    """Write these metrics for node_exporter's textfile collector, by renaming a complete file. Raises OSError."""
    registry = CollectorRegistry()
    registry.register(StaticCollector(families))
    write_to_textfile(str(file), registry)


def text(looked_up: Sequence[Metric]) -> bytes:
    """Return what the API counted, and what was looked up, in Prometheus' text format. Reads files: not for the event loop."""
    registry = shared_registry(Path(os.environ[FOLDER])) if FOLDER in os.environ else REGISTRY
    shown = CollectorRegistry()
    shown.register(Counted(registry, "api"))
    shown.register(StaticCollector(looked_up))
    return generate_latest(shown)


def shared_registry(folder: Path) -> CollectorRegistry:
    """Return the counters of all processes of this folder, also of dead ones, and the gauges of the living ones."""
    for file in folder.glob("gauge_livesum_*.db"):
        pid = int(file.stem.rpartition("_")[2])
        if not is_alive(pid):
            mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    MultiProcessCollector(registry, str(folder))  # type: ignore[no-untyped-call]
    return registry


@contextmanager
def shared() -> Iterator[None]:
    """Let the processes that start within this context count together, in a folder that is removed at its end.

    It also removes the folder of a process that was killed.
    """
    for folder in Path(tempfile.gettempdir()).glob(f"{FOLDER_PREFIX}*"):
        pid = folder.name.removeprefix(FOLDER_PREFIX).partition("-")[0]
        if pid.isdecimal() and not is_alive(int(pid)):
            shutil.rmtree(folder, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=f"{FOLDER_PREFIX}{os.getpid()}-", ignore_cleanup_errors=True) as made:
        os.environ[FOLDER] = made
        try:
            yield
        finally:
            del os.environ[FOLDER]


def serve(process: str, host: str, port: int | None) -> None:
    """Answer scrapes of this process, a key of COUNTED_BY, on a thread of its own; without a port, do nothing.

    A port that is taken is logged, and does not stop the process: transfers are applied without metrics too.
    """
    if port is None:
        return
    shown = CollectorRegistry()
    shown.register(Counted(REGISTRY, process))
    try:
        start_http_server(port, host, shown)
    except OSError as error:
        logger.warning("metrics are not served", port=port, reason=error.strerror)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
