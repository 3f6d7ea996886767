"""Doorbells over a Redis that the tests freeze and kill: everything is a hint, nothing raises, nothing blocks for long."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from redis import Redis as Client
from rq import Queue

from core.doorbell import APPLY, FLAG_TTL_S, GATHERER, LEFT, QUEUE, REST_S, SERIALIZER, Doorbell
from core.redis_faults import AWAY
from core.sharding import SHARDS_MAX
from local.redis import Redis
from tests.waiting import wait_for
from worker.jobs import job_class
from worker.listen import Listener, Saying
from worker.process import Rounds

# A timeout of half a second to connect or to be answered; a call may meet one. The rest is the machine's.
AT_ONCE_S = 1.2


@pytest.fixture
def doorbell(own_redis: Redis) -> Iterator[Doorbell]:
    doorbell = Doorbell(own_redis.url)
    yield doorbell
    doorbell.close()


@pytest.fixture
def redis(own_redis: Redis) -> Iterator[Client]:
    """Redis, as a stranger sees it."""
    with Client.from_url(own_redis.url) as client:
        yield client


def jobs_waiting(redis: Client) -> list[tuple[str | None, object]]:
    queue = Queue(QUEUE, connection=redis, serializer=SERIALIZER)
    return [(job.func_name, job.args) for job in queue.jobs]


def work(redis: Client, answer: Callable[[list[int]], None]) -> None:
    """Run all jobs that wait, by the worker's own listener."""
    queue = Queue(QUEUE, connection=redis, serializer=SERIALIZER, job_class=job_class({APPLY: answer}))

    class UntilEmpty(Rounds):
        def goes_on(self) -> bool:
            return bool(redis.llen(queue.key))

    Listener(queue, UntilEmpty(), Saying()).work(logging_level="ERROR")


def test_a_ring_asks_for_one_job_for_all_its_shards(doorbell: Doorbell, redis: Client) -> None:
    assert doorbell.ring([3, 5])

    assert jobs_waiting(redis) == [(APPLY, [[3, 5]])]


def test_rings_are_coalesced_until_a_worker_answers(doorbell: Doorbell, redis: Client) -> None:
    for _ in range(3):
        assert doorbell.ring([3])
    assert doorbell.ring([3, 4])
    assert jobs_waiting(redis) == [(APPLY, [[3]]), (APPLY, [[4]])]

    doorbell.lower([3])
    assert doorbell.ring([3, 4])

    assert jobs_waiting(redis) == [(APPLY, [[3]]), (APPLY, [[4]]), (APPLY, [[3]])]


def test_shards_are_passed_on_although_their_flags_are_up(doorbell: Doorbell, redis: Client) -> None:
    doorbell.ring([3, 4, 5])

    assert doorbell.pass_on([4, 5])
    assert doorbell.ring([3, 4, 5])

    assert jobs_waiting(redis) == [(APPLY, [[3, 4, 5]]), (APPLY, [[4, 5]])]


def test_a_flag_whose_job_was_lost_goes_by_itself(doorbell: Doorbell, redis: Client) -> None:
    doorbell.ring([3])

    assert 0 < redis.pttl("doorbell:3") <= FLAG_TTL_S * 1000


@pytest.mark.parametrize("ttl_s", [None, 3600])
def test_a_flag_that_would_stay_up_for_ever_counts_as_down(doorbell: Doorbell, redis: Client, ttl_s: int | None) -> None:
    redis.set("doorbell:3", "x", ex=ttl_s)

    assert doorbell.ring([3])
    assert doorbell.ring([3])

    assert jobs_waiting(redis) == [(APPLY, [[3]])]
    assert 0 < redis.pttl("doorbell:3") <= FLAG_TTL_S * 1000


def test_a_gatherer_that_would_never_go_is_none(doorbell: Doorbell, redis: Client) -> None:
    redis.set(GATHERER, 1)

    assert not doorbell.leave([3])
    assert doorbell.become_gatherer()
    assert doorbell.leave([3])


def test_what_is_no_shard_is_not_taken_from_the_gatherers(doorbell: Doorbell, redis: Client) -> None:
    assert doorbell.become_gatherer()
    assert doorbell.leave([3])
    redis.sadd(LEFT, "x", "-1", "1024", "²", "1.5", "", 10**30)

    assert doorbell.take_left() == [3]
    assert not redis.exists(LEFT)


def test_no_more_is_taken_from_the_gatherers_than_there_can_be_shards(doorbell: Doorbell, redis: Client) -> None:
    redis.sadd(LEFT, *range(100_000))

    assert len(doorbell.take_left()) <= SHARDS_MAX
    assert not redis.exists(LEFT)


@pytest.mark.parametrize("wrong", ["rq:queues", f"rq:queue:{QUEUE}"])
def test_a_key_of_a_wrong_type_is_deleted_and_the_ring_is_taken(doorbell: Doorbell, redis: Client, wrong: str) -> None:
    redis.set(wrong, "x")

    assert doorbell.ring([3])

    assert jobs_waiting(redis) == [(APPLY, [[3]])]


def test_a_ring_whose_job_is_refused_leaves_its_flag_down(doorbell: Doorbell, redis: Client) -> None:
    redis.acl_setuser("default", enabled=True, categories=["+@all"], commands=["-rpush"], keys=["*"], channels=["*"])

    assert not doorbell.ring([3])

    assert not redis.exists("doorbell:3")


def test_a_wish_to_run_again_is_granted_once(doorbell: Doorbell) -> None:
    assert not doorbell.rerun_asked([3])

    doorbell.ask_rerun([3, 5])
    doorbell.ask_rerun([3])

    assert not doorbell.rerun_asked([4])
    assert doorbell.rerun_asked([3, 4])
    assert not doorbell.rerun_asked([3, 4])
    assert doorbell.rerun_asked([5])


def test_what_a_job_leaves_behind_goes_by_itself(doorbell: Doorbell, redis: Client) -> None:
    doorbell.ring([3])

    work(redis, lambda _shards: None)

    assert [key for key in redis.scan_iter("rq:*") if redis.ttl(key) < 0] == [b"rq:queues"]


def test_a_job_runs_with_its_shards(doorbell: Doorbell, redis: Client) -> None:
    answered: list[list[int]] = []
    doorbell.ring([3, 5])

    work(redis, answered.append)

    assert answered == [[3, 5]]
    assert jobs_waiting(redis) == []


def test_a_job_of_another_name_is_not_run(redis: Client, tmp_path: Path) -> None:
    mark = tmp_path / "owned"
    queue = Queue(QUEUE, connection=redis, serializer=SERIALIZER)
    queue.enqueue("os.system", f"touch {mark}")
    queue.enqueue(APPLY, [3])
    answered: list[list[int]] = []

    work(redis, answered.append)

    assert not mark.exists()
    assert (answered, redis.keys("rq:job:*")) == ([[3]], [])


def test_a_callback_of_a_job_is_not_run(redis: Client, doorbell: Doorbell) -> None:
    doorbell.ring([3])
    [job] = Queue(QUEUE, connection=redis, serializer=SERIALIZER).jobs
    redis.hset(job.key, "success_callback_name", "tests.integration.test_doorbell.disarm")

    work(redis, lambda _shards: None)

    assert not DISARMED


DISARMED: list[object] = []


def disarm(*_: object) -> None:
    DISARMED.append(object())


def test_a_pickle_in_the_queue_is_not_read(redis: Client) -> None:
    Queue(QUEUE, connection=redis, serializer="pickle").enqueue(APPLY, [3])
    answered: list[list[int]] = []

    work(redis, answered.append)

    assert answered == []


@pytest.mark.parametrize("fault", ["frozen", "killed"])
def test_without_redis_every_call_returns_at_once_and_it_is_found_again(own_redis: Redis, fault: str) -> None:
    calls: dict[str, Callable[[Doorbell], object]] = {
        "ring": lambda doorbell: doorbell.ring([1, 2, 3]),
        "lower": lambda doorbell: doorbell.lower([1]),
        "pass_on": lambda doorbell: doorbell.pass_on([1]),
        "become_gatherer": lambda doorbell: doorbell.become_gatherer(),
        "leave": lambda doorbell: doorbell.leave([1]),
        "take_left": lambda doorbell: doorbell.take_left(),
        "resign": lambda doorbell: doorbell.resign(),
        "ask_rerun": lambda doorbell: doorbell.ask_rerun([1]),
        "rerun_asked": lambda doorbell: doorbell.rerun_asked([1]),
        "check": lambda doorbell: doorbell.check().is_reachable,
    }
    doorbells = {name: Doorbell(own_redis.url) for name in calls}
    assert all(doorbell.ring([9]) for doorbell in doorbells.values())  # each has a connection that will break

    if fault == "frozen":
        os.kill(own_redis.pid, signal.SIGSTOP)
    else:
        own_redis.kill()
    try:
        for name, call in calls.items():
            assert not timed(lambda call=call, name=name: call(doorbells[name])), name  # type: ignore[misc]
    finally:
        if fault == "frozen":
            os.kill(own_redis.pid, signal.SIGCONT)
        else:
            own_redis.start()

    for name, doorbell in doorbells.items():
        wait_for(partial(takes_doorbells, doorbell), f"the doorbell of {name} to find Redis again", REST_S + 2)
        assert doorbell.ring([7])
        doorbell.close()


def test_after_a_fault_redis_is_left_alone_for_a_while(own_redis: Redis, doorbell: Doorbell) -> None:
    os.kill(own_redis.pid, signal.SIGSTOP)
    try:
        timed(lambda: doorbell.ring([1]))
        started = time.monotonic()
        for shard in range(1000):
            doorbell.lower([shard])
        took = time.monotonic() - started
    finally:
        os.kill(own_redis.pid, signal.SIGCONT)

    assert took < REST_S / 2


def test_an_address_without_a_server_is_a_silent_doorbell() -> None:
    silent = Doorbell("redis://127.0.0.1:1/0")

    assert silent.check().fault is AWAY
    assert not silent.ring([1])


def takes_doorbells(doorbell: Doorbell) -> bool:
    return doorbell.check().takes_doorbells


def timed(call: Callable[[], object]) -> object:
    started = time.monotonic()
    answer = call()
    assert time.monotonic() - started < AT_ONCE_S
    return answer
