"""python -m bench.sizes: the rows and the bytes that a transfer leaves in PostgreSQL, table by table.

It starts a PostgreSQL of its own, makes wallets, and lets Teller's own code store and apply transfers between them. Then it counts
rows, and the bytes of tables and indexes after a VACUUM, and divides by the transfers. The transfers have a reference and metadata
of the sizes that the first line names. Needs no Redis.
"""

import argparse
import asyncio
import random
import secrets
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from psycopg import sql

from bench import bulk
from core.admin.migrate import migrate
from core.ledger.sharding import shard_of
from core.postgres.connections import connect_worker
from core.settings import Settings
from core.transfers import Submission
from local.postgres import Postgres
from local.settings import ROLES
from worker.ledger.apply import Applier

SHARDS = 16
REFERENCE = "inv-20260131-000001"
METADATA = {"order": "1001", "channel": "web"}
CLAIMED = 500  # transfers of a batch, as workers have it
OURS = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY relname"
BYTES = "SELECT pg_table_size(%(table)s::regclass), pg_indexes_size(%(table)s::regclass)"
WRITTEN = "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint"


class Urls(NamedTuple):
    """Of one database, for the roles of the API, of the workers and of the owner."""

    api: str
    worker: str
    owner: str


class Size(NamedTuple):
    """What a table has: as counted, or a transfer's share of it. The bytes of rows include TOAST, free space and maps."""

    rows: float
    table: float
    indexes: float


class Sizes(NamedTuple):
    """A transfer's share of each table that grows with it, and the bytes of write-ahead log that it made."""

    tables: Mapping[str, Size]
    log: float

    @property
    def bytes(self) -> float:
        return sum(size.table + size.indexes for size in self.tables.values())


def main(arguments: Sequence[str]) -> int:
    wanted = parser().parse_args(arguments)
    with TemporaryDirectory(prefix="teller-sizes-") as folder:
        server = Postgres(Path(folder) / "postgres", {"max_wal_size": "4GB"})
        server.start()
        print(f"a reference of {len(REFERENCE)} characters, metadata {METADATA}; {wanted.wallets:,} wallets")
        try:
            for together, transfers in ((CLAIMED, wanted.transfers), (1, wanted.alone)):
                urls = migrated(server, f"sizes_{together}")
                show(measure(urls, wanted.wallets, transfers, together), transfers, together)
        finally:
            server.stop("immediate")
    return 0


def parser() -> argparse.ArgumentParser:
    sizes = argparse.ArgumentParser(prog="python -m bench.sizes", description="Measure what a transfer leaves in PostgreSQL.")
    sizes.add_argument("--transfers", type=int, default=200_000, help=f"that are applied {CLAIMED} at a time")
    sizes.add_argument("--alone", type=int, default=5_000, help="that are applied one at a time")
    sizes.add_argument("--wallets", type=int, default=2_000, help="of clients, each with a deposit before")
    return sizes


def migrated(server: Postgres, name: str) -> Urls:
    """Make a database as `make run` has it."""
    server.create_database(name)
    urls = Urls(server.url(name, ROLES["api"]), server.url(name, ROLES["worker"]), server.url(name))
    given = {
        "DATABASE_URL": urls.api,
        "TELLER_WORKER_DATABASE_URL": urls.worker,
        "TELLER_DELIVERER_DATABASE_URL": server.url(name, ROLES["deliverer"]),
        "TELLER_ADMIN_DATABASE_URL": urls.owner,
        "TELLER_OPERATOR_KEY": secrets.token_urlsafe(32),
    }
    migrate(Settings.model_validate(given))
    return urls


def measure(urls: Urls, wallets: int, transfers: int, together: int) -> Sizes:
    """Apply the transfers, so many in a transaction, and return what each of them added. The database is migrated and empty."""
    owned = bulk.make_wallets(urls.owner, wallets)
    with closing(Applier(lambda: connect_worker(urls.worker))) as applier, psycopg.connect(urls.owner, autocommit=True) as session:
        store_and_apply(urls.api, applier, [bulk.deposit(wallet, shard_of(wallet, SHARDS)) for wallet in owned], CLAIMED)
        before, written = counted(session), log_of(session)
        store_and_apply(urls.api, applier, [between(*random.sample(owned, 2)) for _ in range(transfers)], together)
        written = log_of(session) - written
        return Sizes(shares(before, counted(session), transfers), written / transfers)


def between(source: UUID, destination: UUID) -> Submission:
    return replace(
        bulk.transfer(source, destination, shard_of(source, SHARDS)),
        reference=REFERENCE,
        metadata=METADATA,
    )


def store_and_apply(url: str, applier: Applier, submissions: list[Submission], together: int) -> None:
    for begin in range(0, len(submissions), together):
        stored = iter(submissions[begin : begin + together])
        asyncio.run(bulk.store_in_batches(url, stored, lambda: None))
        while applier.apply(range(SHARDS), CLAIMED).finished:
            applier.add_totals()


def counted(session: psycopg.Connection[Any]) -> Mapping[str, Size]:
    """Return the size of each table, without what a VACUUM gives back."""
    names = [name for (name,) in session.execute(OURS).fetchall()]
    return {name: size_of(session, name) for name in names}


def size_of(session: psycopg.Connection[Any], name: str) -> Size:
    table = sql.Identifier(name)
    session.execute(sql.SQL("VACUUM {}").format(table))
    [(rows,)] = session.execute(sql.SQL("SELECT count(*) FROM {}").format(table)).fetchall()
    [(heap, indexes)] = session.execute(BYTES, {"table": name}).fetchall()
    return Size(rows, heap, indexes)


def log_of(session: psycopg.Connection[Any]) -> int:
    [(written,)] = session.execute(WRITTEN).fetchall()
    return int(written)


def shares(before: Mapping[str, Size], after: Mapping[str, Size], transfers: int) -> Mapping[str, Size]:
    """Return the share of a transfer in each table that has grown."""
    grown = {name: [now - then for now, then in zip(after[name], before[name], strict=True)] for name in after}
    return {name: Size(*(each / transfers for each in grew)) for name, grew in grown.items() if any(grew)}


def show(sizes: Sizes, transfers: int, together: int) -> None:
    print(f"\n{transfers:,} transfers, applied {together} at a time; of one transfer:\n")
    print("| table | rows | bytes of rows | bytes of indexes |\n| --- | ---: | ---: | ---: |")
    for name, size in sizes.tables.items():
        print(f"| `{name}` | {size.rows:.2f} | {size.table:.0f} | {size.indexes:.0f} |")
    print(f"\nin all {sizes.bytes:.0f} bytes, and {sizes.log:.0f} bytes of write-ahead log")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
