"""The services that all routes of an API process share: one typed object, made from the settings, started and stopped here."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from fastapi import Request

from api.admission.auth import Authenticator
from api.admission.backlog import Backlog
from api.admission.gate import Gate, batch_turns
from api.admission.rate_limit import RateLimit
from api.admission.readiness import Readiness
from api.intake.final_listener import FinalListener
from api.intake.gauges import PoolGauges
from api.intake.intake import Intake
from api.intake.long_poll import LongPoll
from api.intake.micro_batches import MicroBatches
from api.intake.secret_cache import SecretCache
from api.intake.shared_reads import SharedReads
from core import transfers
from core.postgres.pool import Database
from core.redis.deliverer_doorbell import DelivererDoorbell
from core.redis.final_news import FinalNews
from core.redis.hints import Hints
from core.redis.probe import Probe
from core.redis.shard_doorbell import ShardDoorbell
from core.settings import Settings
from core.transfers import Transfer
from core.turns import Turns

LOOKUP_MAX = 200  # transfers that one statement looks up. A guess.
# Look-ups of one owner that wait: twice its requests that may wait for an outcome (api/intake/long_poll.py), since the outcomes of
# all of these may come at once.
OWNER_LOOKUPS_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Services:
    """The shared objects, and the settings of the process."""

    settings: Settings
    database: Database
    hints: Hints
    readiness: Readiness
    redis_probe: Probe
    deliverer_doorbell: DelivererDoorbell
    final_news: FinalNews
    authenticator: Authenticator
    gate: Gate
    batch_turns: Turns
    intake: Intake
    lookup: MicroBatches[UUID, Transfer | None]
    long_poll: LongPoll
    gauges: PoolGauges
    secret_cache: SecretCache
    shared_reads: SharedReads


def services(request: Request) -> Services:
    """Return the services of the process that answers the request."""
    shared: Services = request.app.state.services
    return shared


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Services]:
    """Yield the started services of these settings. At the end they stop in the reverse order, also after an error.

    The order matters: requests that wait for an outcome look transfers up, the intake rings the doorbell for transfers that it has
    stored, and the authenticator writes the last use of keys to the database.
    """
    made = make(settings)
    async with AsyncExitStack() as stack:
        stack.callback(made.hints.close)
        await asyncio.to_thread(made.redis_probe.check)  # so the log shows from the start which commands Redis refuses
        stack.push_async_callback(made.database.close)
        await made.database.open()
        stack.push_async_callback(made.authenticator.stop)
        stack.push_async_callback(made.intake.stop)
        made.intake.start()
        stack.callback(made.lookup.stop)
        made.lookup.start()
        stack.push_async_callback(made.gate.stop)
        made.gate.start()
        stack.callback(made.gauges.stop)
        made.gauges.start()
        stack.push_async_callback(made.long_poll.close)  # it starts with the first request that waits
        yield made


def make(settings: Settings) -> Services:
    """Return the services of these settings. They connect to nothing before they are started. An event loop must run."""
    database, hints = Database(settings.database_url), Hints(settings.redis_url)
    lookup = MicroBatches(partial(transfers.find_all, database), LOOKUP_MAX, OWNER_LOOKUPS_MAX)
    long_poll = LongPoll(FinalListener(settings.redis_url), lookup)
    backlog = Backlog(database, settings.backlog_max, settings.client_backlog_max)
    rate_limit = RateLimit(settings.redis_url, settings.rate_limit, settings.rate_burst) if settings.rate_limit else None
    return Services(
        settings=settings,
        database=database,
        hints=hints,
        readiness=Readiness(database),
        redis_probe=Probe(hints),
        deliverer_doorbell=DelivererDoorbell(hints),
        final_news=FinalNews(hints),
        authenticator=Authenticator(database, settings.operator_key),
        gate=Gate(backlog, rate_limit),
        batch_turns=batch_turns(),
        intake=Intake(database, ShardDoorbell(hints)),
        lookup=lookup,
        long_poll=long_poll,
        gauges=PoolGauges(database, long_poll),
        secret_cache=SecretCache(database),
        shared_reads=SharedReads(),
    )
