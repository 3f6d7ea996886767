"""How long and how much: the full run, and a quick one for working on the benchmarks themselves."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    pgbench_s: int
    pgbench_warm_s: int  # the first touch of each page after a checkpoint is dear: not measured
    warm_s: int  # each system's connections, statements and caches
    load_s: int  # where pgbench is the reference
    paired_s: int  # where one load is compared with another
    wallets: int
    backlog: int
    workers_backlog: int
    latency_s: int
    stock_wallets: int
    stock_transfers: int
    burst_s: int
    dead_rows: int  # of the queue, under a snapshot
    dead_rows_chunk: int  # made and drained past at a time, as a history would


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
    dead_rows=100_000,
    dead_rows_chunk=50_000,
)
