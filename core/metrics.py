"""The metrics: what is counted, and under which name. docs/reference/metrics.md says what each one means.

They are counted a batch, never a request: `inc(n)` costs about a microsecond, a hundred transfers no more than one. All are defined
here but those of the problems (api/http/problems.py), and counted where it happens: `metrics.DOORBELLS["lost"].inc(2)`.
core/exposition.py shows them to Prometheus: of each process those that it counts, by COUNTED_BY.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, disable_created_metrics

from core.ledger.kinds import KINDS
from core.ledger.refusals import Refusal
from core.version import VERSION

FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # read by prometheus_client when it is imported

SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
ATTEMPT_SECONDS = (*SECONDS[1:], 10, 20)  # the longest attempt takes 15 s

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

disable_created_metrics()  # type: ignore[no-untyped-call]
REGISTRY: Final = CollectorRegistry()


def counters(name: str, help: str, label: str, values: Iterable[str]) -> Mapping[str, Counter]:
    """Return a counter for each value of the label. All exist from the start: Prometheus sees no increase in a first sample."""
    counter = Counter(name, help, [label], registry=REGISTRY)
    return {value: counter.labels(value) for value in values}


Gauge(
    "teller_build_info", "The version that runs", ["version"], registry=REGISTRY, multiprocess_mode="max"
).labels(VERSION).set(1)  # fmt: skip

ACCEPTED = counters("teller_transfers_accepted_total", "Transfers and deposits stored for the first time", "type", KINDS)
REPLAYED = Counter("teller_transfers_replayed_total", "Repeated requests answered with what exists already", registry=REGISTRY)
APPLIED = Counter("teller_transfers_applied_total", "Transfers and deposits applied", registry=REGISTRY)
REJECTED = counters("teller_transfers_rejected_total", "Transfers and deposits rejected", "code", Refusal)
CANCELED = Counter("teller_transfers_canceled_total", "Transfers canceled before they were applied", registry=REGISTRY)

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

# Which process counts what: the others would show it as 0 for ever. Without `_total`, as prometheus_client names a counter.
LEDGER = (
    *("teller_transfers_applied", "teller_transfers_rejected", "teller_drain_batch_transfers", "teller_drain_batch_seconds"),
    "teller_doorbells",
)
COUNTED_BY: Final[Mapping[str, frozenset[str]]] = {
    "api": frozenset(
        {
            *("teller_transfers_accepted", "teller_transfers_replayed", "teller_transfers_canceled", "teller_problems"),
            *("teller_intake_batch_transfers", "teller_intake_batch_seconds", "teller_doorbells", "teller_connections_cut"),
            *("teller_waiters", "teller_database_connections", "teller_database_connections_awaited"),
        }
    ),
    "apply": frozenset(LEDGER),
    "sweep": frozenset(LEDGER),
    "deliver": frozenset(
        {
            *("teller_deliveries", "teller_delivery_seconds", "teller_deliveries_in_flight", "teller_deliveries_late_seconds"),
            "teller_endpoints_disabled",
        }
    ),
}
OF_ALL: Final = ("teller_build_info", "process_")  # prefixes of what each of them shows

if FOLDER not in os.environ:  # of several processes, one cannot report the processor time and the memory of all
    ProcessCollector(registry=REGISTRY)


def count_drained(refusals: Sequence[Refusal | None], seconds: float) -> None:
    """Count a committed drain, by each transfer's refusal; None means applied."""
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
