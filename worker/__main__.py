"""python -m worker apply | sweep | deliver"""

import argparse
import asyncio
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from uuid import UUID

import psycopg

from core import command_line, exposition, failpoint, ids, log, settings
from core.admin.migrate import applied_migrations, too_new
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
from worker.jobs import jobs_of_worker
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
    settings.warn_of_unknown()
    failpoint.announce()
    exposition.serve(verb, configured.host, configured.metrics_port)
    process = Process(configured.heartbeat_file)
    {"apply": run_apply, "sweep": run_sweep, "deliver": run_deliver}[verb](configured, process)
    return 0


def parser() -> argparse.ArgumentParser:
    worker = command_line.parser("python -m worker", "Apply transfers, and send webhooks of their outcomes.")
    verbs = worker.add_subparsers(dest="verb", required=True, metavar="VERB")
    for verb, text in (
        ("apply", "drain shards when their doorbells ring; run as many as you like"),
        ("sweep", "drain shards that waited too long, and delete old deliveries; run one, or more"),
        ("deliver", "send the webhooks that are due; run one, or more"),
    ):
        verbs.add_parser(verb, help=text, description=text)
    return worker


def run_apply(configured: Settings, process: Process) -> None:
    connect = connector(configured, "worker")
    try_sessions(connect)
    with closing(drainer(configured, connect, process)) as drains:
        listen(process, configured.redis_url, QUEUE, jobs_of_worker(drains.run))


def run_sweep(configured: Settings, process: Process) -> None:
    connect = connector(configured, "sweeper")
    try_sessions(connect)
    days = configured.delivery_retention_days
    with closing(drainer(configured, connect, process)) as drains, closing(Sweeper(connect, drains, days)) as sweeper:
        sweeper.run(process)


def try_sessions(connect: Callable[[], SyncConnection]) -> None:
    """Open two connections at the same time and close them, so the log says at the start whether sessions are usable.

    If a pooler lets both share a session, the second finds the mark of the first. The log also says whether a newer version has
    migrated the database. The process starts in any case: what this version does not know stays queued for a newer worker.
    """
    try:
        with closing(connect()) as one, closing(connect()):
            if reason := too_new(applied_migrations(one)):
                logger.error("the database is newer", reason=reason)
    except psycopg.Error as error:
        logger.warning("no session yet", kind=type(error).__name__, sqlstate=error.sqlstate)


def run_deliver(configured: Settings, process: Process) -> None:
    from worker.webhooks.process import deliver  # noqa: PLC0415  # aiohttp takes memory that no other verb needs

    asyncio.run(deliver(configured, process))


def drainer(configured: Settings, connect: Callable[[], SyncConnection], process: Process) -> Drainer:
    """Return a drainer whose protocols share one connection to Redis. Closing the drainer closes that connection."""
    hints = Hints(configured.redis_url)
    Probe(hints).check()  # logs at the start which commands Redis refuses
    applier = Applier(connect, publisher(FinalNews(hints)), DelivererDoorbell(hints).ring)
    applier.open()
    return Drainer(applier, ShardDoorbell(hints), Batcher(hints), process.goes_on)


def publisher(news: FinalNews) -> Callable[[Sequence[UUID]], None]:
    """Return the function that publishes which transfers are final; at log level `debug` it logs them too."""
    if not log.writes_debug(__name__):
        return news.publish_final

    def publish_final(final: Sequence[UUID]) -> None:
        news.publish_final(final)
        if final:
            logger.debug("final", transfers=[ids.text(Prefix.TRANSFER, transfer_id) for transfer_id in final])

    return publish_final


def connector(configured: Settings, kind: str = "worker") -> Callable[[], SyncConnection]:
    """Return the function that connects to Postgres as a worker of this kind. It raises psycopg.Error."""
    return lambda: connect_worker(configured.url_of_workers, kind)


if __name__ == "__main__":
    sys.exit(main())
