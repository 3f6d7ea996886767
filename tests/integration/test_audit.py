"""The audit is clean over a worked ledger, and each of its checks sees the damage that it is there for."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from core import ids
from core.admin.audit import CHECKS, KEPT, SHOWN, audit, run_checks, store
from core.ids import Prefix
from tests import commands
from tests.databases import Databases, with_role
from tests.integration.test_due import later
from tests.system import ROOT
from tests.world import (
    World,
    capture,
    capture_for,
    closure,
    deposit,
    hold,
    multi_leg,
    new_client,
    new_id,
    release,
    reversal,
    transfer,
    whole_reversal,
)


@dataclass(frozen=True)
class Worked:
    """A ledger in which every kind of thing has happened."""

    world: World
    rich: UUID
    poor: UUID
    deposited: UUID
    applied: UUID
    rejected: UUID
    queued: UUID

    def things(self) -> dict[str, UUID]:
        """Return all that a damage may concern, by the name that it has in DAMAGES."""
        [fresh] = self.world.insert_clients([new_client(shard=5)])
        client = self.world.wallet(self.rich).client_id
        assert client is not None
        return {
            **{field: getattr(self, field) for field in ("rich", "poor", "deposited", "applied", "rejected", "queued")},
            "client": client,
            "newcomer": fresh.id,
            "fresh": fresh.wallet.id,
            "external": ids.external_wallet(5),
            "unused": ids.external_wallet(7),
            "absent": new_id(),
            "nowhere": new_id(shard=5),
        }


CLIENTS = ("client", "newcomer")
WALLETS = ("rich", "external", "unused")
TRANSFERS = ("deposited", "applied", "rejected", "queued", "absent")


@pytest.fixture(scope="module")
def worked_once(databases: Databases) -> Worked:
    """The ledger of which each test has a copy."""
    url = databases.migrated()
    world = World(url, databases.owner_url(url))
    rich, poor = world.new_wallets(1000, 10, shard=5)
    applied, rejected, queued = transfer(rich, poor, 300), transfer(poor, rich, 311), deposit(poor, 1)
    for sent in (applied, rejected):
        world.submit(sent)
        world.drain()
    world.submit(queued)
    [(deposited,)] = world.query(
        "SELECT id FROM transfers WHERE destination = %s AND type = 'deposit' AND status = 'applied'", rich
    )
    return Worked(world, rich, poor, deposited, applied.id, rejected.id, queued.id)


@pytest.fixture
def worked(databases: Databases, worked_once: Worked) -> Iterator[Worked]:
    url = databases.copy(worked_once.world.url)
    yield replace(worked_once, world=World(url, databases.owner_url(url)))
    databases.release(url)


def damage(world: World, *statements: str, **params: object) -> None:
    """Do what no program may: as the owner, without triggers and without constraints."""
    with psycopg.connect(world.owner_url) as connection:
        connection.execute("SET session_replication_role = replica")
        for constraint in ("moved_only_by_entries", "balance_not_negative", "version_not_negative", "held_needs_newer_worker"):
            connection.execute(f"ALTER TABLE wallets DROP CONSTRAINT {constraint}".encode())
        for constraint in ("entries_pkey", "entries_transfer"):
            connection.execute(f"ALTER TABLE entries DROP CONSTRAINT {constraint}".encode())
        connection.execute("ALTER TABLE transfers DROP CONSTRAINT finished_not_before_created")
        connection.execute("DROP INDEX feed_has_one_row")
        for statement in statements:
            assert connection.execute(statement.encode(), params).rowcount > 0, statement


def name(prefix: Prefix, id: UUID) -> str:
    return f"{prefix.name.lower()} {ids.text(prefix, id)}: "


def test_an_audit_of_a_worked_ledger_is_clean_and_counts_what_it_has_seen(worked: Worked) -> None:
    report = audit(worked.world.url)

    assert report.clean, "\n".join(report.lines())
    assert (report.transfers, report.entries, report.wallets) == (5, 6, 18)
    assert list(report.violations) == list(CHECKS)
    assert list(report.lines())[-1] == "audit clean: 5 transfers, 6 entries, 18 wallets (2 of clients, 16 external)"


def test_an_audit_of_an_empty_ledger_is_clean(world: World) -> None:
    assert audit(world.url).clean


# What is done, which checks must see it, and what they must name.
DAMAGES: dict[str, tuple[list[str], dict[str, str]]] = {
    "money made out of nothing in a balance": (
        ["UPDATE wallets SET balance = balance + 1 WHERE id = %(rich)s"],
        {"zero_sum": "ledger", "wallet_balances": "rich"},
    ),
    "money moved between balances alone": (
        [
            "UPDATE wallets SET balance = balance + 1 WHERE id = %(rich)s",
            "UPDATE wallets SET balance = balance - 1 WHERE id = %(poor)s",
        ],
        {"wallet_balances": "rich"},
    ),
    "a version too many": (["UPDATE wallets SET version = version + 1 WHERE id = %(rich)s"], {"wallet_balances": "rich"}),
    "an entry changed": (
        ["UPDATE entries SET amount = amount - 1 WHERE transfer_id = %(applied)s AND wallet_id = %(rich)s"],
        {
            "zero_sum": "ledger",
            "transfer_entries": "applied",
            "wallet_balances": "rich",
            "wallet_chain": "rich",
        },
    ),
    "a running balance changed": (
        ["UPDATE entries SET balance_after = balance_after + 1 WHERE transfer_id = %(applied)s AND wallet_id = %(rich)s"],
        {"wallet_chain": "rich"},
    ),
    "a running total of other entries": (
        ["INSERT INTO running_totals SELECT id, 64, 1, now() FROM wallets WHERE id = %(rich)s"],
        {"running_totals": "rich"},
    ),
    "an identity of another currency": (
        ["UPDATE wallet_identities SET currency = 'EUR' WHERE id = %(rich)s"],
        {"wallets": "rich"},
    ),
    "a wallet without an identity": (["DELETE FROM wallet_identities WHERE id = %(rich)s"], {"wallets": "rich"}),
    "a gap in the versions": (
        ["UPDATE entries SET version = version + 1 WHERE transfer_id = %(applied)s AND wallet_id = %(rich)s"],
        {"wallet_chain": "rich"},
    ),
    "an applied transfer without entries": (
        ["UPDATE transfers SET status = 'applied', failure_code = NULL, available = NULL, needed = NULL WHERE id = %(rejected)s"],
        {"transfer_entries": "rejected"},
    ),
    "a rejected transfer with entries": (
        ["UPDATE transfers SET status = 'rejected', failure_code = 'internal' WHERE id = %(applied)s"],
        {"transfer_entries": "applied"},
    ),
    "an amount changed afterwards": (
        ["UPDATE transfers SET amount = amount + 1 WHERE id = %(applied)s"],
        {"transfer_entries": "applied"},
    ),
    "source and destination exchanged afterwards": (
        ["UPDATE transfers SET source = destination, destination = source WHERE id = %(applied)s"],
        {"transfer_entries": "applied"},
    ),
    "a transfer applied twice with right balances": (
        [
            (
                "INSERT INTO entries (wallet_id, version, transfer_id, amount, balance_after)"
                " SELECT w.id, w.version + 1, e.transfer_id, e.amount, w.balance + e.amount"
                " FROM entries e JOIN wallets w ON w.id = e.wallet_id WHERE e.transfer_id = %(applied)s"
            ),
            (
                "UPDATE wallets w SET balance = balance + e.amount, version = w.version + 1"
                " FROM entries e WHERE e.wallet_id = w.id AND e.transfer_id = %(applied)s AND e.version = w.version + 1"
            ),
        ],
        {"transfer_entries": "applied"},
    ),
    "an overdrawn wallet": (
        [
            (
                "UPDATE entries SET amount = amount + sign(amount) * 701, balance_after = balance_after + sign(amount) * 701"
                " WHERE transfer_id = %(applied)s"
            ),
            "UPDATE wallets SET balance = balance - 701 WHERE id = %(rich)s",
            "UPDATE wallets SET balance = balance + 701 WHERE id = %(poor)s",
            "UPDATE transfers SET amount = amount + 701 WHERE id = %(applied)s",
        ],
        {"wallet_balances": "rich"},
    ),
    "a transfer that is gone": (
        ["DELETE FROM transfers WHERE id = %(applied)s"],
        {"stray_entries": "applied", "events": "applied"},
    ),
    "a wallet that is gone": (
        ["DELETE FROM wallets WHERE id = %(rich)s"],
        {"zero_sum": "ledger", "stray_entries": "rich", "transfers": "applied", "wallets": "client"},
    ),
    "a wallet that is gone before anything moved": (["DELETE FROM wallets WHERE id = %(fresh)s"], {"wallets": "newcomer"}),
    "a client that is gone": (["DELETE FROM clients WHERE id = %(client)s"], {"wallets": "rich"}),
    "a wallet of another client": (
        ["UPDATE wallets SET client_id = %(absent)s WHERE id = %(rich)s"],
        {"wallets": "rich"},
    ),
    "an external wallet that is gone": (["DELETE FROM wallets WHERE id = %(unused)s"], {"wallets": "unused"}),
    "an external wallet of no shard": (
        ["INSERT INTO wallets (id, kind, currency) VALUES (%(absent)s, 'external', 'USD')"],
        {"wallets": "absent wallet"},
    ),
    "a shard that is gone": (["DELETE FROM shards WHERE shard = 5"], {"wallets": "external"}),
    "a shard that is gone, with its external wallet, and has transfers": (
        [
            "DELETE FROM shards WHERE shard = 7",
            "DELETE FROM wallets WHERE id = %(unused)s",
            "UPDATE transfers SET shard = 7 WHERE id = %(applied)s",
        ],
        {"wallets": "shard 7", "queue": "applied"},
    ),
    "a transfer turned into a deposit": (
        ["UPDATE transfers SET type = 'deposit' WHERE id = %(applied)s"],
        {"transfers": "applied"},
    ),
    "a deposit turned into a transfer": (
        ["UPDATE transfers SET type = 'transfer' WHERE id = %(deposited)s"],
        {"transfers": "deposited"},
    ),
    "a deposit from another shard's external wallet": (
        ["UPDATE transfers SET source = %(unused)s WHERE id = %(queued)s"],
        {"transfers": "queued"},
    ),
    "a transfer into an external wallet": (
        ["UPDATE transfers SET destination = %(unused)s WHERE id = %(rejected)s"],
        {"transfers": "rejected"},
    ),
    "a queued transfer to a wallet that is not there": (
        ["UPDATE transfers SET destination = %(nowhere)s WHERE id = %(queued)s"],
        {"transfers": "queued"},
    ),
    "a rejected transfer from a wallet that is not there": (
        ["UPDATE transfers SET source = %(nowhere)s WHERE id = %(rejected)s"],
        {"transfers": "rejected"},
    ),
    "a transfer that ended before it began": (
        ["UPDATE transfers SET finished_at = created_at - interval '1 microsecond' WHERE id = %(rejected)s"],
        {"transfers": "rejected"},
    ),
    "a queued transfer that is not in the queue": (["DELETE FROM queue"], {"queue": "queued"}),
    "a queued transfer that is twice in the queue": (
        ["INSERT INTO queue (shard, transfer_id) VALUES (5, %(queued)s)"],
        {"queue": "queued"},
    ),
    "a queued transfer in the queue of another shard": (["UPDATE queue SET shard = 6"], {"queue": "queued"}),
    "a transfer of another shard than its wallet": (
        ["UPDATE transfers SET shard = 6 WHERE id = %(applied)s"],
        {"queue": "applied"},
    ),
    "a final transfer in the queue": (
        ["INSERT INTO queue (shard, transfer_id) VALUES (5, %(rejected)s)"],
        {"queue": "rejected"},
    ),
    "a final transfer that is twice in the queue": (
        ["INSERT INTO queue (shard, transfer_id) SELECT 5, %(rejected)s FROM generate_series(1, 2)"],
        {"queue": "rejected"},
    ),
    "a place in the queue without a transfer": (
        ["INSERT INTO queue (shard, transfer_id) VALUES (5, %(absent)s)"],
        {"queue": "absent"},
    ),
    "a queued transfer below its shard's floor": (
        ["SELECT setval('queue_position_seq', 1000)", "UPDATE shards SET floor = 500"],
        {"floors": "queued"},
    ),
    "a floor above the next position": (["UPDATE shards SET floor = 5000 WHERE shard = 9"], {"floors": "queue"}),
    "an applied transfer without an event": (
        ["DELETE FROM events WHERE %(applied)s = ANY(transfer_ids)"],
        {"events": "applied"},
    ),
    "a rejected transfer without an event": (
        ["DELETE FROM events WHERE %(rejected)s = ANY(transfer_ids)"],
        {"events": "rejected"},
    ),
    "an event of a queued transfer": (
        ["INSERT INTO events (moment, transfer_ids) VALUES (1, ARRAY[%(queued)s::uuid])"],
        {"events": "queued"},
    ),
    "an event without a transfer": (
        ["INSERT INTO events (moment, transfer_ids) VALUES (1, ARRAY[%(absent)s::uuid])"],
        {"events": "absent"},
    ),
    "an event at another place": (
        ["UPDATE events SET moment = -moment WHERE %(applied)s = ANY(transfer_ids)"],
        {"events": "applied"},
    ),
    "a second event of a transfer": (
        ["UPDATE events SET transfer_ids = transfer_ids || transfer_ids WHERE %(applied)s = ANY(transfer_ids)"],
        {"events": "applied"},
    ),
    "a delivery of a queued transfer": (
        ["INSERT INTO deliveries (owner, receiver, transfer_id, shard) VALUES ('operator', 'example.com', %(queued)s, 5)"],
        {"deliveries": "queued"},
    ),
    "a delivery without a transfer": (
        ["INSERT INTO deliveries (owner, receiver, transfer_id, shard) VALUES ('operator', 'example.com', %(absent)s, 5)"],
        {"deliveries": "absent"},
    ),
    "a callback URL that is forgotten": (
        ["UPDATE transfers SET callback_url = 'https://example.com/' WHERE id IN (%(applied)s, %(queued)s)"],
        {"deliveries": "applied"},
    ),
    "a callback URL without a host": (
        ["UPDATE transfers SET callback_url = 'x' WHERE id = %(applied)s"],
        {"deliveries": "applied"},
    ),
    "a fan-out that nothing takes": (
        [
            (
                "INSERT INTO fan_outs (audience, moment, after_ordinal)"
                " SELECT 'operators', moment, ordinal - 1 FROM transfers WHERE id = %(applied)s"
            ),
            (
                "UPDATE transfers SET created_at = created_at - interval '1 hour',"
                " finished_at = finished_at - interval '11 minutes' WHERE id = %(applied)s"
            ),
        ],
        {"deliveries": "applied"},
    ),
    "an event behind which the feed does not go on": (["UPDATE feed SET shift = shift - 1000000"], {"events": "feed"}),
    "a feed without its row": (["DELETE FROM feed"], {"events": "feed's rows"}),
    "a feed with two rows": (["INSERT INTO feed (shift) VALUES (0)"], {"events": "feed's rows"}),
}


@pytest.mark.parametrize("what", DAMAGES)
def test_a_damage_is_seen_by_exactly_the_checks_it_concerns_and_named(worked: Worked, what: str) -> None:
    statements, expected = DAMAGES[what]
    things = worked.things()
    prefixes = {Prefix.WALLET: WALLETS, Prefix.TRANSFER: TRANSFERS, Prefix.CLIENT: CLIENTS}
    names = {
        "ledger": "ledger: all ",
        "shard 7": "ledger: shard 7 ",
        "queue": "ledger: the queue of shard 9 ",
        "feed": "ledger: an event ",
        "feed's rows": "ledger: the feed has ",
        "absent wallet": name(Prefix.WALLET, things["absent"]),
        **{key: name(prefix, things[key]) for prefix, keys in prefixes.items() for key in keys},
    }

    damage(worked.world, *statements, **things)

    report = audit(worked.world.url)
    seen = {check: [violation.line() for violation in found] for check, found in report.violations.items() if found}
    assert set(seen) == set(expected), "\n".join(report.lines())
    for check, who in expected.items():
        assert any(line.startswith(names[who]) for line in seen[check]), seen[check]
    assert not report.clean


# The same for what holds, captures, reversals and appointments leave.
DAMAGES_OF_VERBS: dict[str, tuple[list[str], dict[str, str]]] = {
    "a wallet that has reserved too much": (["UPDATE wallets SET held = held + 1 WHERE id = %(payer)s"], {"holds": "payer"}),
    "a wallet that has reserved more than it has": (
        [
            "UPDATE wallets SET held = held + 9000 WHERE id = %(payer)s",
            "UPDATE transfers SET amount = amount + 9000, moved = moved + 9000 WHERE id = %(placed)s",
        ],
        {"holds": "payer"},
    ),
    "a hold that has given more than its captures": (
        [
            "UPDATE transfers SET captured = captured + 1 WHERE id = %(placed)s",
            "UPDATE wallets SET held = held - 1 WHERE id = %(payer)s",
        ],
        {"parents": "placed"},
    ),
    "a release that its hold has forgotten": (
        [
            "UPDATE transfers SET returned = NULL WHERE id = %(placed)s",
            "UPDATE wallets SET held = held + 5 WHERE id = %(payer)s",
        ],
        {"parents": "placed"},
    ),
    "a reversal that its parent has forgotten": (
        ["UPDATE transfers SET returned = NULL WHERE id = %(taken)s"],
        {"parents": "taken"},
    ),
    "a final capture that has kept the rest": (["UPDATE transfers SET closes = true WHERE id = %(taken)s"], {"parents": "placed"}),
    "a capture that was accepted at the end of its hold": (
        [
            "UPDATE transfers SET expires_at = (SELECT created_at FROM transfers WHERE id = %(taken)s) WHERE id = %(placed)s",
            "UPDATE due SET due_at = expires_at + interval '1 second' FROM transfers t WHERE id = transfer_id AND verb <> 'apply'",
        ],
        {"children": "taken"},
    ),
    "a reversal of a hold": (
        [
            "UPDATE transfers SET parent = %(placed)s WHERE id = %(undone)s",
            "UPDATE transfers SET returned = NULL WHERE id = %(taken)s",
            "UPDATE transfers SET returned = returned + 4 WHERE id = %(placed)s",
            "UPDATE wallets SET held = held - 4 WHERE id = %(payer)s",
        ],
        {"children": "undone"},
    ),
    "a release of a hold that is not there": (
        ["UPDATE transfers SET parent = %(payer)s WHERE id = %(late)s"],
        {"children": "late"},
    ),
    "a reversal of another's transfer": (
        ["UPDATE transfers SET source = %(payer)s, destination = %(payee)s WHERE id = %(refused)s"],
        {"children": "refused"},
    ),
    "an open hold without an end": (["DELETE FROM due WHERE transfer_id = %(placed)s"], {"due": "placed"}),
    "an end of a hold that is not open": (
        [
            (
                "INSERT INTO due (wallet_id, transfer_id, verb, shard, due_at)"
                " SELECT source, id, 'release', shard, now() FROM transfers WHERE id = %(closed)s"
            )
        ],
        {"due": "closed"},
    ),
    "a hold that never ends": (["UPDATE due SET due_at = 'infinity' WHERE transfer_id = %(placed)s"], {"due": "placed"}),
    "a hold that ends too late": (["UPDATE due SET due_at = due_at + interval '1 day' WHERE verb = 'release'"], {"due": "placed"}),
    "a scheduled transfer that is in the queue too": (
        ["INSERT INTO queue (shard, transfer_id) VALUES (9, %(appointed)s)"],
        {"queue": "appointed"},
    ),
    "a scheduled transfer for which nothing is due": (
        ["DELETE FROM due WHERE transfer_id = %(appointed)s"],
        {"queue": "appointed"},
    ),
    "a scheduled transfer that is due at another time": (
        ["UPDATE due SET due_at = due_at - interval '1 day' WHERE verb = 'apply'"],
        {"due": "appointed"},
    ),
    "an exact capture that came to less": (
        ["UPDATE transfers SET moved = moved - 1 WHERE id = %(taken)s"],
        {"transfer_entries": "taken", "parents": "placed"},
    ),
    "a rejected reversal that came to something": (
        ["UPDATE transfers SET moved = 1 WHERE id = %(refused)s"],
        {"transfer_entries": "refused"},
    ),
}


def test_a_damage_of_holds_and_their_children_is_seen_by_exactly_the_checks_it_concerns(world: World) -> None:
    payer, payee = world.new_wallets(100, 0, shard=9)
    placed, closed, appointed = hold(payer, payee, 50), hold(payer, payee, 5), transfer(payer, payee, 1, terms=later())
    taken, given, late = capture(placed, 10), release(placed, 5), release(closed)
    world.submit(placed, closed, taken, given, capture(closed), late, appointed)
    world.drain()
    undone, refused = reversal(taken, 4), reversal(taken, 9)
    world.submit(undone, refused)
    world.drain()
    submitted = {
        "placed": placed,
        "closed": closed,
        "appointed": appointed,
        "taken": taken,
        "late": late,
        "undone": undone,
        "refused": refused,
    }
    things = {name: one.id for name, one in submitted.items()}
    names = {
        "payer": name(Prefix.WALLET, payer),
        **{key: name(Prefix.TRANSFER, id) for key, id in things.items()},
    }
    assert_seen(world, DAMAGES_OF_VERBS, {**things, "payer": payer, "payee": payee}, names)


# The same for transfers with several debits or credits.
DAMAGES_OF_LINES: dict[str, tuple[list[str], dict[str, str]]] = {
    "a line of another amount than its entry": (
        ["UPDATE transfers SET amounts = ARRAY[-10, 6, 4]::bigint[] WHERE id = %(split)s"],
        {"transfer_entries": "split"},
    ),
    "an entry of another wallet than its line's": (
        [
            "UPDATE transfers SET wallet_ids[3] = %(other)s WHERE id = %(split)s",
            "UPDATE parties SET wallet_id = %(other)s WHERE transfer_id = %(split)s",
        ],
        {"transfer_entries": "split"},
    ),
    "an applied split without an entry of one of its lines": (
        [
            "DELETE FROM entries WHERE transfer_id = %(split)s AND wallet_id = %(fee)s",
            "UPDATE wallets SET balance = balance - 3, version = version - 1 WHERE id = %(fee)s",
        ],
        {"transfer_entries": "split", "zero_sum": "ledger", "wallet_chain": "fee"},
    ),
    "a rejected split with entries": (
        ["UPDATE transfers SET status = 'rejected', failure_code = 'internal', moved = 0, unreversed = 0 WHERE id = %(split)s"],
        {"transfer_entries": "split"},
    ),
    "a split that came to less": (
        ["UPDATE transfers SET moved = 9, unreversed = 9 WHERE id = %(split)s"],
        {"transfer_entries": "split"},
    ),
    "lines that do not sum to zero": (
        ["UPDATE transfers SET amounts = ARRAY[-10, 7, 4]::bigint[] WHERE id = %(queued)s"],
        {"lines": "queued"},
    ),
    "lines of another source than the transfer's": (
        ["UPDATE transfers SET source = %(other)s WHERE id = %(queued)s"],
        {"lines": "queued"},
    ),
    "lines without their amounts": (["UPDATE transfers SET amounts = NULL WHERE id = %(queued)s"], {"lines": "queued"}),
    "a line of a wallet that is not there": (
        [
            "UPDATE transfers SET wallet_ids[3] = %(split)s WHERE id = %(queued)s",
            "UPDATE parties SET wallet_id = %(split)s WHERE transfer_id = %(queued)s",
        ],
        {"lines": "queued"},
    ),
    "a party that is missing": (["DELETE FROM parties WHERE transfer_id = %(split)s"], {"lines": "split"}),
    "a party of no line": (["INSERT INTO parties VALUES (%(other)s, %(split)s)"], {"lines": "split"}),
    "a split of which reversals may take too much": (
        ["UPDATE transfers SET unreversed = 10 WHERE id = %(reversed)s"],
        {"parents": "reversed"},
    ),
    "a reversal of other lines than its parent's": (
        [
            "UPDATE transfers SET amounts = ARRAY[-6, -4, 10]::bigint[] WHERE id = %(again)s",
        ],
        {"children": "again"},
    ),
    "a reversal of the first two wallets of three": (
        [
            "UPDATE transfers SET wallet_ids = NULL, amounts = NULL, unreversed = NULL WHERE id = %(again)s",
            "DELETE FROM parties WHERE transfer_id = %(again)s",
        ],
        {"children": "again"},
    ),
    "a capture with lines of a hold of another source": (
        ["UPDATE transfers SET parent = %(others_hold)s WHERE id = %(late)s"],
        {"children": "late"},
    ),
}


def test_a_damage_of_lines_is_seen_by_exactly_the_checks_it_concerns(world: World) -> None:
    payer, payee, fee, other = world.new_wallets(100, 0, 0, 100, shard=9)
    split, reversed, queued = (multi_leg({payer: 10}, {payee: 7, fee: 3}) for _ in range(3))
    placed, others_hold = hold(payer, payee, 20), hold(other, payee, 20)
    world.submit(split, reversed, placed, others_hold, capture_for(placed, {payee: 5, fee: 15}))
    world.drain()
    world.submit(whole_reversal(reversed))
    world.drain()
    again, late = whole_reversal(reversed), capture_for(placed, {fee: 1, other: 1})
    world.submit(again, late)
    world.drain()
    world.submit(queued)
    submitted = {"split": split, "reversed": reversed, "queued": queued, "again": again, "late": late, "others_hold": others_hold}
    things = {key: one.id for key, one in submitted.items()}
    names = {
        "ledger": "ledger: all ",
        "fee": name(Prefix.WALLET, fee),
        **{key: name(Prefix.TRANSFER, id) for key, id in things.items()},
    }
    assert audit(world.url).clean, "\n".join(audit(world.url).lines())

    wallets = {"payer": payer, "payee": payee, "fee": fee, "other": other}
    assert_seen(world, DAMAGES_OF_LINES, {**things, **wallets}, names)


def assert_seen(
    world: World, damages: dict[str, tuple[list[str], dict[str, str]]], things: dict[str, UUID], names: dict[str, str]
) -> None:
    with psycopg.connect(world.owner_url) as connection:
        connection.execute("SET session_replication_role = replica")
        for constraint in ("held_needs_newer_worker", "guard_needs_newer_worker", "rules_are_guarded", "rules_are_counted"):
            connection.execute(f"ALTER TABLE wallets DROP CONSTRAINT {constraint}".encode())
        connection.execute("ALTER TABLE transfers DROP CONSTRAINT lines_are_whole, DROP CONSTRAINT lines_need_newer_worker")
        for what, (statements, expected) in damages.items():
            with connection.transaction(force_rollback=True):
                for statement in statements:
                    assert connection.execute(statement.encode(), things).rowcount > 0, what
                report = run_checks(connection, lambda _: None, time.monotonic() + 60)
            seen = {check: [violation.line() for violation in found] for check, found in report.violations.items() if found}
            assert set(seen) == set(expected), (what, seen)
            for check, who in expected.items():
                assert any(line.startswith(names[who]) for line in seen[check]), (what, seen)


# The same for what freezes, limits and closures leave.
DAMAGES_OF_RULES: dict[str, tuple[list[str], dict[str, str]]] = {
    "a closed wallet with a later entry": (
        ["UPDATE wallets SET version = version + 1, guard = ARRAY[version + 1, held] WHERE id = %(swept)s"],
        {"closures": "swept", "rules": "swept", "wallet_balances": "swept"},
    ),
    "a closed wallet that is open again": (
        ["UPDATE wallets SET status = 'active' WHERE id = %(swept)s"],
        {"closures": "swept", "rules": "swept"},
    ),
    "a wallet that its closure has not closed": (
        ["UPDATE transfers SET status = 'rejected', failure_code = 'internal' WHERE id = %(closing)s"],
        {"closures": "empty"},
    ),
    "a closure that has swept unasked": (
        ["UPDATE transfers SET sweeps = NULL WHERE id = %(sweeping)s"],
        {"transfer_entries": "sweeping"},
    ),
    "a freeze that nothing explains": (
        ["UPDATE wallets SET frozen = 'debits', guard = ARRAY[version, held] WHERE id = %(heir)s"],
        {"rules": "heir"},
    ),
    "a freeze that is gone": (["UPDATE wallets SET frozen = NULL WHERE id = %(frozen)s"], {"rules": "frozen"}),
    "a freeze at which no drain looks": (["UPDATE wallets SET guard = NULL WHERE id = %(frozen)s"], {"rules": "frozen"}),
    "a limit that is greater than its history says": (
        ["UPDATE wallets SET debits_per_day_max = 1000 WHERE id = %(spender)s"],
        {"rules": "spender"},
    ),
    "a history whose last row is gone": (["DELETE FROM wallet_changes WHERE wallet_id = %(frozen)s"], {"rules": "frozen"}),
    "a history with a gap": (["UPDATE wallet_changes SET number = 3 WHERE wallet_id = %(frozen)s"], {"rules": "frozen"}),
    "a counter that has forgotten a debit": (
        ["UPDATE wallets SET debits_today = debits_today - 1 WHERE id = %(spender)s"],
        {"limits": "spender"},
    ),
    "a month that has forgotten a hold": (
        ["UPDATE wallets SET debits_this_month = debits_this_month - 1 WHERE id = %(spender)s"],
        {"limits": "spender"},
    ),
    "a debit that does not count": (["UPDATE transfers SET counted_on = NULL WHERE id = %(paid)s"], {"limits": "spender"}),
}


def test_a_damage_of_rules_is_seen_by_exactly_the_checks_it_concerns(world: World) -> None:
    spender, frozen, swept, empty, heir = world.new_wallets(100, 10, 5, 0, 0)
    world.change(spender, limits={"debits_per_day_max": 50})
    world.change(frozen, frozen="all")
    paid, placed = transfer(spender, heir, 10), hold(spender, heir, 20)
    sweeping, closing = closure(swept, heir), closure(empty)
    world.submit(paid, placed, sweeping, closing, release(placed, 5))
    world.drain()
    assert audit(world.url).clean, "\n".join(audit(world.url).lines())
    wallets = {"spender": spender, "frozen": frozen, "swept": swept, "empty": empty, "heir": heir}
    transfers = {"paid": paid.id, "sweeping": sweeping.id, "closing": closing.id}
    names = {
        **{key: name(Prefix.WALLET, id) for key, id in wallets.items()},
        **{key: name(Prefix.TRANSFER, id) for key, id in transfers.items()},
    }

    assert_seen(world, DAMAGES_OF_RULES, {**wallets, **transfers}, names)


# The same for the history of clients.
DAMAGES_OF_CLIENTS: dict[str, tuple[list[str], dict[str, str]]] = {
    "a name that nothing explains": (["UPDATE clients SET name = 'Eve' WHERE id = %(ada)s"], {"clients": "ada"}),
    "metadata that is gone": (["UPDATE clients SET metadata = '{}' WHERE id = %(ada)s"], {"clients": "ada"}),
    "an external id that is gone": (["UPDATE clients SET external_id = NULL WHERE id = %(ada)s"], {"clients": "ada"}),
    "a history whose last row is gone": (
        ["DELETE FROM client_changes WHERE client_id = %(ada)s AND number = 2"],
        {"clients": "ada"},
    ),
    "a history whose first row is gone": (
        ["DELETE FROM client_changes WHERE client_id = %(ada)s AND number = 1"],
        {"clients": "ada"},
    ),
    "a change that does not follow the one before": (
        ['UPDATE client_changes SET before = before || \'{"name": "Eve"}\' WHERE client_id = %(ada)s AND number = 2'],
        {"clients": "ada"},
    ),
}


def test_a_damage_of_clients_is_seen_by_exactly_the_check_it_concerns(world: World) -> None:
    ada, _ = world.insert_clients([new_client(), new_client()])
    world.change_client(ada.id, name="Ada B.", external_id=f"x-{ada.id}")
    world.change_client(ada.id, metadata={"email": "ada@example.com"})
    assert audit(world.url).clean, "\n".join(audit(world.url).lines())

    assert_seen(world, DAMAGES_OF_CLIENTS, {"ada": ada.id}, {"ada": name(Prefix.CLIENT, ada.id)})


ALL_DAMAGES = [
    *DAMAGES.values(),
    *DAMAGES_OF_VERBS.values(),
    *DAMAGES_OF_RULES.values(),
    *DAMAGES_OF_LINES.values(),
    *DAMAGES_OF_CLIENTS.values(),
]


def test_the_damages_above_concern_every_check() -> None:
    assert {check for _, expected in ALL_DAMAGES for check in expected} == set(CHECKS)


def test_a_broken_ledger_is_not_listed_to_its_end(world: World) -> None:
    world.new_wallets(*[1] * (SHOWN + 5))

    damage(world, "UPDATE wallets SET version = version + 1")

    assert len(audit(world.url).violations["wallet_balances"]) == SHOWN


def test_the_command_says_clean_and_ends_with_0(worked: Worked) -> None:
    status, output = run_audit(worked.world)

    assert status == 0
    assert output.splitlines() == [
        *(f"ok      {what}" for what in CHECKS.values()),
        "audit clean: 5 transfers, 6 entries, 18 wallets (2 of clients, 16 external)",
    ]


def test_the_command_says_the_same_as_json(worked: Worked) -> None:
    status, output = run_audit(worked.world, "--json")

    said = json.loads(output)
    assert (status, said["clean"]) == (0, True)
    assert (said["transfers"], said["entries"], said["wallets"]) == (5, 6, {"of_clients": 2, "external": 16})
    assert said["checks"] == [{"check": check, "proves": text, "violations": 0, "first": []} for check, text in CHECKS.items()]

    damage(worked.world, "UPDATE wallets SET version = version + 1 WHERE id = %(rich)s", rich=worked.rich)
    status, output = run_audit(worked.world, "--json")

    said = json.loads(output)
    broken = {check["check"]: check for check in said["checks"] if check["violations"]}
    assert (status, said["clean"], list(broken)) == (1, False, ["wallet_balances"])
    assert broken["wallet_balances"]["first"][0]["id"] == ids.text(Prefix.WALLET, worked.rich)


def test_the_command_names_what_is_broken_and_ends_with_1(worked: Worked) -> None:
    damage(worked.world, "UPDATE wallets SET version = version + 1 WHERE id = %(rich)s", rich=worked.rich)

    status, output = run_audit(worked.world)

    assert status == 1
    assert f"BROKEN  {CHECKS['wallet_balances']}\n        {name(Prefix.WALLET, worked.rich)}" in output
    assert output.count("BROKEN") == 2  # the check and the verdict
    assert output.splitlines()[-1].startswith("audit BROKEN: ")


def test_the_rest_of_many_violations_is_counted(worked: Worked) -> None:
    worked.world.new_wallets(*[1] * (SHOWN + 3))
    damage(worked.world, "UPDATE wallets SET balance = balance + 1 WHERE balance = 1")

    report = audit(worked.world.url)

    assert (len(report.violations["wallet_balances"]), report.counts["wallet_balances"]) == (SHOWN, SHOWN + 3)
    assert "        and 3 more" in report.lines()


def test_progress_is_reported_for_each_check(worked: Worked) -> None:
    told: list[str] = []

    audit(worked.world.url, told.append)

    assert re.fullmatch(r"\d+ transfers, \d+ entries, \d+ wallets: \d+\.\d s", told[0])
    assert [line.partition("  ")[0] for line in told[1:]] == [f"{number}/{len(CHECKS)}" for number in range(1, len(CHECKS) + 1)]
    assert all(title in line for title, line in zip(CHECKS.values(), told[1:], strict=True))


def test_the_outcome_is_written_as_metrics(worked: Worked, tmp_path: Path) -> None:
    file = tmp_path / "teller.prom"
    damage(worked.world, "UPDATE wallets SET version = version + 1 WHERE id = %(rich)s", rich=worked.rich)

    status, _ = run_audit(worked.world, "--textfile", str(file))

    shown = {sample.name: sample for family in text_string_to_metric_families(file.read_text()) for sample in family.samples}
    violations = {
        sample.labels["check"]: sample.value
        for family in text_string_to_metric_families(file.read_text())
        for sample in family.samples
        if sample.name == "teller_audit_violations"
    }
    assert status == 1
    assert violations == {check.removeprefix("audit_"): check == "wallet_balances" for check in CHECKS}
    assert 0 < shown["teller_audit_seconds"].value < 60
    assert abs(shown["teller_audit_finished_timestamp_seconds"].value - time.time()) < 600
    assert [file.name for file in tmp_path.iterdir()] == ["teller.prom"]


def test_metrics_that_cannot_be_written_are_not_taken_for_damage(worked: Worked, tmp_path: Path) -> None:
    status, output = run_audit(worked.world, "--textfile", str(tmp_path / "nowhere" / "teller.prom"))

    assert status == 2
    assert "audit clean" in output


def audits(world: World) -> list[tuple[Any, ...]]:
    return world.query("SELECT broken, transfers, entries, wallets FROM audits ORDER BY id")


def test_the_result_is_recorded_and_only_that_of_a_whole_audit(worked: Worked, tmp_path: Path) -> None:
    world, checkpoint = worked.world, tmp_path / "checkpoint"
    assert run_audit(world)[0] == 0
    assert commands.core("checkpoint", str(checkpoint), environment=environment(world)).status == 0
    damage(world, "UPDATE wallets SET version = version + 1 WHERE id = %(rich)s", rich=worked.rich)
    assert run_audit(world)[0] == 1
    run_audit(world, "--since", str(checkpoint))

    assert audits(world) == [({}, 5, 6, 18), ({"wallet_balances": 1}, 5, 6, 18)]
    [(took_s, age_s)] = world.query(
        "SELECT extract(epoch FROM finished_at - began_at)::float8, extract(epoch FROM now() - finished_at)::float8"
        " FROM audits ORDER BY id LIMIT 1"
    )
    assert 0 < took_s < 60
    assert 0 < age_s < 600


def test_the_last_thousand_results_stay(worked: Worked) -> None:
    world = worked.world
    world.query(
        "INSERT INTO audits (began_at, broken, transfers, entries, wallets)"
        " SELECT now(), '{}', n, 0, 0 FROM generate_series(1, %s) n",
        KEPT + 5,
    )

    assert store(world.url, audit(world.url), 1.0) is None

    assert [row[1] for row in audits(world)] == [*range(7, KEPT + 6), 5]


def test_an_audit_that_may_not_write_is_clean_and_says_that_it_is_not_recorded(worked: Worked, databases: Databases) -> None:
    world, role = worked.world, databases.new_role()
    world.query(f"CREATE ROLE {role} LOGIN PASSWORD 'a-password'")
    world.query(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
    world.query(f"GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}")

    done = subprocess.run(
        [sys.executable, "-m", "core", "audit"],
        cwd=ROOT,
        env={**os.environ, **environment(world), "DATABASE_URL": with_role(world.url, role, "a-password")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )

    assert (done.returncode, done.stdout.splitlines()[-1]) == (
        0,
        "audit clean: 5 transfers, 6 entries, 18 wallets (2 of clients, 16 external)",
    )
    assert "teller: the result is not recorded: permission denied for table audits" in done.stderr
    assert audits(world) == []


def environment(world: World) -> dict[str, str]:
    return {"DATABASE_URL": world.url, "TELLER_ADMIN_DATABASE_URL": ""}


def run_audit(world: World, *options: str) -> tuple[int, str]:
    done = commands.core("audit", *options, environment=environment(world))
    return done.status, done.out


def test_an_audit_sees_one_instant_while_money_moves(worked: Worked) -> None:
    """What is committed between two of its statements it does not see, be it right or wrong."""
    world = worked.world

    def move(_: str) -> None:
        world.submit(transfer(worked.rich, worked.poor, 1))
        world.drain()
        world.query("UPDATE wallets SET balance = balance - 1 WHERE id = %s", worked.rich)  # and no other wallet gets it

    report = audit(world.url, move)

    assert report.clean, "\n".join(report.lines())
    assert (report.transfers, report.entries) == (5, 6)
    assert not audit(world.url).clean


def test_an_audit_waits_for_no_transaction_that_moves_money(world: World) -> None:
    source, destination = world.new_wallets(10, 0)
    with psycopg.connect(world.url) as half_way:
        half_way.execute("UPDATE wallets SET balance = 5, version = 2 WHERE id = %s", [source])

        assert audit(world.url).clean
        half_way.rollback()

    assert (world.balance(source), world.balance(destination)) == (10, 0)
