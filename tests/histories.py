"""Histories of wallets, written by SQL: as long as a test wants, at the times that it wants."""

from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from uuid import UUID

from core.postgres.connections import connect_worker
from tests.world import World
from worker.ledger.totals import Totals

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def write_history(world: World, wallet: UUID, amounts: Sequence[int], times: Sequence[datetime], *, finished: bool = True) -> None:
    """Add entries of these amounts and times to the wallet, each of a transfer with another wallet that exists for nothing else.

    `finished`: the wallet's row is brought up to date too, as a drain does it in the same transaction.
    """
    world.query(
        """
        WITH entry AS (
            SELECT gen_random_uuid() AS id, number, amount, made, w.version + number AS version,
                   w.balance + sum(amount) OVER (ORDER BY number) AS balance_after
              FROM wallets w, unnest(%s::bigint[], %s::timestamptz[]) WITH ORDINALITY AS given (amount, made, number)
             WHERE w.id = %s
        ), transfer AS (
            INSERT INTO transfers (id, type, status, finished_at, source, destination, amount, currency, metadata, owner,
                                   idempotency_key, fingerprint, shard, moment, ordinal, reference, created_at)
            SELECT id, 'transfer', 'applied', made,
                   CASE WHEN amount < 0 THEN %s ELSE id END, CASE WHEN amount < 0 THEN id ELSE %s END,
                   abs(amount), 'USD', '{}', 'operator', id, sha256('f'), 0, 1, 1, 'no. ' || version, made
              FROM entry
        )
        INSERT INTO entries (wallet_id, version, transfer_id, amount, balance_after, created_at)
        SELECT %s, version, id, amount, balance_after, made FROM entry
        """,
        *(list(amounts), list(times), wallet, wallet, wallet, wallet),
    )
    if finished:
        world.query(
            "UPDATE wallets w SET (version, balance) ="
            " (SELECT version, balance_after FROM entries WHERE wallet_id = w.id ORDER BY version DESC LIMIT 1) WHERE id = %s",
            wallet,
        )


def every(seconds: float, count: int, begin: datetime = BEGIN) -> list[datetime]:
    """Return so many times, one each so many seconds."""
    return [begin + timedelta(seconds=seconds * number) for number in range(count)]


def add_totals(world: World, wallet: UUID) -> None:
    """Add all running totals of the wallet, as the workers do."""
    totals = Totals()
    totals.ask_for([wallet])
    with closing(connect_worker(world.url)) as connection:
        while totals.are_due:
            totals.add(connection)
