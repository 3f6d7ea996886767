"""While a snapshot is held, Postgres keeps all that a drain deletes: a look at the queue steps over hardly any of it, and skips
nothing that is queued.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any
from uuid import UUID

import psycopg
import pytest

from core import ids
from core.admin.audit import audit
from core.admin.migrate import migrate
from core.ledger.sharding import shard_of
from core.postgres.connections import connect_worker
from core.postgres.statements import statement
from core.settings import Settings
from core.transfers import columns_of, packed, special_columns_of
from local.postgres import Postgres
from tests.world import SHARDS, World, deposit, insert_by_hand, transfer, world_on
from worker.ledger.apply import Applier
from worker.ledger.floors import LOOK_AFTER, SWEEPER_STORES_AFTER, WORKER_STORES_AFTER, Floors, Settling
from worker.ledger.sweep import Sweeper

Connection = psycopg.Connection[Any]

DEAD = 100_000
STEPS = 500  # buffers that a look may read; without floors a thousand and more


@pytest.fixture
def applier(world: World) -> Iterator[Applier]:
    with closing(world.applier()) as applier:
        yield applier


@pytest.fixture(autouse=True)
def _look_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the pause between two looks; it only spares the server."""
    monkeypatch.setattr("worker.ledger.floors.LOOK_EVERY_S", 0.0)


@contextmanager
def held_snapshot(world: World) -> Iterator[None]:
    with psycopg.connect(world.owner_url) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.execute("SELECT 1")
        yield


def pass_through(world: World, rows: int, shard: int | None = None) -> None:
    """Let so many rows go through the queue, of one shard or of all; none of them is left."""
    shards = f"n % {SHARDS}" if shard is None else str(shard)
    world.query(f"INSERT INTO queue (shard, transfer_id) SELECT {shards}, gen_random_uuid() FROM generate_series(1, {rows}) n")
    world.query("DELETE FROM queue WHERE NOT EXISTS (SELECT FROM transfers WHERE id = transfer_id)")


def finish(world: World, applier: Applier, wallet: UUID, times: int = 1) -> None:
    """Apply deposits one by one, so that the applier meets what is new in the queue."""
    for _ in range(times):
        sent = deposit(wallet, 1)
        world.submit(sent)
        assert applier.apply([sent.shard], 100).finished == 1


def sweep(world: World, times: int = 3) -> None:
    """Let a sweeper that has just started look around so often."""
    with closing(world.drainer()) as drainer, closing(Sweeper(lambda: connect_worker(world.url), drainer)) as sweeper:
        for _ in range(times):
            sweeper.run_once()


def floors(world: World) -> list[int]:
    return [floor for (floor,) in world.query("SELECT floor FROM shards ORDER BY shard")]


def last_position(world: World) -> int:
    [(position,)] = world.query("SELECT last_value FROM queue_position_seq")
    return int(position)


def steps(connection: Connection, name: str, params: dict[str, object]) -> int:
    """Count the buffers that a statement of core/sql reads: a row that is stepped over costs one, or a part of one."""
    [(plan,)] = connection.execute(b"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + statement(name).encode(), params).fetchall()
    return int(plan[0]["Plan"]["Shared Hit Blocks"] + plan[0]["Plan"]["Shared Read Blocks"])


LOOKS: dict[str, dict[str, object]] = {
    "drain/claim_queue": {"shards": list(range(SHARDS)), "floors": [0] * SHARDS, "limit": 512},
    "sweep/list_waiting_shards": {"waited_s": 2.0},
    "queue/count": {"most": 100_000},
    "queue/count_by_client": {"most": 100_000, "at_least": 1},
    "queue/measure": {},
    "transfers/list_queued": {"before": ids.LAST, "limit": 21},
}


@pytest.mark.parametrize("shard", [None, 3], ids=["all shards", "one shard"])
def test_under_a_held_snapshot_no_look_at_the_queue_steps_over_what_was_drained(world: World, shard: int | None) -> None:
    world.new_wallet(5)
    with held_snapshot(world), closing(connect_worker(world.url)) as connection:
        pass_through(world, DEAD, shard)
        assert steps(connection, "drain/claim_queue", LOOKS["drain/claim_queue"]) > STEPS, "nothing was left to step over"

        sweep(world)

        read = {name: steps(connection, name, params) for name, params in LOOKS.items()}
    assert max(read.values()) <= STEPS, read


def test_under_a_held_snapshot_a_worker_steps_over_what_was_drained_once_at_most(world: World) -> None:
    wallet = world.new_wallet(shard=3)
    with closing(connect_worker(world.url)) as connection, closing(Applier(lambda: connection)) as applier, held_snapshot(world):
        pass_through(world, DEAD, shard=3)
        finish(world, applier, wallet, times=3)
        before = entries_read(world, connection)

        finish(world, applier, wallet, times=5)

        assert entries_read(world, connection) - before <= STEPS


def entries_read(world: World, connection: Connection) -> int:
    """Count the entries of the queue's index that this session, and those that have ended, have read so far."""
    connection.execute("SELECT pg_stat_force_next_flush()")
    [(reads,)] = world.query("SELECT idx_tup_read FROM pg_stat_user_indexes WHERE indexrelname = 'queue_pkey'")
    return int(reads)


def test_a_worker_stores_how_far_it_has_drained_so_that_the_next_one_begins_there(world: World, applier: Applier) -> None:
    wallet = world.new_wallet(shard=3)
    pass_through(world, WORKER_STORES_AFTER, shard=3)

    finish(world, applier, wallet, times=4)

    assert floors(world)[3] > WORKER_STORES_AFTER
    assert floors(world)[:3] == [0] * 3
    assert audit(world.url).clean


def test_a_transaction_that_drew_its_position_early_is_waited_for(world: World, applier: Applier) -> None:
    """Its position is smaller than those that were drained before, and it commits after them."""
    wallet = world.new_wallet(shard=3)
    early, late = deposit(wallet, 5), deposit(wallet, 7)
    with psycopg.connect(world.owner_url) as connection:
        insert_by_hand(connection, early)
        connection.execute("INSERT INTO queue (shard, transfer_id) VALUES (3, %s)", [early.id])
        drained_past(world, applier, wallet)
        connection.commit()
    world.submit(late)

    assert max(floors(world)) <= last_position(world) - SWEEPER_STORES_AFTER
    assert applier.apply([3], 1).finished == 1
    assert world.statuses(early.id, late.id) == [("applied", None), ("queued", None)]
    assert applier.apply([3], 1).finished == 1
    assert audit(world.url).clean


def test_a_prepared_transaction_that_drew_its_position_early_is_waited_for(own_postgres: Postgres) -> None:
    with prepared_possible(own_postgres) as world, closing(world.applier()) as applier:
        wallet = world.new_wallet(shard=3)
        early = deposit(wallet, 5)
        with psycopg.connect(world.owner_url) as connection:
            finish(world, applier, wallet)
            insert_by_hand(connection, early)
            connection.execute("INSERT INTO queue (shard, transfer_id) VALUES (3, %s)", [early.id])
            drained_past(world, applier, wallet, rows=2 * LOOK_AFTER)
            connection.execute("PREPARE TRANSACTION 'early'")
            drained_past(world, applier, wallet)

        world.query("COMMIT PREPARED 'early'")

        assert applier.apply([3], 1).finished == 1
        assert world.statuses(early.id) == [("applied", None)]
        assert audit(world.url).clean


def test_what_strangers_hold_open_keeps_no_floor_down(own_postgres: Postgres) -> None:
    with prepared_possible(own_postgres) as world, closing(world.applier()) as applier:
        wallet = world.new_wallet(shard=3)
        with (
            psycopg.connect(world.owner_url) as open,
            psycopg.connect(own_postgres.url("postgres")) as another,
            held_snapshot(world),
        ):
            open.execute("UPDATE keys SET last_used_at = now()")
            open.execute("CREATE TABLE of_a_stranger (id integer)")
            another.execute("CREATE TABLE of_a_stranger (id integer)")
            with psycopg.connect(world.owner_url) as prepared:
                prepared.execute("CREATE TABLE of_another (id integer)")
                prepared.execute("PREPARE TRANSACTION 'of another'")

            drained_past(world, applier, wallet)

            assert min(floors(world)) > SWEEPER_STORES_AFTER
            world.query("ROLLBACK PREPARED 'of another'")


@contextmanager
def prepared_possible(server: Postgres) -> Iterator[World]:
    """A world on a server of its own, which allows prepared transactions."""
    server.stop()
    server.settings["max_prepared_transactions"] = "2"
    server.start()
    yield world_on(server)


def drained_past(world: World, applier: Applier, wallet: UUID, rows: int = 2 * SWEEPER_STORES_AFTER) -> None:
    """Drain the wallet's shard, and let workers and sweeper raise what floors they may."""
    pass_through(world, rows, shard=shard_of(wallet, SHARDS))
    finish(world, applier, wallet, times=4)
    sweep(world)


def test_workers_that_take_turns_and_begin_anew_skip_nothing(world: World) -> None:
    source, destination = world.new_wallets(1_000, 0, shard=3)
    with closing(world.applier()) as one, closing(world.applier()) as other:
        for round in range(6):
            sent = [transfer(source, destination, 1) for _ in range(20)]
            world.submit(*sent)
            pass_through(world, 2 * LOOK_AFTER, shard=3)
            for applier in (one, other):
                while applier.apply([3], 7).finished:
                    if round == 3:
                        applier.close()
            assert world.statuses(*(each.id for each in sent)) == [("applied", None)] * 20
        assert one._floors._own[3] > LOOK_AFTER
    order = world.query("SELECT transfer_id FROM entries WHERE wallet_id = %s AND amount < 0 ORDER BY version", source)
    assert len(order) == 120
    assert audit(world.url).clean


def test_a_drain_that_fails_raises_no_floor(world: World, applier: Applier) -> None:
    wallet = world.new_wallet(shard=3)
    pass_through(world, 2 * LOOK_AFTER, shard=3)
    finish(world, applier, wallet, times=3)
    before = applier._floors._own[3]
    sent = deposit(wallet, 1)
    world.submit(sent)
    world.query("ALTER TABLE entries ADD CONSTRAINT refused CHECK (amount <> 1) NOT VALID")

    with pytest.raises(psycopg.errors.CheckViolation):
        applier.apply([3], 100)

    assert before > LOOK_AFTER
    assert applier._floors._own[3] == before
    world.query("ALTER TABLE entries DROP CONSTRAINT refused")
    assert applier.apply([3], 100).finished == 1


def test_a_new_session_knows_nothing_of_the_floors_of_the_one_before(world: World, applier: Applier) -> None:
    """The server may have been restored between them, and count its positions anew."""
    wallet = world.new_wallet(shard=3)
    pass_through(world, 2 * LOOK_AFTER, shard=3)
    finish(world, applier, wallet, times=3)
    assert applier._floors._own[3] > LOOK_AFTER
    applier.close()
    world.query("ALTER SEQUENCE queue_position_seq RESTART WITH 100")

    finish(world, applier, wallet)

    assert audit(world.url).clean


@pytest.mark.parametrize("damage", ["floor above a queued row", "sequence that begins anew"])
def test_a_floor_that_is_not_true_is_named_by_the_audit_and_healed_by_a_migration(
    world: World, applier: Applier, damage: str
) -> None:
    wallet = world.new_wallet(shard=3)
    sent = deposit(wallet, 1)
    world.query("SELECT setval('queue_position_seq', 1000)")
    if damage == "floor above a queued row":
        world.submit(sent)
        world.query("UPDATE shards SET floor = 1002")
    else:
        world.query("UPDATE shards SET floor = 900")
        finish(world, applier, wallet)
        world.query("SELECT setval('queue_position_seq', 500)")
    assert applier.apply([3], 100).finished == 0
    assert audit(world.url).counts["floors"] > 0

    migrate(Settings.model_validate({"DATABASE_URL": world.url, "TELLER_ADMIN_DATABASE_URL": world.owner_url}))
    if damage != "floor above a queued row":
        world.submit(sent)

    assert audit(world.url).clean
    assert applier.apply([3], 100).finished + applier.apply([3], 100).finished == 1, "the first finds that the floor was lowered"
    assert world.statuses(sent.id) == [("applied", None)]


def test_a_restart_of_the_server_in_the_midst_of_a_drain_skips_nothing(own_postgres: Postgres) -> None:
    world = world_on(own_postgres)
    wallet = world.new_wallet(shard=3)
    with closing(world.applier()) as applier:
        drained_past(world, applier, wallet)
        sent = [deposit(wallet, 1) for _ in range(50)]
        world.submit(*sent)
        applier.apply([3], 20)
        own_postgres.kill()
        own_postgres.start()
        with pytest.raises(psycopg.OperationalError):
            applier.apply([3], 20)

        while applier.apply([3], 20).finished:
            pass

    assert world.statuses(*(one.id for one in sent)) == [("applied", None)] * 50
    assert audit(world.url).clean


def test_what_is_settled_waits_for_the_transactions_that_wrote_when_it_was_noted() -> None:
    settling = Settling()
    settling.saw(5_000)
    settling.look(["1/7", "2/3"], now=1.0)
    assert settling.settled == 0

    settling.saw(9_000)
    settling.look(["2/3", "4/4"], now=2.0)
    assert settling.settled == 0

    settling.look(["2/4", "4/4"], now=3.0)
    assert settling.settled == 5_000

    settling.look([], now=4.0)
    assert settling.settled == 9_000


def test_a_floor_never_passes_what_a_claim_left() -> None:
    floors = Floors()
    floors.settling.saw(1_000)
    floors.settling.look([], now=1.0)
    assert floors.begin_claim([3, 4]) == [0, 0]
    floors.locked({3: 10})

    floors.drained(3, [40, 50], is_all=False)
    assert floors.begin_claim([3, 4]) == [51, 0]

    floors.drained(3, [60], is_all=True)
    assert floors.begin_claim([3]) == [1_001]


def test_what_is_settled_during_a_claim_raises_no_floor_by_it() -> None:
    """The claim's snapshot may be older, and lack what has been committed since."""
    floors = Floors()
    floors.begin_claim([3])
    floors.locked({3: 10})
    floors.settling.saw(1_000)
    floors.settling.look([], now=1.0)

    floors.drained(3, [], is_all=True)

    assert floors.begin_claim([3]) == [10]


def test_a_floor_that_a_migration_has_lowered_is_heeded_and_nothing_else_is_believed_any_more() -> None:
    floors = Floors()
    floors.settling.saw(1_000)
    floors.settling.look([], now=1.0)
    floors.begin_claim([3, 4])
    floors.locked({3: 10, 4: 10})
    floors.drained(3, [], is_all=True)

    floors.begin_claim([3, 4])
    floors.locked({3: 5, 4: 10})
    floors.drained(3, [], is_all=True)

    assert floors.begin_claim([3, 4]) == [5, 10]


@pytest.mark.parametrize("insert", ["transfers/insert", "transfers/insert_special"])
def test_under_a_held_snapshot_no_acceptance_meets_the_old_versions_of_a_wallet(world: World, insert: str) -> None:
    source, destination = world.new_wallets(10, 10)
    submission = transfer(source, destination, 1)
    columns = columns_of if insert == "transfers/insert" else special_columns_of
    params = dict(packed(columns([submission])))

    with held_snapshot(world), psycopg.connect(world.owner_url) as connection:

        def accept() -> int:
            try:
                return steps(connection, insert, params)
            finally:
                connection.rollback()

        accept()  # reads the catalogue
        before = accept()
        for _ in range(200):
            world.query("UPDATE wallets SET version = version WHERE kind = 'client'")

        assert accept() <= before + 2
