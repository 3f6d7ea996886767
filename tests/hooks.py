"""Endpoints and deliveries of a test's world, made and claimed through Teller's own code."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from core import ids
from core.errors import Unavailable
from core.events import Type
from core.ids import Prefix
from core.postgres import deadline
from core.postgres.pool import Database
from core.transfers import Submission
from core.webhooks import endpoints
from core.webhooks.endpoints import NewEndpoint
from core.webhooks.signing import make_secret
from tests.world import World, new_id, transfer
from worker.webhooks.delivery import Delivery
from worker.webhooks.fairness import SlotLimits
from worker.webhooks.fan_outs import FanOuts
from worker.webhooks.receivers import Receivers
from worker.webhooks.send import Attempt, Fault
from worker.webhooks.store import LEASE_S, StoredDeliveries

SOMEWHERE = "https://example.com/hook"

SUCCESS = Attempt(200, None, 0.01)
ERROR = Attempt(500, None, 0.02)
GONE = Attempt(410, None, 0.03)
SILENCE = Attempt(None, Fault.TIMED_OUT, 15.0)


def new_endpoint(
    world: World,
    url: str = SOMEWHERE,
    *,
    wallet_id: UUID | None = None,
    owner: str | None = None,
    events: Sequence[Type] = ("transfer.applied", "transfer.rejected"),
) -> NewEndpoint:
    """Make an endpoint of the operator's, or of the wallet's client; each wallet stands for a client of its own."""
    owner = owner or (ids.text(Prefix.CLIENT, wallet_id) if wallet_id else "operator")
    new = NewEndpoint(new_id(), owner, wallet_id, url, list(events), None, make_secret())
    world.ask(lambda database: endpoints.insert_endpoint(database, new))
    return new


def finish(world: World, *submissions: Submission) -> None:
    """Submit, drain, and make the deliveries."""
    world.submit(*submissions)
    world.drain()
    fan_out(world)


def make_due(world: World, count: int = 1) -> list[Submission]:
    """Make `count` transfers final, with a delivery for each endpoint that gets them."""
    source, destination = world.new_wallets(0, 0)
    sent = [transfer(source, destination, 1) for _ in range(count)]
    finish(world, *sent)
    return sent


def lapse(world: World) -> None:
    """Make all claims lapse, and all waiting deliveries due."""
    world.query("UPDATE deliveries SET next_attempt_at = now() - interval '1 second' WHERE status = 'pending'")


@asynccontextmanager
async def stored(world: World, connections: int = 4) -> AsyncIterator[Database]:
    """A deliverer's connection to the world's database."""
    async with stored_at(world.url, connections) as database:
        yield database


@asynccontextmanager
async def stored_at(url: str, connections: int = 4) -> AsyncIterator[Database]:
    database = Database(url, connections=connections)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


def with_deliveries(
    world: World, work: Callable[[StoredDeliveries], Awaitable[Any]], *, lease_s: float = LEASE_S, **options: Any
) -> Any:
    """Run this with the world's deliveries; the options are those of Receivers."""

    async def main() -> Any:
        async with stored(world) as database:
            return await work(StoredDeliveries(database, lease_s=lease_s, receivers=Receivers(database, **options)))

    return asyncio.run(main())


def fan_out(world: World, **options: Any) -> int:
    """Make all deliveries that verdicts have left to be made; return in how many steps. The options are those of FanOuts."""
    return fan_out_at(world.url, **options)


def fan_out_at(url: str, **options: Any) -> int:
    """The same in the database of this URL."""

    async def main() -> int:
        async with stored_at(url) as database:
            fan_outs = FanOuts(database, **options)
            steps = 0
            while True:
                deadline.start()
                try:
                    await fan_outs.step()
                except Unavailable:  # on a busy machine: a deliverer tries again, too
                    continue
                if not fan_outs.goes_on:
                    return steps
                steps += 1

    return asyncio.run(main())


def claim(world: World, slots: SlotLimits | None = None, **options: Any) -> Sequence[Delivery]:
    """Claim once, as a deliverer without attempts in flight does."""
    claimed: Sequence[Delivery] = with_deliveries(world, lambda deliveries: deliveries.claim(slots or SlotLimits()), **options)
    return claimed


def mark(world: World, delivery: Delivery, attempt: Attempt, retry_in_s: float | None = None) -> None:
    with_deliveries(world, lambda deliveries: deliveries.mark(delivery, attempt, retry_in_s))


def trail(world: World, delivery: Delivery) -> list[tuple[int, int | None, str | None]]:
    """Number, status code and error of each attempt."""
    select = "SELECT number, status_code, error FROM delivery_attempts WHERE delivery_id = %s ORDER BY number"
    return [(number, status_code, error) for number, status_code, error in world.query(select, delivery.id)]


def state(world: World, delivery: Delivery) -> tuple[str, int, float | None]:
    """Its status, its attempts, and in how many seconds the next is due."""
    select = "SELECT status, attempts, next_attempt_at FROM deliveries WHERE id = %s"
    [(status, attempts, next_at)] = world.query(select, delivery.id)
    return status, attempts, (next_at - datetime.now(UTC)).total_seconds() if next_at else None
