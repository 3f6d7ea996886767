"""The deliverer's process: looks for due deliveries every second, and at once when its doorbell rings."""

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
from worker.jobs import jobs_of_deliverer
from worker.listen import listen
from worker.process import Process, StopFlag
from worker.webhooks.deliverer import Deliverer
from worker.webhooks.send import Sender
from worker.webhooks.store import StoredDeliveries

CONNECTIONS = 4  # a guess: one for claims, three for results of attempts

logger = log.get(__name__)


async def deliver(configured: Settings, process: Process) -> None:
    """Deliver until the process is asked to stop, then wait for the attempts in flight: 15 s each at most."""
    stopping = stop_event(process)
    if configured.webhooks_allow_private:
        logger.warning("webhooks are sent to private addresses and without TLS: for development alone")
    with closing(Hints(configured.redis_url)) as hints:
        await asyncio.to_thread(Probe(hints).check)  # logs at the start which commands Redis refuses
        async with (
            open_database(configured.url_of_deliverer) as database,
            Sender(allow_private=configured.webhooks_allow_private) as sender,
        ):
            deliverer = Deliverer(
                StoredDeliveries(database), sender, beat=process.goes_on, lower=lower_in_thread(DelivererDoorbell(hints))
            )
            async with doorbell_heard(configured.redis_url, deliverer.wake):
                await deliverer.run(stopping)


def stop_event(process: Process) -> asyncio.Event:
    """Return an event that is set when the process is asked to stop, and at once if it was asked before."""
    stopping = asyncio.Event()

    def stop() -> None:
        logger.info("stopping")
        process.stopping = True
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    if process.stopping:
        stop()
    return stopping


@asynccontextmanager
async def open_database(url: str) -> AsyncIterator[Database]:
    database = Database(url, connections=CONNECTIONS, kind="deliverer")
    await database.open()
    try:
        yield database
    finally:
        await database.close()


def lower_in_thread(doorbell: DelivererDoorbell) -> Callable[[], Awaitable[None]]:
    """Return the function that lowers the deliverer's flag in a thread, because its client blocks."""
    return lambda: asyncio.to_thread(doorbell.lower)


@asynccontextmanager
async def doorbell_heard(redis_url: str, wake: Callable[[], None]) -> AsyncIterator[None]:
    """Within the context, call `wake` in this event loop when the doorbell rings. RQ blocks, so it listens in a thread."""
    stop = StopFlag()
    loop = asyncio.get_running_loop()

    def wake_in_loop() -> None:  # returns None: RQ would try to store a result
        loop.call_soon_threadsafe(wake)

    listening = asyncio.create_task(asyncio.to_thread(listen_for_rings, stop, redis_url, wake_in_loop))
    try:
        yield
    finally:
        stop.stopping = True
        await listening


def listen_for_rings(stop: StopFlag, redis_url: str, wake: Callable[[], None]) -> None:
    """Call `wake` at each ring, until asked to stop. Raises nothing: without a doorbell the deliverer still looks each second."""
    try:
        listen(stop, redis_url, DELIVERIES, jobs_of_deliverer(wake))
    except Exception:
        logger.exception("doorbell not heard any more")
