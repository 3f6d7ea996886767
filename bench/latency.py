"""The latency from submit to final at a steady rate: of a transfer by Teller, and of a job that does nothing by RQ."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar
from uuid import UUID, uuid4

import aiohttp
import redis
from rq import Queue
from rq.job import Job

from bench.errors import Skipped, UnexpectedAnswer
from bench.figures import Figure, Result, Target
from bench.noop import noop
from bench.session import Session
from bench.system import System, wait_for
from core import ids
from core.ids import Prefix
from local.process import MARK, Child

PER_S = 100
CONNECTIONS = 16
RQ_QUEUE = "teller-bench"
ENDED_WITHIN_S = 60.0
CURVE = (*range(100), 99.5, 99.9, 100)  # percent

Key = TypeVar("Key")


def measure_latency(session: Session) -> Result:
    """submit to final at 100 a second, against RQ's job that does nothing, from enqueue to ended; two rounds of each in turn"""
    seconds = session.plan.latency_s
    with session.system() as system:
        if system.redis_url is None:
            raise Skipped("needs REDIS_URL, to run RQ's job")
        redis_url, wallets = system.redis_url, session.wallets(system)
        with rq_worker(redis_url):
            teller, rq = zip(*[(of_teller(system, wallets, seconds), of_rq(redis_url, seconds)) for _ in range(2)], strict=True)
    return result(teller[0] + teller[1], rq[0] + rq[1])


def result(teller: "Latencies", rq: "Latencies") -> Result:
    figures = [
        *(
            Figure(f"rq_p{percent}", f"RQ no-op, enqueue to ended, {PER_S}/s, p{percent}", rq.percentile(percent), "ms")
            for percent in (50, 95, 99)
        ),
        *(
            Figure(
                f"latency_p{percent}",
                f"submit to final, {PER_S}/s, p{percent}",
                teller.percentile(percent),
                "ms",
                teller.percentile(percent) / rq.percentile(percent),
                "RQ no-op",
                target=Target(3.0, 1.5, at_most=True) if percent == 50 else None,
            )
            for percent in (50, 95, 99)
        ),
    ]
    return Result(figures, {"samples": len(teller.ms), "teller_ms": teller.curve(), "rq_ms": rq.curve()})


@dataclass(frozen=True)
class Latencies:
    """Milliseconds, ascending: from the client's clock just before it sends to the end that the server has stored."""

    ms: Sequence[float]

    def percentile(self, percent: float) -> float:
        return self.ms[min(int(len(self.ms) * percent / 100), len(self.ms) - 1)]

    def curve(self) -> dict[str, float]:
        return {f"{percent:g}": round(self.percentile(percent), 2) for percent in CURVE}

    def __add__(self, other: "Latencies") -> "Latencies":
        return Latencies(sorted([*self.ms, *other.ms]))


def of_teller(system: System, wallets: Sequence[str], seconds: int, per_s: int = PER_S) -> Latencies:
    """Submit single transfers over HTTP. A transfer ends at its finished_at: the database must use this machine's clock."""
    sent_at = asyncio.run(submit_at_rate(system, wallets, seconds, per_s))
    return between(sent_at, finished(system, sent_at))


def finished(system: System, ids: Collection[UUID]) -> dict[UUID, float]:
    """Wait until the queue is empty; return when each of these was applied, in seconds since the epoch."""
    system.wait_until_empty()
    query = "SELECT id, extract(epoch FROM finished_at)::float8 FROM transfers WHERE id = ANY(%s) AND status = 'applied'"
    return dict(system.connection.execute(query, [list(ids)]).fetchall())


def use_lightly(system: System, wallets: Sequence[str], seconds: int, per_s: int) -> None:
    """Submit single transfers at this rate and wait until all are final: each finds a queue that is nearly empty."""
    asyncio.run(submit_at_rate(system, wallets, seconds, per_s))
    system.wait_until_empty()


async def submit_at_rate(system: System, wallets: Sequence[str], seconds: int, per_s: int = PER_S) -> dict[UUID, float]:
    headers = {"Authorization": f"Bearer {system.operator_key}"}
    async with aiohttp.ClientSession(headers=headers, connector=aiohttp.TCPConnector(limit=CONNECTIONS)) as session:
        count = 0

        async def submit() -> UUID:
            nonlocal count
            count += 1
            source, destination = wallets[count % len(wallets)], wallets[(count + 1) % len(wallets)]
            body = {"source_wallet_id": source, "destination_wallet_id": destination, "amount": 1}
            key = {"Idempotency-Key": uuid4().hex}
            async with session.post(f"{system.url}/v1/transfers", json=body, headers=key) as response:
                if response.status != 202:
                    raise UnexpectedAnswer(f"latency: a transfer was answered {response.status}")
                return ids.parse(Prefix.TRANSFER, (await response.json())["id"])

        return await at_rate(submit, seconds, per_s)


def of_rq(redis_url: str, seconds: int) -> Latencies:
    """Enqueue jobs that do nothing. A job ends at its ended_at. A worker must be running."""
    with redis.Redis.from_url(redis_url) as connection:
        queue = Queue(RQ_QUEUE, connection=connection)

        async def enqueue() -> str:
            return (await asyncio.to_thread(queue.enqueue, noop)).id

        sent_at = asyncio.run(at_rate(enqueue, seconds))

        def ended_at() -> dict[str, float]:
            jobs = Job.fetch_many(list(sent_at), connection)
            return {job.id: job.ended_at.timestamp() for job in jobs if job and job.ended_at}

        wait_for(lambda: len(ended_at()) == len(sent_at), "RQ's jobs to end", ENDED_WITHIN_S)
        return between(sent_at, ended_at())


@contextmanager
def rq_worker(redis_url: str) -> Iterator[None]:
    """RQ's SimpleWorker with its defaults: it does not fork for each job, so it is the faster of RQ's workers."""
    with TemporaryDirectory(prefix="teller-bench-rq-") as folder, redis.Redis.from_url(redis_url) as connection:
        queue = Queue(RQ_QUEUE, connection=connection)
        argv = ("rq.cli", "worker", "--worker-class", "rq.worker.SimpleWorker", "--quiet", RQ_QUEUE)
        worker = Child("RQ's worker", argv, {**os.environ, "RQ_REDIS_URL": redis_url, MARK: folder}, Path(folder) / "log")
        try:
            worker.start()
            job = queue.enqueue(noop)
            wait_for(lambda: job.get_status() == "finished", "RQ's worker", ENDED_WITHIN_S)
            yield
        finally:
            worker.stop()
            queue.delete()


async def at_rate(send: Callable[[], Awaitable[Key]], seconds: int, per_s: int = PER_S) -> dict[Key, float]:
    """Send `per_s` a second without waiting for answers; return when each was sent, in seconds since the epoch."""

    async def timed() -> tuple[Key, float]:
        sent_at = time.time()
        return await send(), sent_at

    began = time.monotonic()
    tasks = []
    for number in range(per_s * seconds):
        await asyncio.sleep(max(0.0, began + number / per_s - time.monotonic()))
        tasks.append(asyncio.create_task(timed()))
    return dict(await asyncio.gather(*tasks))


def between(sent_at: dict[Key, float], ended_at: dict[Key, float]) -> Latencies:
    missing = len(sent_at.keys() - ended_at.keys())
    if missing:
        raise UnexpectedAnswer(f"latency: {missing} of {len(sent_at)} were not applied, or did not run")
    return Latencies(sorted((ended_at[key] - sent_at[key]) * 1e3 for key in sent_at))
