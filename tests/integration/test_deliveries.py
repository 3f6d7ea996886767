"""Who is to be told of a final transfer is written down with its verdict: everybody who asked, once, and nobody else."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any
from uuid import UUID

import psycopg
import pytest

from core import ids, signing, webhooks
from core.audit import audit
from core.events import Type
from core.transfers import Submission
from core.webhooks import NewEndpoint
from tests.world import World, deposit, new_id, transfer

HOOK = "https://example.com/hook"
APPLIED: Type = "transfer.applied"
REJECTED: Type = "transfer.rejected"


def new_endpoint(world: World, *events: Type, wallet_id: UUID | None = None) -> UUID:
    """Make an endpoint of the operator's, or of the wallet's client, for these events or all."""
    owner = ids.text(ids.Prefix.CLIENT, wallet_id) if wallet_id else "operator"
    new = NewEndpoint(new_id(), owner, wallet_id, HOOK, list(events or (APPLIED, REJECTED)), None, signing.generate())
    world.ask(lambda database: webhooks.insert_endpoint(database, new))
    return new.id


def deliveries(world: World, *of: Submission) -> set[tuple[UUID, UUID | None]]:
    """Return (transfer, endpoint) of each delivery of these transfers; without an endpoint it goes to the callback URL."""
    rows = world.query("SELECT transfer_id, endpoint_id FROM deliveries WHERE transfer_id = ANY(%s)", [one.id for one in of])
    assert len(set(rows)) == len(rows)
    return {(transfer_id, endpoint_id) for transfer_id, endpoint_id in rows}


@pytest.fixture
def pair(world: World) -> Iterator[tuple[UUID, UUID]]:
    rich, poor = world.new_wallets(100, 0)
    yield rich, poor
    assert audit(world.url).clean


def test_where_nobody_asked_nobody_is_told(world: World, pair: tuple[UUID, UUID]) -> None:
    sent = transfer(*pair, 1)
    world.submit(sent)
    world.drain()

    assert world.query("SELECT count(*) FROM deliveries") == [(0,)]


def test_a_callback_url_is_told_of_its_transfer_whatever_becomes_of_it(world: World, pair: tuple[UUID, UUID]) -> None:
    applied, rejected = (transfer(*pair, amount, callback_url=HOOK) for amount in (1, 1000))
    silent = transfer(*pair, 1)
    world.submit(applied, rejected, silent)
    assert deliveries(world, applied) == set()  # not before the verdict
    world.drain()

    assert deliveries(world, applied, rejected, silent) == {(applied.id, None), (rejected.id, None)}
    assert world.transfer(applied.id).callback_url == HOOK


def test_a_transfer_that_is_given_up_on_is_told_too(world: World) -> None:
    source, doomed = world.new_wallets(100, 0, shard=6)
    endpoint = new_endpoint(world, REJECTED)
    poison = transfer(source, doomed, 1, callback_url=HOOK)
    world.submit(poison)
    world.query("DELETE FROM wallets WHERE id = %s", doomed)

    world.drain(6)

    assert deliveries(world, poison) == {(poison.id, None), (poison.id, endpoint)}


def test_an_operators_endpoint_is_told_of_the_events_that_it_asked_for(world: World, pair: tuple[UUID, UUID]) -> None:
    every, applied_only, rejected_only = new_endpoint(world), new_endpoint(world, APPLIED), new_endpoint(world, REJECTED)
    applied, rejected = transfer(*pair, 1), transfer(*pair, 1000)
    world.submit(applied, rejected)
    world.drain()

    assert deliveries(world, applied) == {(applied.id, every), (applied.id, applied_only)}
    assert deliveries(world, rejected) == {(rejected.id, every), (rejected.id, rejected_only)}


def test_a_clients_endpoint_is_told_of_the_transfers_that_its_wallet_is_a_party_to(world: World) -> None:
    ada, ben, cid = world.new_wallets(100, 100, 0)
    adas, cids = new_endpoint(world, wallet_id=ada), new_endpoint(world, wallet_id=cid)
    out, into, others, theirs = transfer(ada, ben, 1), deposit(ada, 1), transfer(ben, cid, 1), deposit(ben, 1)
    world.submit(out, into, others, theirs)
    world.drain()

    assert deliveries(world, out, into, others, theirs) == {(out.id, adas), (into.id, adas), (others.id, cids)}


def test_a_disabled_and_a_deleted_endpoint_are_told_of_nothing_new(world: World, pair: tuple[UUID, UUID]) -> None:
    disabled, deleted, other = (new_endpoint(world) for _ in range(3))
    world.ask(lambda database: webhooks.update_endpoint(database, "operator", disabled, {"status": "disabled"}))
    assert world.ask(lambda database: webhooks.delete_endpoint(database, "operator", deleted))
    sent = transfer(*pair, 1)
    world.submit(sent)
    world.drain()

    assert deliveries(world, sent) == {(sent.id, other)}


def test_a_verdict_that_is_not_committed_tells_nobody(
    world: World, pair: tuple[UUID, UUID], connection: psycopg.Connection[Any]
) -> None:
    new_endpoint(world)
    sent = transfer(*pair, 1)
    world.submit(sent)

    with connection.transaction(), closing(world.drainer(lock_timeout="10ms")) as impatient:
        connection.execute("SELECT FROM queue WHERE transfer_id = %s FOR UPDATE", [sent.id])  # a drain's last statement
        impatient.answer([sent.shard])
    assert deliveries(world, sent) == set()

    world.drain()
    assert len(deliveries(world, sent)) == 1


def test_a_delivery_is_due_at_once_and_has_an_id_like_all_others(world: World, pair: tuple[UUID, UUID]) -> None:
    sent = transfer(*pair, 1, callback_url=HOOK)
    world.submit(sent)
    world.drain()

    [(id, shard, status, attempts, is_due, leased_until)] = world.query(
        "SELECT id, shard, status, attempts, next_attempt_at <= now(), leased_until FROM deliveries"
    )
    assert (shard, status, attempts, is_due, leased_until) == (sent.shard, "pending", 0, True, None)
    assert (id.version, id.variant) == (7, new_id().variant)
    assert abs((id.int >> 80) - (new_id().int >> 80)) < 60_000  # milliseconds


def test_what_is_due_is_found_by_an_index_without_what_is_done(world: World, pair: tuple[UUID, UUID]) -> None:
    world.query(
        "INSERT INTO deliveries (transfer_id, shard, status, next_attempt_at, finished_at)"
        " SELECT gen_random_uuid(), 0, 'delivered', NULL, now() FROM generate_series(1, 5000)"
    )
    sent = transfer(*pair, 1, callback_url=HOOK)
    world.submit(sent)
    world.drain()
    world.query("ANALYZE deliveries")
    claim = (
        "EXPLAIN SELECT id FROM deliveries WHERE next_attempt_at <= now() AND (leased_until IS NULL OR leased_until < now())"
        " ORDER BY next_attempt_at LIMIT 100 FOR UPDATE SKIP LOCKED"
    )

    plan = "\n".join(line for (line,) in world.query(claim))

    assert "Index Scan using deliveries_due" in plan, plan
