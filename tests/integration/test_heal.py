"""What `migrate` mends, and what it only names: damage done as the owner, which no right and hardly a constraint stops."""

import re

import psycopg
import pytest

from core import ids
from core.admin import locks
from core.admin.audit import audit
from core.admin.locks import MIGRATION_LOCK
from core.admin.migrate import migrate
from core.errors import CannotDo
from core.postgres.statements import statement
from core.settings import Settings
from tests import commands
from tests.integration.test_due import later
from tests.world import World, capture, closure, deposit, hold, multi_leg, release, transfer, whole_reversal

FAR = 2**61 - 1


def environment(world: World) -> dict[str, str]:
    return {"DATABASE_URL": world.url, "TELLER_ADMIN_DATABASE_URL": world.owner_url, "TELLER_OPERATOR_KEY": "k" * 40}


def mend(world: World, *, repair: bool = False) -> None:
    migrate(Settings.model_validate(environment(world)), repair=repair)


def run_core(world: World, *argv: str) -> tuple[int, str]:
    """Return the command's exit status and what it said on standard error."""
    done = commands.core(*argv, environment=environment(world))
    return done.status, done.err


def assert_goes_on(world: World) -> None:
    """A deposit becomes final, and nothing is damaged any more."""
    assert world.balance(world.new_wallet(5)) == 5
    assert audit(world.url).clean


@pytest.mark.parametrize(
    "damage",
    [
        f"INSERT INTO events (moment, transfer_ids) VALUES ({FAR}, ARRAY[gen_random_uuid()])",
        "DELETE FROM feed",
        "UPDATE feed SET shift = 1152921504606846976 - 1",
        "DELETE FROM shards WHERE shard = 3",
        "DELETE FROM shards",
        "DELETE FROM wallets WHERE kind = 'external'",
        "INSERT INTO queue (shard, transfer_id) SELECT 99, id FROM transfers",
        "INSERT INTO due (wallet_id, transfer_id, shard, due_at) SELECT destination, id, 0, 'now' FROM transfers",
        "INSERT INTO due (wallet_id, transfer_id, verb, shard, due_at) SELECT destination, id, 'release', 0, 'now' FROM transfers",
    ],
)
def test_what_an_owners_statement_broke_is_mended_by_the_next_migration(
    world: World, capsys: pytest.CaptureFixture[str], damage: str
) -> None:
    world.new_wallets(7, 8, 9)
    world.query(damage)

    mend(world)

    assert "shift" in damage or "warning: " in capsys.readouterr().err.replace("warning: the role", "")
    assert_goes_on(world)
    assert world.query("SELECT count(*) FROM shards") == [(16,)]


@pytest.mark.parametrize("damage", [f"INSERT INTO events (moment, transfer_ids) VALUES ({2**63 - 1}, ARRAY[gen_random_uuid()])"])
def test_what_was_written_before_the_constraints_came_is_mended_too(world: World, damage: str) -> None:
    world.query("ALTER TABLE events DROP CONSTRAINT moment_within_reach")
    world.query(damage)

    mend(world)

    assert_goes_on(world)


def test_a_feed_beyond_all_reach_is_put_back_behind_its_events(world: World) -> None:
    world.new_wallet(7)
    world.query("ALTER TABLE feed DROP CONSTRAINT shift_within_reach")
    world.query("UPDATE feed SET shift = 9223372036854775807")

    mend(world)

    assert_goes_on(world)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (
            (
                f"WITH e AS (UPDATE events SET moment = {FAR} WHERE moment = (SELECT max(moment) FROM events) RETURNING *)"
                " UPDATE transfers t SET moment = e.moment FROM e WHERE t.id = ANY (e.transfer_ids)"
            ),
            f"teller: an event stands at the moment {FAR}, which no transaction of any server reaches",
        ),
        ("INSERT INTO shards (shard) VALUES (16)", "teller: there are 17 shards and the last has the number 16"),
        (
            (
                "ALTER TABLE wallets DROP CONSTRAINT balance_within_limit;"
                " ALTER TABLE entries DROP CONSTRAINT amount_within_limits;"
                " DELETE FROM wallets WHERE kind = 'external';"
                " INSERT INTO entries (wallet_id, version, transfer_id, amount, balance_after)"
                " SELECT '00000000-0000-7000-8000-000000000000', n + 100, gen_random_uuid(), 9223372036854775807, 1"
                " FROM generate_series(1, 2) n"
            ),
            "teller: the database holds what no process of Teller writes (bigint out of range)",
        ),
    ],
)
def test_what_cannot_be_mended_is_said_in_a_line_and_not_in_a_traceback(world: World, damage: str, said: str) -> None:
    world.new_wallets(7)
    for command in damage.split("; "):
        world.query(command)

    status, errors = run_core(world, "migrate")

    assert status == 2
    assert "Traceback" not in errors
    assert [line for line in errors.splitlines() if line.startswith(said)]


def test_a_repair_makes_the_queue_and_the_balances_follow_from_transfers_and_entries(world: World) -> None:
    rich, poor = world.new_wallets(100, 5, shard=3)
    first, second = transfer(rich, poor, 10), transfer(rich, poor, 20)
    world.submit(first)
    world.submit(second)
    world.query("DELETE FROM queue")
    world.query("UPDATE wallets SET balance = 77, version = version + 3 WHERE id = %s", rich)

    mend(world)
    assert not audit(world.url).clean
    mend(world, repair=True)

    assert audit(world.url).clean
    world.drain()
    assert world.balance(rich) == 70
    assert world.query("SELECT transfer_id FROM entries WHERE wallet_id = %s ORDER BY version", poor)[1:] == [
        (first.id,),
        (second.id,),
    ]


def test_a_repair_makes_holds_their_ends_and_appointments_follow_from_transfers(world: World) -> None:
    rich, poor = world.new_wallets(100, 0)
    placed, closed, appointed = hold(rich, poor, 50), hold(rich, poor, 20), transfer(rich, poor, 1, terms=later())
    world.submit(placed, closed, capture(placed, 10), release(placed, 5), capture(closed, 5, closes=True), appointed)
    world.drain()
    tables = [
        "SELECT transfer_id, wallet_id, verb, shard, due_at FROM due ORDER BY 1",
        "SELECT id, balance, held, version FROM wallets ORDER BY 1",
        "SELECT id, captured, returned FROM transfers ORDER BY 1",
    ]
    before = [world.query(table) for table in tables]
    world.query("UPDATE due SET due_at = 'infinity' WHERE transfer_id = %s", placed.id)
    world.query("DELETE FROM due WHERE transfer_id = %s", appointed.id)
    world.query("UPDATE transfers SET captured = 1, returned = NULL WHERE id = ANY(%s)", [placed.id, closed.id])
    world.query("UPDATE wallets SET held = 3 WHERE id = %s", rich)

    mend(world)
    assert not audit(world.url).clean
    mend(world, repair=True)

    assert audit(world.url).clean
    assert [world.query(table) for table in tables] == before


def test_a_repair_makes_rules_and_what_counts_follow_from_history_and_transfers(world: World) -> None:
    spender, frozen, closed, payee = world.new_wallets(100, 10, 0, 0)
    world.change(frozen, frozen="all")
    world.change(spender, limits={"debits_per_day_max": 50, "debit_max": 20})
    paid, placed = transfer(spender, payee, 10), hold(spender, payee, 20)
    world.submit(paid, placed, release(placed, 5), closure(closed))
    world.drain()
    tables = [
        (
            "SELECT id, status, guard, frozen, debit_max, debits_per_day_max, counted_since IS NULL, counted_day, debits_today,"
            " debits_this_month FROM wallets ORDER BY 1"
        ),
        "SELECT id, counted_on FROM transfers ORDER BY 1",
    ]
    before = [world.query(table) for table in tables]
    world.query("UPDATE wallets SET frozen = NULL, guard = NULL WHERE id = %s", frozen)
    world.query("UPDATE wallets SET status = 'active', guard = NULL WHERE id = %s", closed)
    world.query(
        "UPDATE wallets SET debits_per_day_max = NULL, debit_max = NULL, debits_today = 1, debits_this_month = 1, frozen = 'all'"
        " WHERE id = %s",
        spender,
    )
    world.query("UPDATE transfers SET counted_on = NULL WHERE id = %s", paid.id)
    assert {"rules", "limits", "closures"} == {check for check, count in audit(world.url).counts.items() if count}

    mend(world, repair=True)

    assert audit(world.url).clean, "\n".join(audit(world.url).lines())
    assert [world.query(table) for table in tables] == before


def test_a_repair_notes_that_lines_count_for_each_debited_wallet_that_has_limits(world: World) -> None:
    free, limited, payee = world.new_wallets(100, 100, 0)
    world.change(limited, limits={"debits_per_day_max": 50})
    split = multi_leg({free: 10, limited: 20}, {payee: 30})
    world.submit(split, transfer(free, limited, 1))
    world.drain()
    counted = "SELECT id, counted_on FROM transfers ORDER BY 1"
    before = world.query(counted)
    world.query("UPDATE transfers SET counted_on = NULL WHERE id = %s", split.id)
    world.query("UPDATE wallets SET debits_today = 0, debits_this_month = 0 WHERE id = %s", limited)

    mend(world, repair=True)

    assert audit(world.url).clean
    assert world.query(counted) == before


def test_a_repair_of_what_counts_compares_no_wallet_with_all_transfers(world: World) -> None:
    """A plan without the condition by which it finds a wallet takes hours from some hundred thousand rows on."""
    for name in ("heal/repair_counted", "heal/repair_counters"):
        plan = "\n".join(line for (line,) in world.query(f"EXPLAIN {statement(name)}"))

        assert re.search(r"(Hash|Merge|Index) Cond: .*wallet_id", plan), plan


def test_a_repair_makes_parties_and_what_is_left_to_reverse_follow_from_lines(world: World) -> None:
    rich, *others = world.new_wallets(100, *[0] * 4)
    kept, undone = (multi_leg({rich: 10}, {others[0]: 1, others[1]: 2, others[2]: 3, others[3]: 4}) for _ in range(2))
    world.submit(kept, undone)
    world.drain()
    world.submit(whole_reversal(undone))
    world.drain()
    tables = [
        "SELECT wallet_id, transfer_id FROM parties ORDER BY 1, 2",
        "SELECT id, returned, unreversed FROM transfers WHERE wallet_ids IS NOT NULL ORDER BY 1",
    ]
    before = [world.query(table) for table in tables]
    world.query("DELETE FROM parties WHERE wallet_id = %s", others[3])
    world.query("INSERT INTO parties (wallet_id, transfer_id) VALUES (%s, %s)", rich, kept.id)
    world.query("UPDATE transfers SET returned = NULL, unreversed = 10 WHERE id = %s", undone.id)

    mend(world, repair=True)

    assert audit(world.url).clean
    assert [world.query(table) for table in tables] == before


def test_a_repair_makes_identities_follow_from_wallets(world: World) -> None:
    one, other = world.new_wallets(1, 2)
    before = world.query("SELECT * FROM wallet_identities ORDER BY id")
    world.query("DELETE FROM wallet_identities WHERE id = %s", one)
    world.query("UPDATE wallet_identities SET kind = 'external' WHERE id = %s", other)
    world.query("INSERT INTO wallet_identities VALUES (gen_random_uuid(), 'client', 'USD')")
    assert audit(world.url).counts["wallets"] == 3

    mend(world, repair=True)

    assert world.query("SELECT * FROM wallet_identities ORDER BY id") == before
    assert audit(world.url).clean


def test_nothing_of_a_whole_database_is_mended(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    rich, poor = world.new_wallets(100, 5)
    split = multi_leg({rich: 5}, {poor: 3, world.new_wallet(): 2})
    world.submit(hold(rich, poor, 10), transfer(rich, poor, 1, terms=later()), split)
    world.drain()
    world.submit(transfer(rich, poor, 10), deposit(poor, 1), whole_reversal(split))
    world.change(poor, frozen="debits", limits={"debits_per_day_max": 9})
    tables = ("transfers", "parties", "queue", "due", "wallets", "wallet_changes", "shards", "feed", "events", "entries")
    before = [world.query(f"SELECT ctid, * FROM {table} ORDER BY ctid") for table in tables]

    mend(world)
    mend(world, repair=True)

    assert [world.query(f"SELECT ctid, * FROM {table} ORDER BY ctid") for table in tables] == before
    said = [line for line in capsys.readouterr().err.splitlines() if "warning: the role" not in line]
    assert said == [
        (
            "warning: repaired: 0 queued transfers had no place in the queue, 0 times at which something is due were wrong,"
            " 0 transfers did not say what their children took, 0 wallets had not the balance of their entries, or had not reserved"
            " what their holds have left, 0 wallets had not the rules of their history, 0 wallets or transfers did not count what"
            " their limits need, 0 parties were missing or of no line, and 0 identities were not those of their wallets"
        )
    ]


def test_an_audit_that_a_lock_keeps_waiting_ends_and_says_what_holds_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.admin.audit.LOCK_WITHIN_S", 0.3)
    with psycopg.connect(world.url) as holder:
        pid, role = holder.info.backend_pid, holder.info.user
        holder.execute("LOCK TABLE queue")

        with pytest.raises(CannotDo) as said:
            audit(world.url)

    expected = f"a table is locked that the audit reads: process {pid} of the role {role} holds AccessExclusiveLock on queue since "
    assert str(said.value).startswith(expected)
    assert str(said.value).endswith(", last statement LOCK")
    assert audit(world.url).clean


def test_the_holders_of_a_role_that_may_not_be_looked_into_are_named_all_the_same(world: World) -> None:
    with psycopg.connect(world.owner_url) as holder, psycopg.connect(world.url, autocommit=True) as asking:
        pid, role = holder.info.backend_pid, holder.info.user
        holder.execute("LOCK TABLE entries")

        said = locks.holders(asking, locks.READING)

    assert said == f"process {pid} of the role {role} holds AccessExclusiveLock on entries"


def test_an_audit_ends_with_the_time_that_it_is_given_and_status_2(world: World) -> None:
    status, errors = run_core(world, "audit", "--within", "0.001")

    assert (status, errors) == (2, "teller: the audit did not end within 0.001 s; give it longer with --within SECONDS\n")
    for wrong in ("0", "-1", "nan", "soon"):
        assert run_core(world, "audit", "--within", wrong)[0] == 2


def test_a_migration_that_a_lock_keeps_waiting_ends_and_says_what_holds_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.admin.migrate.LOCK_WITHIN_S", 0.3)
    monkeypatch.setattr("core.admin.migrate.MIGRATION_LOCK_WITHIN_S", 0.3)
    with psycopg.connect(world.url) as holder:
        pid = holder.info.backend_pid
        holder.execute("SELECT pg_advisory_lock(%s)", [MIGRATION_LOCK])
        with pytest.raises(CannotDo, match=f"process {pid} of the role .* holds ExclusiveLock on migration"):
            mend(world)
        holder.execute("SELECT pg_advisory_unlock(%s)", [MIGRATION_LOCK])
        holder.execute("LOCK TABLE queue")
        with pytest.raises(CannotDo, match=f"process {pid} of the role .* holds AccessExclusiveLock on queue"):
            mend(world)
    mend(world)


def test_an_external_wallet_is_made_again_with_what_its_entries_say(world: World) -> None:
    wallet = world.new_wallet(7, shard=3)
    external = ids.external_wallet(3)
    before = world.query("SELECT balance, version FROM wallets WHERE id = %s", external)
    world.query("DELETE FROM wallets WHERE id = %s", external)

    mend(world)

    assert world.query("SELECT balance, version FROM wallets WHERE id = %s", external) == before == [(-7, 1)]
    world.submit(deposit(wallet, 1))
    assert world.drain() == 1
