"""The seconds and the counts of a run: of the full one, and of a quick one with which the benchmarks are tried out."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    pgbench_s: int
    pgbench_warm_s: int  # not measured: the first change of each page after a checkpoint writes the whole page to the log
    warm_s: int  # not measured: connections, prepared statements and caches of each system
    load_s: int  # of a load whose reference is pgbench
    paired_s: int  # of a load whose reference is another load
    wallets: int
    backlog: int
    workers_backlog: int
    latency_s: int
    stock_wallets: int
    stock_transfers: int
    burst_s: int
    dead_rows: int  # of the queue, while a snapshot is held
    due: int  # holds that end within `ends_within_s`; and scheduled transfers for one instant
    ends_within_s: int
    beside_s: int  # of the load beside the scheduled ones, and of those without anything due
    dead_rows_chunk: int  # made at a time; a worker drains some transfers after each, as it would have in production


FULL = Plan(
    pgbench_s=5,
    pgbench_warm_s=10,
    warm_s=2,
    load_s=12,
    paired_s=6,
    wallets=1_000,
    backlog=100_000,
    workers_backlog=50_000,
    latency_s=10,
    stock_wallets=100_000,
    stock_transfers=1_000_000,
    burst_s=8,
    due=100_000,
    ends_within_s=60,
    beside_s=12,
    dead_rows=10_000_000,
    dead_rows_chunk=1_000_000,
)

QUICK = Plan(
    pgbench_s=1,
    pgbench_warm_s=1,
    warm_s=1,
    load_s=2,
    paired_s=2,
    wallets=1_000,
    backlog=10_000,
    workers_backlog=10_000,
    latency_s=2,
    stock_wallets=2_000,
    stock_transfers=20_000,
    burst_s=2,
    due=2_000,
    ends_within_s=4,
    beside_s=3,
    dead_rows=100_000,
    dead_rows_chunk=50_000,
)
