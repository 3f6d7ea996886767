"""The claims of deliveries and the results of attempts in Postgres, for any number of deliverers at once."""

import asyncio
import json
from collections import Counter
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from core import events, ids, metrics
from core.ids import Prefix
from core.postgres.statements import statement
from core.webhooks import endpoints, secrets
from core.webhooks.signing import make_secret
from tests.hooks import (
    ERROR,
    GONE,
    SILENCE,
    SUCCESS,
    claim,
    finish,
    lapse,
    make_due,
    mark,
    new_endpoint,
    state,
    stored,
    trail,
    with_deliveries,
)
from tests.waiting import wait_for
from tests.world import World, capture, hold, new_id, transfer
from worker.webhooks.delivery import Delivery, Unsendable, claimed_of
from worker.webhooks.fairness import PER_RECEIVER_MAX, Health, Slot, SlotLimits
from worker.webhooks.receivers import LOOK_AT_MAX, LOOK_AT_OF_OWNER_MAX
from worker.webhooks.send import WITHIN_S, Attempt
from worker.webhooks.store import LEASE_S, StoredDeliveries

LONG_S = 3600.0


def insert_due(world: World, count: int, owner: str, *, receivers: int = 1, due: str = "now()") -> None:
    """Make so many deliveries due by hand, to callback URLs at so many hosts, for one transfer that was never made."""
    world.query(
        "INSERT INTO deliveries (owner, receiver, transfer_id, shard, next_attempt_at)"
        f" SELECT %s, 'host-' || n %% %s, gen_random_uuid(), 0, {due} FROM generate_series(1, %s) n",
        owner,
        receivers,
        count,
    )


def recover(world: World) -> int:
    """Note the receivers of what was inserted by hand; return of how many receivers something is pending."""
    return len(
        world.ask(
            lambda database: database.fetch("deliverer/recover_receivers", {"owner": "", "receiver": "", "limit": 1000}, dict)
        )
    )


def only(claimed: Any) -> Delivery:
    [delivery] = claimed
    assert isinstance(delivery, Delivery)
    return delivery


def test_an_operator_is_told_all_and_a_client_what_it_may_see(world: World) -> None:
    ada, ben = world.new_wallets(100, 0)
    urls = {new_endpoint(world).id: None, new_endpoint(world, "https://ada.example.com/", wallet_id=ada).id: ada}
    sent = transfer(ada, ben, 7, reference="lunch", metadata={"b": "1", "a": "ü"}, callback_url="https://hook.example.com/")
    finish(world, sent)

    claimed = [*claim(world), *claim(world)]

    event = world.ask(lambda database: events.find(database, sent.id))
    assert event is not None
    assert Counter(delivery.event_id for delivery in claimed) == {ids.text(Prefix.EVENT, sent.id): 2 + 1}
    seen = {delivery.url: json.loads(delivery.body) for delivery in claimed}
    assert len(seen) == len(urls) + 1
    for body in seen.values():
        assert body.keys() == {"type", "timestamp", "data"}
        assert (body["type"], body["data"]["status"], body["data"]["amount"]) == ("transfer.applied", "applied", 7)
        assert body["timestamp"] == body["data"]["finished_at"]
    wallets = {url: [entry["wallet_id"] for entry in body["data"]["entries"]] for url, body in seen.items()}
    both = [ids.text(Prefix.WALLET, wallet) for wallet in (ada, ben)]
    assert wallets == {
        "https://example.com/hook": both,
        "https://ada.example.com/": both[:1],
        "https://hook.example.com/": both,
    }
    assert seen["https://example.com/hook"]["data"]["callback_url"] == "https://hook.example.com/"
    assert seen["https://ada.example.com/"]["data"]["callback_url"] is None


def test_a_clients_callback_is_told_of_its_own_wallet_alone(world: World) -> None:
    ada, ben = world.new_wallets(100, 0)
    adas = ids.text(Prefix.CLIENT, ada)
    world.ask(lambda database: secrets.ensure(database, adas))
    finish(world, transfer(ada, ben, 1, owner=adas, callback_url="https://hook.example.com/"))

    body = json.loads(only(claim(world)).body)

    assert [entry["wallet_id"] for entry in body["data"]["entries"]] == [ids.text(Prefix.WALLET, ada)]
    assert body["data"]["callback_url"] == "https://hook.example.com/"


def test_the_callback_of_a_payees_capture_is_told_of_the_payees_wallet_alone(world: World) -> None:
    ada, ben = world.new_wallets(100, 0)
    bens = ids.text(Prefix.CLIENT, ben)
    world.ask(lambda database: secrets.ensure(database, bens))
    placed = hold(ada, ben, 50)
    finish(world, placed, replace(capture(placed), owner=bens, callback_url="https://hook.example.com/"))

    body = json.loads(only(claim(world)).body)

    assert [entry["wallet_id"] for entry in body["data"]["entries"]] == [ids.text(Prefix.WALLET, ben)]


def test_each_attempt_is_told_the_same_bytes(world: World) -> None:
    new_endpoint(world)
    make_due(world)

    first = only(claim(world))
    mark(world, first, ERROR, 5)
    lapse(world)
    second = only(claim(world))

    assert (second.id, second.event_id, second.body) == (first.id, first.event_id, first.body)
    assert (first.failures, second.failures) == (0, 1)


def test_the_old_secret_signs_too_until_it_expires(world: World) -> None:
    endpoint = new_endpoint(world)
    make_due(world)
    new = make_secret()
    world.ask(lambda database: endpoints.rotate_endpoint_secret(database, "operator", endpoint.id, new))
    assert only(claim(world)).signing_secrets == [new, endpoint.secret]

    world.query("UPDATE webhook_endpoints SET old_secret_expires_at = now()")
    lapse(world)

    assert only(claim(world)).signing_secrets == [new]


def test_a_callback_is_signed_with_its_owners_secrets(world: World) -> None:
    first, second = make_secret(), make_secret()
    world.ask(lambda database: secrets.rotate(database, "operator", first))
    world.ask(lambda database: secrets.rotate(database, "operator", second))
    ada, ben = world.new_wallets(100, 0)
    finish(world, transfer(ada, ben, 1, callback_url="https://hook.example.com/"))

    assert only(claim(world)).signing_secrets == [second, first]


def test_a_claimed_delivery_is_given_to_no_other_deliverer_until_the_claim_lapses(world: World) -> None:
    new_endpoint(world)
    make_due(world)

    first = only(claim(world))
    assert claim(world) == []
    lapse(world)

    assert only(claim(world)).id == first.id


def test_a_claim_outlasts_an_attempt() -> None:
    assert LEASE_S > WITHIN_S + 5


def test_many_deliverers_at_once_claim_each_delivery_once(world: World) -> None:
    new_endpoint(world)
    sent = make_due(world, 40)
    claimed: list[UUID] = []

    async def work(deliveries: StoredDeliveries) -> None:
        while found := await deliveries.claim(SlotLimits()):
            claimed.extend(delivery.id for delivery in found)

    async def main() -> None:
        async with stored(world, connections=8) as database:
            for _ in range(3):  # a claim may find all locked by others, and end
                await asyncio.gather(*(work(StoredDeliveries(database)) for _ in range(8)))

    asyncio.run(main())

    assert len(claimed) == len(set(claimed)) == len(sent)


def test_a_claim_that_waits_for_another_takes_what_that_one_leaves(world: World, connection: psycopg.Connection[Any]) -> None:
    new_endpoint(world)
    make_due(world, 2)
    with connection.transaction():
        [(locked,)] = connection.execute("SELECT id FROM deliveries ORDER BY next_attempt_at LIMIT 1 FOR UPDATE").fetchall()

        assert only(claim(world)).id != locked


def test_one_for_each_owner_and_the_longest_due_first(world: World) -> None:
    sources = world.new_wallets(*[100] * 3)
    (drain,) = world.new_wallets(0)
    for source in sources:
        new_endpoint(world, wallet_id=source)
    order = [sources[1], sources[0], sources[1], sources[2]]
    for source in order:
        finish(world, transfer(source, drain, 1))

    def owners(claimed: Any) -> list[str]:
        return [delivery.owner for delivery in claimed]

    names = [ids.text(Prefix.CLIENT, source) for source in sources]
    world.query("UPDATE deliveries SET next_attempt_at = created_at")
    assert sorted(owners(claim(world, SlotLimits(4)))) == sorted([names[0], names[1]])
    assert sorted(owners(claim(world))) == sorted([names[1], names[2]])


def test_nothing_is_claimed_for_receivers_without_a_place(world: World) -> None:
    new_endpoint(world), new_endpoint(world)
    make_due(world)
    slots = SlotLimits()

    first = only(claim(world, slots))
    slot = slots.take(first)
    lapse(world)
    second = only(claim(world, slots))
    slots.take(second)
    lapse(world)
    assert first.receiver != second.receiver
    assert claim(world, slots) == []
    slots.give_back(slot)

    assert only(claim(world, slots)).id == first.id


def test_how_late_the_next_is_is_shown_and_a_receiver_with_all_its_places_does_not_count(world: World) -> None:
    here, there = new_endpoint(world), new_endpoint(world)
    make_due(world)
    world.query("UPDATE deliveries SET next_attempt_at = now() - interval '1 hour' WHERE endpoint_id = %s", here.id)
    world.query("UPDATE deliveries SET next_attempt_at = now() - interval '1 minute' WHERE endpoint_id = %s", there.id)

    slots = SlotLimits()
    lates = []
    for _ in range(3):
        for delivery in claim(world, slots):
            slots.take(delivery)
        lates.append(metrics.REGISTRY.get_sample_value("teller_deliveries_late_seconds"))

    assert lates == [pytest.approx(3600, abs=50), pytest.approx(60, abs=50), 0]


def test_what_succeeded_is_done(world: World) -> None:
    new_endpoint(world)
    make_due(world)
    delivery = only(claim(world))

    mark(world, delivery, SUCCESS)

    assert state(world, delivery) == ("delivered", 1, None)
    assert trail(world, delivery) == [(1, 200, None)]
    lapse(world)
    assert claim(world) == []


def test_what_failed_is_due_again_when_it_was_said_and_given_up_on_at_the_end(world: World) -> None:
    new_endpoint(world)
    make_due(world)
    delivery = only(claim(world))

    mark(world, delivery, SILENCE, LONG_S)
    status, attempts, due_in_s = state(world, delivery)
    assert (status, attempts) == ("pending", 1)
    assert due_in_s is not None
    assert abs(due_in_s - LONG_S) < 60
    assert claim(world) == []

    lapse(world)
    mark(world, only(claim(world)), ERROR, None)
    assert state(world, delivery) == ("failed", 2, None)
    assert trail(world, delivery) == [(1, None, "timed_out"), (2, 500, None)]


def test_each_attempt_says_when_it_began_and_how_long_it_took(world: World) -> None:
    new_endpoint(world)
    make_due(world)
    mark(world, only(claim(world)), SILENCE, LONG_S)

    [(ago, duration_ms)] = world.query("SELECT now() - started_at, duration_ms FROM delivery_attempts")

    assert 15 <= ago.total_seconds() < 75
    assert duration_ms == 15_000


def test_a_status_that_http_does_not_have_is_kept_as_an_invalid_answer(world: World) -> None:
    new_endpoint(world)
    make_due(world)
    delivery = only(claim(world))

    mark(world, delivery, Attempt(99, None, 0.1), LONG_S)

    assert trail(world, delivery) == [(1, None, "answer_invalid")]


@pytest.mark.parametrize("late", [SUCCESS, ERROR, GONE], ids=["succeeded", "failed", "gone"])
def test_a_mark_after_another_claim_changes_nothing(world: World, late: Attempt) -> None:
    new_endpoint(world)
    make_due(world)
    first = only(claim(world))
    lapse(world)
    second = only(claim(world))

    mark(world, first, late, None if late is SUCCESS else 5)
    assert trail(world, second) == []
    mark(world, second, SUCCESS)
    mark(world, first, late, 5)

    assert state(world, second) == ("delivered", 1, None)
    assert trail(world, second) == [(1, 200, None)]
    assert world.query("SELECT status, failing_since FROM webhook_endpoints") == [("enabled", None)]


def test_a_late_mark_counts_as_long_as_no_other_claim_came(world: World) -> None:
    new_endpoint(world)
    make_due(world)
    delivery = only(claim(world, lease_s=0.0))

    mark(world, delivery, SUCCESS)

    assert state(world, delivery)[0] == "delivered"


def test_an_endpoint_that_is_gone_is_told_nothing_more(world: World) -> None:
    gone, other = new_endpoint(world), new_endpoint(world)
    make_due(world, 3)
    delivery = next(one for one in [*claim(world), *claim(world)] if str(gone.id) in one.receiver)

    mark(world, delivery, GONE)

    statuses = dict(world.query("SELECT id, disabled_reason FROM webhook_endpoints"))
    assert statuses == {gone.id: "gone", other.id: None}
    assert state(world, delivery)[0] == "failed"
    counted = Counter(world.query("SELECT endpoint_id, status FROM deliveries"))
    assert counted[gone.id, "canceled"] == 2
    assert counted[other.id, "pending"] == 3


def test_five_days_of_nothing_but_failures_disable_an_endpoint_when_a_delivery_is_given_up_on(world: World) -> None:
    endpoint = new_endpoint(world)
    make_due(world, 5)

    def fail(failing_since: str, retry_in_s: float | None) -> list[tuple[Any, ...]]:
        world.query(f"UPDATE webhook_endpoints SET failing_since = {failing_since}")
        lapse(world)
        mark(world, only(claim(world)), ERROR, retry_in_s)
        select = "SELECT status, disabled_reason, failing_since IS NULL FROM webhook_endpoints WHERE id = %s"
        return world.query(select, endpoint.id)

    assert fail("NULL", None) == [("enabled", None, False)]
    assert fail("now() - interval '4 days 23 hours'", None) == [("enabled", None, False)]
    assert fail("now() - interval '30 days'", LONG_S) == [("enabled", None, False)]  # it may have had no deliveries in that time
    assert fail("now() - interval '5 days 1 minute'", None) == [("disabled", "failing", False)]
    assert sorted(world.query("SELECT status, count(*) FROM deliveries GROUP BY status")) == [("canceled", 2), ("failed", 3)]


@pytest.mark.parametrize("late", [ERROR, GONE, SUCCESS], ids=["failed", "gone", "succeeded"])
def test_what_was_answered_at_a_url_that_an_endpoint_has_left_says_nothing_about_it(world: World, late: Attempt) -> None:
    endpoint = new_endpoint(world)
    make_due(world)
    delivery = only(claim(world))
    world.ask(lambda database: endpoints.update_endpoint(database, "operator", endpoint.id, {"url": "https://example.org/"}))
    since = datetime(2026, 1, 31, tzinfo=UTC)
    world.query("UPDATE webhook_endpoints SET failing_since = %s", since)

    mark(world, delivery, late)

    assert trail(world, delivery) == [(1, late.status, None)]
    assert world.query("SELECT status, failing_since FROM webhook_endpoints") == [("enabled", since)]


def test_an_endpoint_that_moves_has_not_failed_yet(world: World) -> None:
    endpoint = new_endpoint(world)
    world.query("UPDATE webhook_endpoints SET failing_since = now()")

    def failing_after(**changes: object) -> bool:
        world.ask(lambda database: endpoints.update_endpoint(database, "operator", endpoint.id, changes))
        return world.query("SELECT failing_since FROM webhook_endpoints") != [(None,)]

    assert failing_after(description="x", status="enabled", url=endpoint.url)
    assert not failing_after(url="https://example.org/")


def test_a_success_makes_the_failures_before_it_forgotten(world: World) -> None:
    new_endpoint(world)
    make_due(world)
    world.query("UPDATE webhook_endpoints SET failing_since = now() - interval '30 days'")

    mark(world, only(claim(world)), SUCCESS)

    assert world.query("SELECT status, failing_since FROM webhook_endpoints") == [("enabled", None)]


@pytest.mark.parametrize("deleted", [True, False], ids=["deleted", "disabled"])
def test_a_delivery_without_a_receiver_is_canceled_and_holds_up_no_other(world: World, deleted: bool) -> None:
    left, stays = new_endpoint(world), new_endpoint(world)
    make_due(world, 3)
    world.query("UPDATE deliveries SET next_attempt_at = now() - interval '1 hour' WHERE endpoint_id = %s", left.id)
    if deleted:
        world.query("DELETE FROM webhook_endpoints WHERE id = %s", left.id)
    else:
        world.query(
            "UPDATE webhook_endpoints SET status = 'disabled', disabled_reason = 'requested', disabled_at = now() WHERE id = %s",
            left.id,
        )

    assert only(claim(world)).receiver == str(stays.id)

    assert world.query("SELECT DISTINCT status FROM deliveries WHERE endpoint_id = %s", left.id) == [("canceled",)]


def test_a_canceled_delivery_stays_canceled_whatever_its_last_attempt_met(world: World) -> None:
    endpoint = new_endpoint(world)
    make_due(world)
    delivery = only(claim(world))
    world.ask(lambda database: endpoints.delete_endpoint(database, "operator", endpoint.id))

    mark(world, delivery, ERROR, 5)

    assert state(world, delivery)[0] == "canceled"


def test_owners_and_receivers_that_are_more_than_are_looked_at_have_their_turns(world: World) -> None:
    ada, ben = world.new_wallets(100, 0)
    world.ask(lambda database: secrets.ensure(database, "operator"))
    sent = [transfer(ada, ben, 1, callback_url=f"https://host-{n}.example.com/") for n in range(12)]
    finish(world, *sent)
    for number in range(4):  # nothing of theirs is ever done: its transfer is not there
        insert_due(world, 5, f"cli_{number}", receivers=5, due="now() + interval '1 hour'")
    insert_due(world, 5, "zoe", receivers=5, due="now() + interval '1 hour'")
    claimed: list[str] = []

    async def work(deliveries: StoredDeliveries) -> None:
        for _ in range(200):
            claimed.extend(delivery.url for delivery in await deliveries.claim(SlotLimits()))

    with_deliveries(world, work, look_at_max=7, look_at_of_owner_max=3)

    assert sorted(claimed) == sorted(f"https://host-{n}.example.com/" for n in range(12))


@pytest.mark.parametrize(("look_at_max", "looks_max"), [(2000, 20), (7, 60)], ids=["all owners at once", "a part of the owners"])
def test_looks_go_on_until_all_have_been_looked_at_and_no_longer(world: World, look_at_max: int, looks_max: int) -> None:
    """An owner with few receivers is looked at more often, and each at another time; one loses its receivers during the test."""
    for number, receivers in enumerate([1, 5, 12, 3, 22, 32, 7]):
        insert_due(world, receivers, f"cli_{number}", receivers=receivers, due="now() + interval '1 hour'")

    async def look_round(deliveries: StoredDeliveries) -> int:
        for looks in range(1, 200):
            await deliveries.claim(SlotLimits())
            if not deliveries.goes_on:
                return looks
            if looks == 2:
                await asyncio.to_thread(world.query, "DELETE FROM deliveries WHERE owner = 'cli_2'")
        return 200

    async def work(deliveries: StoredDeliveries) -> list[int]:
        return [await look_round(deliveries) for _ in range(4)]

    rounds = with_deliveries(world, work, look_at_max=look_at_max, look_at_of_owner_max=5)

    assert rounds[0] >= 32 / 5
    assert max(rounds) <= looks_max, rounds


def test_a_healthy_receiver_is_given_all_that_it_has_places_for_and_an_unknown_one_a_single_one(world: World) -> None:
    fit = new_endpoint(world)
    make_due(world, PER_RECEIVER_MAX + 2)
    slots = SlotLimits()
    first = slots.take(Slot("operator", str(fit.id), Health.UNKNOWN))
    slots.record(first, succeeded=True)
    slots.give_back(first)

    claims = [claim(world), claim(world, slots), claim(world, slots)]

    assert [len(claimed) for claimed in claims] == [1, PER_RECEIVER_MAX, 1]
    assert len({delivery.id for claimed in claims for delivery in claimed}) == PER_RECEIVER_MAX + 2


def test_a_claim_costs_no_more_however_much_is_due_for_one_dead_endpoint(world: World, connection: psycopg.Connection[Any]) -> None:
    """Counted are the pages that Postgres looks at, in the plans that it makes for us."""
    healthy = new_endpoint(world)
    make_due(world)

    def pages(name: str, params: dict[str, object]) -> int:
        [([plan],)] = connection.execute("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + statement(name), params).fetchall()
        top = plan["Plan"]
        return int(top["Shared Hit Blocks"] + top["Shared Read Blocks"])

    look = {"from_owner": "", "owners": [], "receivers": [], "per_owner": LOOK_AT_OF_OWNER_MAX, "limit": LOOK_AT_MAX}
    long_ago = datetime.now(UTC) - timedelta(days=2)
    wanted = {
        "owners": ["cli_dead", "operator"],
        "receivers": ["host-0", str(healthy.id)],
        "since": [long_ago, long_ago],
        "counts": [1, 1],
        "lease_s": 30.0,
    }
    insert_due(world, 1, "cli_dead")
    assert recover(world) == 2
    few = pages("deliverer/list_receivers", look), pages("deliverer/claim_deliveries", wanted)
    lapse(world)
    insert_due(world, 100_000, "cli_dead", due="now() - interval '1 day' + n * interval '1 ms'")
    connection.execute("VACUUM ANALYZE deliveries")
    many = pages("deliverer/list_receivers", look), pages("deliverer/claim_deliveries", wanted)

    assert many[0] < few[0] + 50, (few, many)
    assert many[1] < few[1] + 100, (few, many)


def test_a_claim_that_is_too_late_does_not_look_through_all_that_is_not_due(
    world: World, connection: psycopg.Connection[Any]
) -> None:
    """Another deliverer has claimed what was due, and what is left waits for its next attempt."""
    insert_due(world, 20_000, "cli_a", due="now() + n * interval '1 minute'")
    connection.execute("VACUUM ANALYZE deliveries")
    connection.execute("SET enable_seqscan = off")
    wanted = {"owners": ["cli_a"], "receivers": ["host-0"], "since": [datetime.now(UTC)], "counts": [1], "lease_s": 30.0}
    explain = "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + statement("deliverer/claim_deliveries")

    [([plan],)] = connection.execute(explain, wanted).fetchall()

    assert plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"] < 50, plan


def test_a_claim_reads_no_table_whole_not_even_a_small_one(world: World) -> None:
    """A plan that does is kept when the table has grown."""
    new_endpoint(world)
    make_due(world, 8)

    def alone() -> bool:
        select = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'"
        return world.query(select) == [(1,)]

    def whole() -> dict[str, int]:
        wait_for(alone, "the statistics of all others")
        select = "SELECT relname::text, seq_scan FROM pg_stat_user_tables WHERE relname <> 'feed'"  # which has one row for ever
        return dict(world.query(select))

    async def work(deliveries: StoredDeliveries) -> None:
        for _ in range(8):
            await deliveries.mark(only(await deliveries.claim(SlotLimits())), SUCCESS, None)
        await deliveries.claim(SlotLimits())

    before = whole()
    with_deliveries(world, work)

    assert whole() == before


def test_a_delivery_that_cannot_be_rendered_harms_no_other(world: World) -> None:
    """It may have been made by a later version."""
    [sent] = make_due(world)
    good = world.transfer(sent.id)
    bad = replace(good, status="rejected", failure_code="of_a_later_version")

    url = "https://hook.example.com/"
    delivery = {"failures": 0, "claimed_until": datetime.now(UTC), "secret": None, "old_secret": None}
    to = {"receiver_owner": "operator", "receiver": "h", "endpoint_id": None, "url": url, "wallet_id": None}
    event: dict[str, Any] = {"moment": 1, "ordinal": 1, "endpoint": None, "endpoint_event_at": None, "entries": []}
    no_lines = {"wallet_ids": None, "amounts": None}
    rows: list[dict[str, Any]] = [
        {field.name: getattr(one, field.name) for field in fields(one) if field.name != "lines"} | no_lines | delivery | to | event
        for one in (bad, good)
    ]
    claimed = [claimed_of(delivery_id=new_id(), event_id=row["id"], **row) for row in rows]

    assert [type(one) for one in claimed] == [Unsendable, Delivery]
