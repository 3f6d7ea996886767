"""Token buckets, in Redis and without it: the same answers. In Redis they hold for all processes, without it for one."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest
from redis import Redis as Client

from api.admission.rate_limit import TOKENS_MAX, RateLimit
from api.v1.batch import ITEMS_MAX
from local.redis import Redis
from tests.world import NO_REDIS

Result = TypeVar("Result")

PATIENCE_S = 20.0  # with a Redis that answers late because the machine does much else
TOKEN_S = 100.0  # no token comes back while a test looks on


def use(
    url: str, work: Callable[[RateLimit], Awaitable[Result]], *, token_s: float = TOKEN_S, timeout_s: float = PATIENCE_S
) -> Result:
    async def opened() -> Result:
        buckets = RateLimit(url, 1 / token_s, 3, timeout_s=timeout_s)
        try:
            return await work(buckets)
        finally:
            await buckets.close()

    return asyncio.run(opened())


@pytest.fixture(params=["with Redis", "without"])
def url(request: pytest.FixtureRequest, own_redis: Redis) -> str:
    return own_redis.url if request.param == "with Redis" else NO_REDIS


def test_a_burst_is_let_through_and_then_one_has_to_wait(url: str) -> None:
    async def work(buckets: RateLimit) -> list[float]:
        return [await buckets.take("ada", 1) for _ in range(4)]

    *burst, last = use(url, work)

    assert burst == [0.0] * 3
    assert 0.5 * TOKEN_S < last <= TOKEN_S


def test_each_name_has_a_bucket_of_its_own(url: str) -> None:
    async def work(buckets: RateLimit) -> list[float]:
        return [await buckets.take(name, 3) for name in ("ada", "ben")]

    assert use(url, work) == [0.0, 0.0]


def test_a_request_that_takes_more_tokens_than_there_are_waits_for_all_of_them(url: str) -> None:
    async def work(buckets: RateLimit) -> list[float]:
        return [await buckets.take("ada", 1000), await buckets.take("ada", 1)]

    first, second = use(url, work)

    assert first == 0.0
    assert 997 * TOKEN_S < second <= 998 * TOKEN_S  # no token of the burst is owed, and the next token is


def test_tokens_come_back_with_time(url: str) -> None:
    async def work(buckets: RateLimit) -> list[float]:
        await buckets.take("ada", 3)
        wait_s = await buckets.take("ada", 1)
        await asyncio.sleep(wait_s)
        return [wait_s, await buckets.take("ada", 1), await buckets.take("ada", 1)]

    too_early, just_in_time, too_early_again = use(url, work, token_s=2)

    assert too_early > 0.0
    assert just_in_time == 0.0
    assert too_early_again > 0.0


NOT_A_TIME = [
    "inf",
    "-inf",
    "nan",
    "1e300",
    "-1e300",
    "x",
    "",
    "0x7fffffff",
    "9" * 400,
    "x" * 1_000_000,
    "4102444800",
    "-1",
    ["1"],
    {"1": "1"},
]


@pytest.mark.parametrize("value", NOT_A_TIME, ids=lambda value: str(value)[:12])
def test_a_bucket_that_holds_no_time_of_ours_counts_as_full_and_is_replaced(own_redis: Redis, value: Any) -> None:
    with Client.from_url(own_redis.url) as client:
        if isinstance(value, str):
            client.set("bucket:ada", value)
        elif isinstance(value, list):
            client.rpush("bucket:ada", *value)
        else:
            client.hset("bucket:ada", mapping=value)

        async def work(buckets: RateLimit) -> list[float]:
            return [await buckets.take("ada", 3), await buckets.take("ada", 1)]

        first, second = use(own_redis.url, work)

        assert first == 0.0
        assert 0.0 < second <= TOKEN_S
        assert 0 < client.pttl("bucket:ada") <= 3 * TOKEN_S * 1000


@pytest.mark.parametrize("answer", ["inf", "nan", "1e300", "-1", "x"])
def test_no_answer_of_a_script_is_a_wait_that_the_settings_cannot_yield(own_redis: Redis, answer: str) -> None:
    async def work(buckets: RateLimit) -> float:
        buckets._take.script = f"return '{answer}'"  # as if something else answered in Redis' place
        buckets._take.sha = hashlib.sha1(buckets._take.script.encode()).hexdigest()
        return await buckets.take("ada", 1)

    assert 0.0 <= use(own_redis.url, work) <= TOKENS_MAX * TOKEN_S


def test_a_batch_takes_no_more_tokens_than_are_reckoned_with() -> None:
    assert ITEMS_MAX <= TOKENS_MAX


def test_processes_share_the_buckets_in_redis_and_nothing_else(own_redis: Redis) -> None:
    async def work(buckets: RateLimit) -> float:
        return await buckets.take("ada", 3)

    assert use(own_redis.url, work) == 0.0
    assert use(own_redis.url, work) > 0.0
    assert use(NO_REDIS, work) == 0.0
    assert use(NO_REDIS, work) == 0.0


def test_a_redis_that_dies_is_left_alone_for_a_while_and_found_again(own_redis: Redis) -> None:
    async def work(buckets: RateLimit) -> list[float]:
        taken = [await buckets.take("ada", 3)]
        own_redis.kill()
        taken += [await buckets.take("ada", 3), await buckets.take("ada", 3)]
        own_redis.start()
        await asyncio.sleep(1.05)  # the rest that the edge gives Redis after a fault
        return [*taken, await buckets.take("ada", 3)]

    with_redis, local, local_again, found_again = use(own_redis.url, work)

    assert (with_redis, local, found_again) == (0.0, 0.0, 0.0)
    assert local_again > 0.0


def test_hundreds_at_once_share_the_buckets_in_redis_all_the_same(own_redis: Redis) -> None:
    async def work(buckets: RateLimit) -> list[float]:
        return await asyncio.gather(*(buckets.take("ada", 1) for _ in range(300)))

    assert use(own_redis.url, work).count(0.0) == 3
    assert all(use(own_redis.url, work))
