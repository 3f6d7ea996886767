"""python -m worker apply | sweep | deliver"""

import argparse
import asyncio
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from uuid import UUID

import psycopg

from core import exposition, failpoint, ids, log, settings
from core.ids import Prefix
from core.postgres.connections import SyncConnection, connect_worker
from core.redis.batcher import Batcher
from core.redis.deliverer_doorbell import DelivererDoorbell
from core.redis.final_news import FinalNews
from core.redis.hints import Hints
from core.redis.keys import QUEUE
from core.redis.probe import Probe
from core.redis.shard_doorbell import ShardDoorbell
from core.settings import Settings
from worker.jobs import of_worker
from worker.ledger.apply import Applier
from worker.ledger.drain import Drainer
from worker.ledger.sweep import Sweeper
from worker.listen import listen
from worker.process import Process

logger = log.get(__name__)


def main() -> int:
    verb = parser().parse_args().verb
    configured = settings.load()
    log.configure(configured.log_level)
    failpoint.announce()
    exposition.serve(configured.host, configured.metrics_port)
    process = Process(configured.heartbeat_file)
    {"apply": run_apply, "sweep": run_sweep, "deliver": run_deliver}[verb](configured, process)
    return 0


def parser() -> argparse.ArgumentParser:
    worker = argparse.ArgumentParser(prog="python -m worker", description="Apply transfers, and send webhooks of their outcomes.")
    verbs = worker.add_subparsers(dest="verb", required=True, metavar="VERB")
    for verb, what in (
        ("apply", "drain shards when their doorbells ring; run as many as you like"),
        ("sweep", "drain shards that waited too long, and delete old deliveries; run one, or more"),
        ("deliver", "send the webhooks that are due; run one, or more"),
    ):
        verbs.add_parser(verb, help=what, description=what)
    return worker


def run_apply(configured: Settings, process: Process) -> None:
    try_sessions(configured)
    with closing(drainer(configured, process)) as drains:
        listen(process, configured.redis_url, QUEUE, of_worker(drains.run))


def run_sweep(configured: Settings, process: Process) -> None:
    try_sessions(configured)
    days = configured.delivery_retention_days
    with closing(drainer(configured, process)) as drains, closing(Sweeper(connector(configured), drains, days)) as sweeper:
        sweeper.run(process)


def try_sessions(configured: Settings) -> None:
    """Open two connections at once and close them: the log says at the start where Teller's sessions are not as it needs them.

    The second finds the mark of the first where a pooler lets both share a session. The process starts all the same.
    """
    connect = connector(configured)
    try:
        with closing(connect()), closing(connect()):
            pass
    except psycopg.Error as error:
        logger.warning("no session yet", kind=type(error).__name__, sqlstate=error.sqlstate)


def run_deliver(configured: Settings, process: Process) -> None:
    from worker.webhooks.process import deliver  # noqa: PLC0415  # aiohttp and all that takes memory which no other verb needs

    asyncio.run(deliver(configured, process))


def drainer(configured: Settings, process: Process) -> Drainer:
    """Return a drainer whose protocols share one connection to Redis; closing it closes that too."""
    hints = Hints(configured.redis_url)
    Probe(hints).check()  # what Redis refuses is then in the log from the start
    applier = Applier(connector(configured), publisher(FinalNews(hints)), DelivererDoorbell(hints).ring)
    return Drainer(applier, ShardDoorbell(hints), Batcher(hints), process.goes_on)


def publisher(news: FinalNews) -> Callable[[Sequence[UUID]], None]:
    """Return the function that publishes that transfers are final, and logs them where all is logged."""
    if not log.writes_debug(__name__):
        return news.publish_final

    def publish_final(final: Sequence[UUID]) -> None:
        news.publish_final(final)
        if final:
            logger.debug("final", transfers=[ids.text(Prefix.TRANSFER, id) for id in final])

    return publish_final


def connector(configured: Settings) -> Callable[[], SyncConnection]:
    return lambda: connect_worker(configured.url_of_workers)


if __name__ == "__main__":
    sys.exit(main())
