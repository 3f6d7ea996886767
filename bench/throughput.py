"""Transfers a second that the API accepts, that the workers apply, and that the API returns. pgbench is the reference."""

from dataclasses import asdict, dataclass
from functools import partial
from statistics import mean
from uuid import UUID

from bench import bulk
from bench.errors import UnexpectedAnswer
from bench.figures import Figure, Result, Target, paired
from bench.load import BATCH, BATCH_CONNECTIONS, CONNECTIONS, Load
from bench.pairs import pair
from bench.pgbench import CLIENTS, SCALE
from bench.session import Session, Submitted
from bench.system import System
from core import ids
from core.ids import Prefix

PGBENCH_RUNS = 3
GET_IDS = 20_000


def measure_pgbench(session: Session) -> Result:
    """pgbench itself, TPC-B-like: the reference of most others, which run it once more beside each of their runs"""
    runs = [session.pgbench.run() for _ in range(PGBENCH_RUNS)]
    what = f"pgbench, scale {SCALE}, {CLIENTS} clients"
    return Result([Figure("pgbench", what, mean(run.per_s for run in runs), "/s")], {"runs": [asdict(run) for run in runs]})


def measure_single(session: Session) -> Result:
    """single POST /v1/transfers: applied a second, the drain of the backlog included; CPU time a transfer by process"""
    cpu_s: dict[str, float] = {}
    with session.system() as system:
        wallets = session.wallets(system)

        def submit() -> Submitted:
            before = system.cpu_s()
            submitted = session.submit(system, "uniform", wallets, session.plan.load_s)
            cpu_s.update({group: used - before[group] for group, used in system.cpu_s().items()})
            return submitted

        taken = pair(session.pgbench.run, submit)
    what = f"single POST, {CONNECTIONS} connections, {len(wallets):,} wallets"
    cpu_s["wrk"] = taken.run.load.cpu_s
    figures = [paired("single", what, taken, "pgbench", Target(1.0, 1.5)), *cpu_figures(cpu_s, taken.run.applied)]
    return Result(figures, {"pair": asdict(taken), "cpu_s": cpu_s})


def cpu_figures(cpu_s: dict[str, float], transfers: int) -> list[Figure]:
    return [
        Figure(f"cpu_{group.lower()}", f"CPU of a single POST: {group}", used * 1e6 / transfers, "µs")
        for group, used in cpu_s.items()
    ]


def measure_batch(session: Session) -> Result:
    """POST /v1/transfers/batch of 500, end to end: applied a second, the drain of the backlog included"""
    with session.system() as system:
        wallets = session.wallets(system)
        submit = partial(session.submit_batches, system, wallets)
        submit(session.plan.warm_s)
        taken = pair(session.pgbench.run, partial(submit, session.plan.load_s))
    what = f"batch POST of {BATCH}, {BATCH_CONNECTIONS} connections"
    return Result([paired("batch", what, taken, "pgbench", Target(2.0, 3.0))], {"pair": asdict(taken)})


@dataclass(frozen=True)
class Drained:
    """The drain of a backlog, from the ring of the doorbell to the last transfer that was final."""

    per_s: float
    applied: int
    seconds: float


def measure_drain(session: Session) -> Result:
    """drain of a backlog by one worker, from the ring of the doorbell to the last verdict; nothing is submitted at that time"""
    backlog = session.plan.backlog
    with session.own_system() as system:
        system.start_workers(1)
        wallets = bulk.make_funded_wallets(system, session.plan.wallets)
        bulk.queue_transfers(system, wallets, backlog, rung=False)
        taken = pair(session.pgbench.run, partial(drain, system))
    figure = paired("drain", f"drain of {backlog:,}, one worker", taken, "pgbench", Target(2.2, 3.5))
    return Result([figure], {"pair": asdict(taken)})


def drain(system: System) -> Drained:
    """Ring the doorbell for a backlog that was queued without, and wait until all of it is final. No sweeper may be running."""
    since = system.clock()
    bulk.ring(system)
    system.wait_until_empty()
    finished = system.finished_since(since)
    if finished.rejected or finished.last_finished_at is None:
        raise UnexpectedAnswer(f"drain: {finished.applied} applied, {finished.rejected} rejected")
    seconds = (finished.last_finished_at - since).total_seconds()
    return Drained(finished.applied / seconds, finished.applied, seconds)


def measure_get(session: Session) -> Result:
    """GET /v1/transfers/{id} of finished transfers, against the single POST"""
    with session.system() as system:
        wallets = session.wallets(system)
        submit = partial(session.submit, system, "uniform", wallets, session.plan.paired_s)
        taken = pair(submit, lambda: get(session, system))
    figure = paired("get", f"GET, {CONNECTIONS} connections", taken, "single POST", Target(1.3, 2.0))
    return Result([figure], {"pair": asdict(taken)})


def get(session: Session, system: System) -> Load:
    query = "SELECT id FROM transfers WHERE status = 'applied' LIMIT %s"
    rows: list[tuple[UUID]] = system.connection.execute(query, [GET_IDS]).fetchall()
    return session.send(system, "get", [ids.text(Prefix.TRANSFER, id) for (id,) in rows], session.plan.paired_s)
