"""One run of the benchmarks: the systems, loads and checks that its measurements share, and the faults that they found."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from bench import bulk
from bench.errors import Skipped, UnexpectedAnswer
from bench.load import BATCH, BATCH_CONNECTIONS, CONNECTIONS, Load, Mode, send
from bench.machine import About, describe
from bench.pgbench import Pgbench
from bench.plan import Plan
from bench.servers import Servers
from bench.system import Finished, OwnSystem, System
from core.admin.audit import audit
from local.settings import Settings


@dataclass(frozen=True)
class Submitted:
    """A load of transfers: `per_s` were applied a second, from the first that was accepted to the last that was final."""

    per_s: float
    applied: int
    seconds: float
    drained_after_s: float  # from the end of the load to the last transfer that was final
    load: Load


@dataclass
class Session:
    """`base` is a running system, or servers to run systems on. The run fails when `faults` is not empty at its end."""

    plan: Plan
    base: Servers | System
    pgbench: Pgbench
    settings: Settings  # those of `make run`
    faults: list[str] = field(default_factory=list)

    def about(self) -> About:
        if isinstance(self.base, System):
            return describe(self.base, folder=None, settings=None)
        with self.base.system() as idle:
            return describe(idle, folder=self.base.folder, settings=self.settings)

    @contextmanager
    def system(self) -> Iterator[System]:
        """The running system, or a new one as `make run` would start it; audited at the end."""
        if isinstance(self.base, System):
            yield self.base
            self.audit(self.base)
            return
        with self.own_system() as system:
            system.start_others(self.settings.workers)
            yield system

    @contextmanager
    def own_system(self) -> Iterator[OwnSystem]:
        """A new system of which only the API runs; audited at the end. Raises Skipped where `base` is a running system."""
        if isinstance(self.base, System):
            raise Skipped("needs a system that it can start and stop itself")
        with self.base.system() as system:
            system.start_api()
            yield system
            self.audit(system)

    def wallets(self, system: System) -> list[str]:
        """Make funded wallets, warm the system up with them, and return their public ids."""
        wallets = bulk.public_ids(bulk.make_funded_wallets(system, self.plan.wallets))
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
        """Send requests with `each` transfers, wait until all are final, and check that each was stored once and applied."""
        since = system.clock()
        load = self.send(system, mode, wallets, seconds, connections)
        ended_at = system.clock()
        system.wait_until_empty()
        finished = system.finished_since(since)
        self.check_stored(mode, load, finished, connections, each)
        return submitted(load, finished, (finished.last_finished_at or ended_at).timestamp() - ended_at.timestamp())

    def submit_batches(self, system: System, wallets: list[str], seconds: int) -> Submitted:
        """Submit transfers between wallets at random, BATCH to a request."""
        return self.submit(system, "batch", wallets, seconds, connections=BATCH_CONNECTIONS, each=BATCH)

    def submit_singles(self, system: System, wallets: list[str], seconds: int) -> Submitted:
        """Submit transfers between wallets at random, one to a request."""
        return self.submit(system, "uniform", wallets, seconds)

    def send(self, system: System, mode: Mode, ids: list[str], seconds: int, connections: int = CONNECTIONS) -> Load:
        load = send(system.url, system.operator_key, mode, ids, seconds=seconds, connections=connections)
        if load.errors or not load.requests:
            raise UnexpectedAnswer(f"{mode}: {load.requests} good answers, and of the others {dict(load.errors)}")
        return load

    def check_stored(self, mode: Mode, load: Load, finished: Finished, connections: int, each: int) -> None:
        """Check the count of stored transfers: wrk counts all answers below 400 as good. Raises UnexpectedAnswer."""
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
