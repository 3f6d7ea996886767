"""The feed of events: one for each final transfer, in one order, and no follower misses one."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from uuid import UUID

import psycopg
import pytest

from core import events, ids
from core.admin.audit import audit
from core.admin.migrate import migrate
from core.events import FEED_START, AnyEvent, EndpointEvent, Event, FeedPosition
from core.ids import Prefix
from core.postgres.statements import statement
from core.settings import Settings
from tests.caller import OPERATOR_KEY
from tests.system import ROOT
from tests.world import World, deposit, new_id, transfer
from worker.ledger.batch_limit import ATTEMPTS_MAX

ALL = 10_000


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as threads:
        yield threads


def feed(world: World, after: FeedPosition = FEED_START, limit: int = ALL) -> list[Event]:
    return transfers_of(world.ask(lambda database: events.list_page(database, after=after, limit=limit)))


def feed_of(
    world: World, wallet_id: UUID, after: FeedPosition = FEED_START, limit: int = ALL, window: int = events.SEARCH_WINDOW_EVENTS
) -> list[Event]:
    owner = ids.text(Prefix.CLIENT, wallet_id)
    asked = partial(events.list_page_of, owner=owner, client_id=world.client_of(wallet_id), after=after, limit=limit, window=window)
    return transfers_of(world.ask(asked))


def transfers_of(page: list[AnyEvent]) -> list[Event]:
    """The events of a page that holds no others."""
    found = [event for event in page if isinstance(event, Event)]
    assert len(found) == len(page)
    return found


def shown(world: World, after: FeedPosition = FEED_START) -> list[UUID]:
    return [event.transfer.id for event in feed(world, after)]


def shown_of(world: World, wallet_id: UUID, window: int = events.SEARCH_WINDOW_EVENTS) -> list[UUID]:
    return [event.transfer.id for event in feed_of(world, wallet_id, window=window)]


def find(world: World, id: UUID, wallet_id: UUID | None = None) -> Event | None:
    client_id = wallet_id and world.client_of(wallet_id)
    found = world.ask(lambda database: events.find(database, id, client_id=client_id))
    assert not isinstance(found, EndpointEvent)
    return found


def test_each_final_transfer_has_one_event_in_the_order_of_its_verdict(world: World) -> None:
    source, destination = world.new_wallet(shard=1), world.new_wallet(shard=2)
    sent = [deposit(source, 10), *(transfer(source, destination, amount) for amount in (4, 5, 6)), transfer(destination, source, 9)]
    world.submit(*sent)
    with closing(world.applier()) as applier:
        applier.apply([2, 1], ALL)

    found = feed(world)

    assert [event.transfer.id for event in found] == [one.id for one in sent]
    assert [events.type_of(event.transfer) for event in found] == ["transfer.applied"] * 3 + [
        "transfer.rejected",
        "transfer.applied",
    ]
    assert [event.transfer for event in found] == [world.transfer(one.id) for one in sent]


def test_a_queued_transfer_has_no_event(world: World) -> None:
    queued = deposit(world.new_wallet(), 5)
    world.submit(queued)

    assert shown(world) == []
    assert find(world, queued.id) is None


def test_a_transfer_that_is_given_up_on_has_its_event(world: World) -> None:
    source, doomed = world.new_wallets(100, 0, shard=6)
    poison = transfer(source, doomed, 1)
    world.submit(poison)
    world.query("DELETE FROM wallets WHERE id = %s", doomed)

    world.drain(6)

    assert [(event.transfer.id, event.transfer.failure_code) for event in feed(world)][1:] == [(poison.id, "internal")]


def test_a_final_transfer_that_is_given_up_on_keeps_its_one_event(world: World) -> None:
    source, destination = world.new_wallets(100, 0, shard=6)
    sent = transfer(source, destination, 1)
    world.submit(sent)
    world.drain(6)
    world.query("INSERT INTO queue (shard, transfer_id) VALUES (6, %s)", sent.id)

    world.drain(6)

    assert world.waiting_shards() == []
    assert shown(world)[1:] == [sent.id]
    assert audit(world.url).clean


def test_pages_join_without_gap_or_overlap(world: World) -> None:
    wallet = world.new_wallet()
    sent = [deposit(wallet, 1) for _ in range(7)]
    for batch in (sent[:3], sent[3:4], sent[4:]):
        world.submit(*batch)
        world.drain()

    paged, place = [], FEED_START
    while page := feed(world, after=place, limit=2):
        paged += [event.transfer.id for event in page]
        place = page[-1].position

    assert paged == [one.id for one in sent]


def test_a_wallets_events_are_those_of_the_transfers_that_it_is_a_party_to(world: World) -> None:
    ada, ben, cid = world.new_wallets(10, 10, 0)
    mine, theirs = transfer(ada, ben, 1), transfer(ben, cid, 1)
    world.submit(mine, theirs)
    world.drain()

    assert shown_of(world, ada)[1:] == [mine.id]
    assert shown_of(world, cid) == [theirs.id]
    assert find(world, mine.id, wallet_id=ben) == find(world, mine.id)
    assert find(world, mine.id, wallet_id=cid) is None
    assert find(world, new_id()) is None


@pytest.mark.parametrize("window", [1, 2, 5, 100])
def test_however_much_others_do_a_wallets_pages_join_without_gap_or_overlap(world: World, window: int) -> None:
    """Found among the next events of all, or in the wallet's own history: the same, in the same order."""
    ada, ben, cid = world.new_wallets(100, 100, 0)
    for batch in range(6):
        away = [transfer(ben, cid, 1) for _ in range(batch)]
        world.submit(transfer(ada, ben, 1), *away, transfer(ada, ben, 1000), transfer(ben, ada, 1))
        world.drain()
    wanted = [event for event in feed(world) if ada in (event.transfer.source, event.transfer.destination)]

    for limit in (1, 2, 3, ALL):
        paged, place = [], FEED_START
        while page := feed_of(world, ada, after=place, limit=limit, window=window):
            assert len(page) <= limit
            paged += page
            place = page[-1].position
        assert paged == wanted


def test_a_wallets_feed_costs_the_same_however_much_others_have_done(world: World, connection: psycopg.Connection) -> None:
    """Counted are the pages that Postgres looks at."""
    ada, ben = world.new_wallets(1, 0)
    sent = transfer(ada, ben, 1)
    world.submit(sent)
    world.drain()
    insert_older_events(connection, 20_000)
    params = {**FEED_START._asdict(), "owner": "cli_ada", "client_id": world.client_of(ada), "limit": 101, "window": 100}
    explain = "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + statement("events/list_of_client")

    [([plan],)] = connection.execute(explain, params).fetchall()

    assert [event.transfer.id for event in feed_of(world, ada, window=100)][1:] == [sent.id]
    assert plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"] < 2_000, plan


def insert_older_events(connection: psycopg.Connection, count: int) -> None:
    """Make so many events by hand that stand before all others, of transfers between wallets that are not there."""
    connection.execute(
        "WITH final AS ("
        " INSERT INTO transfers (id, type, status, failure_code, source, destination, amount, currency, metadata, owner,"
        "        idempotency_key, fingerprint, shard, finished_at, moment, ordinal)"
        " SELECT mint_uuid(), 'transfer', 'rejected', 'internal', gen_random_uuid(), gen_random_uuid(), 1, 'USD', '{}', 'operator',"
        "        n::text, sha256(''), 0, now(), n / 500 - 1000000, n %% 500 + 1 FROM generate_series(0, %s - 1) n"
        " RETURNING id, moment, ordinal)"
        " INSERT INTO events (moment, transfer_ids) SELECT moment, array_agg(id ORDER BY ordinal) FROM final GROUP BY moment",
        [count],
    )
    connection.execute("ANALYZE transfers, events")


# --- No follower of the feed misses an event ---


def test_what_is_committed_late_never_stands_before_what_has_been_shown(
    world: World, connection: psycopg.Connection, threads: ThreadPoolExecutor
) -> None:
    """A drain writes its event, and is held up before its COMMIT while another overtakes it.

    A cursor over a plain sequence shows the other's event, goes on behind it, and never sees the first event.
    """
    slow, fast = (deposit(world.new_wallet(shard=shard), 1) for shard in (1, 2))
    world.submit(slow, fast)
    followed: list[UUID] = []
    place = FEED_START

    with connection.transaction():
        connection.execute("SELECT FROM queue WHERE transfer_id = %s FOR UPDATE", [slow.id])  # a drain's last statement
        held_up = threads.submit(world.drain, 1)
        world.wait_until_blocked()
        assert world.drain(2) == 1
        assert world.statuses(fast.id) == [("applied", None)]
        for event in feed(world, after=place):
            followed.append(event.transfer.id)
            place = event.position
    held_up.result(20)
    followed += shown(world, after=place)

    assert followed == [slow.id, fast.id]


def test_a_transaction_that_is_held_open_delays_the_feed_and_nothing_else(world: World, connection: psycopg.Connection) -> None:
    first, second = (deposit(world.new_wallet(), 1) for _ in range(2))
    world.submit(first)
    world.drain()

    with connection.transaction():
        connection.execute("SELECT pg_current_xact_id()")
        world.submit(second)
        world.drain()
        assert shown(world) == [first.id]
        assert find(world, second.id) is not None

    assert shown(world) == [first.id, second.id]


@pytest.mark.parametrize("window", [1, events.SEARCH_WINDOW_EVENTS])
def test_a_wallets_feed_ends_at_the_horizon_wherever_it_is_searched_for(
    world: World, connection: psycopg.Connection, window: int
) -> None:
    ada, ben, cid = world.new_wallets(100, 100, 0)
    place = feed(world)[-1].position
    first, second = transfer(ada, ben, 1), transfer(ben, ada, 1)
    world.submit(transfer(ben, cid, 1), transfer(ben, cid, 1), first)
    world.drain()

    with connection.transaction():
        connection.execute("SELECT pg_current_xact_id()")
        world.submit(second)
        world.drain()
        assert [event.transfer.id for event in feed_of(world, ada, after=place, window=window)] == [first.id]

    assert [event.transfer.id for event in feed_of(world, ada, after=place, window=window)] == [first.id, second.id]


def test_followers_of_many_drains_at_once_see_every_event_once_in_one_order(world: World, threads: ThreadPoolExecutor) -> None:
    wallets = [world.new_wallet(1000, shard=shard) for shard in range(4)]
    sent = [transfer(wallets[n % 4], wallets[(n + 1) % 4], 1) for n in range(1200)]
    before = feed(world)[-1].position
    drainers = [world.applier() for _ in wallets]

    def drain_bit_by_bit(shard: int) -> None:
        while drainers[shard].apply([shard], 7).finished:
            pass

    world.submit(*sent)
    drains = [threads.submit(drain_bit_by_bit, shard) for shard in range(4)]
    followed: list[UUID] = []
    place = before
    while True:
        over = all(drain.done() for drain in drains)
        page = feed(world, after=place, limit=50)
        followed += [event.transfer.id for event in page]
        place = page[-1].position if page else place
        if over and not page:
            break

    for drain in drains:
        drain.result()
    for drainer in drainers:
        drainer.close()
    assert followed == shown(world, after=before)
    assert sorted(followed) == sorted(one.id for one in sent)
    for shard in range(4):  # what a wallet pays out is applied, and told, in the order of its acceptance
        mine = {one.id for one in sent if one.shard == shard}
        assert [id for id in followed if id in mine] == [one.id for one in sent if one.shard == shard]


# --- Another cluster, whose transactions' ids begin anew ---


@pytest.fixture
def restored(world: World) -> list[UUID]:
    """Two events of a cluster that had seen many more transactions than this one."""
    sent = [deposit(world.new_wallet(), 1) for _ in range(2)]
    world.submit(*sent)
    world.drain()
    for table in ("events", "transfers"):
        world.query(f"UPDATE {table} SET moment = moment + 1000000000")
    return shown_anyhow(world)


def shown_anyhow(world: World) -> list[UUID]:
    return [id for (id,) in world.query("SELECT unnest(transfer_ids) FROM events ORDER BY moment")]


def migrate_again(world: World) -> None:
    given = {"DATABASE_URL": world.url, "TELLER_ADMIN_DATABASE_URL": world.owner_url, "TELLER_OPERATOR_KEY": OPERATOR_KEY}
    migrate(Settings.model_validate(given))


def test_in_a_restored_database_nothing_becomes_final_until_the_feed_can_go_on(world: World, restored: list[UUID]) -> None:
    sent = deposit(world.new_wallet(), 1)
    world.submit(sent)

    for _ in range(2 * ATTEMPTS_MAX):
        world.drain()
    assert world.statuses(sent.id) == [("queued", None)]
    migrate_again(world)
    world.drain()

    assert world.statuses(sent.id) == [("applied", None)]
    assert shown(world) == [*restored, sent.id]
    assert audit(world.url).clean


def test_followers_of_the_feed_before_a_restore_go_on_after_it(world: World, restored: list[UUID]) -> None:
    known = find(world, restored[0])
    assert known is not None
    migrate_again(world)
    sent = deposit(world.new_wallet(), 1)
    world.submit(sent)
    world.drain()
    migrate_again(world)

    assert shown(world, after=known.position) == [restored[1], sent.id]


def test_a_feed_that_has_lost_its_row_is_put_right_as_the_docs_say(world: World, restored: list[UUID]) -> None:
    migrate_again(world)  # which gave the row a number that is lost with it
    world.query("DELETE FROM feed")
    sent = deposit(world.new_wallet(), 1)
    world.submit(sent)
    world.drain()
    assert world.statuses(sent.id) == [("queued", None)]

    runbook = (ROOT / "docs" / "operating" / "runbook.md").read_text()
    assert '"rows and not one: nothing becomes final": `python -m core migrate`' in runbook
    migrate_again(world)
    world.drain()

    assert shown(world) == [*restored, sent.id]
    assert audit(world.url).clean


def test_migrating_leaves_a_feed_that_goes_on_as_it_is(world: World) -> None:
    world.new_wallet(5)

    migrate_again(world)

    assert world.query("SELECT shift FROM feed") == [(0,)]


def test_what_was_final_before_there_were_events_gets_them_in_the_order_of_its_verdict(world: World) -> None:
    rich, poor = world.new_wallets(100, 0)
    later, sooner, queued = transfer(rich, poor, 1), transfer(rich, poor, 1000), deposit(poor, 1)
    for sent in (sooner, later):
        world.submit(sent)
        world.drain()
    world.submit(queued)
    expected = shown(world)
    world.query("DROP TABLE events, feed")
    world.query("ALTER TABLE transfers DROP COLUMN moment, DROP COLUMN ordinal")
    world.query("DROP FUNCTION feed_moment, feed_horizon CASCADE")
    world.query("DELETE FROM migrations WHERE name = '0004_events'")

    migrate_again(world)
    world.query(
        "ALTER TABLE events ALTER COLUMN moment SET DEFAULT feed_moment()"
    )  # as a later migration does, which is not run again

    assert expected[1:] == [sooner.id, later.id]
    assert shown(world) == expected
    assert audit(world.url).clean
    world.drain()
    assert shown(world) == [*expected, queued.id]
