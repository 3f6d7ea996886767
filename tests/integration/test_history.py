"""A checkpoint shows whether what came before it was changed, and mistakes nothing that comes late for a change."""

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from core import ids
from core.admin import checkpoint, checkpoint_file, history, since
from core.admin.audit import audit
from core.admin.checkpoint_file import Checkpoint
from core.admin.since import Depth, Report, audit_since
from core.errors import CannotDo
from core.postgres.statements import statement
from tests import commands
from tests.databases import Databases
from tests.world import World, capture, hold, multi_leg, release, reversal, transfer, whole_reversal, withdrawal

KEY = b"k" * 32
FULL = Depth(full=True)


@dataclass(frozen=True)
class Known:
    """A ledger in which all kinds of transfers became final, and its checkpoint."""

    world: World
    checkpoint: Checkpoint
    rich: UUID
    poor: UUID
    idle: UUID
    applied: UUID
    rejected: UUID


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Segments and ranges so small that these ledgers have several."""
    monkeypatch.setattr(history, "SEGMENT_TRANSFERS", 4)
    monkeypatch.setattr(history, "RANGE_WALLETS", 5)


@pytest.fixture(scope="module")
def known_once(databases: Databases) -> Known:
    """The ledger of which each test has a copy."""
    url = databases.migrated()
    world = World(url, databases.owner_url(url))
    rich, poor, idle = world.new_wallets(1000, 10, 500, shard=5)
    applied, rejected = transfer(rich, poor, 300, reference="inv-1"), transfer(poor, rich, 9000)
    reserved, paid = hold(rich, poor, 200), withdrawal(rich, 50)
    children = [capture(reserved, 120), release(reserved, 30), reversal(applied, 100), reversal(paid, 50), transfer(poor, rich, 1)]
    for sent in (applied, rejected, reserved, paid, *children):
        world.submit(sent)
        world.drain()
    monkey = pytest.MonkeyPatch()
    monkey.setattr(history, "SEGMENT_TRANSFERS", 4)
    monkey.setattr(history, "RANGE_WALLETS", 5)
    made = made_of(world)
    monkey.undo()
    return Known(world, made, rich, poor, idle, applied.id, rejected.id)


@pytest.fixture
def known(databases: Databases, known_once: Known) -> Iterator[Known]:
    url = databases.copy(known_once.world.url)
    yield replace(known_once, world=World(url, databases.owner_url(url)))
    databases.release(url)


def made_of(world: World, earlier: Checkpoint | None = None) -> Checkpoint:
    made, report = checkpoint.make(world.url, earlier)
    assert made is not None, "\n".join(report.lines()) if report else "no checkpoint"
    return made


def broken(world: World, made: Checkpoint, depth: Depth = Depth()) -> set[str]:  # noqa: B008  # it is frozen
    """Return the checks that see damage."""
    report = audit_since(world.url, made, depth)
    return {check for check, count in report.counts.items() if count}


def lines_of(report: Report) -> str:
    return "\n".join(report.lines())


def tamper(world: World, *statements: str, **params: object) -> None:
    """Do what only the owner of the tables may, and without triggers."""
    with psycopg.connect(world.owner_url) as connection:
        connection.execute("SET session_replication_role = replica")
        for statement in statements:
            assert connection.execute(statement.encode(), params).rowcount > 0, statement


def test_an_untouched_history_is_clean_whatever_is_read_again(known: Known) -> None:
    for depth in (Depth(), FULL, Depth(part=2, parts=2), Depth(sample=1)):
        report = audit_since(known.world.url, known.checkpoint, depth)

        assert report.clean, lines_of(report)
    assert lines_of(report).endswith("1 of 3 segments of the history read again")


def test_a_checkpoint_says_what_the_history_consists_of(known: Known) -> None:
    made, world = known.checkpoint, known.world
    usd = made.currencies["USD"]
    [(transfers, entries)] = world.query("SELECT (SELECT count(*) FROM transfers), (SELECT count(*) FROM entries)")
    [(clients,)] = world.query("SELECT sum(balance) FROM wallets WHERE kind = 'client'")
    [(last,)] = world.query("SELECT transfer_ids[cardinality(transfer_ids)] FROM events ORDER BY moment DESC LIMIT 1")

    assert (usd.transfers, usd.applied, usd.rejected, usd.canceled) == (transfers, transfers - 1, 1, 0)
    assert (usd.entries, usd.sum, usd.paid_out) == (entries, 0, -clients)
    assert made.last_event is not None
    assert made.last_event.id == usd.last_event.id == ids.text(ids.Prefix.EVENT, last)
    assert sum(segment.entries for segment in made.segments) == sum(heads.entries for heads in made.heads) == entries
    assert made.segments[0].transfers == 4
    assert sum(heads.wallets for heads in made.heads) == 4  # three clients' and an external one
    assert {(chain.currency, chain.shard) for chain in made.chains} == {("USD", 5)}


def test_a_chain_can_be_computed_by_hand(known: Known) -> None:
    """The chain's digest is the one that the documentation describes: from the digests of the segments' groups."""
    digest = bytes(32)
    with psycopg.connect(known.world.owner_url) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for start, segment in zip(history.starts_of(known.checkpoint.segments), known.checkpoint.segments, strict=True):
            [part] = history.read_segment(connection, start, segment.last_moment)
            digest = hashlib.sha256(digest + part.digest).digest()

    assert [chain.digest for chain in known.checkpoint.chains] == [digest.hex()]


# A transfer of 7 from rich to poor with its entries and balances: every sum is right, and so is each chain.
INVENTED = [
    (
        "INSERT INTO transfers (id, type, status, source, destination, amount, currency, metadata, owner, idempotency_key,"
        " fingerprint, shard, created_at, finished_at, moment, ordinal)"
        " SELECT %(invented)s, 'transfer', 'applied', %(rich)s, %(poor)s, 7, 'USD', '{{}}', 'operator', 'mine', sha256('x'), 5,"
        " created_at, finished_at, {moment}, {ordinal} FROM transfers WHERE id = %(applied)s"
    ),
    (
        "INSERT INTO entries (wallet_id, version, transfer_id, amount, balance_after, created_at)"
        " SELECT w.id, w.version + 1, %(invented)s, change.amount, w.balance + change.amount, e.created_at"
        " FROM (VALUES (%(rich)s::uuid, -7), (%(poor)s, 7)) change (id, amount) JOIN wallets w ON w.id = change.id"
        " JOIN entries e ON e.transfer_id = %(applied)s AND e.wallet_id = w.id"
    ),
    (
        "UPDATE wallets w SET version = e.version, balance = e.balance_after FROM entries e"
        " WHERE e.transfer_id = %(invented)s AND e.wallet_id = w.id"
    ),
]


def invented(moment: str, ordinal: str, event: str) -> list[str]:
    return [INVENTED[0].format(moment=moment, ordinal=ordinal), *INVENTED[1:], event]


AN_EVENT = "INSERT INTO events (moment, transfer_ids) VALUES ({moment}, ARRAY[%(invented)s::uuid])"
A_DAY_EARLIER = (
    "UPDATE transfers SET created_at = created_at - interval '1 day', finished_at = finished_at - interval '1 day' WHERE id = {id}"
)
ROW = "(SELECT moment FROM transfers WHERE id = %(applied)s)"
LAST = "(SELECT max(moment) FROM events)"

# What is done to the history, and what sees it: of an audit since the checkpoint, and of one that reads all of it again.
TAMPERED: dict[str, tuple[list[str], set[str], set[str]]] = {
    "a transfer invented, with an event before all others": (
        invented("-5", "1", AN_EVENT.format(moment="-5")),
        {"ranges"},
        {"ranges", "segments"},
    ),
    "a transfer invented, at the end of an old event": (
        invented(
            ROW,
            "2",
            "UPDATE events SET transfer_ids = transfer_ids || %(invented)s::uuid WHERE %(applied)s = ANY (transfer_ids)",
        ),
        {"ranges"},
        {"ranges", "segments"},
    ),
    "a transfer invented behind the checkpoint's last event, and dated before it": (
        [
            *invented(f"{LAST} + 1", "1", AN_EVENT.format(moment=f"{LAST} + 1")),
            A_DAY_EARLIER.format(id="%(invented)s"),
        ],
        {"dates"},
        {"dates"},
    ),
    "a transfer invented without an event": (
        invented("-5", "1", "SELECT 1"),
        {"ranges"},
        {"ranges"},
    ),
    "an entry changed, with all sums of the wallets as before": (
        [
            "UPDATE entries SET amount = amount + 1, balance_after = balance_after + 1 WHERE wallet_id = %(rich)s AND version = 2",
            "UPDATE entries SET amount = amount - 1 WHERE wallet_id = %(rich)s AND version = 3",
        ],
        set(),
        {"segments"},
    ),
    "an amount changed, with all that follows from it": (
        [
            "UPDATE transfers SET amount = amount + 7 WHERE id = %(applied)s",
            "UPDATE entries SET amount = amount + sign(amount) * 7 WHERE transfer_id = %(applied)s",
            (
                "UPDATE entries e SET balance_after = e.balance_after + sign(changed.amount) * 7 FROM entries changed"
                " WHERE changed.transfer_id = %(applied)s AND e.wallet_id = changed.wallet_id AND e.version >= changed.version"
            ),
            (
                "UPDATE wallets w SET balance = balance + sign(changed.amount) * 7 FROM entries changed"
                " WHERE changed.transfer_id = %(applied)s AND w.id = changed.wallet_id"
            ),
        ],
        {"ranges"},
        {"ranges", "segments"},
    ),
    "an old entry removed": (
        ["DELETE FROM entries WHERE wallet_id = %(rich)s AND version = 2"],
        set(),
        {"segments"},
    ),
    "the newest entry of a wallet removed": (
        ["DELETE FROM entries WHERE wallet_id = %(idle)s"],
        {"heads"},
        {"heads", "segments"},
    ),
    "a deposit removed, with its event and all that followed from it": (
        [
            (
                "UPDATE events SET transfer_ids = array_remove(transfer_ids, e.transfer_id) FROM entries e"
                " WHERE e.wallet_id = %(idle)s AND e.transfer_id = ANY (transfer_ids)"
            ),
            (
                "UPDATE wallets w SET version = w.version - 1, balance = w.balance - e.amount FROM entries e"
                " WHERE e.wallet_id = w.id AND e.transfer_id = (SELECT transfer_id FROM entries WHERE wallet_id = %(idle)s)"
            ),
            "DELETE FROM transfers WHERE id = (SELECT transfer_id FROM entries WHERE wallet_id = %(idle)s)",
            "DELETE FROM entries WHERE transfer_id = (SELECT transfer_id FROM entries WHERE wallet_id = %(idle)s)",
        ],
        {"ranges", "heads"},
        {"ranges", "heads", "segments"},
    ),
    "an entry added to an old transfer, without the wallet": (
        [
            (
                "INSERT INTO entries (wallet_id, version, transfer_id, amount, balance_after)"
                " SELECT id, version + 1, %(applied)s, 5, balance + 5 FROM wallets WHERE id = %(idle)s"
            )
        ],
        {"heads"},
        {"heads", "segments"},
    ),
    "an entry added to an old transfer, with the wallet": (
        [
            (
                "INSERT INTO entries (wallet_id, version, transfer_id, amount, balance_after)"
                " SELECT id, version + 1, %(applied)s, 5, balance + 5 FROM wallets WHERE id = %(idle)s"
            ),
            "UPDATE wallets SET version = version + 1, balance = balance + 5 WHERE id = %(idle)s",
        ],
        {"ranges"},
        {"ranges", "segments"},
    ),
    "an old transfer's reference changed": (
        ["UPDATE transfers SET reference = 'inv-2' WHERE id = %(applied)s"],
        set(),
        {"segments"},
    ),
    "an old transfer's metadata given a null": (
        ["UPDATE transfers SET metadata = '{\"a\": null}' WHERE id = %(applied)s"],
        set(),
        {"segments"},
    ),
    "a rejected transfer's reason changed": (
        ["UPDATE transfers SET failure_code = 'internal' WHERE id = %(rejected)s"],
        set(),
        {"segments"},
    ),
    "two old events exchanged": (
        [
            (
                "UPDATE events SET transfer_ids = ARRAY[CASE transfer_ids[1] WHEN %(applied)s THEN %(rejected)s"
                " ELSE %(applied)s END::uuid] WHERE transfer_ids[1] IN (%(applied)s, %(rejected)s)"
            ),
            (
                "UPDATE transfers t SET moment = e.moment FROM events e WHERE e.transfer_ids[1] = t.id"
                " AND t.id IN (%(applied)s, %(rejected)s)"
            ),
        ],
        set(),
        {"segments"},
    ),
    "an old transfer that is gone": (["DELETE FROM transfers WHERE id = %(applied)s"], set(), {"segments"}),
    "the feed cut off": (
        [f"DELETE FROM events WHERE moment = {LAST}"],
        {"places"},
        {"places", "segments"},
    ),
    "the feed emptied": (["DELETE FROM events"], {"places"}, {"places", "segments"}),
    "the last event given to another transfer": (
        [f"UPDATE events SET transfer_ids = ARRAY[%(invented)s::uuid] WHERE moment = {LAST}"],
        {"places"},
        {"places", "segments"},
    ),
    "a wallet that is gone": (["DELETE FROM wallets WHERE id = %(idle)s"], {"ranges"}, {"ranges"}),
    "a balance changed": (
        ["UPDATE wallets SET balance = balance + 1 WHERE id = %(idle)s"],
        {"heads", "ranges"},
        {"heads", "ranges"},
    ),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_a_change_of_the_history_is_seen_by_exactly_the_checks_it_concerns(known: Known, what: str) -> None:
    statements, seen_since, seen_in_full = TAMPERED[what]
    names = {name: getattr(known, name) for name in ("rich", "poor", "idle", "applied", "rejected")}

    tamper(known.world, *statements, **names, invented=ids.mint())

    assert broken(known.world, known.checkpoint) == seen_since
    assert broken(known.world, known.checkpoint, FULL) == seen_in_full


def test_a_feed_that_was_cut_off_loses_the_ends_of_its_segments(known: Known) -> None:
    tamper(known.world, "DELETE FROM events WHERE moment >= %(moment)s", moment=known.checkpoint.segments[0].last_moment)

    report = audit_since(known.world.url, known.checkpoint, Depth())

    assert report.counts["places"] == len(known.checkpoint.segments) + 1  # and the last event of the currency
    assert "which ends a segment of the checkpoint, is gone" in lines_of(report)


def test_an_invented_transfer_that_the_audit_calls_clean_is_seen_against_a_checkpoint(known: Known) -> None:
    world = known.world
    names = {"rich": known.rich, "poor": known.poor, "applied": known.applied, "invented": ids.mint()}
    tamper(world, *invented("-5", "1", AN_EVENT.format(moment="-5")), **names)

    report = audit_since(world.url, known.checkpoint, Depth())

    assert audit(world.url).clean
    assert not report.clean
    assert "BROKEN  before what came later, each wallet had as many entries" in lines_of(report)
    assert "the USD wallets from the first on" in lines_of(report) or "the USD wallets from wal_" in lines_of(report)


AS_THE_APPLICATION = [
    (
        "INSERT INTO transfers (id, type, source, destination, amount, currency, metadata, owner, idempotency_key, fingerprint,"
        " shard) VALUES (%(invented)s, 'deposit', %(external)s, %(idle)s, 7, 'USD', '{}', 'operator', 'mine', sha256('x'), 5)"
    ),
    (
        "INSERT INTO entries (wallet_id, version, transfer_id, amount, balance_after)"
        " SELECT w.id, w.version + 1, %(invented)s, change.amount, w.balance + change.amount"
        " FROM (VALUES (%(external)s::uuid, -7), (%(idle)s, 7)) change (id, amount) JOIN wallets w ON w.id = change.id"
    ),
    (
        "UPDATE wallets w SET version = e.version, balance = e.balance_after FROM entries e"
        " WHERE e.transfer_id = %(invented)s AND e.wallet_id = w.id"
    ),
]
FINISHED = (
    "UPDATE transfers SET status = 'applied', finished_at = clock_timestamp(), moment = {moment}, ordinal = 1"
    " WHERE id = %(invented)s"
)


@pytest.mark.parametrize(
    ("moment", "has_event", "seen"),
    [
        ("-5", False, {"ranges"}),  # as if it were old
        ("-5", True, {"events"}),  # the role cannot choose its event's place
        ("feed_moment()", False, {"ranges"}),
        ("feed_moment()", True, set()),  # what the API and a worker write, in their words: it is new, and no more than that
    ],
)
def test_what_the_applications_role_invents_is_seen_or_counted_as_new(
    known: Known, moment: str, has_event: bool, seen: set[str]
) -> None:
    world = known.world
    names = {"idle": known.idle, "external": ids.external_wallet(5), "invented": ids.mint()}
    event = ["INSERT INTO events (transfer_ids) VALUES (ARRAY[%(invented)s::uuid])"] if has_event else []
    with psycopg.connect(world.url) as connection:
        for statement in (*AS_THE_APPLICATION, FINISHED.format(moment=moment), *event):
            connection.execute(statement.encode(), names)

    report = audit_since(world.url, known.checkpoint, Depth())

    assert {check for check, count in report.counts.items() if count} == seen
    if has_event:
        assert "since then, USD: 1 transfers, 2 entries, 7 paid in, 0 paid out" in lines_of(report)


# What came later, and what of it was changed afterwards.
LATER_TAMPERED: dict[str, tuple[list[str], set[str]]] = {
    "an entry changed": (
        ["UPDATE entries SET amount = amount - 1 WHERE transfer_id = %(later)s AND wallet_id = %(rich)s"],
        {"movements", "chain", "ranges"},
    ),
    "an entry removed": (
        ["DELETE FROM entries WHERE transfer_id = %(later)s AND wallet_id = %(rich)s"],
        {"movements", "heads", "ranges"},
    ),
    "the entry before it removed": (["DELETE FROM entries WHERE wallet_id = %(idle)s AND version = 1"], {"chain"}),
    "an amount changed": (["UPDATE transfers SET amount = amount + 1 WHERE id = %(later)s"], {"movements"}),
    "a part of the debit moved to another wallet": (
        [
            (
                "UPDATE entries SET amount = amount + 1, balance_after = balance_after + 1"
                " WHERE transfer_id = %(later)s AND wallet_id = %(rich)s"
            ),
            (
                "INSERT INTO entries (wallet_id, version, transfer_id, amount, balance_after)"
                " SELECT id, version + 1, %(later)s, -1, balance - 1 FROM wallets WHERE id = %(poor)s"
            ),
            "UPDATE wallets SET balance = balance + 1 WHERE id = %(rich)s",
            "UPDATE wallets SET balance = balance - 1, version = version + 1 WHERE id = %(poor)s",
        ],
        {"movements"},
    ),
    "a transfer turned round": (
        ["UPDATE transfers SET source = destination, destination = source WHERE id = %(later)s"],
        {"movements"},
    ),
    "a wallet of another currency": (
        ["UPDATE wallets SET currency = 'JPY' WHERE id = %(idle)s"],
        {"movements", "ranges"},
    ),
    "a transfer queued again": (
        [
            "UPDATE transfers SET status = 'queued', finished_at = NULL, moment = NULL, ordinal = NULL WHERE id = %(later)s",
        ],
        {"events", "movements"},
    ),
    "a transfer that is gone": (["DELETE FROM transfers WHERE id = %(later)s"], {"events"}),
    "a wallet that is gone": (["DELETE FROM wallets WHERE id = %(idle)s"], {"movements", "ranges"}),
    "a transfer with another place": (["UPDATE transfers SET moment = moment - 1 WHERE id = %(later)s"], {"events"}),
    "a transfer that has two events": (
        ["UPDATE events SET transfer_ids = transfer_ids || transfer_ids WHERE %(later)s = ANY (transfer_ids)"],
        {"events", "ranges"},
    ),
    "an event that is gone": (["DELETE FROM events WHERE %(later)s = ANY (transfer_ids)"], {"ranges"}),
    "a transfer dated before the checkpoint": ([A_DAY_EARLIER.format(id="%(later)s")], {"dates"}),
    "an entry dated before the checkpoint": (
        ["UPDATE entries SET created_at = created_at - interval '1 day' WHERE transfer_id = %(later)s"],
        {"dates"},
    ),
}


@pytest.mark.parametrize("what", LATER_TAMPERED)
def test_damage_of_what_came_later_is_seen_by_exactly_the_checks_it_concerns(known: Known, what: str) -> None:
    statements, seen = LATER_TAMPERED[what]
    world, later = known.world, transfer(known.rich, known.idle, 2)
    world.submit(later)
    world.drain()
    assert broken(world, known.checkpoint) == set()
    wallets = {"rich": known.rich, "poor": known.poor, "idle": known.idle}

    with psycopg.connect(world.owner_url) as connection:
        connection.execute("SET session_replication_role = replica")
        for statement in statements:
            connection.execute(statement.encode(), {"later": later.id, **wallets})

    assert broken(world, known.checkpoint) == seen


def test_all_verbs_after_a_checkpoint_are_clean_and_change_nothing_before_it(known: Known) -> None:
    """Also children of old parents: what they take of these is no part of the history's digests."""
    world = known.world
    [newcomer] = world.new_wallets(40, shard=2)
    reserved = hold(known.rich, None, 60)
    sent = [
        *(reserved, capture(reserved, 20), release(reserved)),
        *(transfer(known.poor, newcomer, 3), transfer(newcomer, known.rich, 9000), withdrawal(newcomer, 1)),
        reversal(replace(transfer(known.rich, known.poor, 300), id=known.applied), 50),
    ]
    for one in sent:
        world.submit(one)
        world.drain()

    report = audit_since(world.url, known.checkpoint, FULL)

    assert report.clean, lines_of(report)
    assert "since then, USD: 8 transfers, 10 entries, 40 paid in, 21 paid out" in lines_of(report)


def test_entries_of_a_later_split_that_are_not_its_lines_are_seen(world: World) -> None:
    payer, payee, fee = world.new_wallets(100, 0, 0)
    made = made_of(world)
    split = multi_leg({payer: 50}, {payee: 48, fee: 2})
    world.submit(split)
    world.drain()
    assert broken(world, made) == set()

    tamper(world, "UPDATE transfers SET amounts = ARRAY[-50, 47, 3] WHERE id = %(split)s", split=split.id)

    assert broken(world, made) == {"movements"}


def test_a_split_that_is_reversed_after_a_checkpoint_changes_nothing_before_it(world: World) -> None:
    payer, payee, fee = world.new_wallets(100, 0, 0)
    split = multi_leg({payer: 50}, {payee: 48, fee: 2})
    world.submit(split)
    world.drain()
    made = made_of(world)
    world.submit(whole_reversal(split))
    world.drain()

    report = audit_since(world.url, made, FULL)

    assert report.clean, lines_of(report)


def test_a_checkpoint_that_continues_another_is_that_of_the_whole_history_but_for_its_cuts(known: Known) -> None:
    world = known.world
    for _ in range(3):
        world.submit(transfer(known.rich, known.poor, 1))
        world.drain()

    continued, whole = made_of(world, known.checkpoint), made_of(world)

    assert continued.segments[: len(known.checkpoint.segments)] == known.checkpoint.segments
    assert len(continued.segments) == len(known.checkpoint.segments) + 1
    assert (continued.currencies, continued.heads, continued.last_event) == (whole.currencies, whole.heads, whole.last_event)
    assert continued.previous == known.checkpoint.digest
    assert broken(world, continued, FULL) == broken(world, whole, FULL) == set()


def test_a_checkpoint_continues_no_damaged_history(known: Known) -> None:
    """This damage has the right sums by the feed and by the wallets: only the audit against the earlier checkpoint sees it."""
    behind = invented(f"{LAST} + 1", "1", AN_EVENT.format(moment=f"{LAST} + 1"))
    names = {"rich": known.rich, "poor": known.poor, "applied": known.applied, "invented": ids.mint()}
    tamper(known.world, *behind, A_DAY_EARLIER.format(id="%(invented)s"), **names)

    made, report = checkpoint.make(known.world.url, known.checkpoint)

    assert made is None
    assert report is not None
    assert report.counts["dates"] == 1


def test_a_first_checkpoint_is_made_of_no_history_that_contradicts_itself(known: Known) -> None:
    tamper(known.world, "UPDATE wallets SET version = version + 1 WHERE id = %(idle)s", idle=known.idle)

    with pytest.raises(CannotDo, match="contradicts itself in USD"):
        checkpoint.make(known.world.url, None)


def test_a_checkpoint_of_an_empty_ledger_holds_against_what_comes(world: World) -> None:
    made = made_of(world)

    assert (made.segments, made.heads, made.last_event) == ([], [], None)
    world.new_wallets(5)
    assert broken(world, made, FULL) == set()
    assert made_of(world, made).currencies["USD"].entries == 2


def test_a_checkpoint_of_another_database_is_not_taken_for_this_ones(known: Known, world: World) -> None:
    world.new_wallets(1000)

    assert {"places", "ranges"} <= broken(world, known.checkpoint)


def test_a_part_and_a_sample_read_so_many_segments(known: Known) -> None:
    """Each part sees its own segments' changes, and all parts together see each one."""
    tamper(known.world, "UPDATE transfers SET reference = 'x' WHERE id = %(applied)s", applied=known.applied)

    seen = [broken(known.world, known.checkpoint, Depth(part=part, parts=3)) for part in (1, 2, 3)]

    assert sorted(map(len, seen)) == [0, 0, 1]
    assert Depth(sample=2).chosen(9) != []
    assert len(Depth(sample=2).chosen(9)) == 2
    assert Depth(sample=99).chosen(3) == [0, 1, 2]
    assert Depth(part=2, parts=3).chosen(7) == [1, 4]


def in_thread(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_what_becomes_visible_after_the_snapshot_is_new_and_no_change(known: Known) -> None:
    """A drain has its moment before the checkpoint's snapshot, and commits behind it, after drains with larger moments."""
    world = known.world
    payer, other = world.new_wallet(100, shard=1), world.new_wallet(100, shard=2)
    before = made_of(world, known.checkpoint)
    late = transfer(payer, known.poor, 1)
    world.submit(late)
    with psycopg.connect(world.owner_url) as holder:
        holder.execute("SELECT FROM wallets WHERE id = %s FOR UPDATE", [payer])
        drain = in_thread(lambda: world.drain(1))
        world.wait_until_blocked()
        world.submit(transfer(other, known.idle, 2))
        world.drain(2)

        during = made_of(world, before)
        holder.rollback()
    drain.join()

    assert during.last_event == before.last_event
    assert world.statuses(late.id) == [("applied", None)]
    assert broken(world, during, FULL) == set()
    after = made_of(world, during)
    assert after.currencies["USD"].entries == before.currencies["USD"].entries + 4
    assert broken(world, after, FULL) == set()


def test_versions_that_are_not_in_the_order_of_moments_are_no_change(known: Known) -> None:
    """The drain with the smaller moment waits for a wallet, and writes the later entry of another one, whose id is larger."""
    world = known.world
    payer, other, shared = world.new_wallet(100, shard=1), world.new_wallet(100, shard=2), world.new_wallet(shard=3)
    first, second = transfer(payer, shared, 1), transfer(other, shared, 2)
    world.submit(first, second)
    with psycopg.connect(world.owner_url) as holder, psycopg.connect(world.owner_url) as bystander:
        holder.execute("SELECT FROM wallets WHERE id = %s FOR UPDATE", [payer])
        drain = in_thread(lambda: world.drain(1))
        world.wait_until_blocked()
        bystander.execute("SELECT pg_current_xact_id()")
        world.drain(2)
        holder.rollback()
        drain.join()
        made = made_of(world, known.checkpoint)
        places = world.query(
            "SELECT t.moment FROM entries e JOIN transfers t ON t.id = e.transfer_id WHERE e.wallet_id = %s AND t.id = ANY (%s)"
            " ORDER BY e.version",
            shared,
            [first.id, second.id],
        )
    assert places[0] > places[1]  # the entry with the smaller version has the larger moment
    assert made.last_event is not None
    assert made.last_event.moment == places[1][0]
    assert broken(world, made, FULL) == set()
    assert broken(world, made_of(world, made), FULL) == set()


def test_after_a_restore_in_another_cluster_new_moments_begin_behind_the_checkpoint(known: Known) -> None:
    """There, `migrate` sets the shift so that the next moment is the one after the last event's."""
    world = known.world
    world.query(
        "UPDATE feed SET shift = (SELECT max(moment) + 1 FROM events) - 2 - pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
    )
    world.query("UPDATE feed SET shift = shift + 2")
    world.submit(transfer(known.rich, known.poor, 1))
    world.drain()

    report = audit_since(world.url, known.checkpoint, FULL)

    assert report.clean, lines_of(report)
    assert report.since[0].transfers == 1


def test_a_column_that_a_later_version_adds_changes_no_digest(known: Known) -> None:
    world = known.world
    for table in ("transfers", "entries"):
        world.query(f"ALTER TABLE {table} ADD COLUMN later text")

    assert broken(world, known.checkpoint, FULL) == set()

    tamper(world, "UPDATE transfers SET later = 'x' WHERE id = %(applied)s", applied=known.applied)
    assert broken(world, known.checkpoint, FULL) == {"segments"}


def test_a_checkpoint_reads_what_is_new_and_nothing_of_the_old_history(known: Known, databases: Databases) -> None:
    """Counted in rows of transfers: since the last checkpoint there are two, and the history has more."""
    world = known.world
    for _ in range(2):
        world.submit(transfer(known.rich, known.poor, 1))
        world.drain()
    read: list[int] = []
    with psycopg.connect(world.owner_url) as connection:
        for moment in (known.checkpoint.before, -(2**63)):
            connection.execute("SELECT pg_stat_force_next_flush()")
            plan = connection.execute(
                b"EXPLAIN (ANALYZE, FORMAT JSON) " + query_of("history/digest_segment"), {"start": moment, "before": 2**62}
            ).fetchone()
            assert plan is not None
            read.append(rows_of(plan[0][0]["Plan"], "transfers"))

    assert read[0] == 2
    assert read[1] == 2 + known.checkpoint.currencies["USD"].transfers


def query_of(name: str) -> bytes:
    return statement(name).encode()


def rows_of(plan: dict[str, Any], table: str) -> int:
    own = plan["Actual Rows"] * plan["Actual Loops"] if plan.get("Relation Name") == table else 0
    return int(own + sum(rows_of(below, table) for below in plan.get("Plans", [])))


# The file


def written(made: Checkpoint, folder: Path, key: bytes | None = None) -> Path:
    file = folder / "checkpoint.json"
    checkpoint_file.write(file, made, key)
    return file


def edited(file: Path, change: Callable[[dict[str, Any]], None]) -> None:
    content = json.loads(file.read_text())
    change(content)
    file.write_text(json.dumps(content))


def test_a_file_is_read_as_it_was_written_and_replaces_none(known: Known, tmp_path: Path) -> None:
    file = written(known.checkpoint, tmp_path, KEY)

    assert checkpoint_file.read(file, KEY) == known.checkpoint
    assert file.stat().st_size < 10_000
    with pytest.raises(FileExistsError):
        checkpoint_file.write(file, known.checkpoint, KEY)


def refusal(file: Path, key: bytes | None) -> str:
    try:
        checkpoint_file.read(file, key)
    except checkpoint_file.UnreadableFile as reason:
        return str(reason)
    return "it was read"


def change_total(content: dict[str, Any]) -> None:
    content["currencies"]["USD"]["entries"] += 1


def change_head(content: dict[str, Any]) -> None:
    content["heads"][0]["digest"] = "0" * 64


def drop_segment(content: dict[str, Any]) -> None:
    del content["segments"][-1]


def date_back(content: dict[str, Any]) -> None:
    content["made_at"] = "2020-01-01T00:00:00.000000Z"


@pytest.mark.parametrize("change", [change_total, change_head, drop_segment, date_back])
def test_a_file_that_was_changed_is_refused(known: Known, tmp_path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    file = written(known.checkpoint, tmp_path)

    edited(file, change)

    assert "was changed after it was written" in refusal(file, None)


def test_a_file_whose_digest_was_made_to_fit_is_refused_where_there_is_a_key(known: Known, tmp_path: Path) -> None:
    file = written(known.checkpoint, tmp_path, KEY)
    other = known.checkpoint.model_copy(update={"made_at": "2020-01-01T00:00:00.000000Z"})

    edited(file, lambda content: content.update(made_at=other.made_at, digest=other.digest))

    assert "was not signed with this key" in refusal(file, KEY)


@pytest.mark.parametrize(
    ("signed_with", "read_with", "message"),
    [(KEY, None, "is signed: name the file"), (None, KEY, "is not signed"), (KEY, b"l" * 32, "was not signed with this key")],
)
def test_a_signature_is_asked_for_where_there_is_one_or_a_key(
    known: Known, tmp_path: Path, signed_with: bytes | None, read_with: bytes | None, message: str
) -> None:
    file = written(known.checkpoint, tmp_path, signed_with)

    with pytest.raises(checkpoint_file.UnreadableFile, match=message):
        checkpoint_file.read(file, read_with)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON in ASCII"),
        ("[]", "its format is not 1"),
        ('{"format": 2}', "its format is not 1"),
        ('{"format": 1, "made_at": 5}', "is no checkpoint: made_at"),
        ('{"format": 1, "made_at": "2026-13-45T00:00:00.000000Z\\u001b"}', "is no checkpoint: made_at"),
        ("\u00e9", "not JSON in ASCII"),
    ],
)
def test_a_file_that_is_no_checkpoint_is_refused_with_the_reason(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "file"
    file.write_text(text)

    with pytest.raises(checkpoint_file.UnreadableFile, match=message):
        checkpoint_file.read(file, None)


# The commands


def run_core(world: World, *argv: str) -> tuple[int, str]:
    """The program itself is started on these commands by test_month_end.py and test_audit.py."""
    done = commands.core(*argv, environment={"DATABASE_URL": world.url, "TELLER_ADMIN_DATABASE_URL": ""})
    return done.status, done.out + done.err


def test_the_commands_make_continue_and_verify_a_signed_checkpoint(known: Known, tmp_path: Path) -> None:
    world, key = known.world, tmp_path / "key"
    key.write_text("0" * 64 + "\n")
    january, february, march = (str(tmp_path / f"{month}.json") for month in ("january", "february", "march"))
    signed = ["--key-file", str(key)]

    status, output = run_core(world, "checkpoint", january, *signed)
    assert status == 0, output
    assert "checkpoint" in output
    assert checkpoint_file.read(Path(january), b"0" * 64).digest in output

    world.submit(transfer(known.rich, known.poor, 1))
    world.drain()
    status, output = run_core(world, "checkpoint", february, "--since", january, *signed)
    assert status == 0, output
    assert "since then, USD: 1 transfers, 2 entries, 0 paid in, 0 paid out" in output

    metrics = tmp_path / "audit.prom"
    status, output = run_core(world, "audit", "--since", february, *signed, "--full", "--textfile", str(metrics))
    assert status == 0, output
    assert 'teller_audit_violations{check="since_ranges"} 0.0' in metrics.read_text()
    assert "teller_audit_seconds" not in metrics.read_text()

    tamper(world, "UPDATE transfers SET reference = 'x' WHERE id = %(applied)s", applied=known.applied)
    assert run_core(world, "audit", "--since", february, *signed)[0] == 0
    status, output = run_core(world, "audit", "--since", february, *signed, "--full")
    assert status == 1
    assert "BROKEN  the history that was read again, " in output

    tamper(world, "UPDATE wallets SET version = version + 1 WHERE id = %(idle)s", idle=known.idle)
    status, output = run_core(world, "checkpoint", march, "--since", february, *signed)
    assert status == 1
    assert "no checkpoint is written" in output
    assert not Path(march).exists()


def test_a_command_that_cannot_do_its_work_exits_with_2_and_says_why(known: Known, tmp_path: Path) -> None:
    world, file = known.world, written(known.checkpoint, tmp_path)
    short = tmp_path / "short"
    short.write_text("secret\n")

    for argv, reason in (
        (["checkpoint", str(file)], "exists"),
        (["checkpoint", str(tmp_path / "no" / "file")], "cannot be written"),
        (["checkpoint", str(tmp_path / "new"), "--key-file", str(short)], "a key of 32 to 4096 bytes"),
        (["audit", "--since", str(tmp_path / "none")], "cannot be read"),
        (["audit", "--full"], "are of an audit with --since FILE"),
        (["audit", "--since", str(file), "--full", "--sample", "2"], "not allowed with"),
        (["audit", "--since", str(file), "--part", "3/2"], "invalid part value"),
        (["checkpoint", str(tmp_path / "new"), "--within", "0.001"], "did not end within 0.001 s"),
    ):
        status, output = run_core(world, *argv)
        assert status == 2, output
        assert reason in output
        assert "secret" not in output
    assert not (tmp_path / "new").exists()


def test_a_checkpoint_and_an_audit_against_it_write_nothing(known: Known) -> None:
    """Their transactions are read-only: what would write in them fails."""
    seen: list[str] = []

    def look(_: str) -> None:
        rows = known.world.query(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'relation' AND mode <> 'AccessShareLock'"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        seen.append(str(rows[0][0]))

    checkpoint.make(known.world.url, known.checkpoint, look)

    assert set(seen) == {"0"}
    assert len(seen) >= len(since.STATEMENTS)
