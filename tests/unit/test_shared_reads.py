"""Shared reads: one read for all requests that ask the same within a second, also where it fails."""

import asyncio

import pytest

from api.intake import shared_reads
from api.intake.shared_reads import SharedReads
from core.turns import OWNER


class Counted:
    """A read that counts its calls, and waits until it may end."""

    def __init__(self) -> None:
        self.calls = 0
        self.owners: list[str] = []
        self.may_end = asyncio.Event()

    async def read(self) -> int:
        self.calls += 1
        self.owners.append(OWNER.get())
        await self.may_end.wait()
        return self.calls


def test_ten_that_ask_at_once_cost_one_read_and_a_later_one_within_a_second_none() -> None:
    async def main() -> None:
        reads, counted = SharedReads(), Counted()
        asking = [asyncio.create_task(reads.get("queue", counted.read)) for _ in range(10)]
        await asyncio.sleep(0)
        counted.may_end.set()

        assert await asyncio.gather(*asking) == [1] * 10
        assert await reads.get("queue", counted.read) == 1
        assert await reads.get("database", counted.read) == 2

    asyncio.run(main())


def test_an_old_result_is_not_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        monkeypatch.setattr(shared_reads, "KEPT_S", 0.0)
        reads, counted = SharedReads(), Counted()
        counted.may_end.set()

        assert [await reads.get("queue", counted.read) for _ in range(3)] == [1, 2, 3]

    asyncio.run(main())


def test_a_failure_reaches_all_that_wait_and_is_not_kept() -> None:
    async def main() -> None:
        reads, counted = SharedReads(), Counted()

        async def fail() -> int:
            await counted.read()
            raise LookupError

        asking = [asyncio.create_task(reads.get("queue", fail)) for _ in range(3)]
        await asyncio.sleep(0)
        counted.may_end.set()

        assert [type(result) for result in await asyncio.gather(*asking, return_exceptions=True)] == [LookupError] * 3
        assert await reads.get("queue", counted.read) == 2

    asyncio.run(main())


def test_a_request_that_goes_away_ends_no_read_of_others_and_lends_it_no_owner() -> None:
    async def main() -> None:
        reads, counted = SharedReads(), Counted()
        OWNER.set("ada")
        first, second = (asyncio.create_task(reads.get("queue", counted.read)) for _ in range(2))
        await asyncio.sleep(0)

        first.cancel()
        await asyncio.sleep(0)
        counted.may_end.set()

        assert await second == 1
        assert (counted.calls, counted.owners) == (1, [""])

    asyncio.run(main())
