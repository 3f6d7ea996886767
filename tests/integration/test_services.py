"""The services of an API process start together, and stop in the reverse order, also after an error."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from fastapi import Request

from api.services import Services, running
from core import keys
from core.settings import Settings
from tests.world import World, new_client

Work = Callable[[Services], Awaitable[None]]


def use(world: World, redis_url: str, work: Work) -> None:
    """Do the work with running services; fail when anything of them still runs a moment after they have stopped."""
    fields = {"DATABASE_URL": world.url, "REDIS_URL": redis_url, "TELLER_RATE_LIMIT": 100}

    async def main() -> None:
        before = asyncio.all_tasks()
        try:
            async with running(Settings.model_validate(fields)) as shared:
                assert len(asyncio.all_tasks() - before) >= 5
                await work(shared)
        finally:
            left = asyncio.all_tasks() - before
            if left:
                _, left = await asyncio.wait(left, timeout=5)
            assert left == set()

    asyncio.run(main())


async def fails(_: Services) -> None:
    raise RuntimeError("a bug while the API runs")


def test_nothing_of_them_runs_on_after_an_error(world: World, redis_url: str) -> None:
    with pytest.raises(RuntimeError, match="a bug while the API runs"):
        use(world, redis_url, fails)


def test_the_last_use_of_a_key_is_written_before_the_database_is_closed(world: World, redis_url: str) -> None:
    [client] = world.insert_clients([new_client()])
    key, kept = keys.new_key(client.id)
    world.run(lambda connection: keys.insert(connection, kept))

    async def work(shared: Services) -> None:
        headers = [(b"authorization", f"Bearer {key}".encode())]
        caller = await shared.authenticator.authenticate(Request({"type": "http", "headers": headers}))
        assert caller.client_id == client.id

    use(world, redis_url, work)

    assert world.query("SELECT last_used_at IS NOT NULL FROM keys WHERE id = %s", kept.id) == [(True,)]
