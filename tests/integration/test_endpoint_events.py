"""An owner is told that its endpoint was disabled: in its feed, in order, and at its other endpoints."""

import json
from functools import partial
from typing import Any
from uuid import UUID

import psycopg

from core import events, ids, metrics
from core.admin.audit import audit
from core.admin.migrate import MIGRATIONS
from core.events import FEED_START, AnyEvent, EndpointEvent, FeedPosition
from core.ids import Prefix
from core.webhooks import endpoints
from core.webhooks.endpoints import NewEndpoint
from tests.hooks import ERROR, GONE, SUCCESS, claim, fan_out, make_due, mark, new_endpoint, trail
from tests.world import World, transfer
from worker.webhooks.delivery import Delivery
from worker.webhooks.fairness import SlotLimits

TYPE = "webhook_endpoint.disabled"
SELECT = "SELECT endpoint_id FROM deliveries WHERE transfer_id = %s ORDER BY endpoint_id"


def take(endpoint: NewEndpoint, world: World) -> None:
    """Let the endpoint take all events, as one that is made without `events`."""
    world.query("UPDATE webhook_endpoints SET events = events || %s::text WHERE id = %s", TYPE, endpoint.id)


def claimed_for(world: World, endpoint: NewEndpoint) -> Delivery:
    """Claim until there is one for this endpoint."""
    for _ in range(20):
        for delivery in claim(world, SlotLimits()):
            if delivery.receiver == str(endpoint.id):
                return delivery
    raise AssertionError("nothing is due to it")


def disable(world: World, endpoint: NewEndpoint) -> None:
    """Let the endpoint be told of something and answer that it is gone."""
    make_due(world)
    mark(world, claimed_for(world, endpoint), GONE)


def feed(world: World, after: FeedPosition = FEED_START, limit: int = 100) -> list[AnyEvent]:
    return world.ask(lambda database: events.list_page(database, after=after, limit=limit))


def feed_of(
    world: World, wallet_id: UUID, after: FeedPosition = FEED_START, limit: int = 100, window: int = 5000
) -> list[AnyEvent]:
    owner = ids.text(Prefix.CLIENT, wallet_id)
    asked = partial(events.list_page_of, owner=owner, client_id=world.client_of(wallet_id), after=after, limit=limit, window=window)
    return world.ask(asked)


def only_endpoints(page: list[AnyEvent]) -> list[EndpointEvent]:
    return [event for event in page if isinstance(event, EndpointEvent)]


def test_a_disabled_endpoint_is_an_event_of_its_owners_feed_as_it_was_then(world: World) -> None:
    gone = new_endpoint(world)
    counted = metrics.REGISTRY.get_sample_value("teller_endpoints_disabled_total", {"reason": "gone"}) or 0
    disable(world, gone)
    shown = world.ask(lambda database: endpoints.find_endpoint(database, "operator", gone.id))

    [event] = only_endpoints(feed(world))

    assert endpoints.from_json(event.endpoint) == shown
    assert "secret" not in json.dumps(dict(event.endpoint)).replace("old_secret_expires_at", "")
    assert world.ask(lambda database: events.find(database, event.id)) == event
    assert world.ask(lambda database: events.find(database, event.id, owner="cli_other")) is None
    assert metrics.REGISTRY.get_sample_value("teller_endpoints_disabled_total", {"reason": "gone"}) == counted + 1
    world.ask(lambda database: endpoints.delete_endpoint(database, "operator", gone.id))
    assert only_endpoints(feed(world)) == [event]  # for ever


def test_a_clients_endpoint_is_told_of_to_that_client_alone(world: World) -> None:
    ada, ben = world.new_wallets(100, 0)
    adas = new_endpoint(world, wallet_id=ada)
    before = feed_of(world, ada)[-1].position
    world.submit(transfer(ada, ben, 1))
    world.drain()
    fan_out(world)
    mark(world, claimed_for(world, adas), GONE)

    for window in (1, 5000):
        assert [event.endpoint["id"] for event in only_endpoints(feed_of(world, ada, before, window=window))] == [str(adas.id)]
    assert only_endpoints(feed_of(world, ben)) == []
    assert only_endpoints(feed(world)) == []


def test_it_stands_in_the_feed_in_its_order_and_pages_join(world: World) -> None:
    first, second = new_endpoint(world), new_endpoint(world)
    disable(world, first)
    disable(world, second)
    make_due(world)

    whole = feed(world)
    assert [isinstance(event, EndpointEvent) for event in whole] == [False, True, False, True, False]
    assert [event.position for event in whole] == sorted(event.position for event in whole)
    for limit in (1, 2, 3):
        paged: list[AnyEvent] = []
        place = FEED_START
        while page := feed(world, place, limit):
            paged += page
            place = page[-1].position
        assert paged == whole


def test_what_is_committed_late_is_not_skipped(world: World, connection: psycopg.Connection[Any]) -> None:
    """The event's transaction is held up before its COMMIT while a drain overtakes it."""
    gone = new_endpoint(world)
    make_due(world)
    delivery = claimed_for(world, gone)
    seen = feed(world)[-1].position
    with connection.transaction():
        connection.execute("SELECT pg_current_xact_id()")
        mark(world, delivery, GONE)
        make_due(world)
        assert feed(world, seen) == []

    assert [isinstance(event, EndpointEvent) for event in feed(world, seen)] == [True, False]


def test_the_owners_other_endpoints_that_take_it_are_told_and_no_others(world: World) -> None:
    (ada,) = world.new_wallets(0)
    gone, takes, _, disabled = (new_endpoint(world) for _ in range(4))
    others = new_endpoint(world, wallet_id=ada)
    for endpoint in (gone, takes, disabled, others):
        take(endpoint, world)
    world.ask(lambda database: endpoints.update_endpoint(database, "operator", disabled.id, {"status": "disabled"}))
    disable(world, gone)
    late = new_endpoint(world)
    take(late, world)
    [event] = only_endpoints(feed(world))
    fan_out(world, rows_max=1)

    assert world.query(SELECT, event.id) == [(takes.id,)]
    while (delivery := claimed_for(world, takes)).event_id != ids.text(Prefix.EVENT, event.id):
        mark(world, delivery, SUCCESS)
    body = json.loads(delivery.body)
    assert (body["type"], body["data"]["id"]) == (TYPE, ids.text(Prefix.ENDPOINT, gone.id))
    assert (body["data"]["status"], body["data"]["disabled_reason"]) == ("disabled", "gone")
    assert delivery.signing_secrets == [takes.secret]
    mark(world, delivery, ERROR, 5)
    assert trail(world, delivery) == [(1, 500, None)]
    assert audit(world.url).clean


def test_what_its_owner_disables_is_no_event(world: World) -> None:
    endpoint = new_endpoint(world)
    world.ask(lambda database: endpoints.update_endpoint(database, "operator", endpoint.id, {"status": "disabled"}))

    assert feed(world) == []


def test_of_two_attempts_that_find_it_gone_one_is_an_event(world: World) -> None:
    gone = new_endpoint(world)
    make_due(world, 2)
    first, second = claimed_for(world, gone), claimed_for(world, gone)
    mark(world, first, GONE)
    mark(world, second, GONE)

    assert len(only_endpoints(feed(world))) == 1


def test_endpoints_that_asked_for_all_get_the_new_type_by_the_migration(world: World) -> None:
    both, one = new_endpoint(world), new_endpoint(world)
    world.query("UPDATE webhook_endpoints SET events = ARRAY['transfer.applied'] WHERE id = %s", one.id)
    [update] = [part for part in (MIGRATIONS / "0008_fan_out.sql").read_text().split(";") if "UPDATE webhook_endpoints\n" in part]
    world.query(update)

    found = dict(world.query("SELECT id, events FROM webhook_endpoints"))
    assert found == {both.id: ["transfer.applied", "transfer.rejected", TYPE], one.id: ["transfer.applied"]}
