"""Micro-batching: each caller gets the result of its own submission, also when its batch fails."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import psycopg
import pytest
from psycopg import errors
from redis import Redis as Client

from api.intake.intake import Accepted, Existing, Intake, KeyOfAnotherKind, SubmitResult, UnknownWallets
from api.intake.ringer import BUSY_FROM
from core import ids
from core.errors import Unavailable
from core.postgres.pool import Database
from core.redis.hints import Hints
from core.redis.shard_doorbell import ShardDoorbell
from core.transfers import Submission
from local.redis import Redis
from tests.world import NO_REDIS, World, deposit, new_client, new_id, transfer

Result = TypeVar("Result")


@asynccontextmanager
async def an_intake(world: World, redis_url: str = NO_REDIS) -> Any:
    database, doorbell = Database(world.url), ShardDoorbell(Hints(redis_url))
    await database.open()
    intake = Intake(database, doorbell)
    intake.start()
    try:
        yield intake
    finally:
        await intake.stop()
        await database.close()
        doorbell.close()


def with_intake(world: World, work: Callable[[Intake], Awaitable[Result]], redis_url: str = NO_REDIS) -> Result:
    async def main() -> Result:
        async with an_intake(world, redis_url) as intake:
            return await work(intake)

    return asyncio.run(main())


async def submit(intake: Intake, submission: Submission) -> SubmitResult:
    [answer] = await intake.submit([submission])
    return answer


async def submit_all(intake: Intake, *submissions: Submission) -> list[SubmitResult | BaseException]:
    """Submit all at once: they make one batch."""
    return await asyncio.gather(*(submit(intake, one) for one in submissions), return_exceptions=True)


@pytest.fixture
def blocker(world: World) -> Iterator[psycopg.Connection[Any]]:
    """A connection for locks that hold an intake up."""
    with psycopg.connect(world.url) as connection:
        yield connection


def stored(world: World) -> int:
    [(count,)] = world.query("SELECT count(*) FROM transfers JOIN queue ON queue.transfer_id = transfers.id")
    return int(count)


def test_of_fifty_at_once_with_one_key_one_is_accepted_and_the_others_get_its_transfer(world: World) -> None:
    wallet = world.new_wallet()
    sent = [deposit(wallet, 5, idempotency_key="same") for _ in range(50)]

    answers = with_intake(world, lambda intake: submit_all(intake, *sent))

    assert stored(world) == 1
    [accepted] = [one for one, answer in zip(sent, answers, strict=True) if isinstance(answer, Accepted)]
    assert {answer.transfer.id for answer in answers if isinstance(answer, Existing)} == {accepted.id}
    assert sum(isinstance(answer, Existing) for answer in answers) == 49


def test_of_fifty_over_several_processes_with_one_key_one_is_accepted(world: World) -> None:
    wallet = world.new_wallet()
    sent = [deposit(wallet, 5, idempotency_key="same") for _ in range(48)]

    async def main() -> list[SubmitResult | BaseException]:
        async with an_intake(world) as one, an_intake(world) as two, an_intake(world) as three:
            submits = [submit(intake, submission) for intake, submission in zip([one, two, three] * 16, sent, strict=True)]
            return await asyncio.gather(*submits, return_exceptions=True)

    answers = asyncio.run(main())

    assert stored(world) == 1
    [accepted] = [one for one, answer in zip(sent, answers, strict=True) if isinstance(answer, Accepted)]
    assert {answer.transfer.id for answer in answers if isinstance(answer, Existing)} == {accepted.id}
    assert sum(isinstance(answer, Existing) for answer in answers) == 47


def test_a_request_that_waits_for_another_with_the_same_key_gets_the_transfer_of_the_other(
    world: World, blocker: psycopg.Connection[Any]
) -> None:
    sent = deposit(world.new_wallet(), 1)
    hold_key(blocker, sent)

    async def come_second(intake: Intake) -> list[SubmitResult | BaseException]:
        second = asyncio.create_task(submit_all(intake, sent))
        await asyncio.to_thread(world.wait_until_blocked)
        await asyncio.to_thread(blocker.commit)
        return await second

    [answer] = with_intake(world, come_second)

    assert isinstance(answer, Existing)
    assert world.query("SELECT id FROM transfers") == [(answer.transfer.id,)]


def test_what_arrives_together_is_stored_by_one_statement(world: World) -> None:
    wallet = world.new_wallet()

    with_intake(world, lambda intake: submit_all(intake, *(deposit(wallet, 1) for _ in range(30))))

    assert world.query("SELECT count(*), count(DISTINCT xmin::text) FROM transfers") == [(30, 1)]


def test_the_same_submission_again_is_accepted_as_of_the_first_time(world: World) -> None:
    sent = deposit(world.new_wallet(), 5)

    async def twice(intake: Intake) -> list[SubmitResult]:
        return [await submit(intake, sent), await submit(intake, sent)]

    first, second = with_intake(world, twice)

    assert isinstance(first, Accepted)
    assert second == first
    assert stored(world) == 1


def test_a_submission_that_cannot_be_stored_says_why(world: World) -> None:
    usable, absent, outside = world.new_wallet(), new_id(), ids.external_wallet(3)
    world.insert_clients([new_client(idempotency_key="a client's", fingerprint=b"f" * 32)])
    cases: list[tuple[Submission, SubmitResult]] = [
        (transfer(absent, usable, 1), UnknownWallets(frozenset({absent}))),
        (transfer(usable, absent, 1), UnknownWallets(frozenset({absent}))),
        (transfer(outside, absent, 1), UnknownWallets(frozenset({outside, absent}))),
        (transfer(usable, outside, 1), UnknownWallets(frozenset({outside}))),
        (deposit(absent, 1), UnknownWallets(frozenset({absent}))),
        (deposit(usable, 1, idempotency_key="a client's"), KeyOfAnotherKind()),
    ]

    answers = with_intake(world, lambda intake: submit_all(intake, *(sent for sent, _ in cases)))

    assert answers == [expected for _, expected in cases]
    assert stored(world) == 0


def test_a_row_that_postgres_refuses_does_not_fail_its_neighbours(world: World) -> None:
    wallet = world.new_wallet()
    sent = [deposit(wallet, 1), deposit(wallet, 0), deposit(wallet, 2)]  # an amount that no door lets in

    first, bad, last = with_intake(world, lambda intake: submit_all(intake, *sent))

    assert isinstance(first, Accepted)
    assert isinstance(bad, errors.CheckViolation)
    assert isinstance(last, Accepted)
    assert stored(world) == 2


def test_a_connection_lost_in_the_middle_is_answered_by_the_retry(world: World, blocker: psycopg.Connection[Any]) -> None:
    wallet = world.new_wallet()
    sent = [deposit(wallet, 1), deposit(wallet, 2)]
    hold_key(blocker, sent[0])

    async def lose_the_connection(intake: Intake) -> list[SubmitResult | BaseException]:
        submitted = asyncio.create_task(submit_all(intake, *sent))
        [backend] = await asyncio.to_thread(world.wait_until_blocked)
        await asyncio.to_thread(world.query, "SELECT pg_terminate_backend(%s)", backend)
        await asyncio.to_thread(blocker.rollback)
        return await submitted

    answers = with_intake(world, lose_the_connection)

    assert [type(answer) for answer in answers] == [Accepted, Accepted]
    assert stored(world) == 2


def test_what_cannot_be_stored_in_time_is_unavailable_and_may_be_sent_again(world: World, blocker: psycopg.Connection[Any]) -> None:
    sent = deposit(world.new_wallet(), 1)
    hold_key(blocker, sent)

    async def wait_in_vain(intake: Intake) -> list[SubmitResult | BaseException]:
        answers = await submit_all(intake, sent)
        blocker.rollback()
        return [*answers, await submit(intake, sent)]

    late, again = with_intake(world, wait_in_vain)

    assert isinstance(late, Unavailable)
    assert isinstance(again, Accepted)
    assert stored(world) == 1


def test_the_doorbell_rings_once_for_all_shards_of_a_batch_after_commit(world: World, own_redis: Redis) -> None:
    wallets = [world.new_wallet(shard=shard) for shard in (2, 2, 7)]

    with_intake(world, lambda intake: submit_all(intake, *(deposit(wallet, 1) for wallet in wallets)), own_redis.url)

    with Client.from_url(own_redis.url) as client:
        assert client.llen("rq:queue:transfers") == 1
        assert sorted(client.keys("doorbell:*")) == [b"doorbell:2", b"doorbell:7"]


def test_under_load_rings_are_saved_up_and_none_is_lost(world: World, own_redis: Redis) -> None:
    wallets = [world.new_wallet(shard=shard) for shard in (2, 7)]

    async def load(intake: Intake) -> None:
        await submit_all(intake, *(deposit(wallets[0], 1) for _ in range(BUSY_FROM)))
        await submit(intake, deposit(wallets[1], 1))
        await submit(intake, deposit(wallets[0], 1))

    with_intake(world, load, own_redis.url)

    with Client.from_url(own_redis.url) as client:
        assert sorted(client.keys("doorbell:*")) == [b"doorbell:2", b"doorbell:7"]


def test_no_ring_comes_when_nothing_was_stored(world: World, own_redis: Redis) -> None:
    with_intake(world, lambda intake: submit_all(intake, deposit(new_id(), 1)), own_redis.url)

    with Client.from_url(own_redis.url) as client:
        assert client.keys("*") == []


def test_shards_of_a_database_without_schema_are_unavailable(world: World) -> None:
    assert with_intake(world, lambda intake: intake.shards()) == 16

    world.query("DELETE FROM shards")
    with pytest.raises(Unavailable):
        with_intake(world, lambda intake: intake.shards())

    world.query("DROP TABLE shards")
    with pytest.raises(Unavailable):
        with_intake(world, lambda intake: intake.shards())


def hold_key(connection: psycopg.Connection[Any], sent: Submission) -> None:
    """Use the submission's key in a transaction that is not committed: an insert of the same key must wait."""
    connection.execute(
        "INSERT INTO transfers (id, type, source, destination, amount, currency, metadata, owner, idempotency_key, fingerprint,"
        " shard) VALUES (%s, 'deposit', %s, %s, 1, 'USD', '{}', %s, %s, %s, 0)",
        [new_id(), sent.source, sent.destination, sent.owner, sent.idempotency_key, sent.fingerprint],
    )
