"""What the routes of an API process share: one typed object, made from the settings, started and stopped here."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from fastapi import Request

from api.admission.auth import Doorman
from api.admission.buckets import Buckets
from api.admission.gate import Backlog, Gate, turns_at_batches
from api.intake.intake import Intake
from api.intake.levels import Levels
from api.intake.long_poll import Waiting
from api.intake.micro_batches import MicroBatches
from api.intake.signers import Signers
from core import transfers
from core.postgres.pool import Database
from core.redis.deliverer_doorbell import DelivererDoorbell
from core.redis.hints import Hints
from core.redis.probe import Probe
from core.redis.shard_doorbell import ShardDoorbell
from core.settings import Settings
from core.transfers import Transfer
from core.turns import Turns

LOOKUP_MAX = 200  # transfers that one statement looks up
OWNER_LOOKUPS_MAX = (
    10_000  # of one owner that wait: more than may wait for an outcome (api/intake/long_poll.py), which may come for all at once
)


@dataclass(frozen=True, slots=True)
class Services:
    """What the routes use. The settings are those of the process."""

    settings: Settings
    database: Database
    hints: Hints
    redis_probe: Probe
    deliverer_doorbell: DelivererDoorbell
    doorman: Doorman
    gate: Gate
    batch_turns: Turns
    intake: Intake
    lookup: MicroBatches[UUID, Transfer | None]
    waiting: Waiting
    levels: Levels
    signers: Signers


def services(request: Request) -> Services:
    """Return the services of the process that answers the request."""
    shared: Services = request.app.state.services
    return shared


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Services]:
    """Give the services of these settings, started. In the end they stop in the reverse order, also after an error.

    The order matters: requests that wait for an outcome look transfers up, the intake rings the doorbell for what it has stored,
    and the doorman writes the last use of keys to the database.
    """
    made = make(settings)
    async with AsyncExitStack() as stack:
        stack.callback(made.hints.close)
        await asyncio.to_thread(made.redis_probe.check)  # what Redis refuses is then in the log from the start
        stack.push_async_callback(made.database.close)
        await made.database.open()
        stack.push_async_callback(made.doorman.stop)
        stack.push_async_callback(made.intake.stop)
        made.intake.start()
        stack.callback(made.lookup.stop)
        made.lookup.start()
        stack.push_async_callback(made.gate.stop)
        made.gate.start()
        stack.callback(made.levels.stop)
        made.levels.start()
        stack.push_async_callback(made.waiting.close)  # it starts with the first request that waits
        yield made


def make(settings: Settings) -> Services:
    """Return the services of these settings. They connect to nothing before they are started. An event loop must run."""
    database, hints = Database(settings.database_url), Hints(settings.redis_url)
    lookup = MicroBatches(partial(transfers.find_all, database), LOOKUP_MAX, OWNER_LOOKUPS_MAX)
    waiting = Waiting(settings.redis_url, lookup)
    backlog = Backlog(database, settings.backlog_max, settings.client_backlog_max)
    buckets = Buckets(settings.redis_url, settings.rate_limit, settings.rate_burst) if settings.rate_limit else None
    return Services(
        settings=settings,
        database=database,
        hints=hints,
        redis_probe=Probe(hints),
        deliverer_doorbell=DelivererDoorbell(hints),
        doorman=Doorman(database, settings.operator_key),
        gate=Gate(backlog, buckets),
        batch_turns=turns_at_batches(),
        intake=Intake(database, ShardDoorbell(hints)),
        lookup=lookup,
        waiting=waiting,
        levels=Levels(database, waiting),
        signers=Signers(database),
    )
