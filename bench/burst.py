"""A burst after a rest: plans and statistics that were made while the queue was empty must also drain a full one."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import pairwise, product

from bench import bulk
from bench.figures import Figure, Result, Target, paired
from bench.latency import use_lightly
from bench.pairs import Pair, chain
from bench.pgbench import Run
from bench.session import Session, Submitted
from bench.system import OwnSystem, System

WORKERS = (1, 2, 4)
REST_S = 3
REST_PER_S = 20  # each finds an empty queue; 60 are enough for each session to choose the plans that it keeps
STANDSTILL = Target(1.0, at_most=True)


@dataclass(frozen=True)
class Kind:
    """How the transfers of a burst are submitted, and the ratio to pgbench that it must reach."""

    what: str
    submit: Callable[[Session, System, list[str], int], Submitted]
    target: Target


KINDS = (
    Kind("batches", Session.submit_batches, Target(2.0, 3.0)),
    Kind("singles", Session.submit_singles, Target(1.0, 1.4)),
)


@dataclass(frozen=True)
class Burst:
    """A load on a system that has rested, and the longest time in which no transfer became final."""

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
    return paired(f"burst_{kind.what}_{workers}", f"burst of {kind.what} by {workers_text(workers)}", pair, "pgbench", kind.target)


def standstill(kind: Kind, workers: int, pair: Pair[Run, Burst]) -> Figure:
    what = f"longest without a verdict, {kind.what} by {workers_text(workers)}"
    return Figure(f"standstill_{kind.what}_{workers}", what, pair.run.standstill_s, "s", target=STANDSTILL)


def workers_text(workers: int) -> str:
    return "1 worker" if workers == 1 else f"{workers} workers"


def burst(session: Session, kind: Kind, workers: int) -> Burst:
    with session.own_system() as system:
        wallets = rested(session, system, workers)
        since = system.clock()
        submitted = kind.submit(session, system, wallets, session.plan.burst_s)
        return Burst(submitted, longest_gap(system.verdicts_since(since)))


def rested(session: Session, system: OwnSystem, workers: int) -> list[str]:
    """Bring the system into the state after a rest, and return its wallets: sessions that were used while the queue was empty.

    ANALYZE does here what autovacuum does in production. The pages of drained rows stay, so the planner expects no row in them.
    """
    system.connection.execute("ANALYZE")
    system.start_others(workers)
    wallets = bulk.public_ids(bulk.make_funded_wallets(system, session.plan.wallets))
    system.connection.execute("ANALYZE")
    use_lightly(system, wallets, REST_S, REST_PER_S)
    return wallets


def longest_gap(instants: Sequence[float]) -> float:
    """The longest time between two neighbours of these ascending instants; 0 for fewer than two."""
    return max((later - earlier for earlier, later in pairwise(instants)), default=0.0)
