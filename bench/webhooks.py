"""python -m bench.webhooks: the latency of webhooks to a healthy receiver, alone and beside one that hangs, and that of transfers.

Three loads at one steady rate, on a new system: without endpoints; with a healthy one; with a healthy one and one that accepts each
webhook and never answers. Then a backlog for one endpoint of the operator, which gets all events: webhooks a second. The receivers
are servers in this process. Exits with 1 when the audit finds damage or a webhook is missing, not because Teller is slow.
"""

import argparse
import asyncio
import json
import os
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from uuid import UUID

from bench import bulk
from bench.errors import CannotBench
from bench.latency import Latencies, between, finished, submit_at_rate
from bench.servers import Servers, embedded
from bench.system import OwnSystem, wait_for
from core import ids
from core.admin.audit import audit
from core.ids import Prefix
from local.server import ServerFailed
from local.terminal import Stopped, StopSignals, say

EVENTS = 10_000
PER_S = 125
BASE_S = 20  # of the load without an endpoint
WORKERS = 2
WALLETS = 1_000
BACKLOG = 5_000
RECEIVED_WITHIN_S = 60.0
RATIO_MAX = 2.0

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.webhooks", description="Measure the latency of webhooks.")
    parser.add_argument("--events", type=int, default=EVENTS, help="transfers in each load with an endpoint")
    parser.add_argument("--rate", type=int, default=PER_S, help="transfers a second")
    arguments = parser.parse_args()
    os.environ["TELLER_WEBHOOK_ALLOW_PRIVATE"] = "true"  # the receivers are on this host
    signals = StopSignals()
    signals.listen()
    try:
        with embedded(signals.ignore) as servers:
            return measure(servers, arguments.events // arguments.rate, arguments.rate)
    except (CannotBench, ServerFailed) as reason:
        sys.exit(f"bench: {reason}")
    except Stopped:
        say("stopped")
        return 1


def measure(servers: Servers, seconds: int, per_s: int) -> int:
    with servers.system() as system:
        system.start_api()
        system.start_workers(WORKERS)
        system.start_sweeper()
        system.start_deliverer()
        wallet_ids = bulk.make_funded_wallets(system, WALLETS)
        wallets = bulk.public_ids(wallet_ids)
        asyncio.run(submit_at_rate(system, wallets, 2, per_s))  # a warm-up
        without = asyncio.run(of_transfers(system, wallets, BASE_S, per_s))
        alone = asyncio.run(with_endpoints(system, wallets, seconds, per_s, beside_hanging=False))
        beside = asyncio.run(with_endpoints(system, wallets, seconds, per_s, beside_hanging=True))
        per_s_of_backlog = asyncio.run(deliver_backlog(system, wallet_ids))
        report(without, alone, beside)
        say(f"{'a backlog, to one endpoint':38}{per_s_of_backlog:>7.0f} /s")
        clean = audit(system.admin_database_url).clean
    return 0 if clean else 1


async def of_transfers(system: OwnSystem, wallets: Sequence[str], seconds: int, per_s: int) -> Latencies:
    """Submit at this rate; return the latencies from submit to final."""
    sent_at = await submit_at_rate(system, wallets, seconds, per_s)
    return between(sent_at, await asyncio.to_thread(finished, system, sent_at))


class Delivered:
    """The latencies of one load: from submit to final, and from final to received by the healthy receiver."""

    def __init__(self, sent_at: dict[UUID, float], finished_at: dict[UUID, float], received_at: dict[UUID, float]) -> None:
        self.finals = between(sent_at, finished_at)
        self.webhooks = between(finished_at, received_at)


async def with_endpoints(system: OwnSystem, wallets: Sequence[str], seconds: int, per_s: int, *, beside_hanging: bool) -> Delivered:
    received_at: dict[UUID, float] = {}
    async with serving(healthy(received_at)) as healthy_url, serving(hang) as hanging_url:
        urls = [healthy_url, hanging_url] if beside_hanging else [healthy_url]
        endpoints = [await asyncio.to_thread(call, system, "POST", "/v1/webhook-endpoints", {"url": url}) for url in urls]
        sent_at = await submit_at_rate(system, wallets, seconds, per_s)
        finished_at = await asyncio.to_thread(finished, system, sent_at)
        await asyncio.to_thread(wait_for, lambda: finished_at.keys() <= received_at.keys(), "all webhooks", RECEIVED_WITHIN_S)
        for endpoint in endpoints:
            await asyncio.to_thread(call, system, "DELETE", f"/v1/webhook-endpoints/{endpoint['id']}")
    return Delivered(sent_at, finished_at, received_at)


async def deliver_backlog(system: OwnSystem, wallets: Sequence[UUID]) -> float:
    """Start the deliverer when all webhooks are due; return how many a second were received, from the first to the last."""
    received_at: dict[UUID, float] = {}
    system.stop("deliverer")
    async with serving(healthy(received_at)) as url:
        await asyncio.to_thread(call, system, "POST", "/v1/webhook-endpoints", {"url": url})
        await asyncio.to_thread(bulk.queue_transfers, system, wallets, BACKLOG, rung=True)
        await asyncio.to_thread(system.wait_until_empty)
        await asyncio.to_thread(system.start_deliverer)
        await asyncio.to_thread(wait_for, lambda: len(received_at) == BACKLOG, "the whole backlog", RECEIVED_WITHIN_S)
    times = received_at.values()
    return BACKLOG / (max(times) - min(times))


def healthy(received_at: dict[UUID, float]) -> Handler:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        now = time.time()
        headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
        received_at.setdefault(ids.parse(Prefix.EVENT, headers["webhook-id"]), now)
        await reader.readexactly(int(headers["content-length"]))
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        await writer.drain()

    return handle


async def hang(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    while await reader.read(65536):
        pass


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    """Run a receiver on this host, and yield its URL."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):  # `hang` runs until it is cancelled
            await handler(reader, writer)
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()


def call(system: OwnSystem, method: str, path: str, body: object = None) -> dict[str, str]:
    headers = {"Authorization": f"Bearer {system.operator_key}", "Content-Type": "application/json"}
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(system.url + path, content, headers, method=method)  # noqa: S310 - our own URL
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - our own URL
        answered: dict[str, str] = json.loads(answer.read() or b"{}")
        return answered


def report(without: Latencies, alone: Delivered, beside: Delivered) -> None:
    say(f"{'':38}{'p50':>10}{'p99':>10}")
    line("submit to final, no endpoint", without)
    line("submit to final, one endpoint", alone.finals)
    line("submit to final, one hangs", beside.finals)
    line("final to received, alone", alone.webhooks)
    line("final to received, beside one that hangs", beside.webhooks)
    ratios = [beside.webhooks.percentile(percent) / alone.webhooks.percentile(percent) for percent in (50, 99)]
    reached = "reached" if max(ratios) <= RATIO_MAX else "not reached"
    say(f"{'beside / alone':38}{ratios[0]:>10.2f}{ratios[1]:>10.2f}   at most {RATIO_MAX:g}: {reached}")
    say(f"{len(alone.webhooks.ms)} and {len(beside.webhooks.ms)} webhooks, none missing")


def line(what: str, latencies: Latencies) -> None:
    say(f"{what:38}{latencies.percentile(50):>7.1f} ms{latencies.percentile(99):>7.1f} ms")


if __name__ == "__main__":
    sys.exit(main())
