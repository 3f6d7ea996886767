"""Throughput under other conditions: with skewed wallets, with more workers than cores, on a database of a million transfers."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any
from uuid import UUID

from bench import bulk
from bench.auditing import audited
from bench.figures import Result, Target, paired
from bench.load import Mode
from bench.pairs import Pair, alternate, chain, neighbours
from bench.session import Session, Submitted
from bench.system import OwnSystem
from bench.throughput import Drained, drain

SKEWS: dict[Mode, str] = {
    "into-one": "all into one wallet",
    "out-of-one": "all out of one wallet",
    "zipf": "wallets by Zipf",
}
WORKERS = (2, 4, 8)


def measure_skew(session: Session) -> Result:
    """single POST with all into one wallet, all out of one, and by Zipf: against uniform wallets"""
    with session.system() as system:
        wallets = session.wallets(system)
        submit = partial(session.submit, system, wallets=wallets, seconds=session.plan.paired_s)
        taken = chain(partial(submit, "uniform"), [partial(submit, mode) for mode in SKEWS])
    pairs = dict(zip(SKEWS, taken, strict=True))
    figures = [paired(mode, SKEWS[mode], one, "uniform", Target(0.8, 1.0)) for mode, one in pairs.items()]
    return Result(figures, {mode: asdict(one) for mode, one in pairs.items()})


def measure_workers(session: Session) -> Result:
    """2, 4 and 8 workers against one, on the single POST and on a drain; no sweeper runs"""
    with session.own_system() as system:
        system.start_workers(1)
        wallets = bulk.make_funded_wallets(system, session.plan.wallets)
        session.submit(system, "uniform", bulk.public_ids(wallets), session.plan.warm_s)
        work = partial(submit_and_drain, session, system, wallets)
        ones, others = alternate(partial(work, 1), [partial(work, count) for count in WORKERS])
    pairs: dict[str, Sequence[Pair[Any, Any]]] = {
        "single": neighbours([one.submitted for one in ones], [one.submitted for one in others]),
        "drain": neighbours([one.drained for one in ones], [one.drained for one in others]),
    }
    figures = [
        paired(f"{load}_{count}", f"{load}, {count} workers", one, "one worker", Target(0.9))
        for load, taken in pairs.items()
        for count, one in zip(WORKERS, taken, strict=True)
    ]
    return Result(figures, {load: [asdict(one) for one in taken] for load, taken in pairs.items()})


@dataclass(frozen=True)
class Both:
    submitted: Submitted
    drained: Drained


def submit_and_drain(session: Session, system: OwnSystem, wallets: Sequence[UUID], workers: int) -> Both:
    system.stop("worker")
    system.start_workers(workers)
    submitted = session.submit(system, "uniform", bulk.public_ids(wallets), session.plan.paired_s)
    bulk.queue_transfers(system, wallets, session.plan.workers_backlog, rung=False)
    return Both(submitted, drain(system))


def measure_large(session: Session) -> Result:
    """single POST on a database full of finished transfers, over all or some of its wallets, against an empty one; and its audit"""
    plan = session.plan
    with session.own_system() as large, session.own_system() as empty:
        stock = fill(session, large)
        empty.start_others(session.settings.workers)
        reference = partial(session.submit, empty, "uniform", session.wallets(empty), plan.paired_s)
        some = stock[: plan.wallets]
        session.submit(large, "uniform", stock, plan.warm_s)
        measured = [partial(session.submit, large, "uniform", wallets, plan.paired_s) for wallets in (stock, some)]
        over_all, over_some = chain(reference, measured)
        audit = audited(large)
    after = f"after {plan.stock_transfers:,}"
    figures = [
        paired("large", f"{after}, {len(stock):,} wallets", over_all, "empty", Target(0.85, 0.95)),
        paired("large_some", f"{after}, {len(some):,} wallets", over_some, "empty"),
        *audit,
    ]
    return Result(figures, {"all": asdict(over_all), "some": asdict(over_some)})


def fill(session: Session, system: OwnSystem) -> list[str]:
    """Make the stock of wallets and finished transfers, deposits included. Return the public ids of the wallets."""
    plan = session.plan
    system.start_others(session.settings.workers)
    wallets = bulk.make_funded_wallets(system, plan.stock_wallets)
    bulk.queue_transfers(system, wallets, plan.stock_transfers - plan.stock_wallets, rung=True)
    system.wait_until_empty()
    system.connection.execute("VACUUM ANALYZE")
    system.connection.execute("CHECKPOINT")
    return bulk.public_ids(wallets)
