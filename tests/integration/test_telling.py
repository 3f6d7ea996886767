"""What receivers do, from the attempt to what the trail says of it: the whole deliverer but its process."""

import asyncio
from collections.abc import Callable

import pytest
from aiohttp.abc import AbstractResolver

from tests.hooks import make_due, new_endpoint, stored
from tests.integration.test_send import Answers
from tests.receivers import answer, receiving
from tests.waiting import wait_for
from tests.world import World
from worker.webhooks.deliverer import Deliverer
from worker.webhooks.receivers import Receivers
from worker.webhooks.send import Sender
from worker.webhooks.store import StoredDeliveries

WAITING_HOSTS = (
    "INSERT INTO deliveries (owner, receiver, transfer_id, shard, next_attempt_at)"
    " SELECT 'operator', '-host-' || n, gen_random_uuid(), 0, now() + interval '1 hour' FROM generate_series(1, %s) n"
)


async def deliver_all(world: World, sender: Callable[[], Sender]) -> None:
    """Make one attempt at all that is due."""
    async with stored(world) as database, sender() as sends:
        deliverer = Deliverer(StoredDeliveries(database), sends)
        while await deliverer.run_once():
            await deliverer.finish()


def outcomes(world: World) -> dict[str, tuple[str, str | None]]:
    """By URL: the deliveries' status, and what the last attempt met."""
    rows = world.query(
        "SELECT url, d.status, coalesce(error, status_code::text) FROM webhook_endpoints e JOIN deliveries d ON endpoint_id = e.id"
        " LEFT JOIN delivery_attempts ON delivery_id = d.id"
    )
    return {url: (status, met) for url, status, met in rows}


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], ["10.0.0.1"], ["169.254.169.254"], ["93.184.216.34", "10.0.0.1"], ["::1"], ["::ffff:10.0.0.1"]],
    ids=["loopback", "private", "link-local", "mixed", "loopback 6", "mapped"],
)
def test_a_name_that_leads_inside_is_sent_nothing_and_tried_again(world: World, addresses: list[str]) -> None:
    """So it is each time: where a name leads may change."""
    new_endpoint(world, "https://inside.example.com/")
    make_due(world)
    resolver: AbstractResolver = Answers(addresses)

    asyncio.run(deliver_all(world, lambda: Sender(resolver=resolver)))

    assert outcomes(world) == {"https://inside.example.com/": ("pending", "address_forbidden")}


def test_a_redirect_is_an_answer_like_any_other_and_not_followed(world: World) -> None:
    async def main() -> tuple[int, int, str]:
        async with receiving(answer("200 OK")) as inside:
            there = f"Location: {inside.url}\r\n"
            async with receiving(answer("307 Temporary Redirect", there)) as outside:
                await asyncio.to_thread(new_endpoint, world, outside.url)
                await asyncio.to_thread(make_due, world)
                await deliver_all(world, lambda: Sender(allow_private=True))
                return outside.connected, inside.connected, outside.url

    *connected, url = asyncio.run(main())

    assert connected == [1, 0]
    assert outcomes(world) == {url: ("pending", "307")}


def test_where_only_public_addresses_are_allowed_an_older_private_url_is_not_called(world: World) -> None:
    """It may have been taken when TELLER_WEBHOOK_ALLOW_PRIVATE was on."""

    async def main() -> int:
        async with receiving(answer("200 OK")) as receiver:
            await asyncio.to_thread(new_endpoint, world, receiver.url)
            await asyncio.to_thread(make_due, world)
            await deliver_all(world, Sender)
            return receiver.connected

    assert asyncio.run(main()) == 0
    assert list(outcomes(world).values()) == [("pending", "url_forbidden")]


def test_a_due_receiver_is_found_at_once_among_many_hosts_that_are_not(world: World) -> None:
    """A look covers few of them, and no ring comes: it is found because the looks go on, or never."""

    async def main() -> None:
        async with receiving(answer("200 OK")) as receiver, stored(world) as database, Sender(allow_private=True) as sender:
            await asyncio.to_thread(new_endpoint, world, receiver.url)
            await asyncio.to_thread(make_due, world)
            await asyncio.to_thread(world.query, WAITING_HOSTS, 60)  # before the endpoint, in the order of their names
            deliveries = StoredDeliveries(database, receivers=Receivers(database, look_at_of_owner_max=5))
            stopping = asyncio.Event()
            running = asyncio.create_task(Deliverer(deliveries, sender, poll_s=3600.0).run(stopping))
            await asyncio.to_thread(wait_for, lambda: receiver.requests, "the webhook")
            stopping.set()
            await running

    asyncio.run(main())
