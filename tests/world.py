"""A world of a test's own: wallets and transfers, made through Teller's own code in a database of its own.

Without Redis: doorbells are silent here, and money moves all the same. A test of the doorbell brings a Redis of its own.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, TypeVar
from uuid import UUID

import psycopg

from core import clients, ids, transfers, wallets
from core.clients import Client, NewClient
from core.currencies import USD
from core.errors import Unavailable
from core.ledger.kinds import Type
from core.ledger.lines import Lines, turned_round
from core.ledger.sharding import shard_of
from core.postgres import deadline
from core.postgres.connections import AsyncConnection, SyncConnection, connect_worker
from core.postgres.limits import session_of
from core.postgres.pool import Database
from core.transfers import Inserted, Submission, Terms, Transfer
from core.wallets import Wallet
from local.postgres import Postgres
from tests.bells import Bells
from tests.caller import new_key
from tests.databases import Databases
from tests.waiting import wait_for
from worker.ledger.apply import Applier
from worker.ledger.drain import Drainer

Result = TypeVar("Result")
Amounts: TypeAlias = Mapping[UUID, int]  # of each wallet

SHARDS = 16  # of every database that tests.databases makes
NO_REDIS = "redis://127.0.0.1:1/0"  # nobody listens there
FAR_AWAY_S = 3600.0
WITHIN_S = 20.0


def new_id(shard: int | None = None) -> UUID:
    """Mint an id, for a wallet in this shard if one is given."""
    id = ids.mint()
    return id if shard is None else UUID(int=id.int & ~(SHARDS - 1) | shard)


def new_client(shard: int | None = None, **changes: Any) -> NewClient:
    client = NewClient(
        id=new_id(),
        wallet_id=new_id(shard),
        name="Ada",
        external_id=None,
        metadata="{}",
        currency=USD,
        idempotency_key=None,
        fingerprint=None,
    )
    return replace(client, **changes)


def deposit(wallet: UUID, amount: int, **changes: Any) -> Submission:
    """A deposit into the wallet, as the API would submit it."""
    shard = shard_of(wallet, SHARDS)
    return replace(submission(ids.external_wallet(shard), wallet, amount, shard), **{"type": "deposit", **changes})


def transfer(source: UUID, destination: UUID, amount: int, **changes: Any) -> Submission:
    """A transfer between two wallets, as the API would submit it."""
    return replace(submission(source, destination, amount, shard_of(source, SHARDS)), **changes)


def withdrawal(wallet: UUID, amount: int, terms: Terms | None = None, **changes: Any) -> Submission:
    """A withdrawal from the wallet."""
    shard = shard_of(wallet, SHARDS)
    return replace(
        submission(wallet, ids.external_wallet(shard), amount, shard), **{"type": "withdrawal", "terms": terms, **changes}
    )


def hold(source: UUID, destination: UUID | None, amount: int, *, expires_in_s: int = 3600, **terms: Any) -> Submission:
    """A hold for another client's wallet, or for a payout."""
    shard = shard_of(source, SHARDS)
    payee = destination or ids.external_wallet(shard)
    return replace(submission(source, payee, amount, shard), type="hold", terms=Terms(expires_in_s=expires_in_s, **terms))


def capture(of: Submission, amount: int | None = None, **terms: Any) -> Submission:
    """A capture of the hold: of this amount, or of all that is left."""
    return child("capture", of, of.source, of.destination, amount, **terms)


def release(of: Submission, amount: int | None = None, **terms: Any) -> Submission:
    return child("release", of, of.source, of.destination, amount, **terms)


def reversal(of: Submission, amount: int | None = None, **terms: Any) -> Submission:
    """A reversal of the movement: of this amount, or of all that is not reversed yet."""
    return child("reversal", of, of.destination, of.source, amount, **terms)


def multi_leg(debits: Amounts, credits: Amounts, terms: Terms | None = None, **changes: Any) -> Submission:
    """A transfer of these lines, as the API would submit it."""
    lines = lines_of(debits, credits)
    asked = transfer(next(iter(debits)), next(iter(credits)), sum(credits.values()), **changes)
    return replace(asked, terms=replace(terms or Terms(), lines=lines))


def capture_for(of: Submission, credits: Amounts, **terms: Any) -> Submission:
    """A capture of the hold for these wallets."""
    amount = sum(credits.values())
    lines = lines_of({of.source: amount}, credits)
    return child("capture", of, of.source, next(iter(credits)), amount, lines=lines, **terms)


def whole_reversal(of: Submission, **terms: Any) -> Submission:
    """A reversal of a transfer with lines."""
    assert of.lines is not None
    return child("reversal", of, of.destination, of.source, of.amount, lines=turned_round(of.lines), **terms)


def lines_of(debits: Amounts, credits: Amounts) -> Lines:
    return tuple((wallet, -amount) for wallet, amount in debits.items()) + tuple(credits.items())


def child(type: Type, of: Submission, source: UUID, destination: UUID, amount: int | None, **terms: Any) -> Submission:
    """A child of a transfer, in the shard of the first client's wallet that it debits or reserves, or else credits."""
    client = destination if ids.is_external_wallet(source) else source
    asked = submission(source, destination, of.amount if amount is None else amount, shard_of(client, SHARDS))
    fit = {"fit": "rest"} if amount is None else {}
    return replace(asked, type=type, terms=Terms(**{"parent": of.id, **fit, **terms}))


def closure(wallet: UUID, heir: UUID | None = None, *, sweeps: bool | None = None, **changes: Any) -> Submission:
    """A closure of the wallet that moves what is in it to the heir's wallet, or to outside if it `sweeps` without an heir."""
    shard = shard_of(wallet, SHARDS)
    asked = submission(wallet, heir or ids.external_wallet(shard), 0, shard)
    terms = Terms(sweeps=heir is not None if sweeps is None else sweeps)
    return replace(asked, **{"type": "closure", "terms": terms, **changes})


def submission(source: UUID, destination: UUID, amount: int, shard: int) -> Submission:
    return Submission(
        id=new_id(),
        type="transfer",
        source=source,
        destination=destination,
        amount=amount,
        currency=USD,
        reference=None,
        metadata={},
        callback_url=None,
        owner="operator",
        idempotency_key=new_key(),
        fingerprint=b"f" * 32,
        shard=shard,
    )


@dataclass(frozen=True)
class World:
    """A migrated database and what tests do to it: as the application, but for what `query` does."""

    url: str
    owner_url: str

    def new_wallets(self, *balances: int, shard: int | None = None) -> list[UUID]:
        """Make a client for each of these balances and return their wallets, their deposits applied."""
        made = self.insert_clients([new_client(shard) for _ in balances])
        wallet_ids = [client.wallet.id for client in made]
        deposits = [deposit(id, balance) for id, balance in zip(wallet_ids, balances, strict=True) if balance]
        if deposits:
            self.submit(*deposits)
            self.drain(*{one.shard for one in deposits})
        return wallet_ids

    def new_wallet(self, balance: int = 0, shard: int | None = None) -> UUID:
        return self.new_wallets(balance, shard=shard)[0]

    def insert_clients(self, new: Sequence[NewClient]) -> list[Client]:
        async def insert(connection: AsyncConnection) -> list[Client | None]:
            return [await clients.insert(connection, client) for client in new]

        return [client for client in self.run(insert) if client is not None]

    def submit(self, *submissions: Submission) -> list[Inserted]:
        """Store these in one batch and return those that were stored."""
        return self.run(lambda connection: transfers.insert(connection, submissions))

    def drain(self, *shards: int) -> int:
        """Drain these shards, or all, to the end; return how many transfers were finished."""
        with closing(self.drainer()) as drainer:
            return drainer.run(shards or self.waiting_shards())

    def drainer(
        self,
        redis_url: str = NO_REDIS,
        *,
        fair_share_s: float = FAR_AWAY_S,
        lock_timeout: str = "2s",
        statement_timeout: str = "5s",
    ) -> Drainer:
        """A drainer that the test closes."""
        bells = Bells(redis_url)
        applier = self.applier(lock_timeout, statement_timeout)
        return Drainer(applier, bells.doorbell, bells.batcher, fair_share_s=fair_share_s)

    def applier(self, lock_timeout: str = "2s", statement_timeout: str = "5s") -> Applier:
        """An applier that the test closes."""

        def connect() -> SyncConnection:
            connection = connect_worker(self.url)
            limits = {"lock_timeout": lock_timeout, "statement_timeout": statement_timeout}
            for name, limit in limits.items():
                connection.execute("SELECT set_config(%s, %s, false)", [name, limit])
            return connection

        return Applier(connect)

    def transfer(self, id: UUID) -> Transfer:
        [found] = self.ask(lambda database: transfers.find_all(database, [id]))
        assert found is not None
        return found

    def wallet(self, id: UUID) -> Wallet:
        found = self.ask(lambda database: wallets.find(database, id))
        assert found is not None
        return found

    def client_of(self, wallet_id: UUID) -> UUID:
        """Return the client that has this wallet."""
        client_id = self.wallet(wallet_id).client_id
        assert client_id is not None
        return client_id

    def change(self, id: UUID, *, reason: str = "asked by the bank", **changes: Any) -> Wallet | None:
        """Freeze the wallet, or change its limits, as the API does."""
        return self.run(lambda connection: wallets.change(connection, id, changes, key_id=None, reason=reason))

    def change_client(self, id: UUID, *, reason: str = "asked by the client", **changes: Any) -> Client | None:
        """Change the client, as the API does."""
        return self.run(lambda connection: clients.change(connection, id, changes, key_id=None, reason=reason))

    def balance(self, id: UUID) -> int:
        return self.wallet(id).balance

    def waiting_shards(self) -> list[int]:
        return [shard for (shard,) in self.query("SELECT DISTINCT shard FROM queue ORDER BY shard")]

    def statuses(self, *ids: UUID) -> list[tuple[str, str | None]]:
        """Status and failure code of each of these transfers."""
        rows = self.query("SELECT id, status, failure_code FROM transfers WHERE id = ANY(%s)", list(ids))
        found = {id: (status, failure_code) for id, status, failure_code in rows}
        return [found[id] for id in ids]

    def query(self, statement: str, *params: Any) -> list[tuple[Any, ...]]:
        """Run one statement as the owner, over a connection of its own; return its rows, if it has any."""
        with psycopg.connect(self.owner_url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), params or None)
            return cursor.fetchall() if cursor.description else []

    def wait_until_blocked(self, sessions: int = 1) -> list[int]:
        """Wait until so many sessions wait for a lock, and return the pids of their backends."""

        def blocked() -> list[int] | None:
            rows = self.query(
                "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0"
            )
            return [pid for (pid,) in rows] if len(rows) >= sessions else None

        return wait_for(blocked, f"{sessions} sessions that wait for a lock") or []

    def run(self, work: Callable[[AsyncConnection], Awaitable[Result]]) -> Result:
        """Do asynchronous work over a connection of its own."""

        async def main() -> Result:
            options: dict[str, Any] = {"limits": session_of({}), "on_refusal": lambda _: None, "autocommit": True}
            async with await AsyncConnection.connect(self.url, **options) as connection:
                return await work(connection)

        return asyncio.run(main())

    def ask(self, work: Callable[[Database], Awaitable[Result]]) -> Result:
        """Do asynchronous work with the API's way to the database: again when a busy machine makes it take longer than it may."""

        async def main() -> Result:
            database = Database(self.url)
            await database.open()
            give_up = time.monotonic() + WITHIN_S
            try:
                while True:
                    deadline.start()
                    try:
                        return await work(database)
                    except Unavailable:
                        if time.monotonic() > give_up:
                            raise
            finally:
                await database.close()

        return asyncio.run(main())


def world_on(server: Postgres) -> World:
    """Return a world on a running server of the test's own."""
    databases = Databases(server.url("postgres"))
    url = databases.migrated()
    return World(url, databases.owner_url(url))


def insert_by_hand(connection: psycopg.Connection[Any], sent: Submission) -> None:
    """Store a submission, without a place in the queue, within the connection's transaction."""
    connection.execute(
        "INSERT INTO transfers (id, type, source, destination, amount, currency, metadata, owner, idempotency_key, fingerprint,"
        " shard) VALUES (%s, %s, %s, %s, %s, 'USD', '{}', %s, %s, %s, %s)",
        [
            *(sent.id, sent.type, sent.source, sent.destination, sent.amount),
            *(sent.owner, sent.idempotency_key, sent.fingerprint, sent.shard),
        ],
    )
