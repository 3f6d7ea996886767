"""No session of ours may wait, idle or outlive its client for long: the limits are in force whatever the server's defaults say."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, TypeVar

import psycopg
import pytest
from psycopg import sql

from core.errors import Unavailable
from core.postgres.connections import AsyncConnection
from core.postgres.deadline import ANSWER_WITHIN_S
from core.postgres.pool import CONNECTIONS, OWNER_CONNECTIONS, PROCESS_CONNECTIONS, Database
from core.settings import Settings
from core.turns import OWNER
from tests.waiting import wait_for
from worker.__main__ import connector

TIMES = ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "client_connection_check_interval"]
PROBES = {"tcp_keepalives_idle": 10, "tcp_keepalives_interval": 3, "tcp_keepalives_count": 3}  # seconds, and a number
LIMITS = [*TIMES, *PROBES]
ASK = "SELECT name, setting::integer FROM pg_settings WHERE name = ANY(%s)"  # times in milliseconds; 0 is none

Ask = Callable[[str], Mapping[str, int]]
Result = TypeVar("Result")


def of_the_api(url: str) -> Mapping[str, int]:
    async def ask(connection: AsyncConnection) -> dict[str, int]:
        return dict(await (await connection.execute(ASK, [LIMITS])).fetchall())

    return with_database(url, lambda database: database.run(ask))


def of_a_worker(url: str) -> Mapping[str, int]:
    """Also the sweeper's: both of its connections come from there."""
    with connector(Settings.model_validate({"DATABASE_URL": url}))() as connection:
        return dict(connection.execute(ASK, [LIMITS]).fetchall())


def with_database(url: str, work: Callable[[Database], Awaitable[Result]], connections: int = 2) -> Result:
    async def main() -> Result:
        database = Database(url, connections=connections)
        await database.open()
        try:
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("ask", "most"),
    [
        # What a caller is told after ANSWER_WITHIN_S must by then be over in the server too, or be it soon.
        (of_the_api, PROBES | dict(zip(TIMES, (ANSWER_WITHIN_S * 1000, 1000, 2000, 1000), strict=True))),
        (of_a_worker, PROBES | dict(zip(TIMES, (5000, 2000, 5000, 1000), strict=True))),
    ],
)
@pytest.mark.parametrize(
    "suffix", ["", "?options=-c%20statement_timeout%3D0%20-c%20lock_timeout%3D0"], ids=["url", "url with options"]
)
def test_every_limit_is_in_force_whatever_the_database_and_its_url_say(
    database_url: str, connection: psycopg.Connection[Any], ask: Ask, most: Mapping[str, float], suffix: str
) -> None:
    for limit in LIMITS:
        database = sql.Identifier(connection.info.dbname)
        connection.execute(sql.SQL("ALTER DATABASE {} SET {} = 0").format(database, sql.Identifier(limit)))

    in_force = ask(database_url + suffix)

    for limit in LIMITS:
        assert 0 < in_force[limit] <= most[limit], limit


def test_a_request_without_a_free_connection_waits_for_a_second_and_is_told_so(database_url: str) -> None:
    """Told by the pool's own limit, before the clock of the request is over."""

    async def crowd(database: Database) -> str:
        released, held = asyncio.Event(), asyncio.Semaphore(0)

        async def hold(_: AsyncConnection) -> None:
            held.release()
            await released.wait()

        holders = [asyncio.create_task(database.run(hold)) for _ in range(2)]
        for _ in holders:
            await held.acquire()
        with pytest.raises(Unavailable) as refused:
            await database.run(answer)
        released.set()
        await asyncio.wait(holders)
        assert await database.run(answer) == (1,)
        return str(refused.value)

    async def answer(connection: AsyncConnection) -> Any:
        return await (await connection.execute("SELECT 1")).fetchone()

    assert with_database(database_url, crowd, connections=2) == "no database connection is free"


def test_owners_leave_each_other_connections_and_all_of_them_leave_some_to_the_process(database_url: str) -> None:
    async def crowd(database: Database) -> list[int]:
        released, held = asyncio.Event(), dict.fromkeys(("ada", "ben", "cy", ""), 0)

        async def hold(owner: str) -> None:
            async def work(connection: AsyncConnection) -> None:
                held[owner] += 1
                await answer(connection)
                await released.wait()

            OWNER.set(owner)
            with suppress(Unavailable):
                await database.run(work)

        async def seen(*expected: int) -> None:
            await asyncio.to_thread(wait_for, lambda: list(held.values()) == [*expected], f"{expected} held")

        holders = [asyncio.create_task(hold("ada")) for _ in range(CONNECTIONS)]
        await seen(OWNER_CONNECTIONS, 0, 0, 0)
        holders += [asyncio.create_task(hold(owner)) for owner in ("ben", "cy") for _ in range(CONNECTIONS)]
        rest = CONNECTIONS - PROCESS_CONNECTIONS - OWNER_CONNECTIONS
        await seen(OWNER_CONNECTIONS, rest, 0, 0)
        holders += [asyncio.create_task(hold("")) for _ in range(PROCESS_CONNECTIONS)]
        await seen(OWNER_CONNECTIONS, rest, 0, PROCESS_CONNECTIONS)
        released.set()
        await asyncio.wait(holders)
        return list(held.values())

    async def answer(connection: AsyncConnection) -> Any:
        return await (await connection.execute("SELECT 1")).fetchone()

    ada, ben, cy, process = with_database(database_url, crowd, connections=CONNECTIONS)

    assert (process, min(ada, ben, cy) > 0) == (PROCESS_CONNECTIONS, True)
