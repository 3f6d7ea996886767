"""SIGTERM at any moment: a clean end within seconds, and no job that stays in the queue."""

import random
import signal
import subprocess
import threading
import time
from typing import Any

import psycopg
import pytest
import redis

from core.redis.keys import QUEUE
from local.redis import Redis
from tests import flood
from tests.system import System
from tests.waiting import wait_for

STOPS = 8
LOAD_MIN = 40  # transfers, before the next stop
STOP_WITHIN_S = 6.0  # a drain's fair share, and one batch


def stop(process: subprocess.Popen[bytes]) -> float:
    began = time.monotonic()
    process.terminate()
    process.wait(20)
    return time.monotonic() - began


@pytest.mark.long
def test_workers_that_are_stopped_again_and_again_under_load_strand_no_job(
    own_system: System, own_redis: Redis, connection: psycopg.Connection[Any]
) -> None:
    own_system.start_api()
    [victim] = own_system.start_workers(1)
    caller = own_system.caller()
    wallets = [caller.new_wallet(100_000) for _ in range(10)]
    ending = threading.Event()
    sent: list[flood.Post] = []

    def keep_sending() -> None:
        while not ending.is_set():
            posts = [flood.between(wallets, 1) for _ in range(20)]
            assert {status for status, _ in flood.send_all(own_system.url, posts, connections=4)} == {202}
            sent.extend(posts)

    sender = threading.Thread(target=keep_sending)
    sender.start()
    random.seed(20261122)
    try:
        for _ in range(STOPS):
            [replacement] = own_system.start_workers(1)
            own_system.wait_for_heartbeat(replacement)
            enough = len(sent) + LOAD_MIN
            wait_for(lambda enough=enough: len(sent) >= enough, "more load", within_s=60)  # type: ignore[misc]
            time.sleep(random.random() / 4)  # so that the signals fall anywhere in a worker's cycle
            assert stop(victim) < STOP_WITHIN_S
            assert victim.returncode == 0, own_system.logs()
            victim = replacement
    finally:
        ending.set()
        sender.join()

    with redis.Redis.from_url(own_redis.url) as client:
        wait_for(lambda: client.llen(f"rq:queue:{QUEUE}") == 0, "an empty job queue")
        wait_for(lambda: client.llen(f"rq:queue:{QUEUE}:intermediate") == 0, "no job between queue and worker", within_s=5)
    own_system.start_sweeper()
    wait_for(lambda: connection.execute("SELECT FROM queue LIMIT 1").fetchone() is None, "an empty queue")
    own_system.audit()


def test_each_process_ends_cleanly_when_idle_and_ignores_a_second_signal(own_system: System) -> None:
    own_system.start_api()
    [worker] = own_system.start_workers(1)
    sweeper = own_system.start_sweeper()
    own_system.wait_for_heartbeat(worker)
    own_system.wait_for_heartbeat(sweeper)

    for process in (own_system.processes[0], worker, sweeper):
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0, own_system.logs()


def test_an_api_that_is_stopped_under_load_answers_what_it_has_accepted(
    own_system: System, connection: psycopg.Connection[Any]
) -> None:
    api = own_system.start_api()
    own_system.start_workers(1)
    own_system.start_sweeper()
    caller = own_system.caller()
    source, destination = caller.new_wallet(1000), caller.new_wallet()
    caller.close()
    posts = [flood.transfer(source, destination, 1) for _ in range(600)]

    def stop_in_the_midst() -> None:
        wait_for(lambda: connection.execute("SELECT FROM transfers OFFSET 50").fetchone() is not None, "some transfers")
        stop(api)

    answered = flood.send_while(own_system.url, posts, stop_in_the_midst)

    assert api.returncode == 0
    assert 0 < len(answered) < len(posts)
    own_system.start_api()
    for status, body in answered:
        assert status == 202
        assert caller.wait_final(body["id"])["status"] == "applied"
    own_system.audit()
