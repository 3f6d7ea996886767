"""The deliverer's process: what is due is looked for each second, and as soon as a doorbell rings."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing

from core import log
from core.postgres.pool import Database
from core.redis.deliverer_doorbell import DelivererDoorbell
from core.redis.hints import Hints
from core.redis.keys import DELIVERIES
from core.redis.probe import Probe
from core.settings import Settings
from worker.jobs import of_deliverer
from worker.listen import listen
from worker.process import Process, StopFlag
from worker.webhooks.deliverer import Deliverer
from worker.webhooks.send import Sender
from worker.webhooks.store import StoredDeliveries

CONNECTIONS = 4  # a claim, and a few of those that keep what became of an attempt

logger = log.get(__name__)


async def deliver(configured: Settings, process: Process) -> None:
    """Deliver until the process is asked to stop; end when what was in flight then has ended, which takes seconds."""
    stopping = stop_event(process)
    if configured.webhooks_allow_private:
        logger.warning("webhooks are sent to private addresses and without TLS: for development alone")
    with closing(Hints(configured.redis_url)) as hints:
        await asyncio.to_thread(Probe(hints).check)  # what it refuses is then in the log from the start
        async with (
            opened(configured.url_of_deliverer) as database,
            Sender(allow_private=configured.webhooks_allow_private) as sender,
        ):
            deliverer = Deliverer(
                StoredDeliveries(database), sender, beat=process.goes_on, lower=lowering(DelivererDoorbell(hints))
            )
            async with rung(configured.redis_url, deliverer.wake):
                await deliverer.run(stopping)


def stop_event(process: Process) -> asyncio.Event:
    """Return an event that is set when the process is asked to stop, or has been."""
    stopping = asyncio.Event()

    def stop() -> None:
        process.stopping = True
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    if process.stopping:
        stop()
    return stopping


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    database = Database(url, connections=CONNECTIONS)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


def lowering(doorbell: DelivererDoorbell) -> Callable[[], Awaitable[None]]:
    """Return what takes the flag down, off the event loop."""
    return lambda: asyncio.to_thread(doorbell.lower)


@asynccontextmanager
async def rung(redis_url: str, wake: Callable[[], None]) -> AsyncIterator[None]:
    """Within the context, call `wake` in this event loop when the doorbell rings: a thread beside it listens, as RQ needs one."""
    stop = StopFlag()
    loop = asyncio.get_running_loop()

    def wake_in_loop() -> None:  # and nothing else, which RQ would try to store
        loop.call_soon_threadsafe(wake)

    listening = asyncio.create_task(asyncio.to_thread(hear, stop, redis_url, wake_in_loop))
    try:
        yield
    finally:
        stop.stopping = True
        await listening


def hear(stop: StopFlag, redis_url: str, wake: Callable[[], None]) -> None:
    """Call `wake` at each ring, until asked to stop. Raises nothing: without a doorbell there is still the look each second."""
    try:
        listen(stop, redis_url, DELIVERIES, of_deliverer(wake))
    except Exception:
        logger.exception("doorbell not heard any more")
