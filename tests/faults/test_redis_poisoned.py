"""Redis in a stranger's hands: whatever stands there, nothing crashes or is answered 5xx, memory stays, and doorbells work on.

No sweeper runs here, so what becomes final has been rung for.
"""

import json
import zlib
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from redis import Redis as Client

from core.redis.jobs import APPLY, DELIVER
from core.redis.keys import BATCHER, DELIVERIES, FINAL, HANDED_OVER, QUEUE
from core.redis.replies import REPLY_MAX_BYTES
from local.redis import Redis
from tests.caller import new_key
from tests.system import System
from tests.waiting import LOADED_S, wait_for
from tests.world import SHARDS

MEBIBYTE = 1 << 20
GROWS_MAX = 48 * MEBIBYTE  # of a process of some 70; the bomb unpacks to 200
RATE, BURST = 0.5, 100_000
BOMB = zlib.compress(b"[" * (200 * MEBIBYTE), 9)
assert len(BOMB) < REPLY_MAX_BYTES  # a longer one is refused as a reply, and never unpacked

Poison = Callable[[Client], object]


def job(name: str, **fields: Any) -> Poison:
    """A job with these fields, on both queues."""

    def poison(client: Client) -> None:
        for queue in (QUEUE, DELIVERIES):
            if fields:
                for field, value in fields.items():
                    client.hset(f"rq:job:{name}", field, value)
            client.rpush(f"rq:queue:{queue}", name)

    return poison


def packed(*call: object) -> bytes:
    return zlib.compress(json.dumps(call).encode())


def overwritten(value: bytes | list[str] | set[object], *keys: str) -> Poison:
    """Keys that hold this for ever, whatever was there."""

    def poison(client: Client) -> None:
        for key in keys:
            client.delete(key)
            if isinstance(value, bytes):
                client.set(key, value)
            elif isinstance(value, list):
                client.rpush(key, *value)
            else:
                client.sadd(key, *value)  # type: ignore[arg-type]

    return poison


def many(*poisons: Poison) -> Poison:
    return lambda client: [poison(client) for poison in poisons]


def flooded(queue: str) -> Poison:
    """A hundred thousand jobs that nothing is known of, before and after what is honest."""

    def poison(client: Client) -> None:
        for _ in range(10):
            client.rpush(f"rq:queue:{queue}", *(f"stranger-{number}" for number in range(10_000)))

    return poison


def flooded_news(client: Client) -> None:
    with client.pipeline(transaction=False) as pipeline:
        for _ in range(20_000):
            pipeline.publish(FINAL, b"x" * 16)
        pipeline.execute()


FLAGS = [f"doorbell:{shard}" for shard in range(SHARDS)]
RERUNS = [f"rerun:{shard}" for shard in range(SHARDS)]
QUEUES = [f"rq:queue:{QUEUE}", f"rq:queue:{DELIVERIES}"]
LARGE = b"x" * 4 * MEBIBYTE

POISONS: dict[str, Poison] = {
    **{
        f"a bucket with {value!r}": overwritten(value, "bucket:configured")
        for value in (b"inf", b"nan", b"1e300", b"4102444800", b"x")
    },
    "a bucket that is a list": overwritten(["1"], "bucket:configured"),
    "a bucket of 4 MiB": overwritten(LARGE, "bucket:configured"),
    "flags for ever": overwritten(b"1", *FLAGS, "doorbell:deliveries"),
    "flags that are lists": overwritten(["1"], *FLAGS, "doorbell:deliveries"),
    "flags of 4 MiB": overwritten(LARGE, *FLAGS[:4]),
    "a batcher for ever": overwritten(b"1", BATCHER),
    "a batcher that is a list": overwritten(["1"], BATCHER),
    "a batcher for a year": lambda client: client.set(BATCHER, 1, ex=365 * 86_400),
    "what was handed over is a string": many(overwritten(b"1", HANDED_OVER), lambda client: client.set(BATCHER, 1, ex=2)),
    "what was handed over is no shards": overwritten({-1, 1024, 99_999, "one", "1.5", "", "0x1", "²", LARGE}, HANDED_OVER),
    "a hundred thousand were left": overwritten(set(range(100_000)), HANDED_OVER),
    "wishes that are lists": overwritten(["1"], *RERUNS),
    "wishes of 4 MiB": overwritten(LARGE, *RERUNS[:4]),
    "queues that are strings": overwritten(b"1", *QUEUES),
    "queues that are sets": overwritten({1}, *QUEUES),
    "the list of queues is a string": overwritten(b"1", "rq:queues"),
    "workers are suspended": lambda client: client.set("rq:suspended", 1),
    "RQ's books are strings": overwritten(
        b"1",
        *("rq:workers", "rq:workers:transfers", "rq:workers:deliveries", "rq:queue:transfers:intermediate"),
        *("rq:wip:transfers", "rq:failed:transfers", "rq:finished:transfers", "rq:scheduled:transfers"),
    ),
    "a job that unpacks to 200 MiB": job("bomb", data=BOMB),
    "a job of 4 MiB": job("large", data=LARGE),
    "jobs that are strings": many(overwritten(b"1", "rq:job:text"), job("text")),
    "jobs without data": job("empty", status=b"queued"),
    "a job that is no JSON": job("text", data=zlib.compress(b"text")),
    "a job that is a number": job("number", data=packed() + b"1"),
    "a job that is deep": job("deep", data=zlib.compress(b"[" * 30_000 + b"]" * 30_000)),
    "a job of another name": job("other", data=packed("os.system", None, ["true"], {})),
    "jobs with an instance": job("instance", data=packed(APPLY, {}, [[1]], {})),
    "jobs with strange arguments": many(
        *(
            job(f"strange-{number}", data=packed(APPLY, None, arguments, {}))
            for number, arguments in enumerate(
                [[], [None], [1], ["1"], [{}], [[[1]]], [[None, "1", 1.5, True, -1, 1024, 10**30]], [[1] * 10_000], [[1], [2]]]
            )
        ),
        job("strange-deliver", data=packed(DELIVER, None, [1, 2], {})),
        job("strange-names", data=packed(APPLY, None, [[1]], {"shards": 1})),
    ),
    "a job with an id of 4 MiB": lambda client: [client.rpush(queue, LARGE) for queue in QUEUES],
    "jobs with ids that are no text": lambda client: [client.rpush(queue, b"\xff\xfe", b"", b"a:b", b"\x00") for queue in QUEUES],
    "a hundred thousand jobs": many(flooded(QUEUE), flooded(DELIVERIES)),
    "ragged news": lambda client: [client.publish(FINAL, b"x" * size) for size in (0, 1, 15, 17, 31)],
    "news of 4 MiB": lambda client: client.publish(FINAL, LARGE),
    "a flood of news": flooded_news,
}


def peaks(system: System) -> list[int]:
    """The most memory that each process has had so far, in bytes. What it has now would not show what it freed again."""
    statuses = [Path(f"/proc/{process.pid}/status").read_text() for process in system.processes]
    return [1024 * int(status.partition("VmHWM:")[2].split()[0]) for status in statuses]


@pytest.mark.long
def test_whatever_stands_in_redis_doorbells_work_on_and_nothing_fails_or_grows(own_system: System, own_redis: Redis) -> None:
    own_system.start_api({"TELLER_RATE_LIMIT": str(RATE), "TELLER_RATE_BURST": str(BURST)})
    workers = [*own_system.start_workers(1), own_system.start_deliverer()]
    for worker in workers:
        own_system.wait_for_heartbeat(worker)
    caller = own_system.caller()
    wallets = [caller.new_client()["wallet"]["id"] for _ in range(8)]
    numbers = count()

    def applied() -> bool:
        """Send a deposit that waits for its outcome, and tell whether it has one: where not, the next one rings again."""
        body = {"wallet_id": wallets[next(numbers) % len(wallets)], "amount": 1}
        sent = caller.post("/v1/deposits", body, key=new_key(), headers={"Prefer": "wait=1"})
        assert sent.status in (200, 201, 202), (sent, own_system.logs())
        return bool(sent.body["status"] == "applied")

    wait_for(applied, "the first deposit")
    before = peaks(own_system)
    with Client.from_url(own_redis.url) as client:
        for name, poison in POISONS.items():
            poison(client)
            wait_for(applied, f"a deposit after {name}\n{own_system.logs()}", within_s=15 + LOADED_S)
            grown = [after - first for after, first in zip(peaks(own_system), before, strict=True)]
            assert max(grown) < GROWS_MAX, (name, grown)
    wait_for(lambda: caller.get("/readyz").body["redis_fault"] is None, "doorbells that are taken")

    assert [process.poll() for process in own_system.processes] == [None] * 3
    assert "Traceback" not in own_system.logs()
    assert "exception was never retrieved" not in own_system.logs()
    own_system.audit()
