"""Make wallets and transfers by the thousand: inserted by the product's own statements, applied by its own workers."""

import asyncio
import hashlib
import random
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any, TypeAlias
from uuid import UUID

import psycopg

from bench.errors import CannotBench
from bench.system import System
from core import ids, transfers
from core.clients import NewClient
from core.currencies import USD
from core.ids import Prefix
from core.ledger.kinds import Type
from core.ledger.sharding import shard_of
from core.postgres.connections import AsyncConnection
from core.postgres.limits import session_of
from core.postgres.statements import statement
from core.redis.hints import Hints
from core.redis.shard_doorbell import ShardDoorbell
from core.transfers import Submission, Terms

FUNDS = 1_000_000_000  # cents a wallet: no load here spends more
BATCH = 500  # rows of one INSERT
FAR_AWAY_S = 3_600  # of what becomes due later, when a measurement says so

Make: TypeAlias = Callable[[UUID, UUID, int], Submission]  # of source, destination and shard


def make_funded_wallets(system: System, count: int) -> list[UUID]:
    """Make `count` clients with a wallet each, and return the wallets when a deposit of FUNDS into each is applied."""
    wallets = make_wallets(system.admin_database_url, count)
    shards = system.shards()
    store(system, (deposit(wallet, shard_of(wallet, shards)) for wallet in wallets), rung=True)
    system.wait_until_empty()
    return wallets


def make_wallets(database_url: str, count: int) -> list[UUID]:
    clients = [new_client() for _ in range(count)]
    with psycopg.connect(database_url) as connection, connection.cursor() as cursor:
        cursor.executemany(statement("clients/insert"), [asdict(client) for client in clients])
    return [client.wallet_id for client in clients]


def new_client() -> NewClient:
    return NewClient(
        id=ids.mint(),
        wallet_id=ids.mint(),
        name="Bench",
        external_id=None,
        metadata="{}",
        currency=USD,
        idempotency_key=None,
        fingerprint=None,
    )


def public_ids(wallets: Iterable[UUID]) -> list[str]:
    """The ids as the HTTP API has them."""
    return [ids.text(Prefix.WALLET, wallet) for wallet in wallets]


def queue_transfers(system: System, wallets: Sequence[UUID], count: int, *, rung: bool) -> None:
    """Queue `count` transfers of a cent between two of these wallets; if not `rung`, without ringing the doorbell."""
    store_between(system, transfer, wallets, count, rung=rung)


def store_between(system: System, make: Make, wallets: Sequence[UUID], count: int, *, rung: bool) -> None:
    """Store `count` submissions that `make` returns for two of these wallets and the first one's shard."""
    shards = system.shards()
    pairs = (random.sample(wallets, 2) for _ in range(count))
    store(system, (make(source, destination, shard_of(source, shards)) for source, destination in pairs), rung=rung)


def ring(system: System) -> None:
    """Ring the doorbell of each shard once."""
    with doorbell(system) as bell:
        bell()


@contextmanager
def doorbell(system: System) -> Iterator[Callable[[], object]]:
    """Yield a function that rings for all shards. Without a Redis URL it does nothing, and the sweeper finds the transfers."""
    if system.redis_url is None:
        yield lambda: None
        return
    bell, shards = ShardDoorbell(Hints(system.redis_url)), range(system.shards())
    yield partial(bell.ring, shards)
    bell.close()


def deposit(wallet: UUID, shard: int) -> Submission:
    return submission("deposit", ids.external_wallet(shard), wallet, FUNDS, shard)


def transfer(source: UUID, destination: UUID, shard: int) -> Submission:
    return submission("transfer", source, destination, 1, shard)


def hold(source: UUID, destination: UUID, shard: int) -> Submission:
    """A hold of a cent, with an end that is far away."""
    return replace(submission("hold", source, destination, 1, shard), terms=Terms(expires_in_s=FAR_AWAY_S))


def appointment(source: UUID, destination: UUID, shard: int) -> Submission:
    """A transfer of a cent, for a time that is far away."""
    scheduled_for = datetime.now(UTC) + timedelta(seconds=FAR_AWAY_S)
    return replace(transfer(source, destination, shard), terms=Terms(scheduled_for=scheduled_for))


def submission(type: Type, source: UUID, destination: UUID, amount: int, shard: int) -> Submission:
    key = secrets.token_hex(16)
    return Submission(
        id=ids.mint(),
        type=type,
        source=source,
        destination=destination,
        amount=amount,
        currency=USD,
        reference=None,
        metadata={},
        callback_url=None,
        owner="operator",
        idempotency_key=key,
        fingerprint=hashlib.sha256(key.encode()).digest(),
        shard=shard,
    )


def store(system: System, submissions: Iterator[Submission], *, rung: bool) -> None:
    """Insert them in batches by the product's own statement; if `rung`, ring after each batch."""
    with doorbell(system) as bell:
        asyncio.run(store_in_batches(system.database_url, submissions, bell if rung else lambda: None))


async def store_in_batches(database_url: str, submissions: Iterator[Submission], ring_all: Callable[[], object]) -> None:
    options: dict[str, Any] = {"limits": session_of({}), "on_refusal": lambda _: None, "autocommit": True, "prepare_threshold": 1}
    async with await AsyncConnection.connect(database_url, **options) as connection:
        while batch := list(islice(submissions, BATCH)):
            stored = await transfers.insert(connection, batch)
            if len(stored) != len(batch):
                raise CannotBench(f"only {len(stored)} of {len(batch)} submissions were stored")
            ring_all()
