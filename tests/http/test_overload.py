"""Overload is refused at once, before anything is stored; what is known already is answered all the same."""

import hashlib
import threading
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from statistics import median
from typing import Any

import psutil  # type: ignore[import-untyped]
import psycopg
from redis import Redis as Client

from local.redis import Redis
from tests import flood
from tests.caller import OPERATOR_KEY, Answer, Caller, new_key
from tests.http.conftest import Serve
from tests.system import System
from tests.waiting import wait_for

BATCH = "/v1/transfers/batch"
MIB = 1 << 20
AT_ONCE_S = 10.0  # far more than a refusal takes, also on a machine under load

# A Redis that answers late, as on a machine under load, leaves each process to its own buckets. Where that would change what a test
# sees, the test has none, or tries again.
#
# Most tests have their API in this process. An API whose memory or latency is measured has a process of its own, and so has
# one of the two that share rates or a client's part.


def started(system: System, environment: Mapping[str, str]) -> Caller:
    """An API with these settings and no workers: what it accepts stays queued."""
    system.start_api(environment)
    return system.caller()


def client_caller(caller: Caller, client: Mapping[str, Any]) -> Caller:
    """Make a key of the client and return a caller with it."""
    return Caller(caller.url, caller.request("POST", f"/v1/clients/{client['id']}/keys").body["key"])


def pay(caller: Caller, source: Mapping[str, Any], destination: Mapping[str, Any]) -> int:
    """Pay a cent with a new key of the source's client; return the answer's status."""
    with closing(client_caller(caller, source)) as client:
        return client.transfer(source["wallet"]["id"], destination["wallet"]["id"], 1).status


def stored(database_url: str) -> int:
    with psycopg.connect(database_url) as connection:
        row = connection.execute("SELECT count(*) FROM transfers").fetchone()
    assert row is not None
    return int(row[0])


def item(source: str, destination: str, key: str) -> dict[str, object]:
    return {"idempotency_key": key, "source_wallet_id": source, "destination_wallet_id": destination, "amount": 1}


def test_too_many_requests_get_a_time_to_retry_and_replays_and_polls_are_answered(serve_here: Serve, database_url: str) -> None:
    caller = serve_here(TELLER_RATE_LIMIT="0.01", TELLER_RATE_BURST="3")
    wallet, keys = caller.new_wallet(), [new_key() for _ in range(4)]

    *burst, refused = [caller.deposit(wallet, 1, key) for key in keys]

    assert [answer.status for answer in burst] == [202] * 3
    assert (refused.status, refused.code) == (429, "rate_limited")
    assert 50 < int(refused.headers["retry-after"]) <= 100
    assert stored(database_url) == 3
    replay = caller.deposit(wallet, 1, keys[0])
    assert (replay.status, replay.body["id"]) == (202, burst[0].body["id"])
    assert replay.headers["idempotent-replayed"] == "true"
    assert caller.deposit(wallet, 2, keys[0]).code == "idempotency_key_reused"
    assert caller.get(f"/v1/transfers/{burst[0].body['id']}").status == 200
    assert caller.get("/v1/transfers").status == 200


def test_a_batch_counts_as_many_as_it_holds(serve_here: Serve, database_url: str) -> None:
    caller = serve_here(TELLER_RATE_LIMIT="0.1", TELLER_RATE_BURST="5")
    source, destination = caller.new_wallet(), caller.new_wallet()
    items = [item(source, destination, new_key()) for _ in range(20)]

    first = caller.post(BATCH, {"transfers": items})
    second = caller.post(BATCH, {"transfers": [*items[1:], item(source, destination, new_key())]})
    replay = caller.post(BATCH, {"transfers": items[3:]})

    assert [result["status"] for result in first.body["results"]] == [202] * 20
    assert (second.status, second.code) == (429, "rate_limited")
    assert int(second.headers["retry-after"]) > 100  # 15 more than there were, at ten seconds each
    assert [result["transfer"] for result in replay.body["results"]] == [result["transfer"] for result in first.body["results"][3:]]
    assert stored(database_url) == 20


BAD: dict[str, tuple[str, Any, str | None]] = {
    "JSON": ("/v1/transfers", b"{", "invalid_json"),
    "a field": ("/v1/transfers", {"amount": "1"}, "validation_failed"),
    "a batch's JSON": (BATCH, b"[", "invalid_json"),
    "a batch's size": (BATCH, b"{" + b" " * MIB, "body_too_large"),
    "a batch's shape": (BATCH, {"transfers": []}, "validation_failed"),
    "a batch's items": (BATCH, {"transfers": [{}]}, None),  # each has its problem in the results
}


def test_a_request_that_is_refused_costs_a_token_and_without_one_it_is_told_to_come_again(serve_here: Serve) -> None:
    caller = serve_here(TELLER_RATE_LIMIT="0.01", TELLER_RATE_BURST="1")
    ada, ben = caller.new_client(), caller.new_client()
    wallets = ada["wallet"]["id"], ben["wallet"]["id"]

    for name, (path, body, code) in BAD.items():
        key = None if path == BATCH else new_key()
        with closing(client_caller(caller, ada)) as client:
            first, second = (client.post(path, body, key=key) for _ in range(2))
            assert first.status == 200 if code is None else first.code == code, name
            assert (second.status, second.code) == (429, "rate_limited"), name
            assert client.transfer(*wallets, 1).code == "rate_limited", name

    with closing(Caller(caller.url, caller.post("/v1/keys", {"role": "viewer"}).body["key"])) as viewer:
        assert [viewer.transfer(*wallets, 1).code for _ in range(2)] == ["forbidden", "rate_limited"]
        assert viewer.get(f"/v1/wallets/{wallets[0]}").status == 200
        assert viewer.post("/v1/deposits?preview=true", {"wallet_id": wallets[0], "amount": 1}).code == "rate_limited"


def test_every_item_of_a_batch_costs_a_token_fit_or_not(serve_here: Serve) -> None:
    caller = serve_here(TELLER_RATE_LIMIT="0.1", TELLER_RATE_BURST="5")
    source, destination = caller.new_wallet(), caller.new_wallet()

    answer = caller.post(BATCH, {"transfers": [item(source, destination, new_key()), *[{}] * 19]})

    assert Counter(result["status"] for result in answer.body["results"]) == {202: 1, 422: 19}
    assert int(caller.transfer(source, destination, 1).headers["retry-after"]) > 100  # 15 more than there were


def test_a_request_without_room_in_the_backlog_costs_a_token(serve_here: Serve) -> None:
    caller = serve_here(TELLER_BACKLOG_MAX="1", TELLER_RATE_LIMIT="0.01", TELLER_RATE_BURST="3")
    wallet = caller.new_wallet()

    answers = [caller.deposit(wallet, 1) for _ in range(4)]

    assert [answer.status for answer in answers] == [202, 503, 503, 429]


def test_a_bucket_is_named_by_its_keys_id_and_no_digest_of_a_secret_leaves_for_redis(serve_here: Serve, own_redis: Redis) -> None:
    caller = serve_here(TELLER_RATE_LIMIT="0.01", TELLER_RATE_BURST="3", REDIS_URL=own_redis.url)
    client = caller.new_client()
    made = caller.request("POST", f"/v1/clients/{client['id']}/keys").body
    with closing(Caller(caller.url, made["key"])) as as_client:
        as_client.transfer(client["wallet"]["id"], caller.new_wallet(), 1)
    caller.deposit(client["wallet"]["id"], 1)

    with Client.from_url(own_redis.url, decode_responses=True) as redis:
        keys = {key for key in redis.scan_iter("*") if key.startswith("bucket:")}
        stored_there = " ".join(redis.scan_iter("*"))

    assert keys == {"bucket:configured", f"bucket:{made['id']}"}
    for secret in (OPERATOR_KEY, made["key"]):
        assert secret not in stored_there
        assert hashlib.sha256(secret.encode()).hexdigest()[:8] not in stored_there


def test_each_key_has_a_rate_of_its_own(serve_here: Serve) -> None:
    caller = serve_here(TELLER_RATE_LIMIT="0.01", TELLER_RATE_BURST="1")
    ada, ben = caller.new_client(), caller.new_client()

    outcomes = [pay(caller, *pair) for pair in ((ada, ben), (ada, ben), (ben, ada), (ben, ada))]

    assert outcomes == [202, 202, 202, 202]  # each of its own key: `pay` makes one
    with closing(client_caller(caller, ada)) as one:
        wallets = ada["wallet"]["id"], ben["wallet"]["id"]
        assert [one.transfer(*wallets, 1).status for _ in range(2)] == [202, 429]
    assert caller.deposit(wallets[0], 1).status == 202


def test_processes_share_the_rates(own_system: System, serve_here: Serve) -> None:
    limits = {"TELLER_RATE_LIMIT": "0.01", "TELLER_RATE_BURST": "2"}
    one, other = started(own_system, limits), serve_here(**limits, REDIS_URL=own_system.redis_url)

    wait_for(lambda: share_a_rate(one, other), "two processes that share a rate", within_s=60)


def share_a_rate(caller: Caller, other: Caller) -> bool:
    """Whether a new key may ask for as much of both APIs together as it may of one."""
    ada, ben = caller.new_client(), caller.new_client()
    with closing(client_caller(caller, ada)) as first, closing(Caller(other.url, first.key)) as second:
        pay = [each.transfer(ada["wallet"]["id"], ben["wallet"]["id"], 1).status for each in (first, second) * 2]
    return pay == [202, 202, 429, 429]


def test_a_full_backlog_is_refused_until_it_is_drained(own_system: System, serve_here: Serve) -> None:
    caller = serve_here(TELLER_BACKLOG_MAX="5", REDIS_URL=own_system.redis_url)
    wallet, key = caller.new_wallet(), new_key()
    known = caller.deposit(wallet, 1, key)
    for _ in range(4):
        assert caller.deposit(wallet, 1).status == 202

    refused = caller.deposit(wallet, 1)

    assert (refused.status, refused.code, refused.headers["retry-after"]) == (503, "backlog_full", "5")
    assert stored(own_system.database_url) == 5
    assert caller.deposit(wallet, 1, key).body["id"] == known.body["id"]
    own_system.start_workers(1)
    wait_for(lambda: caller.deposit(wallet, 1).status == 202, "room in the backlog")
    own_system.audit()


def test_a_full_backlog_under_load_is_refused_at_once_and_whatever_is_known_is_answered(own_system: System) -> None:
    ceiling = 300
    caller = started(own_system, {"TELLER_BACKLOG_MAX": str(ceiling)})
    wallets = [caller.new_wallet() for _ in range(8)]
    posts = [flood.between(wallets, 1) for _ in range(5 * ceiling)]
    api = psutil.Process(own_system.processes[0].pid)
    before = api.memory_info().rss

    answers = flood.send_all(own_system.url, posts)

    accepted = {post.key: body["id"] for post, (status, body) in zip(posts, answers, strict=True) if status == 202}
    refused = [body["code"] for status, body in answers if status != 202]
    assert set(refused) == {"backlog_full"}
    # What is accepted while the queue is counted takes two places until the next count.
    assert ceiling - flood.CONNECTIONS < len(accepted) == stored(own_system.database_url) <= ceiling
    again = [post for post in posts if post.key in accepted]
    replays = flood.send_all(own_system.url, again)
    assert [(status, body["id"]) for status, body in replays] == [(202, accepted[post.key]) for post in again]
    last, took_s = until_refused(caller, wallets[0], at_most=flood.CONNECTIONS)
    assert took_s < AT_ONCE_S
    assert (last.code, int(last.headers["retry-after"]) > 0) == ("backlog_full", True)
    assert stored(own_system.database_url) <= ceiling
    assert api.memory_info().rss < before + 16 * MIB  # what it takes to have served some thousand requests, once


def until_refused(caller: Caller, wallet: str, at_most: int) -> tuple[Answer, float]:
    """Deposit into the places that the last count has freed, and once more. Return the last answer, and the seconds it took."""
    for _ in range(at_most + 1):
        began = time.monotonic()
        answer = caller.deposit(wallet, 1)
        if answer.status != 202:
            break
    return answer, time.monotonic() - began


def test_one_client_may_fill_its_own_part_of_the_backlog_alone(own_system: System, serve_here: Serve) -> None:
    limits = {"TELLER_CLIENT_BACKLOG_MAX": "3"}
    caller = serve_here(**limits)
    ada, ben = caller.new_client(), caller.new_client()
    wallets = ada["wallet"]["id"], ben["wallet"]["id"]

    with closing(client_caller(caller, ada)) as client:
        assert [client.transfer(*wallets, 1).status for _ in range(4)] == [202, 202, 202, 503]
        assert caller.transfer(*wallets, 1).status == 202  # an operator's
        assert pay(caller, ben, ada) == 202
        second = started(own_system, limits)  # it has accepted none of them, and counts them all
        with closing(Caller(second.url, client.key)) as elsewhere:
            wait_for(lambda: elsewhere.transfer(*wallets, 1).status == 503, "the other process to count")
        assert client.transfer(*wallets, 1).code == "backlog_full"


def test_batches_at_once_do_not_pass_a_limit_together(serve_here: Serve, database_url: str) -> None:
    caller = serve_here(TELLER_CLIENT_BACKLOG_MAX="50", TELLER_BACKLOG_MAX="95")
    ada, ben = caller.new_client(), caller.new_client()
    wallets = ada["wallet"]["id"], ben["wallet"]["id"]

    def send(key: str | None) -> list[int]:
        with closing(Caller(caller.url, key)) as sender:
            answer = sender.post(BATCH, {"transfers": [item(*wallets, new_key()) for _ in range(20)]})
            return [result["status"] for result in answer.body["results"]] if answer.status == 200 else [answer.status]

    with ThreadPoolExecutor(30) as threads, closing(client_caller(caller, ada)) as client:
        of_client = list(threads.map(send, [client.key] * 30))
        of_operator = list(threads.map(send, [caller.key] * 30))

    # A batch that does not fit whole is refused whole.
    assert Counter(map(tuple, of_client)) == {(202,) * 20: 2, (503,): 28}
    assert Counter(map(tuple, of_operator)) == {(202,) * 20: 2, (503,): 28}
    assert stored(database_url) == 80


def test_one_clients_batches_delay_another_clients_transfer_by_no_more_than_a_batch(own_system: System) -> None:
    caller = started(own_system, {"TELLER_CLIENT_BACKLOG_MAX": "1000000"})
    greedy, ben = caller.new_client(), caller.new_client()
    wallets = greedy["wallet"]["id"], ben["wallet"]["id"]

    def send_batches(_: int) -> None:
        with closing(Caller(caller.url, key)) as sender:
            while not enough.is_set():
                sender.post(BATCH, {"transfers": [item(*wallets, new_key()) for _ in range(1000)]})

    def send_one() -> tuple[float, int]:
        began = time.monotonic()
        status = other.transfer(wallets[1], wallets[0], 1).status
        return time.monotonic() - began, status

    with (
        closing(client_caller(caller, greedy)) as one,
        closing(client_caller(caller, ben)) as other,
        ThreadPoolExecutor(8) as threads,
    ):
        key, enough = one.key, threading.Event()
        alone = median([send_one()[0] for _ in range(20)])
        try:
            _ = threads.map(send_batches, range(8))
            wait_for(lambda: stored(own_system.database_url) >= 3000, "the batches to come in")
            sent = [send_one() for _ in range(12)]
        finally:
            enough.set()

    assert {status for _, status in sent} == {202}
    # In one line with the batches it takes a second and more on an idle machine; on a busy one everything takes longer.
    assert median([taken_s for taken_s, _ in sent]) < 0.5 + 15 * alone, (alone, sent)
