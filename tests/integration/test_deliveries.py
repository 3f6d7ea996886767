"""The deliveries of a final transfer are inserted with its verdict: one for each endpoint and callback URL, and no others."""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from uuid import UUID

import psycopg
import pytest

from core import ids
from core.admin.audit import audit
from core.events import Type
from core.postgres.pool import Database
from core.postgres.statements import statement
from core.transfers import Submission
from core.webhooks import endpoints, signing
from core.webhooks.endpoints import CLIENT_ENDPOINTS_MAX, NewEndpoint
from tests.hooks import fan_out
from tests.world import World, deposit, new_id, transfer

HOOK = "https://example.com/hook"
APPLIED: Type = "transfer.applied"
REJECTED: Type = "transfer.rejected"


def new_endpoint(world: World, *events: Type, wallet_id: UUID | None = None) -> UUID:
    """Make an endpoint of the operator's, or of the wallet's client, for these events or all."""
    owner = ids.text(ids.Prefix.CLIENT, wallet_id) if wallet_id else "operator"
    new = NewEndpoint(new_id(), owner, wallet_id, HOOK, list(events or (APPLIED, REJECTED)), None, signing.make_secret())
    world.ask(lambda database: endpoints.insert_endpoint(database, new))
    return new.id


def deliveries(world: World, *of: Submission) -> set[tuple[UUID, UUID | None]]:
    """Return (transfer, endpoint) of each delivery of these transfers; without an endpoint it goes to the callback URL."""
    rows = world.query("SELECT transfer_id, endpoint_id FROM deliveries WHERE transfer_id = ANY(%s)", [one.id for one in of])
    assert len(set(rows)) == len(rows)
    return {(transfer_id, endpoint_id) for transfer_id, endpoint_id in rows}


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Return a plan's nodes."""
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


@pytest.fixture
def pair(world: World) -> Iterator[tuple[UUID, UUID]]:
    rich, poor = world.new_wallets(100, 0)
    yield rich, poor
    assert audit(world.url).clean


def test_without_endpoints_and_callback_urls_there_are_no_deliveries(world: World, pair: tuple[UUID, UUID]) -> None:
    sent = transfer(*pair, 1)
    world.submit(sent)
    world.drain()
    fan_out(world)

    assert world.query("SELECT count(*) FROM deliveries") == [(0,)]


def test_a_callback_url_is_told_of_its_transfer_whatever_becomes_of_it(world: World, pair: tuple[UUID, UUID]) -> None:
    applied, rejected = (transfer(*pair, amount, callback_url=HOOK) for amount in (1, 1000))
    silent = transfer(*pair, 1)
    world.submit(applied, rejected, silent)
    assert deliveries(world, applied) == set()  # not before the verdict
    world.drain()
    fan_out(world)

    assert deliveries(world, applied, rejected, silent) == {(applied.id, None), (rejected.id, None)}
    assert world.transfer(applied.id).callback_url == HOOK


def test_a_transfer_that_is_given_up_on_is_told_too(world: World) -> None:
    source, doomed = world.new_wallets(100, 0, shard=6)
    endpoint = new_endpoint(world, REJECTED)
    poison = transfer(source, doomed, 1, callback_url=HOOK)
    world.submit(poison)
    world.query("DELETE FROM wallets WHERE id = %s", doomed)

    world.drain(6)
    fan_out(world)

    assert deliveries(world, poison) == {(poison.id, None), (poison.id, endpoint)}


def test_an_operators_endpoint_is_told_of_the_events_that_it_asked_for(world: World, pair: tuple[UUID, UUID]) -> None:
    every, applied_only, rejected_only = new_endpoint(world), new_endpoint(world, APPLIED), new_endpoint(world, REJECTED)
    applied, rejected = transfer(*pair, 1), transfer(*pair, 1000)
    world.submit(applied, rejected)
    world.drain()
    fan_out(world)

    assert deliveries(world, applied) == {(applied.id, every), (applied.id, applied_only)}
    assert deliveries(world, rejected) == {(rejected.id, every), (rejected.id, rejected_only)}


def test_a_clients_endpoint_is_told_of_the_transfers_that_its_wallet_is_a_party_to(world: World) -> None:
    ada, ben, cid = world.new_wallets(100, 100, 0)
    adas, cids = new_endpoint(world, wallet_id=ada), new_endpoint(world, wallet_id=cid)
    out, into, others, theirs = transfer(ada, ben, 1), deposit(ada, 1), transfer(ben, cid, 1), deposit(ben, 1)
    world.submit(out, into, others, theirs)
    world.drain()
    fan_out(world)

    assert deliveries(world, out, into, others, theirs) == {(out.id, adas), (into.id, adas), (others.id, cids)}


def test_a_disabled_and_a_deleted_endpoint_are_told_of_nothing_new(world: World, pair: tuple[UUID, UUID]) -> None:
    disabled, deleted, other = (new_endpoint(world) for _ in range(3))
    world.ask(lambda database: endpoints.update_endpoint(database, "operator", disabled, {"status": "disabled"}))
    assert world.ask(lambda database: endpoints.delete_endpoint(database, "operator", deleted))
    sent = transfer(*pair, 1)
    world.submit(sent)
    world.drain()
    fan_out(world)

    assert deliveries(world, sent) == {(sent.id, other)}


def test_a_verdict_that_is_not_committed_makes_no_delivery(
    world: World, pair: tuple[UUID, UUID], connection: psycopg.Connection[Any]
) -> None:
    new_endpoint(world)
    sent = transfer(*pair, 1)
    world.submit(sent)

    with connection.transaction(), closing(world.drainer(lock_timeout="10ms")) as impatient:
        connection.execute("SELECT FROM queue WHERE transfer_id = %s FOR UPDATE", [sent.id])  # a drain's last statement
        impatient.run([sent.shard])
    assert deliveries(world, sent) == set()

    world.drain()
    fan_out(world)
    assert len(deliveries(world, sent)) == 1


def test_a_delivery_is_due_at_once_and_has_an_id_like_all_others(world: World, pair: tuple[UUID, UUID]) -> None:
    sent = transfer(*pair, 1, callback_url=HOOK)
    world.submit(sent)
    world.drain()
    fan_out(world)

    [(id, *row)] = world.query(
        "SELECT id, owner, receiver, shard, status, attempts, failures, next_attempt_at <= now() FROM deliveries"
    )
    assert row == ["operator", "example.com", sent.shard, "pending", 0, 0, True]
    assert (id.version, id.variant) == (7, new_id().variant)
    assert abs((id.int >> 80) - (new_id().int >> 80)) < 60_000  # milliseconds


@pytest.mark.parametrize(
    ("url", "receiver"),
    [
        ("https://example.com", "example.com"),
        ("HTTPS://Hooks.Example.com:8443/a:b?c=//d", "hooks.example.com"),
        ("https://example.com?to=//elsewhere.net/", "example.com"),
        ("http://[::1]:8080/", "[::1]"),
    ],
)
def test_a_callback_is_received_by_its_host(world: World, pair: tuple[UUID, UUID], url: str, receiver: str) -> None:
    world.submit(transfer(*pair, 1, callback_url=url, owner="cli_a"))
    world.drain()
    fan_out(world)

    assert world.query("SELECT owner, receiver FROM deliveries") == [("cli_a", receiver)]


def test_an_endpoint_and_a_callback_url_are_each_told_of_one_event(world: World, pair: tuple[UUID, UUID]) -> None:
    endpoint = new_endpoint(world)
    sent = transfer(*pair, 1, callback_url=HOOK)
    world.submit(sent)
    world.drain()
    fan_out(world)

    told = world.query("SELECT transfer_id, receiver FROM deliveries ORDER BY endpoint_id NULLS FIRST")
    assert told == [(sent.id, "example.com"), (sent.id, str(endpoint))]


def test_a_step_from_receiver_to_receiver_leaps_over_all_that_wait_for_one(world: World) -> None:
    world.query(
        "INSERT INTO deliveries (owner, receiver, transfer_id, shard)"
        " SELECT 'operator', 'dead.example.com', gen_random_uuid(), 0 FROM generate_series(1, 20000)"
    )
    rich, poor = world.new_wallets(100, 0)
    world.submit(transfer(rich, poor, 1, callback_url=HOOK))
    world.drain()
    fan_out(world)
    world.query("ANALYZE deliveries")

    step = (
        "SELECT receiver, next_attempt_at FROM deliveries"
        " WHERE status = 'pending' AND (owner, receiver) > ('operator', 'dead.example.com')"
        " ORDER BY owner, receiver, next_attempt_at LIMIT 1"
    )
    [(plan,)] = world.query(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {step}")

    top = plan[0]["Plan"]
    assert top["Plans"][0]["Index Name"] == "deliveries_due", plan
    assert top["Shared Hit Blocks"] + top["Shared Read Blocks"] < 20, plan
    assert [receiver for receiver, _ in world.query(step)] == ["example.com"]


@pytest.mark.parametrize("verb", ["disable", "delete"])
def test_what_an_endpoint_is_not_to_be_told_any_more_is_canceled(world: World, pair: tuple[UUID, UUID], verb: str) -> None:
    stopped, other = new_endpoint(world), new_endpoint(world)
    sent = transfer(*pair, 1, callback_url=HOOK)
    world.submit(sent)
    world.drain()
    fan_out(world)

    if verb == "disable":
        world.ask(lambda database: endpoints.update_endpoint(database, "operator", stopped, {"status": "disabled"}))
    else:
        world.ask(lambda database: endpoints.delete_endpoint(database, "operator", stopped))

    found = dict(world.query("SELECT endpoint_id, status FROM deliveries"))
    assert found == {stopped: "canceled", other: "pending", None: "pending"}


def test_a_deliverer_that_saw_an_endpoint_disabled_cancels_nothing_once_it_is_enabled_again(
    world: World, pair: tuple[UUID, UUID]
) -> None:
    endpoint = new_endpoint(world)
    sent = transfer(*pair, 1)
    world.submit(sent)
    world.drain()
    fan_out(world)

    world.ask(lambda database: endpoints.cancel_deliveries(database, endpoint))

    assert world.query("SELECT status FROM deliveries") == [("pending",)]


def test_a_client_has_so_many_endpoints_and_no_more_and_an_operator_any_number(world: World) -> None:
    """Each is a row in the transaction that moves the money, also if another client pays this one."""

    async def insert(database: Database, wallet_id: UUID | None) -> list[bool]:
        owner = ids.text(ids.Prefix.CLIENT, wallet_id) if wallet_id else "operator"
        new = [
            NewEndpoint(new_id(), owner, wallet_id, HOOK, [APPLIED], None, signing.make_secret())
            for _ in range(CLIENT_ENDPOINTS_MAX + 2)
        ]
        inserted = [await endpoints.insert_endpoint(database, one) for one in new]
        again = await endpoints.insert_endpoint(database, new[0])  # after a lost connection
        assert again == inserted[0]
        return [one is not None for one in inserted]

    def stored(wallet_id: UUID | None) -> list[bool]:
        return world.ask(lambda database: insert(database, wallet_id))

    ada, ben = world.new_wallets(0, 0)
    for wallet_id in (ada, ben):
        assert stored(wallet_id) == [True] * CLIENT_ENDPOINTS_MAX + [False] * 2
    assert all(stored(None))


def test_endpoints_made_at_once_do_not_pass_the_limit_together(world: World) -> None:
    wallet_id = world.new_wallet()
    owner = ids.text(ids.Prefix.CLIENT, wallet_id)

    async def insert(database: Database) -> list[bool]:
        new = [
            NewEndpoint(new_id(), owner, wallet_id, HOOK, [APPLIED], None, signing.make_secret())
            for _ in range(2 * CLIENT_ENDPOINTS_MAX)
        ]
        made = await asyncio.gather(*(endpoints.insert_endpoint(database, one) for one in new))
        return [one is not None for one in made]

    assert sum(world.ask(insert)) == CLIENT_ENDPOINTS_MAX
    assert world.query("SELECT count(*) FROM webhook_endpoints") == [(CLIENT_ENDPOINTS_MAX,)]


def test_a_verdict_without_receivers_asks_for_endpoints_once(world: World, pair: tuple[UUID, UUID]) -> None:
    sent = [transfer(*pair, 1) for _ in range(50)]
    world.submit(*sent)
    verdict = statement("drain/finish_transfers").replace(")b::", ")s::")
    params = {"transfer_id": [one.id for one in sent], "refusal": [None] * len(sent), "moved": [None] * len(sent)}

    with psycopg.connect(world.owner_url) as connection:
        explained = connection.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {verdict}".encode(), params).fetchone()
        connection.rollback()
    assert explained is not None
    [plan] = explained[0]

    loops = {"webhook_endpoints": set[int](), "wallets": set[int]()}
    for node in nodes(plan["Plan"]):
        if node.get("Relation Name") in loops:
            loops[node["Relation Name"]].add(node["Actual Loops"])
    assert loops == {"webhook_endpoints": {0, 1}, "wallets": {0}}, plan


@pytest.mark.parametrize("name", ["webhooks/list_deliveries_of_endpoint", "webhooks/redeliver_all", "webhooks/cancel_deliveries"])
def test_an_endpoints_trail_is_found_by_its_index_among_others(world: World, name: str) -> None:
    endpoint = new_endpoint(world)
    world.query("UPDATE webhook_endpoints SET status = 'disabled', disabled_reason = 'requested', disabled_at = now()")
    world.query(
        "INSERT INTO deliveries (owner, receiver, transfer_id, endpoint_id, shard, status, next_attempt_at, finished_at)"
        " SELECT 'operator', id::text, mint_uuid(), id, 0, status, NULL, now()"
        "   FROM (SELECT %s::uuid AS id, 'delivered' AS status FROM generate_series(1, 10000)"
        "         UNION ALL SELECT %s, 'failed' FROM generate_series(1, 3)"
        "         UNION ALL SELECT gen_random_uuid(), 'failed' FROM generate_series(1, 10000)) one",
        endpoint,
        endpoint,
    )
    world.query("ANALYZE deliveries")
    params = {
        "endpoint_id": endpoint,
        "statuses": ["failed"],
        "before": ids.LAST,
        "limit": 20,
        "attempts": 100,
        "since": "2026-01-31T09:30:00Z",
        "since_id": UUID(int=0),
    }

    with psycopg.connect(world.owner_url) as connection:
        explained = connection.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement(name)}".encode(), params).fetchone()
        connection.rollback()
    assert explained is not None
    [plan] = explained[0]

    assert "deliveries_endpoint" in {node.get("Index Name") for node in nodes(plan["Plan"])}, plan
    assert plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"] < 150, plan
