"""The cost of a held snapshot: while a dump, a report or an idle transaction holds one, VACUUM removes no dead row of the queue."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any
from uuid import UUID

import psycopg

from bench import bulk
from bench.figures import Figure, Result, Target, paired
from bench.latency import Latencies, of_teller, use_lightly
from bench.pairs import alternate, neighbours
from bench.session import Session, Submitted
from bench.system import OwnSystem, System
from bench.throughput import Drained, drain

SINGLES_PER_S = 20  # each is final before the next one is sent
LIGHT_S = 3
LIGHT_PER_S = 50  # enough to reach every shard
DRAINED_A_SHARD = 20  # transfers after each chunk of dead rows: with wallets at random, every shard gets some
DRAIN = Target(0.7)
LATENCY = Target(3.0, at_most=True)


@dataclass(frozen=True)
class Visit:
    """The loads on one of the two systems, one after the other. No process of the other system runs."""

    drained: Drained
    batches: Submitted
    singles: Submitted
    latencies: Latencies


def measure_snapshot(session: Session) -> Result:
    """a drain, the loads of burst and lone transfers under a held snapshot over dead rows of the queue: against a system without"""
    with session.own_system() as plain, session.own_system() as worn:
        wallets, worn_wallets = prepare(session, plain), prepare(session, worn)
        with held_snapshot(worn):
            wear(worn, worn_wallets, session.plan.dead_rows, session.plan.dead_rows_chunk)
            visits = partial(visit, session, plain, wallets), [partial(visit, session, worn, worn_wallets)]
            return result(*alternate(*visits), session.plan.dead_rows)


def prepare(session: Session, system: OwnSystem) -> list[UUID]:
    """Make funded wallets, and leave none of the system's processes running."""
    system.start_workers(session.settings.workers)
    wallets = bulk.make_funded_wallets(system, session.plan.wallets)
    system.stop_all()
    return wallets


@contextmanager
def held_snapshot(system: System) -> Iterator[None]:
    """Hold a snapshot of the system's database, as a dump does."""
    with psycopg.connect(system.admin_database_url, autocommit=True) as connection:
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        connection.execute("SELECT FROM queue LIMIT 1")
        yield


def wear(system: OwnSystem, wallets: Sequence[UUID], rows: int, chunk: int) -> None:
    """Make `rows` dead rows in the queue, in chunks; after each chunk a worker drains some transfers, as it would in production.

    All processes of the system run, because the sweeper too remembers where the queue begins.
    """
    system.start_api()
    system.start_others(1)
    for _ in range(0, rows, chunk):
        insert_and_delete(system, chunk)
        system.skip_drained()
        bulk.queue_transfers(system, wallets, DRAINED_A_SHARD * system.shards(), rung=True)
        system.wait_until_empty()
    use_lightly(system, bulk.public_ids(wallets), LIGHT_S, LIGHT_PER_S)
    system.stop_all()


def insert_and_delete(system: System, rows: int) -> None:
    """Insert rows into the empty queue, as many for each shard, and delete them. No trigger runs: they have no transfers."""
    with system.connection.transaction():
        system.connection.execute("SET LOCAL session_replication_role = replica")
        system.connection.execute(
            """
            INSERT INTO queue (shard, transfer_id)
            SELECT shard, '00000000-0000-0000-0000-000000000000'
              FROM shards, generate_series(1, %s / (SELECT count(*) FROM shards))
            """,
            [rows],
        )
        system.connection.execute("DELETE FROM queue")


def visit(session: Session, system: OwnSystem, wallets: Sequence[UUID]) -> Visit:
    plan, public_ids = session.plan, bulk.public_ids(wallets)
    system.connection.execute("ANALYZE")  # both systems have statistics of the same age, and no checkpoint falls into the loads
    system.connection.execute("CHECKPOINT")
    system.start_api()
    system.start_workers(session.settings.workers)
    use_lightly(system, public_ids, LIGHT_S, LIGHT_PER_S)
    bulk.queue_transfers(system, wallets, plan.workers_backlog, rung=False)
    drained = drain(system)
    system.start_sweeper()
    system.start_deliverer()
    batches = session.submit_batches(system, public_ids, plan.paired_s)
    singles = session.submit_singles(system, public_ids, plan.paired_s)
    latencies = of_teller(system, public_ids, plan.paired_s, SINGLES_PER_S)
    system.stop_all()
    return Visit(drained, batches, singles, latencies)


def result(plain: Sequence[Visit], worn: Sequence[Visit], rows: int) -> Result:
    """`plain` are the visits before and after the one in `worn`."""
    loads: dict[str, Any] = {
        "drain": neighbours([one.drained for one in plain], [one.drained for one in worn])[0],
        "batches": neighbours([one.batches for one in plain], [one.batches for one in worn])[0],
        "singles": neighbours([one.singles for one in plain], [one.singles for one in worn])[0],
    }
    beside = f"{rows:,} dead rows"
    rates = [paired(f"snapshot_{load}", f"{load}, {beside}", pair, "none", DRAIN) for load, pair in loads.items()]
    before, after = (one.latencies for one in plain)
    latencies = [latency(percent, beside, worn[0].latencies, before + after) for percent in (50, 95)]
    raw = {load: asdict(pair) for load, pair in loads.items()}
    return Result([*rates, *latencies], {**raw, "worn_ms": worn[0].latencies.curve(), "plain_ms": (before + after).curve()})


def latency(percent: int, beside: str, worn: Latencies, plain: Latencies) -> Figure:
    ms = worn.percentile(percent)
    what = f"submit to final, {SINGLES_PER_S}/s, {beside}, p{percent}"
    target = LATENCY if percent == 50 else None
    return Figure(f"snapshot_p{percent}", what, ms, "ms", ms / plain.percentile(percent), "none", target=target)
