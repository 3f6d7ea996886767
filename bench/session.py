"""One run of the benchmarks: what measurements share, and all that went wrong in them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from bench import bulk
from bench.errors import Skipped, UnexpectedAnswer
from bench.load import CONNECTIONS, Load, Mode, send
from bench.machine import About, describe
from bench.pgbench import Pgbench
from bench.plan import Plan
from bench.servers import Servers
from bench.system import Finished, OwnSystem, System
from core.audit import audit
from local.settings import Settings


@dataclass(frozen=True)
class Submitted:
    """A load of transfers and its end: `per_s` were applied a second, from the first accepted to the last one final."""

    per_s: float
    applied: int
    seconds: float
    drained_after_s: float  # what the backlog took when the load was over
    load: Load


@dataclass
class Session:
    """`ground` is a running system, or servers to run systems on. What is in `faults` makes the run fail in the end."""

    plan: Plan
    ground: Servers | System
    pgbench: Pgbench
    settings: Settings  # those of `make run`
    faults: list[str] = field(default_factory=list)

    def about(self) -> About:
        if isinstance(self.ground, System):
            return describe(self.ground, folder=None, settings=None)
        with self.ground.system() as idle:
            return describe(idle, folder=self.ground.folder, settings=self.settings)

    @contextmanager
    def system(self) -> Iterator[System]:
        """The running system, or a new one as `make run` would start it; audited in the end."""
        if isinstance(self.ground, System):
            yield self.ground
            self.audit(self.ground)
            return
        with self.own_system() as system:
            system.start_others(self.settings.workers)
            yield system

    @contextmanager
    def own_system(self) -> Iterator[OwnSystem]:
        """A new system of which only the API runs; audited in the end. Raises Skipped when a running one is measured."""
        if isinstance(self.ground, System):
            raise Skipped("needs a system that it can start and stop itself")
        with self.ground.system() as system:
            system.start_api()
            yield system
            self.audit(system)

    def wallets(self, system: System) -> list[str]:
        """Make wallets with ample funds, as callers name them, and warm the system up with them."""
        wallets = bulk.shown(bulk.make_funded_wallets(system, self.plan.wallets))
        self.submit(system, "uniform", wallets, self.plan.warm_s)
        return wallets

    def submit(
        self,
        system: System,
        mode: Mode,
        wallets: list[str],
        seconds: int,
        *,
        connections: int = CONNECTIONS,
        each: int = 1,
    ) -> Submitted:
        """Send transfers, `each` to a request, wait until all are final, and check that every one was stored once and applied."""
        since = system.clock()
        load = self.send(system, mode, wallets, seconds, connections)
        ended_at = system.clock()
        system.wait_until_empty()
        finished = system.finished_since(since)
        self.check_stored(mode, load, finished, connections, each)
        return submitted(load, finished, (finished.last_finished_at or ended_at).timestamp() - ended_at.timestamp())

    def send(self, system: System, mode: Mode, ids: list[str], seconds: int, connections: int = CONNECTIONS) -> Load:
        load = send(system.url, system.operator_key, mode, ids, seconds=seconds, connections=connections)
        if load.errors or not load.requests:
            raise UnexpectedAnswer(f"{mode}: {load.requests} good answers, and of the others {dict(load.errors)}")
        return load

    def check_stored(self, mode: Mode, load: Load, finished: Finished, connections: int, each: int) -> None:
        """wrk counts any status below 400 as good; that each brought a new transfer, the table tells. Raises UnexpectedAnswer."""
        least, most = load.requests * each, (load.requests + connections) * each
        if finished.rejected or not least <= finished.applied <= most:
            expected = f"{least} to {most} were expected"
            raise UnexpectedAnswer(f"{mode}: {finished.applied} applied, {finished.rejected} rejected, where {expected}")

    def audit(self, system: System) -> None:
        report = audit(system.admin_database_url)
        if not report.clean:
            self.faults.append("\n".join(report.lines()))


def submitted(load: Load, finished: Finished, drained_after_s: float) -> Submitted:
    assert finished.first_created_at
    assert finished.last_finished_at
    seconds = (finished.last_finished_at - finished.first_created_at).total_seconds()
    return Submitted(finished.applied / seconds, finished.applied, seconds, max(drained_after_s, 0.0), load)
