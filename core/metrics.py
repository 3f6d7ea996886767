"""The edge to Prometheus: what is counted, by whom it is read. docs/reference/metrics.md says what each metric means.

Counted a batch, never a request: `inc(n)` costs about a microsecond, a hundred transfers no more than one. What is counted is
defined here, but for the problems (api/http/problems.py), and counted where it happens: `metrics.DOORBELLS["lost"].inc(2)`.

Several processes of one API share a folder of counters (prometheus_client's multiprocess mode), so that whichever answers a scrape
answers for all of them: see `shared`.
"""

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
    start_http_server,
    write_to_textfile,
)
from prometheus_client import disable_created_metrics as leave_out_times_of_birth
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from core import log
from core.ledger.kinds import KINDS
from core.ledger.refusals import Refusal
from core.version import VERSION

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # read by prometheus_client when it is imported
FOLDER_PREFIX = "teller-metrics-"

SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
ATTEMPT_SECONDS = (*SECONDS[1:], 10, 20)  # the longest takes 15

# The outcome of an attempt at a webhook: a 2xx, the class of another status, or the fault that worker/webhooks/send.py names.
ATTEMPT_OUTCOMES = (
    "succeeded",
    "3xx",
    "4xx",
    "5xx",
    "url_forbidden",
    "name_not_found",
    "address_forbidden",
    "not_connected",
    "tls_failed",
    "disconnected",
    "answer_invalid",
    "answer_too_large",
    "timed_out",
)

logger = log.get(__name__)

leave_out_times_of_birth()  # type: ignore[no-untyped-call]
REGISTRY: Final = CollectorRegistry()


def counters(name: str, help: str, label: str, values: Iterable[str]) -> Mapping[str, Counter]:
    """Return a counter for each value of the label. All are there from the start: an increase from nothing would not be seen."""
    counter = Counter(name, help, [label], registry=REGISTRY)
    return {value: counter.labels(value) for value in values}


Gauge(
    "teller_build_info", "The version that runs", ["version"], registry=REGISTRY, multiprocess_mode="max"
).labels(VERSION).set(1)  # fmt: skip

ACCEPTED = counters("teller_transfers_accepted_total", "Transfers and deposits stored for the first time", "type", KINDS)
REPLAYED = Counter("teller_transfers_replayed_total", "Repeated requests answered with what exists already", registry=REGISTRY)
APPLIED = Counter("teller_transfers_applied_total", "Transfers and deposits applied", registry=REGISTRY)
REJECTED = counters("teller_transfers_rejected_total", "Transfers and deposits rejected", "code", Refusal)

INTAKE_TRANSFERS = Histogram(
    "teller_intake_batch_transfers", "Requests that one INSERT was made for", registry=REGISTRY, buckets=SIZES
)
INTAKE_SECONDS = Histogram(
    "teller_intake_batch_seconds", "Time from an INSERT's begin to its COMMIT", registry=REGISTRY, buckets=SECONDS
)
DRAIN_TRANSFERS = Histogram("teller_drain_batch_transfers", "Transfers that one drain made final", registry=REGISTRY, buckets=SIZES)
DRAIN_SECONDS = Histogram(
    "teller_drain_batch_seconds", "Time from a drain's begin to its COMMIT", registry=REGISTRY, buckets=SECONDS
)

DOORBELLS = counters("teller_doorbells_total", "Shards rung for", "outcome", ("rung", "coalesced", "lost", "refused"))

DELIVERIES = counters("teller_deliveries_total", "Attempts to deliver a webhook", "outcome", ATTEMPT_OUTCOMES)
DELIVERY_SECONDS = Histogram(
    "teller_delivery_seconds", "Time that an attempt to deliver a webhook took", registry=REGISTRY, buckets=ATTEMPT_SECONDS
)
DELIVERIES_IN_FLIGHT = Gauge(
    "teller_deliveries_in_flight", "Webhooks on their way now", registry=REGISTRY, multiprocess_mode="livesum"
)
DELIVERIES_LATE = Gauge(
    "teller_deliveries_late_seconds",
    "How long the webhook that is sent next has been due",
    registry=REGISTRY,
    multiprocess_mode="livemax",
)

CONNECTIONS_CUT = counters(
    "teller_connections_cut_total",
    "Callers' connections that the API closed without an answer",
    "reason",
    ("silent", "unread", "unwanted", "crowded"),
)

ENDPOINTS_DISABLED = counters(
    "teller_endpoints_disabled_total", "Webhook endpoints disabled by the deliverer", "reason", ("gone", "failing")
)

WAITERS = Gauge("teller_waiters", "Requests that wait for an outcome now", registry=REGISTRY, multiprocess_mode="livesum")
CONNECTIONS = Gauge(
    "teller_database_connections",
    "The API's connections to Postgres now",
    ["state"],
    registry=REGISTRY,
    multiprocess_mode="livesum",
)
CONNECTIONS_AWAITED = Gauge(
    "teller_database_connections_awaited",
    "What waits for a free connection now",
    registry=REGISTRY,
    multiprocess_mode="livesum",
)

if FOLDER not in os.environ:  # one process cannot speak of the processor time and the memory of all
    ProcessCollector(registry=REGISTRY)


def count_drained(refusals: Sequence[Refusal | None], seconds: float) -> None:
    """Count a drain that was committed, by each transfer's refusal, None where it was applied."""
    rejected = [refusal for refusal in refusals if refusal is not None]
    APPLIED.inc(len(refusals) - len(rejected))
    for refusal in rejected:
        REJECTED[refusal].inc()
    DRAIN_TRANSFERS.observe(len(refusals))
    DRAIN_SECONDS.observe(seconds)


def count_attempt(outcome: str, seconds: float) -> None:
    """Count an attempt to deliver a webhook, by one of ATTEMPT_OUTCOMES."""
    DELIVERIES[outcome].inc()
    DELIVERY_SECONDS.observe(seconds)


class Looked:
    """What is looked up for one scrape, instead of being counted."""

    def __init__(self, families: Sequence[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        yield from self._families


def family(name: str, help: str, label: str, values: Mapping[str, float]) -> Metric:
    """Return a gauge that has been looked up, with a value for each of the label's."""
    made = GaugeMetricFamily(name, help, labels=[label])
    for value, number in values.items():
        made.add_metric([value], number)
    return made


def level(name: str, help: str, number: float) -> Metric:
    """Return a gauge without a label."""
    return GaugeMetricFamily(name, help, value=number)


def write(file: Path, families: Sequence[Metric]) -> None:
    """Write these, at once and whole, for node_exporter's textfile collector. Raises OSError."""
    registry = CollectorRegistry()
    registry.register(Looked(families))
    write_to_textfile(str(file), registry)


def exposition(looked_up: Sequence[Metric]) -> bytes:
    """Return what has been counted, and what has been looked up, in Prometheus' text format. Reads files: not for an event loop."""
    registry = shared_registry(Path(os.environ[FOLDER])) if FOLDER in os.environ else REGISTRY
    looked = CollectorRegistry()
    looked.register(Looked(looked_up))
    return generate_latest(registry) + generate_latest(looked)


def shared_registry(folder: Path) -> CollectorRegistry:
    """Return what all processes of this folder have counted, the dead included; of what they held, the living's alone."""
    for file in folder.glob("gauge_livesum_*.db"):
        pid = int(file.stem.rpartition("_")[2])
        if not is_alive(pid):
            mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    MultiProcessCollector(registry, str(folder))  # type: ignore[no-untyped-call]
    return registry


@contextmanager
def shared() -> Iterator[None]:
    """Let the processes that are started meanwhile count together, in a folder that is gone afterwards.

    A folder whose process was killed is taken away by the next one that starts.
    """
    for left in Path(tempfile.gettempdir()).glob(f"{FOLDER_PREFIX}*"):
        pid = left.name.removeprefix(FOLDER_PREFIX).partition("-")[0]
        if pid.isdecimal() and not is_alive(int(pid)):
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=f"{FOLDER_PREFIX}{os.getpid()}-", ignore_cleanup_errors=True) as folder:
        os.environ[FOLDER] = folder
        try:
            yield
        finally:
            del os.environ[FOLDER]


def serve(host: str, port: int | None) -> None:
    """Answer scrapes of this process on a thread of its own, if there is a port. Money moves also where that cannot be."""
    if port is None:
        return
    try:
        start_http_server(port, host, REGISTRY)
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
