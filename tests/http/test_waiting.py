"""Prefer: wait. The answer comes with the outcome, or at the end of the time; a waiting request takes no thread, no connection."""

import asyncio
import json
import signal
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus

import psutil  # type: ignore[import-untyped]
import psycopg
import pytest

from local.redis import Redis
from tests.caller import OPERATOR_KEY, Caller, new_key
from tests.http.raw import parse
from tests.system import System
from tests.waiting import wait_for


def prefer(value: str) -> dict[str, str]:
    return {"Prefer": value}


def test_a_post_that_waits_is_answered_with_the_outcome(caller: Caller) -> None:
    wallet, other = caller.new_wallet(5), caller.new_wallet()
    body = {"source_wallet_id": wallet, "destination_wallet_id": other, "amount": 6}

    answer = caller.post("/v1/transfers", body, key=new_key(), headers=prefer("wait=20"))

    assert (answer.status, answer.body["status"]) == (200, "rejected")
    assert answer.headers["preference-applied"] == "wait=20"
    assert "retry-after" not in answer.headers
    assert caller.get(answer.headers["location"]).body == answer.body


def test_a_replay_and_a_poll_may_wait_too(idle_system: System, idle_caller: Caller) -> None:
    wallet, key = idle_caller.new_wallet(), new_key()
    body = {"wallet_id": wallet, "amount": 1}
    sent = idle_caller.post("/v1/deposits", body, key=key)

    replay = idle_caller.post("/v1/deposits", body, key=key, headers=prefer("wait=1"))
    poll = idle_caller.get(sent.headers["location"], headers=prefer("wait=1"))

    assert (replay.status, replay.body, replay.headers["idempotent-replayed"]) == (202, sent.body, "true")
    assert (poll.status, {**poll.body, "queue": None}) == (200, sent.body)
    assert {replay.headers["preference-applied"], poll.headers["preference-applied"]} == {"wait=1"}


@pytest.mark.parametrize(
    ("preference", "applied"),
    [
        ("wait=1", "wait=1"),
        ('wait="1"', "wait=1"),
        ("WAIT = 1", "wait=1"),
        ("respond-async, wait=1", "wait=1"),
        ("wait=1; foo=bar", "wait=1"),
        ("wait=1, wait=2", "wait=1"),
        ("wait=0", None),
        ("wait=-1", None),
        ("wait=1.5", None),
        ("wait=abc, wait=1", None),
        ("wait", None),
        ("wait=", None),
        ('wait="1', None),
        ("wait=01", "wait=1"),
        ("waits=1", None),
        ("\u00b2", None),
    ],
)
def test_a_preference_is_applied_or_ignored(idle_caller: Caller, preference: str, applied: str | None) -> None:
    wallet = idle_caller.new_wallet()

    answer = idle_caller.post("/v1/deposits", {"wallet_id": wallet, "amount": 1}, key=new_key(), headers=prefer(preference))

    assert (answer.status, answer.headers.get("preference-applied")) == (202, applied)


def test_no_request_waits_for_more_than_thirty_seconds(caller: Caller) -> None:
    wallet = caller.new_wallet()

    answer = caller.post("/v1/deposits", {"wallet_id": wallet, "amount": 1}, key=new_key(), headers=prefer("wait=" + "9" * 5000))

    assert (answer.status, answer.headers["preference-applied"]) == (200, "wait=30")


def test_without_redis_the_outcome_is_looked_for_each_second(own_system: System, own_redis: Redis) -> None:
    own_system.start_api()
    own_system.start_sweeper()
    caller = own_system.caller()
    wallet = caller.new_wallet()
    own_redis.kill()

    answer = caller.post("/v1/deposits", {"wallet_id": wallet, "amount": 1}, key=new_key(), headers=prefer("wait=20"))

    assert (answer.status, answer.body["status"]) == (200, "applied")


def test_a_thousand_waiting_requests_cost_no_threads_and_no_connections_and_are_all_answered(own_system: System) -> None:
    process = psutil.Process(own_system.start_api().pid)
    caller = own_system.caller()
    wallet = caller.new_wallet()
    before = process.num_threads()

    async def send() -> tuple[int, str]:
        """Return the status and the outcome. After a 503, which a busy machine may answer, the same request is sent again."""
        body = json.dumps({"wallet_id": wallet, "amount": 1})
        head = (
            f"POST /v1/deposits HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {OPERATOR_KEY}\r\nIdempotency-Key: {new_key()}\r\n"
            f"Prefer: wait=30\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        while True:
            reader, writer = await asyncio.open_connection("127.0.0.1", own_system.port)
            writer.write(f"{head}{body}".encode())
            answer = parse(await reader.read())
            writer.close()
            if answer.status != HTTPStatus.SERVICE_UNAVAILABLE:
                return answer.status, answer.body["status"]
            await asyncio.sleep(int(answer.headers["retry-after"]))

    async def send_all() -> list[tuple[int, str]]:
        waiting = [asyncio.create_task(send()) for _ in range(1000)]
        await asyncio.to_thread(wait_for, lambda: queued(own_system) == 1000, "a thousand to be queued")
        assert process.num_threads() - before <= 8  # asyncio's own, for the doorbell
        own_system.start_workers(1)
        return await asyncio.gather(*waiting)

    assert Counter(asyncio.run(send_all())) == {(200, "applied"): 1000}


def queued(system: System) -> int:
    with psycopg.connect(system.database_url) as connection:
        [(count,)] = connection.execute("SELECT count(*) FROM queue").fetchall()
    return int(count)


def test_a_stop_answers_waiting_requests_with_the_present_state(own_system: System) -> None:
    process = own_system.start_api()
    caller = own_system.caller()
    wallet = caller.new_wallet()

    with ThreadPoolExecutor(1) as thread:
        answer = thread.submit(
            caller.post, "/v1/deposits", {"wallet_id": wallet, "amount": 1}, key=new_key(), headers=prefer("wait=30")
        )
        wait_for(lambda: queued(own_system) == 1, "the deposit to wait")
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)

        assert (answer.result(10).status, answer.result().body["status"]) == (202, "queued")
    assert process.wait(10) == 0
    assert time.monotonic() - began < 8  # within the stop's own limit of 10 s
