"""A burst after a rest: what plans and statistics were made of while the queue was empty must drain what comes all at once."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import pairwise, product

from bench import bulk
from bench.figures import Figure, Result, Target, paired
from bench.latency import submit_at_rate
from bench.load import BATCH, CONNECTIONS, Mode
from bench.pairs import Pair, chain
from bench.pgbench import Run
from bench.session import Session, Submitted
from bench.system import OwnSystem
from bench.throughput import BATCH_CONNECTIONS

WORKERS = (1, 2, 4)
REST_S = 3
REST_PER_S = 20  # each finds an empty queue; enough for each session to choose the plans that it keeps
STANDSTILL = Target(1.0, at_most=True)


@dataclass(frozen=True)
class Kind:
    """What a burst is made of, and what it must reach beside pgbench."""

    what: str
    mode: Mode
    connections: int
    each: int
    target: Target


KINDS = (
    Kind("batches", "batch", BATCH_CONNECTIONS, BATCH, Target(2.0, 3.0)),
    Kind("singles", "uniform", CONNECTIONS, 1, Target(1.0, 1.4)),
)


@dataclass(frozen=True)
class Burst:
    """A load on a system that has rested, and the longest time in it without a verdict."""

    submitted: Submitted
    standstill_s: float

    @property
    def per_s(self) -> float:
        return self.submitted.per_s


def measure_burst(session: Session) -> Result:
    """bursts of batches and of singles after a rest, each on a fresh system, by 1, 2 and 4 workers: applied a second, standstill"""
    cases = list(product(KINDS, WORKERS))
    taken = chain(session.pgbench.run, [partial(burst, session, kind, workers) for kind, workers in cases])
    pairs = list(zip(cases, taken, strict=True))
    rates = [rate(kind, workers, one) for (kind, workers), one in pairs]
    standstills = [standstill(kind, workers, one) for (kind, workers), one in pairs]
    return Result([*rates, *standstills], {f"{kind.what}_{workers}": asdict(one) for (kind, workers), one in pairs})


def rate(kind: Kind, workers: int, pair: Pair[Run, Burst]) -> Figure:
    return paired(f"burst_{kind.what}_{workers}", f"burst of {kind.what} by {spelled(workers)}", pair, "pgbench", kind.target)


def standstill(kind: Kind, workers: int, pair: Pair[Run, Burst]) -> Figure:
    what = f"longest without a verdict, {kind.what} by {spelled(workers)}"
    return Figure(f"standstill_{kind.what}_{workers}", what, pair.run.standstill_s, "s", target=STANDSTILL)


def spelled(workers: int) -> str:
    return "1 worker" if workers == 1 else f"{workers} workers"


def burst(session: Session, kind: Kind, workers: int) -> Burst:
    with session.own_system() as system:
        wallets = rested(session, system, workers)
        since = system.clock()
        load = (kind.mode, wallets, session.plan.burst_s)
        submitted = session.submit(system, *load, connections=kind.connections, each=kind.each)
        return Burst(submitted, longest_gap(system.verdicts_since(since)))


def rested(session: Session, system: OwnSystem, workers: int) -> list[str]:
    """Leave the system as after a rest, and return its wallets: statistics of an empty queue, and sessions used since.

    ANALYZE stands for autovacuum. The pages of what was drained stay, so the planner expects no row in them.
    """
    system.connection.execute("ANALYZE")
    system.start_others(workers)
    wallets = bulk.shown(bulk.make_funded_wallets(system, session.plan.wallets))
    system.connection.execute("ANALYZE")
    asyncio.run(submit_at_rate(system, wallets, REST_S, REST_PER_S))
    system.wait_until_empty()
    return wallets


def longest_gap(instants: Sequence[float]) -> float:
    """The longest time between neighbours of these, which ascend; 0 where there are fewer than two."""
    return max((later - earlier for earlier, later in pairwise(instants)), default=0.0)
