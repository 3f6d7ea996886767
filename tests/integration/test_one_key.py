"""One key of an operator's, one effect: a client and a transfer that come with the same key at the same moment are never both made.

Each test holds one of the two at a point of its way while the other comes.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import psycopg
import pytest

from api.http.problems import Problem
from api.intake.intake import Accepted, Intake, KeyOfAnotherKind, SubmitResult
from api.v1.clients import insert_or_find
from core.clients import NewClient
from core.postgres.pool import Database
from core.postgres.statements import statement
from core.redis.hints import Hints
from core.redis.shard_doorbell import ShardDoorbell
from core.transfers import Submission
from tests.caller import new_key
from tests.world import NO_REDIS, World, deposit, insert_by_hand, new_client, transfer

Result = TypeVar("Result")


class Api:
    """What one process of the API does with a key."""

    def __init__(self, database: Database, intake: Intake) -> None:
        self._database = database
        self._intake = intake

    async def make_client(self, new: NewClient) -> str:
        """Return "made", or the problem's code."""
        try:
            _, replayed = await self._database.run(lambda connection: insert_or_find(connection, new))
        except Problem as problem:
            return problem.code
        assert not replayed
        return "made"

    async def submit(self, *submissions: Submission) -> list[SubmitResult]:
        return await self._intake.submit(submissions)


def with_api(world: World, work: Callable[[Api], Awaitable[Result]]) -> Result:
    @asynccontextmanager
    async def an_api() -> Any:
        database, doorbell = Database(world.url), ShardDoorbell(Hints(NO_REDIS))
        await database.open()
        intake = Intake(database, doorbell)
        intake.start()
        try:
            yield Api(database, intake)
        finally:
            await intake.stop()
            await database.close()
            doorbell.close()

    async def main() -> Result:
        async with an_api() as api:
            return await work(api)

    return asyncio.run(main())


@pytest.fixture
def holder(world: World) -> Iterator[psycopg.Connection[Any]]:
    """A connection with a transaction that stays open: of another process, at the point where a test holds it."""
    with psycopg.connect(world.url) as connection:
        yield connection


def keyed(key: str, **changes: Any) -> NewClient:
    return new_client(idempotency_key=key, fingerprint=b"f" * 32, **changes)


def insert_client(connection: psycopg.Connection[Any], new: NewClient) -> None:
    """Make the client within the connection's transaction, by the product's own statement."""
    [_] = connection.execute(statement("clients/insert"), {name: getattr(new, name) for name in NewClient.__slots__}).fetchall()


def made(world: World, key: str) -> tuple[int, int]:
    """How many clients and transfers there are with this key."""
    [(clients,)] = world.query("SELECT count(*) FROM clients WHERE idempotency_key = %s", key)
    [(transfers,)] = world.query("SELECT count(*) FROM transfers WHERE idempotency_key = %s", key)
    return int(clients), int(transfers)


def a_deposit(world: World, key: str) -> Submission:
    return deposit(world.new_wallet(), 1, idempotency_key=key)


def a_transfer(world: World, key: str) -> Submission:
    source, destination = world.new_wallets(0, 0)
    return transfer(source, destination, 1, idempotency_key=key)


KINDS = pytest.mark.parametrize("kind", [a_deposit, a_transfer])
Kind = Callable[[World, str], Submission]


@KINDS
def test_a_transfer_waits_for_a_client_that_is_being_made_with_its_key(
    world: World, holder: psycopg.Connection[Any], kind: Kind
) -> None:
    key = new_key()
    sent, neighbour = kind(world, key), kind(world, new_key())
    insert_client(holder, keyed(key))

    async def work(api: Api) -> list[SubmitResult]:
        answers = asyncio.create_task(api.submit(sent, neighbour))
        await asyncio.to_thread(world.wait_until_blocked)
        await asyncio.to_thread(holder.commit)
        return await answers

    answer, other = with_api(world, work)

    assert answer == KeyOfAnotherKind()
    assert isinstance(other, Accepted)
    assert made(world, key) == (1, 0)


def test_a_transfer_is_stored_when_the_client_with_its_key_is_not_made_after_all(
    world: World, holder: psycopg.Connection[Any]
) -> None:
    key = new_key()
    sent = a_transfer(world, key)
    insert_client(holder, keyed(key))

    async def work(api: Api) -> list[SubmitResult]:
        answers = asyncio.create_task(api.submit(sent))
        await asyncio.to_thread(world.wait_until_blocked)
        await asyncio.to_thread(holder.rollback)
        return await answers

    [answer] = with_api(world, work)

    assert isinstance(answer, Accepted)
    assert made(world, key) == (0, 1)


@KINDS
def test_a_client_waits_for_a_transfer_that_is_being_stored_with_its_key(
    world: World, holder: psycopg.Connection[Any], kind: Kind
) -> None:
    stored, undone = new_key(), new_key()
    for key, end, expected in ((stored, holder.commit, "idempotency_key_reused"), (undone, holder.rollback, "made")):
        insert_by_hand(holder, kind(world, key))

        async def work(api: Api, key: str = key, end: Callable[[], None] = end) -> str:
            client = asyncio.create_task(api.make_client(keyed(key)))
            await asyncio.to_thread(world.wait_until_blocked)
            await asyncio.to_thread(end)
            return await client

        assert with_api(world, work) == expected

    assert (made(world, stored), made(world, undone)) == ((0, 1), (1, 0))


def test_a_client_that_is_made_after_an_insert_began_is_seen_before_it_ends(world: World, holder: psycopg.Connection[Any]) -> None:
    """The INSERT takes keys in their order: it waits for the first while the client takes the second, which it has not come to."""
    first, second = (f"{place}{new_key()}" for place in "ab")
    one, two = a_deposit(world, first), a_deposit(world, second)
    insert_by_hand(holder, a_deposit(world, first))

    async def work(api: Api) -> tuple[str, list[SubmitResult]]:
        answers = asyncio.create_task(api.submit(one, two))
        await asyncio.to_thread(world.wait_until_blocked)
        client = await api.make_client(keyed(second))
        await asyncio.to_thread(holder.rollback)
        return client, await answers

    client, [answer, other] = with_api(world, work)

    assert client == "made"
    assert isinstance(answer, Accepted)
    assert other == KeyOfAnotherKind()
    assert (made(world, first), made(world, second)) == ((0, 1), (1, 0))


def test_the_key_of_a_client_that_was_refused_is_still_free(world: World) -> None:
    key = new_key()
    sent = a_transfer(world, key)
    world.insert_clients([new_client(external_id="taken")])

    async def work(api: Api) -> tuple[str, list[SubmitResult]]:
        return await api.make_client(keyed(key, external_id="taken")), await api.submit(sent)

    refused, [answer] = with_api(world, work)

    assert refused == "external_id_taken"
    assert isinstance(answer, Accepted)


def test_a_client_leaves_nothing_of_its_key_among_the_transfers(world: World) -> None:
    world.insert_clients([keyed("one"), new_client()])

    assert world.query("SELECT id FROM transfers") == []
    with pytest.raises(psycopg.errors.InsufficientPrivilege), psycopg.connect(world.url) as connection:
        connection.execute("DELETE FROM transfers")
