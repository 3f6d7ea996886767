"""Deliveries are made after the verdict, in steps of a bounded size, whatever the number of receivers that callers made."""

import asyncio
from collections.abc import Mapping
from contextlib import closing, suppress
from itertools import pairwise
from typing import Any

import psycopg
import pytest
from structlog.testing import capture_logs

from core import ids
from core.admin.audit import audit
from core.errors import Unavailable
from core.ids import Prefix
from core.postgres import deadline
from core.postgres.limits import API_LIMITS
from core.postgres.pool import Database
from core.postgres.statements import statement
from core.transfers import Submission
from core.webhooks import endpoints as webhooks
from core.webhooks.signing import make_secret
from tests.hooks import SOMEWHERE, claim, fan_out, make_due, new_endpoint, stored
from tests.world import World, multi_leg, transfer
from worker.allowance import GIVEN_UP_MAX
from worker.webhooks.fairness import SlotLimits
from worker.webhooks.fan_outs import AUDIENCES, BEGINNING, FanOuts
from worker.webhooks.store import StoredDeliveries

MANY_ENDPOINTS = 2000

SMALL = "SELECT endpoint_id FROM deliveries WHERE transfer_id = %s AND owner <> 'operator'"
OF, DELIVERY = "(id, owner, receiver, transfer_id, shard)", "gen_random_uuid(), 'cli_x', 'h' || n, gen_random_uuid(), 0"
TOLD = "SELECT transfer_id FROM deliveries WHERE endpoint_id = %s AND transfer_id = ANY(%s)"


def insert_endpoints(world: World, count: int) -> None:
    """Make so many endpoints of the operator's at once."""
    world.query(
        "INSERT INTO webhook_endpoints (id, owner, url, events, secret)"
        " SELECT mint_uuid(), 'operator', %s, ARRAY['transfer.applied', 'transfer.rejected'], %s FROM generate_series(1, %s)",
        SOMEWHERE,
        make_secret(),
        count,
    )


def count(world: World, table: str) -> int:
    [(count,)] = world.query(f"SELECT count(*) FROM {table}")
    return int(count)


def test_a_verdict_writes_a_row_an_audience_however_many_are_to_be_told(world: World) -> None:
    """2000 endpoints and a batch of 200 were 400000 rows in the transaction that moves money, and its timeout."""
    insert_endpoints(world, MANY_ENDPOINTS)
    rich, poor = world.new_wallets(1000, 0, shard=3)
    fan_out(world, rows_max=100_000)
    before = count(world, "deliveries")
    world.submit(*(transfer(rich, poor, 1, callback_url=SOMEWHERE) for _ in range(200)))

    with closing(world.applier(statement_timeout="1s")) as applier:
        assert applier.apply([3], 1000).finished == 200

    assert count(world, "deliveries") == before
    assert world.query("SELECT audience FROM fan_outs ORDER BY audience") == [("operators",), ("parties",)]
    assert audit(world.url).clean  # what is still to be made is not forgotten


def test_a_step_ends_at_as_many_wallets_as_transfers_of_two_have(world: World) -> None:
    """Each wallet may have twenty endpoints: 100 transfers of 32 wallets would be 64 000 deliveries in a transaction."""
    payer, *payees = world.new_wallets(1000, *[0] * 4, shard=3)
    endpoints = [new_endpoint(world, wallet_id=wallet).id for wallet in (payer, payees[3])]
    fan_out(world)
    sent = [multi_leg({payer: 4}, dict.fromkeys(payees, 1)) for _ in range(5)]
    world.submit(*sent, transfer(payer, payees[0], 1))
    world.drain(3)

    async def take_steps(database: Database) -> list[int]:
        fan_outs, made = FanOuts(database, transfers_max=4), []
        for _ in range(4):
            await fan_outs.step()
            made += [told for (told,) in world.query("SELECT count(*) FROM deliveries WHERE endpoint_id = ANY(%s)", endpoints)]
        return made

    # Of five wallets each: the first step begins the second transfer before it has eight, and no third.
    assert world.ask(take_steps) == [4, 8, 11, 11]
    assert audit(world.url).clean


@pytest.mark.parametrize(("rows_max", "transfers_max"), [(1, 1), (3, 2), (7, 3), (1000, 100)])
def test_steps_of_any_size_make_each_delivery_once(world: World, rows_max: int, transfers_max: int) -> None:
    ada, ben = world.new_wallets(100, 100)
    of_operator = [new_endpoint(world).id for _ in range(5)]
    of_ada, of_ben = (new_endpoint(world, wallet_id=wallet).id for wallet in (ada, ben))
    told = [transfer(ada, ben, 1, callback_url=SOMEWHERE), transfer(ben, ada, 1), transfer(ada, ben, 1000)]
    for sent in told:
        world.submit(sent)
        world.drain()

    fan_out(world, rows_max=rows_max, transfers_max=transfers_max)

    ids_told = [one.id for one in told]
    found = world.query("SELECT transfer_id, endpoint_id FROM deliveries WHERE transfer_id = ANY(%s)", ids_told)
    expected = [(one, endpoint) for one in ids_told for endpoint in (*of_operator, of_ada, of_ben)]
    assert sorted(found, key=str) == sorted([*expected, (told[0].id, None)], key=str)
    assert count(world, "fan_outs") == 0


@pytest.mark.parametrize("endpoints", [3, 250], ids=["few", "more than a step may make"])
def test_no_step_makes_more_than_its_rows(world: World, endpoints: int) -> None:
    insert_endpoints(world, endpoints)
    rich, poor = world.new_wallets(1000, 0, shard=3)
    fan_out(world)
    world.submit(*(transfer(rich, poor, 1) for _ in range(20)))
    world.drain(3)
    made = [count(world, "deliveries")]

    async def main() -> None:
        async with stored(world) as database:
            fan_outs = FanOuts(database, rows_max=100)
            while True:
                deadline.start()
                await fan_outs.step()
                made.append(await asyncio.to_thread(count, world, "deliveries"))
                if not fan_outs.goes_on:
                    return

    asyncio.run(main())

    assert max(after - before for before, after in pairwise(made)) <= 100
    assert made[-1] - made[0] == 20 * endpoints


def test_a_small_fan_out_does_not_wait_for_a_large_one_before_it(world: World) -> None:
    ada, ben, cid, dan = world.new_wallets(1000, 0, 10, 0)
    for _ in range(20):
        new_endpoint(world, wallet_id=ada)
    cids = new_endpoint(world, wallet_id=cid)
    insert_endpoints(world, MANY_ENDPOINTS)
    world.submit(*(transfer(ada, ben, 1) for _ in range(200)))
    world.drain()
    small = transfer(cid, dan, 1)
    world.submit(small)
    world.drain()

    async def main() -> None:
        async with stored(world) as database:
            deadline.start()
            await FanOuts(database).step()

    asyncio.run(main())

    assert world.query("SELECT endpoint_id FROM deliveries WHERE transfer_id = %s AND owner <> 'operator'", small.id) == [
        (cids.id,)
    ]
    [(large,)] = world.query("SELECT after_ordinal FROM fan_outs WHERE audience = 'parties'")
    assert large < 200  # which goes on afterwards


def test_many_deliverers_at_once_make_each_delivery_once(world: World) -> None:
    rich, poor = world.new_wallets(1000, 0)
    endpoints = [new_endpoint(world) for _ in range(5)]
    sent = [transfer(rich, poor, 1, callback_url=SOMEWHERE) for _ in range(40)]
    for number in range(0, 40, 4):
        world.submit(*sent[number : number + 4])
        world.drain()

    async def work(database: Database) -> None:
        fan_outs = FanOuts(database, rows_max=7, transfers_max=3)
        for _ in range(60):
            deadline.start()
            await fan_outs.step()

    async def main() -> None:
        async with stored(world) as database:
            await asyncio.gather(*(work(database) for _ in range(4)))

    asyncio.run(main())

    told = world.query("SELECT count(*) FROM deliveries WHERE transfer_id = ANY(%s)", [one.id for one in sent])
    assert told == [(len(sent) * (len(endpoints) + 1),)]
    assert count(world, "fan_outs") == 0


def test_a_step_that_is_not_committed_is_made_again(world: World) -> None:
    rich, poor = world.new_wallets(10, 0)
    endpoint = new_endpoint(world)
    sent = transfer(rich, poor, 1)
    world.submit(sent)
    world.drain()

    with psycopg.connect(world.url) as died:
        died.execute(statement("deliverer/fan_out_operators"), {"bound": BEGINNING, "fan_outs": 32, "rows": 2000})
        died.rollback()
    assert world.query("SELECT id FROM deliveries WHERE transfer_id = %s", sent.id) == []
    fan_out(world)

    assert world.query("SELECT endpoint_id FROM deliveries WHERE transfer_id = %s", sent.id) == [(endpoint.id,)]


def test_a_repeated_step_makes_nothing_twice(world: World) -> None:
    rich, poor = world.new_wallets(10, 0)
    new_endpoint(world), new_endpoint(world, wallet_id=poor)
    sent = transfer(rich, poor, 1, callback_url=SOMEWHERE)
    world.submit(sent)
    world.drain()
    again = world.query("SELECT audience, moment FROM fan_outs")
    fan_out(world)
    before = world.query("SELECT id, next_attempt_at FROM deliveries ORDER BY id")

    for audience, moment in again:
        world.query("INSERT INTO fan_outs (audience, moment) VALUES (%s, %s) ON CONFLICT DO NOTHING", audience, moment)
    fan_out(world)

    assert world.query("SELECT id, next_attempt_at FROM deliveries ORDER BY id") == before
    assert len([row for row in again if row[0] == "parties"]) == 1


def test_an_endpoint_that_is_made_after_the_verdict_is_not_told_of_it(world: World) -> None:
    ada, ben = world.new_wallets(10, 0)
    new_endpoint(world), new_endpoint(world, wallet_id=ada)
    sent = transfer(ada, ben, 1)
    world.submit(sent)
    world.drain()
    late = [new_endpoint(world).id, new_endpoint(world, wallet_id=ada).id]

    fan_out(world)

    told = world.query("SELECT endpoint_id FROM deliveries WHERE transfer_id = %s", sent.id)
    assert len(told) == 2
    assert not {endpoint for (endpoint,) in told} & set(late)


def test_after_the_clock_was_set_back_a_new_endpoint_is_told_all_the_same(world: World) -> None:
    ada, ben = world.new_wallets(10, 0)
    endpoints = [new_endpoint(world), new_endpoint(world, wallet_id=ada)]
    world.query("UPDATE webhook_endpoints SET created_at = now() + interval '1 hour'")
    sent = transfer(ada, ben, 1)
    world.submit(sent)
    world.drain()

    fan_out(world)

    told = world.query("SELECT endpoint_id FROM deliveries WHERE transfer_id = %s", sent.id)
    assert {endpoint for (endpoint,) in told} == {endpoint.id for endpoint in endpoints}


def test_a_fan_out_whose_event_is_missing_holds_up_no_other(world: World) -> None:
    rich, poor = world.new_wallets(10, 0)
    new_endpoint(world)
    for audience in AUDIENCES:
        world.query("INSERT INTO fan_outs (audience, moment) SELECT %s, -n FROM generate_series(1, 40) n", audience)
    sent = transfer(rich, poor, 1, callback_url=SOMEWHERE)
    world.submit(sent)
    world.drain()

    fan_out(world)

    assert len(world.query("SELECT id FROM deliveries WHERE transfer_id = %s", sent.id)) == 2
    assert count(world, "fan_outs") == 0


def test_a_look_reads_nothing_of_what_is_done_while_a_snapshot_is_held(world: World, connection: psycopg.Connection[Any]) -> None:
    """Counted are the pages that Postgres looks at, beside 50000 fan-outs that are done and that the snapshot still sees."""
    new_endpoint(world)
    rich, poor = world.new_wallets(10, 0)
    world.query("INSERT INTO fan_outs (audience, moment) SELECT 'operators', -n FROM generate_series(1, 50000) n")

    async def main(held: psycopg.Connection[Any]) -> FanOuts:
        async with stored(world) as database:
            fan_outs = FanOuts(database)
            deadline.start()
            await fan_outs.step()
            await asyncio.to_thread(world.query, "DELETE FROM fan_outs")
            deadline.start()
            await fan_outs.step()
            return fan_outs

    with psycopg.connect(world.owner_url) as held:
        held.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        held.execute("SELECT count(*) FROM fan_outs")
        bounds = asyncio.run(main(held))._bounds
        world.submit(transfer(rich, poor, 1))
        world.drain()
        look = {"audiences": list(bounds), "bounds": list(bounds.values())}
        step = {"bound": bounds["operators"], "fan_outs": 32, "rows": 2000}
        looked, stepped = pages(connection, "deliverer/find_fan_outs", look), pages(connection, "deliverer/fan_out_operators", step)
        without = pages(connection, "deliverer/find_fan_outs", {**look, "bounds": [BEGINNING] * len(bounds)})

    assert looked < 100
    assert stepped < 200
    assert without > 150  # so the bound is what makes the difference


def pages(connection: psycopg.Connection[Any], name: str, params: Mapping[str, object]) -> int:
    """Return how many pages the statement looks at, and undo it."""
    with connection.transaction(force_rollback=True):
        connection.execute("SET LOCAL enable_seqscan = off")
        [([plan],)] = connection.execute("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + statement(name), params).fetchall()
    return int(plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"])


def test_a_drain_that_commits_late_is_not_hidden_by_the_bound(world: World, connection: psycopg.Connection[Any]) -> None:
    """Its moment is below those that were looked at and done before it commits."""
    endpoint = new_endpoint(world)
    pairs = [world.new_wallets(10, 0, shard=shard) for shard in (1, 2)]
    slow, fast = (transfer(source, destination, 1) for source, destination in pairs)
    world.submit(slow, fast)

    async def main() -> None:
        async with stored(world) as database:
            fan_outs = FanOuts(database)

            async def make() -> None:
                deadline.start()
                await fan_outs.step()

            with connection.transaction():
                connection.execute("SELECT FROM queue WHERE transfer_id = %s FOR UPDATE", [slow.id])  # a drain's last statement
                held_up = asyncio.create_task(asyncio.to_thread(world.drain, 1))
                await asyncio.to_thread(world.wait_until_blocked)
                await asyncio.to_thread(world.drain, 2)
                for _ in range(3):
                    await make()
            await held_up
            await make()

    asyncio.run(main())

    told = world.query(TOLD, endpoint.id, [slow.id, fast.id])
    assert {id for (id,) in told} == {slow.id, fast.id}


def test_the_bound_is_kept_for_the_process_that_starts_next(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.webhooks.fan_outs.KEEP_AFTER", 1)
    rich, poor = world.new_wallets(10, 0)
    new_endpoint(world)
    for _ in range(2):
        world.submit(transfer(rich, poor, 1))
        world.drain()
        fan_out(world)

    kept = dict(world.query("SELECT name, value FROM delivery_bounds"))
    last = world.query("SELECT max(moment) FROM events")

    assert BEGINNING < kept["operators"] <= last[0][0]
    assert kept["parties"] == BEGINNING


@pytest.mark.parametrize("audience", ["parties", "operators"])
def test_a_step_reads_by_key_whatever_the_statistics_say(world: World, audience: str) -> None:
    """Statistics of empty tables, and then 15000 rows in each; a deliverer reads no table whole."""
    world.query("ANALYZE")
    ada, ben = world.new_wallets(1000, 0)
    new_endpoint(world), new_endpoint(world, wallet_id=ada)
    many = "FROM generate_series(1, 15000) n"
    world.query(f"INSERT INTO deliveries {OF} SELECT {DELIVERY} {many}")
    world.query(f"INSERT INTO receivers (owner, receiver) SELECT 'cli_x', 'h' || n {many}")
    columns = "(id, owner, wallet_id, url, events, secret)"
    row = "gen_random_uuid(), 'cli_x', gen_random_uuid(), 'u', ARRAY['transfer.applied'], %s"
    world.query(f"INSERT INTO webhook_endpoints {columns} SELECT {row} {many}", make_secret())
    world.submit(*(transfer(ada, ben, 1, callback_url=SOMEWHERE) for _ in range(10)))
    world.drain()
    params: dict[str, object] = {"bound": BEGINNING, "fan_outs": 32, "rows": 2000, "transfers": 100}

    with psycopg.connect(world.owner_url, autocommit=True) as connection:
        assert pages(connection, f"deliverer/fan_out_{audience}", params) < 2500


def test_a_receiver_is_noted_once_and_not_with_each_step(world: World) -> None:
    """A row that is written with each step leaves a dead one each time, for as long as a snapshot is held."""
    rich, poor = world.new_wallets(10, 0)
    endpoint = new_endpoint(world)
    versions = []
    for _ in range(3):
        world.submit(transfer(rich, poor, 1))
        world.drain()
        fan_out(world)
        versions.append(world.query("SELECT xmin::text, ctid FROM receivers WHERE receiver = %s", str(endpoint.id)))

    assert len(versions[0]) == 1
    assert versions[0] == versions[1] == versions[2]


def test_what_a_step_returns_is_what_it_made_due(world: World) -> None:
    ada, ben = world.new_wallets(10, 0)
    endpoint = new_endpoint(world, wallet_id=ada)
    world.submit(transfer(ada, ben, 1, callback_url="https://hook.example.com/"))
    world.drain()

    async def main() -> list[tuple[str, str]]:
        async with stored(world) as database:
            deadline.start()
            return list(await FanOuts(database).step())

    due = asyncio.run(main())

    assert sorted(due) == sorted([("operator", "hook.example.com"), (ids.text(Prefix.CLIENT, ada), str(endpoint.id))])


def test_what_was_disabled_before_its_deliveries_were_made_is_told_nothing(world: World) -> None:
    rich, poor = world.new_wallets(10, 0)
    endpoint = new_endpoint(world)
    world.submit(transfer(rich, poor, 1))
    world.drain()
    world.ask(lambda database: webhooks.update_endpoint(database, "operator", endpoint.id, {"status": "disabled"}))

    fan_out(world)

    assert world.query("SELECT id FROM deliveries WHERE endpoint_id = %s", endpoint.id) == []


def name_url(world: World, sent: Submission, url: str) -> None:
    """Let a stored transfer name a callback URL that was stored before the schema had a rule for it."""
    [(rule,)] = world.query("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'callback_url_form'")
    world.query("ALTER TABLE transfers DROP CONSTRAINT callback_url_form")
    world.query("UPDATE transfers SET callback_url = %s WHERE id = %s", url, sent.id)
    world.query(f"ALTER TABLE transfers ADD CONSTRAINT callback_url_form {rule}")


@pytest.mark.parametrize("url", ["x", "https:///x", "https://?x", f"https://{'a' * 261}/", f"https://[{'1' * 300}]/"], ids=len)
def test_a_callback_url_without_a_host_makes_no_delivery_and_delays_no_other(world: World, url: str) -> None:
    rich, poor = world.new_wallets(10, 0)
    bad, good = (transfer(rich, poor, 1, callback_url=SOMEWHERE) for _ in range(2))
    world.submit(bad, good)
    name_url(world, bad, url)
    world.drain()

    fan_out(world)

    assert world.statuses(bad.id, good.id) == [("applied", None)] * 2
    assert world.query("SELECT transfer_id FROM deliveries") == [(good.id,)]
    assert count(world, "fan_outs") == 0
    named = {violation.id for violation in audit(world.url).violations["deliveries"]}
    assert named == {bad.id}


def refuse_deliveries(world: World, which: str) -> None:
    """Let the database refuse some deliveries, for a reason that Teller does not foresee."""
    world.query(f"ALTER TABLE deliveries ADD CONSTRAINT unforeseen CHECK (NOT ({which})) NOT VALID")


@pytest.mark.parametrize("audience", ["parties", "operators"])
def test_a_transfer_whose_deliveries_cannot_be_made_is_stepped_over_loudly_and_alone(world: World, audience: str) -> None:
    rich, poor = world.new_wallets(1000, 0)
    if audience == "operators":
        new_endpoint(world)
    url = SOMEWHERE if audience == "parties" else None
    sent = [transfer(rich, poor, 1, callback_url=url) for _ in range(12)]
    for first in (0, 6):
        world.submit(*sent[first : first + 6])
        world.drain()
    poison = sent[4]
    refuse_deliveries(world, f"transfer_id = '{poison.id}'")

    async def main() -> None:
        async with stored(world) as database:
            deliveries = StoredDeliveries(database)
            with suppress(TimeoutError):
                async with asyncio.timeout(15):
                    while await asyncio.to_thread(count, world, "fan_outs"):
                        await deliveries.claim(SlotLimits())

    with capture_logs() as logs:
        asyncio.run(main())

    told = {id for (id,) in world.query("SELECT transfer_id FROM deliveries WHERE transfer_id = ANY(%s)", [one.id for one in sent])}
    assert told == {one.id for one in sent} - {poison.id}
    assert [line["transfer"] for line in logs if line["log_level"] == "critical"] == [ids.text(Prefix.TRANSFER, poison.id)]
    assert len([line for line in logs if line["event"] == "making deliveries failed"]) == 1
    if audience == "parties":
        assert [violation.id for violation in audit(world.url).violations["deliveries"]] == [poison.id]


def test_a_fault_that_hits_every_transfer_steps_over_few_and_delays_the_rest(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.webhooks.step_limit.TRY_AGAIN_AFTER_S", 0.0)
    rich, poor = world.new_wallets(1000, 0)
    world.submit(*(transfer(rich, poor, 1, callback_url=SOMEWHERE) for _ in range(GIVEN_UP_MAX + 5)))
    world.drain()
    refuse_deliveries(world, "true")

    async def main() -> None:
        async with stored(world) as database:
            fan_outs = FanOuts(database)
            for _ in range(4 * (GIVEN_UP_MAX + 5)):
                deadline.start()
                await fan_outs.step()
            await asyncio.to_thread(world.query, "ALTER TABLE deliveries DROP CONSTRAINT unforeseen")
            while await asyncio.to_thread(count, world, "fan_outs"):
                deadline.start()
                await fan_outs.step()

    with capture_logs() as logs:
        asyncio.run(main())

    assert count(world, "deliveries") == 5
    loud = [line["event"] for line in logs if line["log_level"] == "critical"]
    assert loud.count("stepped over: its deliveries cannot be made") == GIVEN_UP_MAX
    assert loud.count("too many transfers stepped over, fan-outs put off") == 1


def test_what_another_deliverer_has_moved_is_not_stepped_over(world: World) -> None:
    rich, poor = world.new_wallets(10, 0)
    world.submit(*(transfer(rich, poor, 1, callback_url=SOMEWHERE) for _ in range(3)))
    world.drain()
    [(moment,)] = world.query("SELECT moment FROM fan_outs WHERE audience = 'parties'")
    fan_out_once = {"audience": "parties", "moment": moment, "after_ordinal": 0}

    with psycopg.connect(world.url, autocommit=True) as connection:
        stepped = [len(connection.execute(statement("deliverer/step_over_fan_out"), fan_out_once).fetchall()) for _ in range(2)]

    assert stepped == [1, 0]
    assert world.query("SELECT after_ordinal FROM fan_outs WHERE audience = 'parties'") == [(1,)]


def test_what_is_due_is_claimed_although_the_look_for_fan_outs_fails(world: World) -> None:
    new_endpoint(world)
    [sent] = make_due(world)
    world.query("ALTER TABLE feed DISABLE TRIGGER ALL")
    world.query("DELETE FROM feed")  # there is no horizon then

    claimed = claim(world)

    assert world.query("SELECT transfer_id FROM deliveries WHERE id = %s", claimed[0].id) == [(sent.id,)]


def hide(world: World) -> None:
    """Let the kept bounds be above all fan-outs, as where a transaction has committed late."""
    world.query("UPDATE delivery_bounds SET value = feed_next() WHERE name <> 'ended'")


def test_a_deliverer_that_starts_finds_what_its_bounds_hide(world: World) -> None:
    rich, poor = world.new_wallets(10, 0)
    world.submit(transfer(rich, poor, 1, callback_url=SOMEWHERE))
    world.drain()
    hide(world)

    fan_out(world)

    assert count(world, "deliveries") == 1


def test_after_a_look_at_all_that_took_too_long_the_next_begins_at_the_bounds(
    world: World, connection: psycopg.Connection[Any]
) -> None:
    hide(world)
    kept = {name: value for name, value in world.query("SELECT name, value FROM delivery_bounds") if name in AUDIENCES}

    async def main() -> Mapping[str, int]:
        database = Database(world.url, connections=2, limits={**API_LIMITS, "statement_timeout": "700ms", "lock_timeout": "5s"})
        await database.open()
        fan_outs = FanOuts(database)
        with psycopg.connect(world.owner_url) as holder:
            holder.execute("LOCK TABLE fan_outs IN ACCESS EXCLUSIVE MODE")
            deadline.start()
            with pytest.raises(Unavailable):
                await fan_outs.step()
        deadline.start()
        begun = await fan_outs._begin_at()
        await database.close()
        return begun

    assert asyncio.run(main()) == kept
