"""Deliverers that die, receivers that misbehave, servers that go away: each event arrives, signed, under its one id."""

import asyncio
import itertools
import json
import random
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, cast

import psycopg
import pytest
from standardwebhooks import Webhook

from core.failpoint import POINTS
from local.postgres import Postgres
from local.redis import Redis
from tests import flood
from tests.caller import Caller
from tests.databases import Databases
from tests.faults.lasting import complete
from tests.hooks import fan_out_at
from tests.receivers import (
    Behaviour,
    Received,
    Receiver,
    answer,
    hang,
    in_turn,
    receiving_beside,
    repeat,
    reset_after,
    say,
)
from tests.system import System
from tests.waiting import wait_for
from worker.webhooks.fairness import PER_OWNER_MAX, PER_RECEIVER_MAX

ALLOW_PRIVATE = {"TELLER_WEBHOOK_ALLOW_PRIVATE": "true"}
STOP_WITHIN_S = 20.0
KILLS = 3
DELIVERER_POINTS = [point for point in POINTS if point.startswith("deliver.")]

pytestmark = pytest.mark.timeout(300)  # each waits for several things, and for each of them with much patience


@pytest.fixture(scope="module")
def lasting(databases: Databases, module_redis: Redis, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Everything but a deliverer, for all tests of this file; callers may name receivers on this host."""
    system = System(tmp_path_factory.mktemp("lasting"), databases.migrated(), module_redis.url)
    system.start_api(ALLOW_PRIVATE)
    yield system
    system.close()


@pytest.fixture
def system(lasting: System, module_redis: Redis) -> System:
    if not module_redis.running:
        module_redis.start()
    return complete(lasting)


@pytest.fixture
def connection(databases: Databases, system: System) -> Iterator[psycopg.Connection[Any]]:
    """A connection to its database, as the owner. The endpoints of a test are deleted with it."""
    with psycopg.connect(databases.owner_url(system.database_url), autocommit=True) as connection:
        yield connection
        for table in ("fan_outs", "delivery_attempts", "deliveries", "webhook_endpoints"):
            connection.execute(f"DELETE FROM {table}".encode())


@contextmanager
def receiving(system: System, behaviour: Behaviour) -> Iterator[Receiver]:
    """A receiver that is closed after the deliverers: each of their connections has its other end until then."""
    with receiving_beside(behaviour) as receiver:
        try:
            yield receiver
        finally:
            for process in system.processes:
                if "deliver" in cast(list[str], process.args):
                    process.kill()
                    process.wait()


def new_endpoint(caller: Caller, receiver: Receiver) -> Any:
    made = caller.post("/v1/webhook-endpoints", {"url": receiver.url})
    assert made.status == 201, made
    return made.body


def transfers(caller: Caller, count: int = 1) -> list[str]:
    """Make so many transfers final, and return their ids."""
    source, destination = caller.new_wallet(), caller.new_wallet()
    ids = [caller.transfer(source, destination, 1).body["id"] for _ in range(count)]
    return [caller.wait_final(id)["id"] for id in ids]


def wait_received(receiver: Receiver, *ids: str, within_s: float = 40.0) -> list[Received]:
    """Wait until the events of these transfers have been received; return all that has been."""
    wanted = {event_of(id) for id in ids}
    wait_for(lambda: wanted <= {one.event_id for one in receiver.received()}, f"{len(wanted)} events", within_s)
    return receiver.received()


def event_of(transfer_id: str) -> str:
    return transfer_id.replace("trf_", "evt_")


def lapse(connection: psycopg.Connection[Any]) -> None:
    """Let all claims lapse, and all waits end, as half a minute and more would."""
    connection.execute("UPDATE deliveries SET next_attempt_at = now() WHERE status = 'pending'")


def wait_done(connection: psycopg.Connection[Any]) -> None:
    """Wait until nothing is pending."""
    wait_for(lambda: pending(connection) == 0, "all deliveries to be done", within_s=40)


def pending(connection: psycopg.Connection[Any]) -> int:
    waiting = "(SELECT FROM deliveries WHERE status = 'pending' UNION ALL SELECT FROM fan_outs) told"
    [(count,)] = connection.execute(f"SELECT count(*) FROM {waiting}".encode()).fetchall()
    return int(count)


def test_a_deliverer_killed_between_sending_and_writing_down_sends_the_same_again(
    system: System, connection: psycopg.Connection[Any]
) -> None:
    caller = system.caller()
    with receiving(system, in_turn(hang, answer("200 OK"))) as receiver:
        secret = new_endpoint(caller, receiver)["secret"]
        deliverer = system.start_deliverer()
        [id] = transfers(caller)
        wait_received(receiver, id)
        deliverer.kill()
        deliverer.wait()
        lapse(connection)
        system.start_deliverer()
        wait_done(connection)

    assert len(receiver.requests) == 2
    first, second = receiver.received()
    assert first.event_id == second.event_id == event_of(id)
    assert first.body == second.body
    for one in (first, second):
        Webhook(secret).verify(one.body.decode(), dict(one.headers))
    assert connection.execute("SELECT number, status_code FROM delivery_attempts").fetchall() == [(1, 200)]


@pytest.mark.long
def test_what_is_received_is_what_is_committed_whatever_is_killed(system: System, connection: psycopg.Connection[Any]) -> None:
    """Under load, workers and deliverers are killed again and again; the receiver refuses a third of what it gets."""
    caller = system.caller()
    wallets = [caller.new_wallet(30) for _ in range(6)]
    random.seed(20261127)
    count = itertools.count()

    async def moody(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await answer("500 Internal Server Error" if next(count) % 3 == 0 else "200 OK")(reader, writer)

    with receiving(system, moody) as receiver:
        secret = new_endpoint(caller, receiver)["secret"]
        posts = [flood.between(wallets, random.randint(1, 30)) for _ in range(300)]
        sender = threading.Thread(target=lambda: flood.send_all(system.url, posts, connections=4))
        sender.start()
        deliverer, (worker,) = system.start_deliverer(), system.start_workers(1)
        for number in range(KILLS):
            wait_for(lambda floor=40 * (number + 1): len(receiver.requests) > floor, "more webhooks", within_s=40)  # type: ignore[misc]
            for victim in (deliverer, worker):
                victim.kill()
                victim.wait()
            lapse(connection)
            deliverer, (worker,) = system.start_deliverer(), system.start_workers(1)
        sender.join()
        again = flood.send_all(system.url, posts, connections=4)  # with their keys: also what was a 503 under load
        assert {status for status, _ in again} <= {200, 202}
        outcomes = {event_of(body["id"]): caller.wait_final(body["id"]) for _, body in again}

        looks = itertools.count()

        def all_received() -> bool:
            if next(looks) % 150 == 0:  # each few seconds: a deliverer that is sending at that moment cannot write the attempt down
                lapse(connection)
            return set(outcomes) <= {one.event_id for one in receiver.received()}

        wait_for(all_received, "all events", within_s=60)

    assert {outcome["status"] for outcome in outcomes.values()} == {"applied", "rejected"}
    deposits = 0
    for one in receiver.received():
        Webhook(secret).verify(one.body.decode(), dict(one.headers))
        told = json.loads(one.body)
        deposits += told["data"]["type"] == "deposit"
        if told["data"]["type"] == "transfer":
            assert told["data"] == outcomes[one.event_id]
            assert told["type"] == f"transfer.{outcomes[one.event_id]['status']}"
    assert deposits == 0  # they were final before there was an endpoint
    system.audit()


class Pair:
    """Two deliverers that hit the armed failpoint. A dead one is started again; claims lapse as soon as one has hit a failpoint."""

    def __init__(self, system: System, connection: psycopg.Connection[Any], points: Path) -> None:
        self._system, self._connection, self._points = system, connection, points
        self._running = [self._start() for _ in range(2)]
        self._lapsed = self._died = 0

    def arm(self, point: str, action: str, hits: int) -> None:
        for file in self._points.iterdir():
            file.unlink()
        self._lapsed = self._died = 0
        for number in range(hits):
            (self._points / f"{point}:{number}:{action}").touch()

    def go_on(self, *, deaths: int) -> bool:
        """Do what has to be done; tell whether every hit and every death has come, and all is delivered."""
        for number, process in enumerate(self._running):
            if process.poll() is not None:
                self._died += 1
                assert self._died <= deaths, self._system.logs()
                self._running[number] = self._start()
        taken = list(self._points.glob("taken:*"))
        if len(taken) > self._lapsed:
            self._lapsed = len(taken)
            lapse(self._connection)
        is_delivered = not pending(self._connection)
        held = [file for file in taken if file.name.endswith(":pause")]
        if len(held) == len(self._running) or is_delivered:  # the other one has taken the delivery over, or is held too
            for file in held:
                file.unlink()
        is_armed = any(not file.name.startswith("taken:") for file in self._points.iterdir())
        return is_delivered and not held and not is_armed and self._died == deaths

    def _start(self) -> subprocess.Popen[bytes]:
        return self._system.start_deliverer({"TELLER_FAILPOINTS": str(self._points)})


@pytest.mark.timeout(300)
@pytest.mark.long
def test_wherever_a_deliverer_dies_fails_or_freezes_each_webhook_arrives_under_its_one_id(
    system: System, connection: psycopg.Connection[Any], tmp_path: Path
) -> None:
    caller, points = system.caller(), tmp_path / "points"
    points.mkdir()
    sent = {}
    with receiving(system, answer("200 OK")) as receiver:
        secret = new_endpoint(caller, receiver)["secret"]
        pair = Pair(system, connection, points)
        # The last point first: a deliverer that is held at one passes those after it later, and must not hit the next case there.
        for point, action, hits in itertools.product(reversed(DELIVERER_POINTS), ("kill", "raise", "pause"), (1, 2)):
            pair.arm(point, action, hits)
            [id] = transfers(caller)
            ends = action == "kill" or (point, action) == ("deliver.after_claim", "raise")
            wait_for(partial(pair.go_on, deaths=hits if ends else 0), f"{point} {action} {hits}", 60)
            sent[event_of(id)] = hits + 1 if point == "deliver.before_mark" else 1

    bodies: dict[str, set[bytes]] = {}
    for one in receiver.received():
        Webhook(secret).verify(one.body.decode(), dict(one.headers))
        bodies.setdefault(one.event_id, set()).add(one.body)
    times = Counter(one.event_id for one in receiver.received())
    assert {id for id, count in sent.items() if times[id] < count} == set()
    assert {id: len(found) for id, found in bodies.items()} == dict.fromkeys(sent, 1)
    assert connection.execute("SELECT DISTINCT status, attempts FROM deliveries").fetchall() == [("delivered", 1)]
    system.audit()


def test_one_dead_endpoint_with_thousands_due_starves_no_other(system: System, connection: psycopg.Connection[Any]) -> None:
    caller = system.caller()
    with receiving(system, hang) as dead, receiving(system, answer("200 OK")) as alive:
        new_endpoint(caller, dead)
        [template] = transfers(caller)
        fan_out_at(system.database_url)
        connection.execute("UPDATE deliveries SET next_attempt_at = now() - interval '2 hours'")
        connection.execute(
            "INSERT INTO deliveries (owner, receiver, transfer_id, endpoint_id, shard, next_attempt_at)"
            " SELECT owner, receiver, gen_random_uuid(), endpoint_id, shard, now() - interval '1 hour'"
            " FROM deliveries, generate_series(1, 5000)"
        )
        new_endpoint(caller, alive)
        system.start_deliverer()
        ids = transfers(caller, 50)

        wait_received(alive, *ids)

        assert template not in ids
        assert dead.connected == 1


def test_more_dead_endpoints_than_their_owner_has_places_starve_none_of_its_others(
    system: System, connection: psycopg.Connection[Any]
) -> None:
    """Each transfer is told to all of them, so there is always something that has been due longer for a dead one."""
    caller = system.caller()
    with receiving(system, hang) as dead, receiving(system, answer("200 OK")) as alive:
        new_endpoint(caller, alive)
        system.start_deliverer()
        wait_received(alive, *transfers(caller))
        for _ in range(PER_OWNER_MAX + 10):
            new_endpoint(caller, dead)
        transfers(caller, 5)
        wait_for(lambda: dead.connected >= PER_OWNER_MAX // 2, "the dead ones to be tried")

        wait_received(alive, *transfers(caller, 50))


# What each receiver that misbehaves does, and what becomes of an attempt; None where it takes for as long as we let it.
MISBEHAVIOURS: dict[str, tuple[Behaviour, str | None]] = {
    "hangs": (hang, None),
    "drips": (repeat(b"HTTP/1.1 200 OK\r\n", b"X-Drip: 1\r\n", pace_s=0.05), None),
    "resets": (reset_after(b"HTTP/1.1 200"), "disconnected"),
    "099": (say(b"HTTP/1.1 099 Odd\r\n\r\n"), "answer_invalid"),
    "noise": (say(b"\x00\x01\x02"), "answer_invalid"),
    "redirects": (answer("302 Found", "Location: http://127.0.0.1:1/\r\n"), "302"),
    "500": (answer("500 Internal Server Error"), "500"),
    "429": (answer("429 Too Many Requests", "Retry-After: 600\r\n"), "429"),
    "410": (answer("410 Gone"), "410"),
}


def test_receivers_that_misbehave_delay_no_transfer_and_no_other_receiver(
    system: System, connection: psycopg.Connection[Any]
) -> None:
    """All at once: each alone takes a part of what they take together."""
    caller = system.caller()
    with ExitStack() as stack:
        good = stack.enter_context(receiving(system, answer("200 OK")))
        bad = {name: stack.enter_context(receiving(system, behave)) for name, (behave, _) in MISBEHAVIOURS.items()}
        urls = {receiver.url: name for name, receiver in bad.items()}
        for receiver in bad.values():
            new_endpoint(caller, receiver)
        secret = new_endpoint(caller, good)["secret"]
        system.start_deliverer()
        ids = transfers(caller)
        for name in ("hangs", "drips"):
            assert not bad[name].left.is_set()  # it was final before the attempt was over
        ids += transfers(caller, 4)

        for one in wait_received(good, *ids):
            Webhook(secret).verify(one.body.decode(), dict(one.headers))

        def attempts() -> dict[str, str]:
            select = (
                "SELECT DISTINCT e.url, coalesce(a.error, a.status_code::text) FROM delivery_attempts a"
                " JOIN deliveries d ON d.id = a.delivery_id JOIN webhook_endpoints e ON e.id = d.endpoint_id WHERE e.url <> %s"
            )
            return {urls[url]: result for url, result in connection.execute(select, [good.url]).fetchall()}

        ended = {name: result for name, (_, result) in MISBEHAVIOURS.items() if result is not None}
        wait_for(lambda: {name: result for name, result in attempts().items() if name in ended} == ended, "each attempt's end")
    system.audit()


def test_a_receiver_of_a_webhook_can_read_the_outcome_already(system: System, connection: psycopg.Connection[Any]) -> None:
    caller = system.caller()
    read: list[list[Any]] = []
    before = [id for (id,) in connection.execute("SELECT id FROM transfers").fetchall()]

    async def read_before_answering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        read.append(connection.execute("SELECT status FROM transfers WHERE id <> ALL(%s)", [before]).fetchall())
        await answer("200 OK")(reader, writer)

    with receiving(system, read_before_answering) as receiver:
        new_endpoint(caller, receiver)
        system.start_deliverer()
        for number in range(1, 4):
            transfers(caller)
            wait_for(lambda told=number: len(read) >= told, f"webhook {number}")  # type: ignore[misc]

    assert [[status == "queued" for (status,) in rows] for rows in read] == [[False] * number for number in range(1, 4)]


def test_a_stop_lets_what_is_in_flight_end_and_starts_nothing_new(system: System, connection: psycopg.Connection[Any]) -> None:
    caller = system.caller()
    go_on = threading.Event()

    async def answer_later(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.to_thread(go_on.wait, 20)
        await answer("200 OK")(reader, writer)

    with receiving(system, in_turn(answer("200 OK"), answer_later)) as receiver:
        new_endpoint(caller, receiver)
        deliverer = system.start_deliverer()
        ids = transfers(caller)
        wait_done(connection)
        ids += transfers(caller, PER_RECEIVER_MAX + 4)
        wait_for(lambda: len(receiver.requests) == 1 + PER_RECEIVER_MAX, "as many as one receiver is sent at once")
        wait_for(lambda: connection.execute("SELECT FROM fan_outs").fetchone() is None, "a delivery for each transfer")
        deliverer.terminate()
        deliverer.send_signal(signal.SIGTERM)
        wait_for(lambda: '"stopping"' in system.logs(), "the deliverer to know of it")
        go_on.set()

        assert deliverer.wait(STOP_WITHIN_S) == 0, system.logs()
        assert len(receiver.requests) == 1 + PER_RECEIVER_MAX
        counts = dict(connection.execute("SELECT status, count(*) FROM deliveries GROUP BY status").fetchall())
        assert counts == {"delivered": 1 + PER_RECEIVER_MAX, "pending": 4}
        system.start_deliverer()
        wait_done(connection)
        assert sorted(one.event_id for one in receiver.received()) == sorted(map(event_of, ids))


def test_two_deliverers_send_each_event_once(system: System, connection: psycopg.Connection[Any]) -> None:
    caller = system.caller()
    with receiving(system, answer("200 OK")) as receiver:
        new_endpoint(caller, receiver)
        for _ in range(2):
            system.start_deliverer()
        ids = transfers(caller, 60)
        wait_received(receiver, *ids)
        wait_done(connection)

    assert sorted(one.event_id for one in receiver.received()) == sorted(map(event_of, ids))


def test_without_redis_webhooks_arrive_all_the_same(
    system: System, connection: psycopg.Connection[Any], module_redis: Redis
) -> None:
    caller = system.caller()
    with receiving(system, answer("200 OK")) as receiver:
        new_endpoint(caller, receiver)
        deliverer = system.start_deliverer()
        system.wait_for_heartbeat(deliverer)
        wait_received(receiver, *transfers(caller))
        module_redis.stop()

        wait_received(receiver, *transfers(caller, 3))

        module_redis.start()
        wait_received(receiver, *transfers(caller, 3))
        assert deliverer.poll() is None
        wait_done(connection)


@pytest.fixture
def fragile(own_postgres: Postgres, own_redis: Redis, tmp_path: Path) -> Iterator[System]:
    """A system on a Postgres that the test may stop."""
    (tmp_path / "logs").mkdir()
    system = System(tmp_path / "logs", Databases(own_postgres.url("postgres")).migrated(), own_redis.url)
    system.start_api(ALLOW_PRIVATE)
    system.start_workers(1)
    system.start_sweeper()
    yield system
    system.close()


def test_a_deliverer_goes_on_when_postgres_is_back(fragile: System, own_postgres: Postgres) -> None:
    """The result of an attempt that was in flight is stored if that is soon, and the webhook is not sent again."""
    caller = fragile.caller()
    go_on = threading.Event()

    async def answer_later(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.to_thread(go_on.wait, 30)
        await answer("200 OK")(reader, writer)

    with receiving(fragile, answer_later) as receiver:
        new_endpoint(caller, receiver)
        deliverer = fragile.start_deliverer()
        first = transfers(caller)
        wait_received(receiver, *first)
        own_postgres.stop("immediate")
        go_on.set()
        own_postgres.start()

        def accepted() -> str:
            answered = caller.transfer(source, destination, 1)
            return str(answered.body["id"]) if answered.status == 202 else ""

        wait_for(lambda: caller.get("/readyz").status == 200, "Postgres to be back")
        source, destination = caller.new_wallet(), caller.new_wallet()
        second = wait_for(accepted, "a 202")
        wait_received(receiver, second)
        assert deliverer.poll() is None
    fragile.audit()
