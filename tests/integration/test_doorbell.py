"""Doorbells over a Redis that the tests freeze and kill: everything is a hint, nothing raises, nothing blocks for long."""

import os
import random
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

import pytest
from redis import Redis as Client
from rq import Queue

from core.ledger.sharding import SHARDS_MAX
from core.redis.faults import AWAY
from core.redis.hints import REST_S
from core.redis.jobs import APPLY, SERIALIZER
from core.redis.keys import BATCHER, FLAG_TTL_S, HANDED_OVER, QUEUE
from local.redis import Redis
from tests.bells import Bells
from tests.doorbell_model import Redis as ModelRedis
from tests.waiting import wait_for
from worker.jobs import job_class
from worker.listen import Listener, LogLimit
from worker.process import StopFlag

# A timeout of half a second to connect or to be answered; a call may meet one. The rest is the machine's.
AT_ONCE_S = 1.2


@pytest.fixture
def bells(own_redis: Redis) -> Iterator[Bells]:
    bells = Bells(own_redis.url)
    yield bells
    bells.close()


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

    class UntilEmpty(StopFlag):
        def goes_on(self) -> bool:
            return bool(redis.llen(queue.key))

    Listener(queue, UntilEmpty(), LogLimit()).work(logging_level="ERROR")


def test_a_ring_asks_for_one_job_for_all_its_shards(bells: Bells, redis: Client) -> None:
    assert bells.doorbell.ring([3, 5])

    assert jobs_waiting(redis) == [(APPLY, [[3, 5]])]


def test_rings_are_coalesced_until_a_worker_answers(bells: Bells, redis: Client) -> None:
    for _ in range(3):
        assert bells.doorbell.ring([3])
    assert bells.doorbell.ring([3, 4])
    assert jobs_waiting(redis) == [(APPLY, [[3]]), (APPLY, [[4]])]

    bells.doorbell.lower([3])
    assert bells.doorbell.ring([3, 4])

    assert jobs_waiting(redis) == [(APPLY, [[3]]), (APPLY, [[4]]), (APPLY, [[3]])]


def test_shards_are_passed_on_although_their_flags_are_up(bells: Bells, redis: Client) -> None:
    bells.doorbell.ring([3, 4, 5])

    assert bells.doorbell.pass_on([4, 5])
    assert bells.doorbell.ring([3, 4, 5])

    assert jobs_waiting(redis) == [(APPLY, [[3, 4, 5]]), (APPLY, [[4, 5]])]


def test_a_flag_whose_job_was_lost_goes_by_itself(bells: Bells, redis: Client) -> None:
    bells.doorbell.ring([3])

    assert 0 < redis.pttl("doorbell:3") <= FLAG_TTL_S * 1000


@pytest.mark.parametrize("ttl_s", [None, 3600])
def test_a_flag_that_would_stay_up_for_ever_counts_as_down(bells: Bells, redis: Client, ttl_s: int | None) -> None:
    redis.set("doorbell:3", "x", ex=ttl_s)

    assert bells.doorbell.ring([3])
    assert bells.doorbell.ring([3])

    assert jobs_waiting(redis) == [(APPLY, [[3]])]
    assert 0 < redis.pttl("doorbell:3") <= FLAG_TTL_S * 1000


def test_a_batcher_that_would_never_go_is_none(bells: Bells, redis: Client) -> None:
    redis.set(BATCHER, 1)

    assert not bells.batcher.hand_over([3])
    assert bells.batcher.become()
    assert bells.batcher.hand_over([3])


def test_what_is_no_shard_is_not_taken_over(bells: Bells, redis: Client) -> None:
    assert bells.batcher.become()
    assert bells.batcher.hand_over([3])
    redis.sadd(HANDED_OVER, "x", "-1", "1024", "²", "1.5", "", 10**30)

    assert bells.batcher.take_over() == [3]
    assert not redis.exists(HANDED_OVER)


def test_no_more_is_taken_over_than_there_can_be_shards(bells: Bells, redis: Client) -> None:
    redis.sadd(HANDED_OVER, *range(100_000))

    assert len(bells.batcher.take_over()) <= SHARDS_MAX
    assert not redis.exists(HANDED_OVER)


@pytest.mark.parametrize("wrong", ["rq:queues", f"rq:queue:{QUEUE}"])
def test_a_key_of_a_wrong_type_is_deleted_and_the_ring_is_taken(bells: Bells, redis: Client, wrong: str) -> None:
    redis.set(wrong, "x")

    assert bells.doorbell.ring([3])

    assert jobs_waiting(redis) == [(APPLY, [[3]])]


def test_a_ring_whose_job_is_refused_leaves_its_flag_down(bells: Bells, redis: Client) -> None:
    redis.acl_setuser("default", enabled=True, categories=["+@all"], commands=["-rpush"], keys=["*"], channels=["*"])

    assert not bells.doorbell.ring([3])

    assert not redis.exists("doorbell:3")


def test_a_wish_to_run_again_is_granted_once(bells: Bells) -> None:
    assert not bells.doorbell.rerun_asked([3])

    bells.doorbell.ask_rerun([3, 5])
    bells.doorbell.ask_rerun([3])

    assert not bells.doorbell.rerun_asked([4])
    assert bells.doorbell.rerun_asked([3, 4])
    assert not bells.doorbell.rerun_asked([3, 4])
    assert bells.doorbell.rerun_asked([5])


@pytest.mark.parametrize("seed", range(5))
def test_redis_does_what_the_model_of_the_doorbell_says(bells: Bells, redis: Client, seed: int) -> None:
    chance = random.Random(seed)
    model = ModelRedis()
    done: list[tuple[str, int]] = []
    until = time.monotonic() + FLAG_TTL_S - 1  # on a machine that is too busy, keys would expire
    while len(done) < 40 and time.monotonic() < until:
        name, shards = chance.choice(COMMANDS), chance.randrange(1, 8)
        done.append((name, shards))
        expected, model = said_by_model(model, name, shards)

        assert said_by_redis(bells, name, shards) == expected, done
        assert held_by(redis) == model, done


COMMANDS = ("ring", "lower", "acquire", "pass_on", "ask_rerun", "rerun_asked", "become", "hand_over", "take_over", "release")


def said_by_model(model: ModelRedis, name: str, shards: int) -> tuple[object, ModelRedis]:
    match name:
        case "ring" | "pass_on":
            return True, model.ring(shards) if name == "ring" else model.enqueue(shards)
        case "acquire":
            return model.raise_flags(shards)
        case "lower" | "ask_rerun":
            return None, getattr(model, name)(shards)
        case "rerun_asked" | "hand_over":
            answer: tuple[object, ModelRedis] = getattr(model, name)(shards)
            return answer
        case _:
            given: tuple[object, ModelRedis] = getattr(model, name)()
            return given


def said_by_redis(bells: Bells, name: str, shards: int) -> object:
    """Return the reply; a list of shards as the bits of an integer."""
    protocol = bells.batcher if hasattr(bells.batcher, name) else bells.doorbell
    without_shards = name in ("become", "take_over", "release")
    reply: object = getattr(protocol, name)(*([] if without_shards else [shards_of(shards)]))
    return bits(reply) if isinstance(reply, list) else reply


def held_by(redis: Client) -> ModelRedis:
    """Return what a real Redis holds, in the model's form."""
    jobs = [bits(job.args[0]) for job in Queue(QUEUE, connection=redis, serializer=SERIALIZER).jobs]
    return ModelRedis(
        flags=bits(int(key.rpartition(b":")[2]) for key in redis.scan_iter("doorbell:*")),
        wishes=bits(int(key.rpartition(b":")[2]) for key in redis.scan_iter("rerun:*")),
        jobs=tuple(sorted(jobs)),
        has_batcher=bool(redis.exists(BATCHER)),
        handed_over=bits(int(shard) for shard in redis.smembers(HANDED_OVER)),
    )


def shards_of(mask: int) -> list[int]:
    return [shard for shard in range(mask.bit_length()) if mask >> shard & 1]


def bits(shards: Iterable[int]) -> int:
    return sum(1 << shard for shard in shards)


def test_what_a_job_leaves_behind_goes_by_itself(bells: Bells, redis: Client) -> None:
    bells.doorbell.ring([3])

    work(redis, lambda _shards: None)

    assert [key for key in redis.scan_iter("rq:*") if redis.ttl(key) < 0] == [b"rq:queues"]


def test_a_job_runs_with_its_shards(bells: Bells, redis: Client) -> None:
    answered: list[list[int]] = []
    bells.doorbell.ring([3, 5])

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


def test_a_callback_of_a_job_is_not_run(redis: Client, bells: Bells) -> None:
    bells.doorbell.ring([3])
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
    calls: dict[str, Callable[[Bells], object]] = {
        "ring": lambda bells: bells.doorbell.ring([1, 2, 3]),
        "lower": lambda bells: bells.doorbell.lower([1]),
        "pass_on": lambda bells: bells.doorbell.pass_on([1]),
        "become": lambda bells: bells.batcher.become(),
        "hand_over": lambda bells: bells.batcher.hand_over([1]),
        "take_over": lambda bells: bells.batcher.take_over(),
        "release": lambda bells: bells.batcher.release(),
        "ask_rerun": lambda bells: bells.doorbell.ask_rerun([1]),
        "rerun_asked": lambda bells: bells.doorbell.rerun_asked([1]),
        "check": lambda bells: bells.probe.check().is_reachable,
    }
    processes = {name: Bells(own_redis.url) for name in calls}
    assert all(bells.doorbell.ring([9]) for bells in processes.values())  # each has a connection that will break

    if fault == "frozen":
        os.kill(own_redis.pid, signal.SIGSTOP)
    else:
        own_redis.kill()
    try:
        for name, call in calls.items():
            assert not timed(lambda call=call, name=name: call(processes[name])), name  # type: ignore[misc]
    finally:
        if fault == "frozen":
            os.kill(own_redis.pid, signal.SIGCONT)
        else:
            own_redis.start()

    for name, bells in processes.items():
        wait_for(partial(takes_doorbells, bells), f"the doorbell of {name} to find Redis again", REST_S + 2)
        assert bells.doorbell.ring([7])
        bells.close()


def test_after_a_fault_redis_is_left_alone_for_a_while(own_redis: Redis, bells: Bells) -> None:
    os.kill(own_redis.pid, signal.SIGSTOP)
    try:
        timed(lambda: bells.doorbell.ring([1]))
        started = time.monotonic()
        for shard in range(1000):
            bells.doorbell.lower([shard])
        took = time.monotonic() - started
    finally:
        os.kill(own_redis.pid, signal.SIGCONT)

    assert took < REST_S / 2


def test_an_address_without_a_server_is_a_silent_doorbell() -> None:
    silent = Bells("redis://127.0.0.1:1/0")

    assert silent.probe.check().fault is AWAY
    assert not silent.doorbell.ring([1])


def takes_doorbells(bells: Bells) -> bool:
    return bells.probe.check().takes_doorbells


def timed(call: Callable[[], object]) -> object:
    started = time.monotonic()
    answer = call()
    assert time.monotonic() - started < AT_ONCE_S
    return answer
