"""Redis behind Sentinels: when the primary dies, doorbells ring at the next one within seconds, and no process starts again.

No sweeper runs here, so what becomes final has been rung for.
"""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest
from redis import Redis as Client

from api.admission.rate_limit import RateLimit
from local.redis import Redis
from tests.bells import Bells
from tests.caller import new_key
from tests.sentinels import SERVICE, ConfiguredRedis, Sentinel
from tests.system import System
from tests.waiting import wait_for

FAILOVER_S = 30.0  # half a second until the primary counts as down, some two for the election; the rest is the machine's


@dataclass(frozen=True)
class Guarded:
    """A primary with a replica, and the Sentinel that watches over them."""

    primary: Redis
    replica: Redis
    sentinel: Sentinel

    @property
    def url(self) -> str:
        """Name two Sentinels, of which the first one is not there."""
        password, own = quote(self.primary.password, safe=""), quote(self.sentinel.password, safe="")
        hosts = f"127.0.0.1:1,127.0.0.1:{self.sentinel.port}"
        return f"redis+sentinel://:{password}@{hosts}/{SERVICE}/3?sentinel_password={own}"


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Guarded]:
    primary = Redis(tmp_path / "primary")
    primary.start()
    lines = (
        f"replicaof 127.0.0.1 {primary.port}",
        f"masterauth {primary.password}",
        "repl-diskless-sync yes",
        "repl-diskless-sync-delay 0",
    )
    replica = ConfiguredRedis(tmp_path / "replica", *lines, password=primary.password)
    replica.start()
    with Client.from_url(replica.url) as client:
        wait_for(lambda: client.info("replication")["master_link_status"] == "up", "the replica's copy", FAILOVER_S)
    sentinel = Sentinel(tmp_path / "sentinel", primary)
    sentinel.start()
    with Client.from_url(sentinel.url) as client:
        wait_for(lambda: client.sentinel_master(SERVICE)["num-slaves"] == 1, "the Sentinel to know of the replica", FAILOVER_S)
    yield Guarded(primary, replica, sentinel)
    for server in (sentinel, replica, primary):
        server.stop()


def test_doorbells_buckets_and_news_go_to_the_next_primary_within_seconds(own_system: System, guarded: Guarded) -> None:
    own_system.redis_url = guarded.url
    own_system.start_api({"TELLER_RATE_LIMIT": "0.01", "TELLER_RATE_BURST": "100000"})
    for worker in [*own_system.start_workers(1), own_system.start_deliverer()]:
        own_system.wait_for_heartbeat(worker)
    caller = own_system.caller()
    wallet = caller.new_client()["wallet"]["id"]

    def applied() -> bool:
        sent = caller.post("/v1/deposits", {"wallet_id": wallet, "amount": 1}, key=new_key(), headers={"Prefer": "wait=1"})
        assert sent.status in (200, 201, 202), (sent, own_system.logs())
        return bool(sent.body["status"] == "applied")

    def takes_doorbells() -> bool:
        answer = caller.get("/readyz")
        assert answer.status == 200
        return bool(answer.body["checks"]["redis_takes_doorbells"])

    wait_for(applied, f"a deposit by the first primary\n{own_system.logs()}")
    assert takes_doorbells()

    guarded.primary.kill()

    wait_for(applied, "a deposit by the next primary", FAILOVER_S)
    wait_for(takes_doorbells, "doorbells that the next primary takes", FAILOVER_S)
    with Client.from_url(guarded.replica.url.replace("/0", "/3")) as client:
        wait_for(lambda: applied() and client.exists("bucket:configured"), "a bucket at the next primary", FAILOVER_S)
    assert [process.poll() for process in own_system.processes] == [None] * 3
    own_system.audit()


def test_each_client_finds_the_primary_and_says_so_when_no_sentinel_answers(guarded: Guarded) -> None:
    async def take(buckets: RateLimit) -> float:
        with_tokens = await buckets.take("ada", 3)
        await buckets.close()
        return with_tokens

    with closing(Bells(guarded.url)) as bells:
        assert bells.probe.check() == (True, True, None)
        assert asyncio.run(take(RateLimit(guarded.url, 0.001, 3, timeout_s=20))) == 0.0
        with Client.from_url(guarded.primary.url.replace("/0", "/3")) as client:
            assert client.exists("bucket:ada", "rq:queues") == 2

        guarded.sentinel.stop()
        with closing(Bells(guarded.url)) as another:
            assert another.probe.check().fault is not None
            assert not another.probe.check().is_reachable
