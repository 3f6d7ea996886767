"""A Redis that answers and refuses: readiness says so and why, a ring is counted as refused, and all is well when it is over."""

import asyncio
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from redis import Redis as Client
from redis import ResponseError, exceptions
from rq import Queue

from api.admission.rate_limit import RateLimit
from core import metrics
from core.redis import client as redis_client
from core.redis import faults as redis_faults
from core.redis.faults import FAULTS, fault_of
from core.redis.hints import REST_S
from core.redis.jobs import APPLY, SERIALIZER
from core.redis.keys import QUEUE, delete_wrong_types
from core.redis.replies import AsyncBoundedParser, BoundedParser
from local.redis import Redis
from tests.bells import Bells
from tests.sentinels import ConfiguredRedis, Sentinel
from tests.waiting import wait_for
from worker.jobs import job_class
from worker.listen import Listener, LogLimit
from worker.process import StopFlag

RUNBOOK = Path(__file__).parents[2] / "docs" / "operating" / "runbook.md"
WITHIN_S = REST_S + 10


@dataclass(frozen=True)
class Refusal:
    """How a Redis comes to refuse, how that ends, and what it is called."""

    kind: str
    begin: Callable[[Client], object]
    end: Callable[[Client], object]
    takes_rings: bool = False


def run(client: Client, *command: object) -> object:
    return client.execute_command(*command)  # type: ignore[no-untyped-call]


def set_acl(*rules: str) -> Callable[[Client], object]:
    return lambda client: run(client, "ACL", "SETUSER", "default", *rules)


def no_right(*rules: str, takes_rings: bool = False) -> Refusal:
    return Refusal("no_permission", set_acl(*rules), set_acl("+@all", "~*", "&*"), takes_rings)


def configured(kind: str, name: str, value: int, after: int) -> Refusal:
    return Refusal(kind, lambda client: client.config_set(name, value), lambda client: client.config_set(name, after))


def change_password(client: Client) -> None:
    client.config_set("requirepass", "another")
    client.client_kill_filter(_type="normal", skipme=True)


def fail_to_save(client: Client) -> None:
    folder = Path(str(client.config_get("dir")["dir"]))
    client.config_set("save", "3600 1")
    client.config_set("dbfilename", "dump.rdb")
    folder.chmod(0o500)
    client.bgsave()
    wait_for(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err", "a save that fails")


REFUSALS = {
    "a read-only replica": Refusal(
        "read_only_replica", lambda client: client.replicaof("127.0.0.1", 1), lambda client: client.replicaof("NO", "ONE")
    ),
    "out of memory": configured("out_of_memory", "maxmemory", 1, 0),
    "no replicas to write to": configured("too_few_replicas", "min-replicas-to-write", 1, 0),
    "no right to anything": no_right("-@all"),
    "no right to write": no_right("-@write"),
    "no right to scripts": no_right("-evalsha", "-eval"),
    "no right to push": no_right("-rpush"),
    "no right to pop": no_right("-lpop", takes_rings=True),
    "no right to transactions": no_right("-multi"),
    "no right to publish": no_right("-publish", takes_rings=True),
    "no right to the channel": no_right("resetchannels", takes_rings=True),
    "no right to RQ's keys": no_right("resetkeys", "~probe:*", "~doorbell:*"),
    "another password": Refusal("wrong_password", change_password, lambda client: client.config_set("requirepass", given(client))),
    "no disk": Refusal("cannot_save", fail_to_save, lambda client: client.config_set("save", "")),
}


def given(client: Client) -> str:
    """Return the password that this client was made with."""
    return str(client.connection_pool.connection_kwargs["password"])


@pytest.fixture
def client(own_redis: Redis) -> Iterator[Client]:
    """Redis, as its operator sees it: by a connection that stays, whatever is refused to others."""
    with Client.from_url(own_redis.url, single_connection_client=True) as client:
        run(client, "ACL", "SETUSER", "operator", "on", f">{own_redis.password}", "+@all", "~*", "&*")
        run(client, "AUTH", "operator", own_redis.password)
        yield client


def refused(shards: list[int], bells: Bells) -> float:
    """Ring, and return for how many shards that was counted as refused."""
    before = metrics.DOORBELLS["refused"]._value.get()
    bells.doorbell.ring(shards)
    return float(metrics.DOORBELLS["refused"]._value.get() - before)


@pytest.mark.parametrize("name", REFUSALS)
def test_what_redis_refuses_is_reported_by_its_kind_until_redis_takes_it(
    own_redis: Redis, client: Client, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    refusal = REFUSALS[name]
    refusal.begin(client)
    with closing(Bells(own_redis.url)) as bells:
        state = bells.probe.check()
        assert (state.is_reachable, state.takes_doorbells, state.fault and state.fault.kind) == (True, False, refusal.kind)
        assert refused([1, 2, 3], bells) == (0 if refusal.takes_rings else 3)
        assert f"kind='{refusal.kind}'" in capsys.readouterr().out

    refusal.end(client)
    with closing(Bells(own_redis.url)) as bells:
        assert bells.probe.check() == (True, True, None)
        assert bells.doorbell.ring([1, 2, 3])


def test_a_refusal_is_over_for_a_process_that_was_refused_when_redis_takes_doorbells(own_redis: Redis, client: Client) -> None:
    refusal = REFUSALS["a read-only replica"]
    with closing(Bells(own_redis.url)) as bells:
        assert bells.probe.check().takes_doorbells
        refusal.begin(client)
        wait_for(lambda: not bells.probe.check().takes_doorbells, "a probe that is refused", WITHIN_S)
        refusal.end(client)

        wait_for(lambda: bells.probe.check().takes_doorbells, "doorbells that are taken again", WITHIN_S)
        assert bells.doorbell.ring([1])


def test_the_rights_that_the_docs_name_are_enough(own_redis: Redis, client: Client) -> None:
    [rule] = re.findall(r"`ACL SETUSER teller ([^`]+)`", RUNBOOK.read_text())
    run(client, "ACL", "SETUSER", "teller", "on", f">{own_redis.password}", *rule.split())
    url = own_redis.url.replace("redis://:", "redis://teller:")
    answered: list[object] = []

    class UntilAnswered(StopFlag):
        def goes_on(self) -> bool:
            return not answered

    with closing(Bells(url)) as bells, redis_client.client(url, 5.0) as worker:
        assert bells.probe.check() == (True, True, None)
        bells.doorbell.ring([1, 2])
        delete_wrong_types(worker)
        queue = Queue(QUEUE, connection=worker, serializer=SERIALIZER, job_class=job_class({APPLY: answered.append}))
        Listener(queue, UntilAnswered(), LogLimit()).work(logging_level="ERROR")
        assert answered == [[1, 2]]
        assert bells.batcher.become()
        assert bells.batcher.hand_over([1])
        assert bells.batcher.release() == [1]
        bells.doorbell.ask_rerun([1])
        assert bells.doorbell.rerun_asked([1])
        bells.doorbell.lower([1, 2])
    assert asyncio.run(take(url)) == 0.0
    assert client.exists("bucket:ada")


async def take(url: str) -> float:
    buckets = RateLimit(url, 0.001, 3, timeout_s=20)
    try:
        return await buckets.take("ada", 3)
    finally:
        await buckets.close()


def test_a_check_leaves_nothing_behind(own_redis: Redis, client: Client) -> None:
    with closing(Bells(own_redis.url)) as bells:
        assert bells.probe.check().takes_doorbells

    assert client.keys("*") == [b"rq:queues"]


def test_a_lasting_refusal_is_logged_once_and_another_kind_at_once(
    own_redis: Redis, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(Bells(own_redis.url)) as bells:
        REFUSALS["out of memory"].begin(client)
        for _ in range(3):
            bells.doorbell.ring([1])
            bells.hints.resting_until = 0.0  # as if the rest were over
        REFUSALS["out of memory"].end(client)
        REFUSALS["a read-only replica"].begin(client)
        bells.doorbell.ring([1])

    said = capsys.readouterr().out
    assert [said.count(f"kind='{kind}'") for kind in ("out_of_memory", "read_only_replica")] == [1, 1]


@pytest.mark.parametrize("has_slots", [True, False], ids=["of one node", "without its slots"])
def test_a_cluster_is_called_one(tmp_path: Path, has_slots: bool) -> None:
    server = ConfiguredRedis(tmp_path / "redis", "cluster-enabled yes")
    server.start()
    try:
        if has_slots:
            with Client.from_url(server.url) as client:
                run(client, "CLUSTER", "ADDSLOTS", *range(16_384))
                wait_for(lambda: "ok" in str(run(client, "CLUSTER", "INFO")), "the cluster")
        with closing(Bells(server.url)) as bells:
            state = bells.probe.check()
            assert (state.is_reachable, state.takes_doorbells, state.fault) == (True, False, redis_faults.CLUSTER)
    finally:
        server.stop()


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda url: url.replace("/0", "/99"), "no_such_database"),
        (lambda url: f"redis://{url.rpartition('@')[2]}", "wrong_password"),
        (lambda url: url.replace("redis://:", "redis://stranger:"), "wrong_password"),
    ],
    ids=["no such database", "no password", "no such user"],
)
def test_a_url_that_does_not_fit_is_told_from_a_redis_that_is_away(
    own_redis: Redis, change: Callable[[str], str], kind: str
) -> None:
    with closing(Bells(change(own_redis.url))) as bells:
        state = bells.probe.check()

    assert (state.is_reachable, state.fault and state.fault.kind) == (True, kind)


def test_a_sentinel_is_called_one_where_a_redis_was_named(own_redis: Redis, tmp_path: Path) -> None:
    sentinel = Sentinel(tmp_path / "sentinel", own_redis)
    sentinel.start()
    try:
        with closing(Bells(sentinel.url)) as bells:
            assert bells.probe.check() == (True, False, redis_faults.SENTINEL)
    finally:
        sentinel.stop()


def test_a_unix_socket_is_as_good(tmp_path: Path) -> None:
    path = tmp_path / "redis" / "socket"
    server = ConfiguredRedis(tmp_path / "redis", f"unixsocket {path}", "unixsocketperm 777")
    server.start()
    try:
        with closing(Bells(f"unix://{path}?db=2&password={server.password}")) as bells:
            assert bells.probe.check() == (True, True, None)
    finally:
        server.stop()


@pytest.mark.parametrize(
    "url",
    [
        "redis://teller:p@[::1]:1/3",
        "rediss://:p%2F@redis/3?ssl_cert_reqs=required&ssl_check_hostname=yes",
        "redis+sentinel://:p@one,two:3/primary/3?sentinel_username=u&sentinel_password=s",
        "rediss+sentinel://one/primary?ssl_cert_reqs=none",
        "unix:///run/redis.sock?db=3",
    ],
)
def test_a_connection_can_be_made_of_each_kind_of_url_with_bounds_and_without_retries(url: str) -> None:
    for pool in (redis_client.client(url, 0.3).connection_pool, redis_client.async_client(url, 0.3).connection_pool):
        connection: Any = pool.make_connection()
        assert isinstance(connection._parser, BoundedParser | AsyncBoundedParser)
        assert (connection.socket_timeout, connection.retry._retries, connection.protocol) == (0.3, 0, 2)


# What servers answer that no test here can bring them to. From Redis' own source (src/networking.c, src/server.c).
SAID = [
    (exceptions.BusyLoadingError("Redis is loading the dataset in memory"), redis_faults.LOADING),
    (ResponseError("DENIED Redis is running in protected mode because protected mode is enabled"), redis_faults.PROTECTED),
    (exceptions.ConnectionError("max number of clients reached"), redis_faults.NO_PLACE),
    (exceptions.MovedError("3999 127.0.0.1:6381"), redis_faults.CLUSTER),
    (exceptions.MasterDownError("Link with MASTER is down and replica-serve-stale-data is set to 'no'."), redis_faults.READ_ONLY),
    (ResponseError("unknown command 'UNLINK', with args beginning with: "), redis_faults.NO_COMMAND),
    (ResponseError("BUSY Redis is busy running a script."), redis_faults.OTHER),
    (exceptions.TimeoutError("Timeout reading from socket"), redis_faults.AWAY),
    (ConnectionResetError(), redis_faults.AWAY),
    (TypeError("'int' object is not iterable"), redis_faults.MALFORMED),
]


@pytest.mark.parametrize(("error", "fault"), SAID, ids=lambda value: getattr(value, "kind", type(value).__name__))
def test_an_error_is_of_the_kind_that_its_class_or_text_says(error: Exception, fault: Any) -> None:
    assert fault_of(error) == fault


def test_each_kind_is_one_word_with_advice_and_explained_to_operators() -> None:
    explained = RUNBOOK.read_text()

    assert len({fault.kind for fault in FAULTS}) == len(FAULTS)
    assert [fault.kind for fault in FAULTS if f"`{fault.kind}`" not in explained] == []
    assert all(len(fault.advice) > 20 for fault in FAULTS)
