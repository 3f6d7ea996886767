"""A deep backlog: accepted while no worker runs, then drained: in order, nothing lost, and the memory of the API stays.

python -m tests.backlog 200000    on embedded servers
"""

import itertools
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import psycopg

from core import ids
from core.ids import Prefix
from local.postgres import Postgres
from local.redis import Redis
from tests.caller import Caller, new_key
from tests.databases import Databases
from tests.system import System
from tests.waiting import wait_for

BATCH = 1000  # as much as one request may hold
WALLETS = 40
WARM_UP = 3  # batches, after which the process has allocated the memory that it keeps
GROWTH_MAX = 1.1
DRAINED_PER_S_MIN = 500  # far below what any machine does

Item = dict[str, object]


@dataclass(frozen=True)
class Figures:
    """The measurements: times in seconds, memory of the API process in bytes."""

    accepted: int
    accepted_s: float
    drained_s: float
    rss_early: int
    rss_late: int

    def line(self) -> str:
        early, late = (rss / (1 << 20) for rss in (self.rss_early, self.rss_late))
        return (
            f"backlog: {self.accepted} transfers accepted in {self.accepted_s:.1f} s, drained in {self.drained_s:.1f} s, in order,"
            f" audit clean; the API took {early:.1f} MiB after {WARM_UP * BATCH} of them and {late:.1f} MiB after all"
        )


def backlog(system: System, count: int, workers: int = 2) -> Figures:
    """Queue `count` transfers, then drain them, on a system without processes. Fails unless all promises hold."""
    api = psutil.Process(system.start_api().pid)
    caller = system.caller()
    wallets = [caller.new_client()["wallet"]["id"] for _ in range(WALLETS)]
    for wallet in wallets:
        assert caller.deposit(wallet, count).status == 202  # queued before whatever goes out of the wallet

    began = time.monotonic()
    sent: list[tuple[str, str]] = []
    rss_early = 0
    for number, batch in enumerate(batches(wallets, count)):
        sent += submit(caller, batch)
        if number < WARM_UP:
            assert submit(caller, batch) == sent[-len(batch) :]  # a replay, at any length of the backlog
            rss_early = api.memory_info().rss
    rss_late = api.memory_info().rss
    accepted_s = time.monotonic() - began

    began = time.monotonic()
    system.start_workers(workers)
    system.start_sweeper()
    with psycopg.connect(system.database_url, autocommit=True) as connection:
        wait_for(lambda: is_empty(connection), "an empty queue", within_s=60 + count / DRAINED_PER_S_MIN)
        drained_s = time.monotonic() - began
        assert_applied_in_order(connection, sent)
    system.audit()
    assert rss_late < GROWTH_MAX * rss_early, (rss_early, rss_late)
    return Figures(len(sent), accepted_s, drained_s, rss_early, rss_late)


def batches(wallets: Sequence[str], count: int) -> Iterator[list[Item]]:
    """Each wallet pays one after the other, in turn."""
    pairs = itertools.cycle((source, wallets[number - 1]) for number, source in enumerate(wallets))
    for first in range(0, count, BATCH):
        yield [item(*pair) for pair in itertools.islice(pairs, min(BATCH, count - first))]


def item(source: str, destination: str) -> Item:
    return {"idempotency_key": new_key(), "source_wallet_id": source, "destination_wallet_id": destination, "amount": 1}


def submit(caller: Caller, batch: Sequence[Item]) -> list[tuple[str, str]]:
    """Return source and id of each transfer, all accepted."""
    results = caller.post("/v1/transfers/batch", {"transfers": batch}).body["results"]
    assert {result["status"] for result in results} == {202}
    return [(result["transfer"]["source_wallet_id"], result["transfer"]["id"]) for result in results]


def is_empty(connection: psycopg.Connection) -> bool:
    return connection.execute("SELECT FROM queue LIMIT 1").fetchone() is None


def assert_applied_in_order(connection: psycopg.Connection, sent: Sequence[tuple[str, str]]) -> None:
    """The debits of each wallet were applied in the order in which they were sent."""
    wanted: dict[str, list[str]] = defaultdict(list)
    for source, id in sent:
        wanted[source].append(id)
    found: dict[str, list[str]] = defaultdict(list)
    for wallet, id in connection.execute(
        "SELECT wallet_id, transfer_id FROM entries JOIN wallets w ON w.id = wallet_id WHERE w.kind = 'client' AND amount < 0"
        " ORDER BY wallet_id, entries.version"
    ):
        found[ids.text(Prefix.WALLET, wallet)].append(ids.text(Prefix.TRANSFER, id))
    assert found == wanted


def main(count: int) -> None:
    with tempfile.TemporaryDirectory(prefix="teller-backlog-") as name:
        folder = Path(name)
        postgres, redis = Postgres(folder / "postgres"), Redis(folder / "redis")
        try:
            postgres.start()
            redis.start()
            (folder / "logs").mkdir()
            url = Databases(postgres.url("postgres")).migrated()
            with closing(System(folder / "logs", url, redis.url)) as system:
                print(backlog(system, count).line())
        finally:
            redis.stop()
            postgres.stop("immediate")


if __name__ == "__main__":
    main(int(sys.argv[1]))
