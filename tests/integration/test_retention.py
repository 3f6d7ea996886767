"""What was told is kept for a setting's days after its end, and what money is made of for ever."""

from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest

from core.admin.audit import audit
from core.postgres.connections import connect_worker
from core.webhooks import deliveries
from tests.hooks import ERROR, SUCCESS, claim, fan_out, make_due, mark, new_endpoint
from tests.integration.test_fan_outs import pages
from tests.world import World, transfer
from worker.retention import STEP_ATTEMPTS, Retention
from worker.session import OwnConnection

DAYS = 30


@pytest.fixture
def own(world: World) -> Iterator[OwnConnection]:
    with closing(OwnConnection(lambda: connect_worker(world.url))) as own:
        yield own


def told(world: World, attempt: object = SUCCESS, days_ago: float = 0) -> object:
    """Let a delivery end so many days ago, and return its id."""
    [sent] = make_due(world)
    [delivery] = claim(world)
    mark(world, delivery, attempt)  # type: ignore[arg-type]
    earlier = "finished_at = finished_at - %s * interval '1 day', created_at = created_at - interval '1 year'"
    world.query(f"UPDATE deliveries SET {earlier} WHERE id = %s", days_ago, delivery.id)
    world.query(f"UPDATE transfers SET {earlier} WHERE id = %s", 365, sent.id)
    return delivery.id


def left(world: World) -> set[object]:
    return {id for (id,) in world.query("SELECT id FROM deliveries")}


def delete_all(retention: Retention) -> None:
    while retention.run_once():
        pass


def test_what_ended_longer_ago_is_deleted_with_its_attempts_and_all_else_stays(world: World, own: OwnConnection) -> None:
    new_endpoint(world)
    old = [told(world, SUCCESS, 31), told(world, ERROR, 30.1)]
    young = [told(world, SUCCESS, 29.9), told(world, ERROR)]
    make_due(world)
    pending = {id for (id,) in world.query("SELECT id FROM deliveries WHERE status = 'pending'")}
    tables = ("transfers", "entries", "events", "webhook_endpoints")
    before = {table: world.query(f"SELECT * FROM {table} ORDER BY 1") for table in tables}

    delete_all(Retention(own, DAYS))

    assert left(world) == {*young, *pending}
    assert not left(world) & set(old)
    attempts = world.query("SELECT DISTINCT delivery_id FROM delivery_attempts")
    assert {id for (id,) in attempts} == set(young)
    assert {table: world.query(f"SELECT * FROM {table} ORDER BY 1") for table in tables} == before
    assert audit(world.url).clean


def test_a_pending_delivery_is_never_deleted_however_old(world: World, own: OwnConnection) -> None:
    new_endpoint(world)
    make_due(world)
    world.query("UPDATE deliveries SET created_at = now() - interval '1 year', next_attempt_at = now() - interval '1 year'")

    delete_all(Retention(own, 1))

    assert len(left(world)) == 1


def test_what_is_made_again_is_kept_from_its_new_end_on(world: World, own: OwnConnection) -> None:
    new_endpoint(world)
    again, gone = told(world, ERROR, 40), told(world, ERROR, 40)
    assert world.ask(lambda database: deliveries.redeliver(database, "operator", again))  # type: ignore[arg-type]

    delete_all(Retention(own, DAYS))

    assert left(world) == {again}
    assert not world.ask(lambda database: deliveries.redeliver(database, "operator", gone))  # type: ignore[arg-type]


@pytest.mark.parametrize("step", [1, 3])
def test_it_goes_on_step_by_step_until_nothing_is_left(world: World, own: OwnConnection, step: int) -> None:
    new_endpoint(world)
    for _ in range(7):
        told(world, SUCCESS, 31)
    retention = Retention(own, DAYS, step_deliveries=step)
    counts = []
    while retention.run_once():
        counts.append(len(left(world)))

    assert counts[0] == 7 - step
    assert left(world) == set()


def test_a_delivery_with_very_many_attempts_is_deleted_in_several_steps(world: World, own: OwnConnection) -> None:
    new_endpoint(world)
    id = told(world, SUCCESS, 31)
    row = "%s, n, now(), 1, 500 FROM generate_series(2, %s) n"
    columns = "(delivery_id, number, started_at, duration_ms, status_code)"
    world.query(f"INSERT INTO delivery_attempts {columns} SELECT {row}", id, 2 * STEP_ATTEMPTS + 50)
    retention = Retention(own, DAYS, step_deliveries=1)

    seen = []
    for _ in range(4):
        retention.run_once()
        seen.append((len(left(world)), world.query("SELECT count(*) FROM delivery_attempts")[0][0]))

    assert seen == [(1, STEP_ATTEMPTS + 50), (1, 50), (0, 0), (0, 0)]


def test_while_one_process_deletes_another_does_nothing_and_waits_for_nothing(
    world: World, own: OwnConnection, connection: psycopg.Connection
) -> None:
    new_endpoint(world)
    told(world, SUCCESS, 31)
    with connection.transaction():
        connection.execute("SELECT FROM delivery_bounds FOR UPDATE")
        assert Retention(own, DAYS).run_once() is False
        assert len(left(world)) == 1

    delete_all(Retention(own, DAYS))
    assert left(world) == set()


def test_a_look_reads_nothing_of_what_is_deleted_while_a_snapshot_is_held(
    world: World, own: OwnConnection, connection: psycopg.Connection
) -> None:
    columns = "(owner, receiver, transfer_id, shard, status, next_attempt_at, finished_at)"
    row = "'operator', 'h', gen_random_uuid(), 0, 'failed', NULL, now() - interval '50 days' + n * interval '1 second'"
    world.query(f"INSERT INTO deliveries {columns} SELECT {row} FROM generate_series(1, 20000) n")
    params = {"days": DAYS, "limit": 1000, "attempts": STEP_ATTEMPTS}
    with psycopg.connect(world.owner_url) as held:
        held.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        held.execute("SELECT count(*) FROM deliveries")
        delete_all(Retention(own, DAYS))
        assert left(world) == set()
        looked = pages(connection, "retention/delete_deliveries", {**params, "whole": False})
        without = pages(connection, "retention/delete_deliveries", {**params, "whole": True})

    assert looked < 60
    assert without > 150  # so the bound is what makes the difference


def test_what_stays_below_the_bound_is_found_by_a_look_at_all(
    world: World, own: OwnConnection, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    new_endpoint(world)
    locked, other = told(world, SUCCESS, 40), told(world, SUCCESS, 35)
    with connection.transaction():
        connection.execute("SELECT FROM deliveries WHERE id = %s FOR UPDATE", [locked])
        delete_all(Retention(own, DAYS))
    assert left(world) == {locked}
    assert other != locked
    monkeypatch.setattr("worker.retention.LOOK_AT_ALL_EVERY_S", 0.0)

    delete_all(Retention(own, DAYS))

    assert left(world) == set()


def test_the_audit_misses_a_delivery_that_retention_cannot_have_deleted(world: World, own: OwnConnection) -> None:
    rich, poor = world.new_wallets(10, 0)
    world.submit(transfer(rich, poor, 1, callback_url="https://hook.example.com/"))
    world.drain()
    fan_out(world)
    world.query("DELETE FROM deliveries")

    report = audit(world.url)

    assert {check for check, found in report.counts.items() if found} == {"deliveries"}
    assert own.opened().execute("SELECT 1").fetchone() == (1,)


def test_the_audit_is_clean_when_retention_has_deleted_a_callbacks_delivery(world: World, own: OwnConnection) -> None:
    rich, poor = world.new_wallets(10, 0)
    world.submit(transfer(rich, poor, 1, callback_url="https://hook.example.com/"))
    world.drain()
    fan_out(world)
    world.query("UPDATE deliveries SET status = 'failed', next_attempt_at = NULL, finished_at = now() - interval '31 days'")
    world.query("UPDATE transfers SET created_at = created_at - interval '32 days', finished_at = finished_at - interval '32 days'")

    delete_all(Retention(own, DAYS))

    assert left(world) == set()
    assert audit(world.url).clean


def test_a_receiver_that_nothing_is_told_to_is_forgotten_after_an_hour(world: World, own: OwnConnection) -> None:
    new_endpoint(world)
    make_due(world)
    world.query("INSERT INTO receivers (owner, receiver) VALUES ('cli_a', 'idle.example.com'), ('cli_a', 'young.example.com')")
    world.query("UPDATE receivers SET used_at = now() - interval '2 hours' WHERE receiver <> 'young.example.com'")

    Retention(own, DAYS).run_once()

    rows = world.query("SELECT receiver, used_at > now() - interval '1 minute' FROM receivers ORDER BY receiver")
    assert [is_new for _, is_new in rows] == [True, True]
    assert "idle.example.com" not in dict(rows)


def test_a_fault_is_put_off_and_not_raised(world: World) -> None:
    with closing(OwnConnection(lambda: connect_worker("postgresql://stranger@127.0.0.1:1/none"))) as away:
        assert Retention(away, DAYS).run_once() is False
