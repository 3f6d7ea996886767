"""python -m bench.deadrows --rows 0 1 3 10 --versions 0 10000 100000: the cost of a held snapshot.

While a snapshot is held, Postgres keeps all rows that are deleted or replaced. For each number of --rows, in millions, that many
rows pass through the queue under such a snapshot, while a sweeper runs each second; then one transfer, a drain of 5000 and each
look at the queue are timed. For each number of --versions, one wallet is updated so often, and one transfer from it is timed. The
same is timed in turns on another server without dead rows. Needs no Redis.
"""

import argparse
import asyncio
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from uuid import UUID

import psycopg

from bench.bulk import new_client, transfer
from core import transfers
from core.admin.migrate import migrate
from core.ledger.sharding import shard_of
from core.postgres.connections import AsyncConnection, connect_worker
from core.postgres.limits import session_of
from core.postgres.statements import statement
from core.redis.batcher import Batcher
from core.redis.hints import Hints
from core.redis.shard_doorbell import ShardDoorbell
from core.settings import Settings
from local.postgres import Postgres
from worker.ledger.apply import Applier
from worker.ledger.drain import Drainer
from worker.ledger.floors import LOOK_EVERY_S
from worker.ledger.sweep import Sweeper

NO_REDIS = "redis://127.0.0.1:1/0"  # no server listens on this port
SHARDS = 16
WALLETS = 1_000
FUNDS = 1_000_000_000  # cents a wallet
CHUNK = 100_000  # rows that pass through the queue in one transaction
MILLION = 1_000_000
DRAINED = 5_000
BATCH = 500
TIMES = 15

NO_TRANSFER = UUID(int=0)
ENQUEUE = "INSERT INTO queue (shard, transfer_id) SELECT n %% %(shards)s, %(transfer)s FROM generate_series(1, %(rows)s) n"
DEQUEUE = "DELETE FROM queue WHERE shard IN (SELECT shard FROM shards) AND position > %(last)s"
FUND = "UPDATE wallets SET balance = %s, version = 1 WHERE kind = 'client'"
REPLACE = """
DO $$ BEGIN
    FOR i IN 1..{times} LOOP
        UPDATE wallets SET version = version + 1 WHERE id = '{wallet}';
        COMMIT;
    END LOOP;
END $$
"""


class Bench(NamedTuple):
    """A database with funded wallets, and the parts of a worker that use it."""

    url: str
    owner_url: str
    wallets: Sequence[UUID]
    applier: Applier
    sweeper: Sweeper
    session: psycopg.Connection

    def submit(self, count: int, source: UUID | None = None) -> None:
        """Queue `count` transfers, from `source` if it is given."""
        pairs = (random.sample(self.wallets, 2) for _ in range(count))
        sent = [transfer(source or one, other, shard_of(source or one, SHARDS)) for one, other in pairs if other != source]

        async def insert() -> None:
            async with await AsyncConnection.connect(
                self.url, limits=session_of({}), on_refusal=lambda _: None, autocommit=True
            ) as connection:
                for begin in range(0, len(sent), BATCH):
                    await transfers.insert(connection, sent[begin : begin + BATCH])

        asyncio.run(insert())

    def drain(self) -> int:
        finished = 0
        while batch := self.applier.apply(range(SHARDS), BATCH // SHARDS).finished:
            finished += batch
        return finished


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.deadrows", description="Measure the cost of a held snapshot.")
    parser.add_argument(
        "--rows", type=float, nargs="*", default=[0, 1, 3, 10], help="millions of rows that passed through the queue"
    )
    parser.add_argument("--versions", type=int, nargs="*", default=[], help="how often one wallet was updated")
    wanted = parser.parse_args(arguments)
    print("dead rows: a transfer, drained/s, sweep look, count, measure, buffers of a claim (in ms; in brackets without dead rows)")
    for millions in wanted.rows:
        with bench() as fresh, bench() as made, held_snapshot(made):
            pass_through(made, int(millions * MILLION))
            print_row(f"{millions:g} million", fresh, made)
    for times in wanted.versions:
        with bench() as fresh, bench() as made, held_snapshot(made):
            replace(made, made.wallets[0], times)
            fresh_ms, made_ms = medians([fresh, made], lambda one: timed(one, one.wallets[0]))
            print(f"{times:>12} versions of a wallet: a transfer from it {made_ms:.2f} ms, beside {fresh_ms:.2f}", flush=True)
    return 0


def print_row(title: str, fresh: Bench, made: Bench) -> None:
    """Print a row of the table: `made` has the dead rows, `fresh` none. They take turns, so that other load slows both."""
    both = [fresh, made]
    fresh_ms, made_ms = medians(both, timed)
    fresh_per_s, made_per_s = medians(both, drained_per_s, times=3)
    looks: list[tuple[str, dict[str, object]]] = [
        ("sweep/list_waiting_shards", {"waited_s": 2.0}),
        ("queue/count", {"most": 100_000}),
        ("queue/measure", {}),
    ]
    took = [medians(both, partial(look_ms, look=look)) for look in looks]
    shown = [f"{value:.2f} ({beside:.2f})" for beside, value in took]
    line = f"{title:>14}  {made_ms:.2f} ({fresh_ms:.2f})  {made_per_s:.0f} ({fresh_per_s:.0f})  {'  '.join(shown)}"
    print(f"{line}  {claim_buffers(made)} ({claim_buffers(fresh)})", flush=True)


def medians(both: Sequence[Bench], measure: Callable[[Bench], float], times: int = TIMES) -> list[float]:
    """Return the median for each of them, measured in turns."""
    taken = [[measure(made) for made in both] for _ in range(times)]
    return [statistics.median(column) for column in zip(*taken, strict=True)]


def drained_per_s(made: Bench) -> float:
    made.submit(DRAINED)
    began = time.perf_counter()
    finished = made.drain()
    return finished / (time.perf_counter() - began)


def claim_buffers(made: Bench) -> int:
    """Count the buffers that the claim of a new worker reads in all shards."""
    params = {"shards": list(range(SHARDS)), "floors": [0] * SHARDS, "limit": BATCH}
    explain = b"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + statement("drain/claim_queue").encode()
    [(plan,)] = made.session.execute(explain, params).fetchall()
    return int(plan[0]["Plan"]["Shared Hit Blocks"] + plan[0]["Plan"]["Shared Read Blocks"])


def timed(made: Bench, source: UUID | None = None) -> float:
    """Queue one transfer from `source`, or two from others; return the milliseconds in which they are applied."""
    made.submit(2 if source is None else 1, source)
    began = time.perf_counter()
    made.drain()
    return (time.perf_counter() - began) * 1_000


def look_ms(made: Bench, look: tuple[str, dict[str, object]]) -> float:
    began = time.perf_counter()
    made.session.execute(statement(look[0]), look[1]).fetchall()
    return (time.perf_counter() - began) * 1_000


def pass_through(made: Bench, rows: int) -> None:
    """Insert and delete rows in the queue, a chunk in one transaction; the sweeper runs after each."""
    with psycopg.connect(made.owner_url, autocommit=True) as connection:
        for _ in range(0, rows, CHUNK):
            [(last,)] = connection.execute(statement("sweep/find_last_position")).fetchall()
            connection.execute(ENQUEUE, {"shards": SHARDS, "rows": CHUNK, "transfer": NO_TRANSFER})
            connection.execute(DEQUEUE, {"last": last})
            made.sweeper.run_once()
            time.sleep(LOOK_EVERY_S)
        made.sweeper.run_once()


def replace(made: Bench, wallet: UUID, times: int) -> None:
    """Update the wallet's row so often, each time in its own transaction. No entries are made."""
    with psycopg.connect(made.owner_url, autocommit=True, options="-c synchronous_commit=off") as connection:
        connection.execute(REPLACE.format(times=times, wallet=wallet).encode())


@contextmanager
def held_snapshot(made: Bench) -> Iterator[None]:
    with psycopg.connect(made.owner_url) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.execute("SELECT 1")
        yield


@contextmanager
def bench() -> Iterator[Bench]:
    with TemporaryDirectory(prefix="teller-deadrows-") as folder:
        server = Postgres(Path(folder) / "postgres", {"shared_buffers": "512MB", "max_wal_size": "4GB"})
        server.start()
        try:
            server.create_database("teller")
            url, owner_url = server.url("teller", "teller_app"), server.url("teller")
            migrate(Settings.model_validate({"DATABASE_URL": url, "TELLER_ADMIN_DATABASE_URL": owner_url}))
            clients = [new_client() for _ in range(WALLETS)]
            with psycopg.connect(owner_url) as connection, connection.cursor() as cursor:
                cursor.executemany(statement("clients/insert"), [asdict(client) for client in clients])
                cursor.execute(FUND, [FUNDS])
            with closing(Applier(lambda: connect_worker(url))) as applier, closing(Applier(lambda: connect_worker(url))) as another:
                hints = Hints(NO_REDIS)
                drainer = Drainer(another, ShardDoorbell(hints), Batcher(hints))
                with closing(Sweeper(lambda: connect_worker(url), drainer)) as sweeper, closing(connect_worker(url)) as session:
                    made = Bench(url, owner_url, [client.wallet_id for client in clients], applier, sweeper, session)
                    made.submit(BATCH)
                    made.drain()
                    yield made
        finally:
            server.stop("immediate")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
