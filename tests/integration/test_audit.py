"""The audit is clean over a worked ledger, and each of its checks sees the damage that it is there for."""

import os
import subprocess
import sys
from dataclasses import dataclass
from uuid import UUID

import psycopg
import pytest

from core import ids
from core.audit import CHECKS, SHOWN, audit
from core.ids import Prefix
from tests.system import ROOT
from tests.world import World, deposit, new_id, transfer


@dataclass(frozen=True)
class Worked:
    """A ledger in which every kind of thing has happened."""

    world: World
    rich: UUID
    poor: UUID
    applied: UUID
    rejected: UUID
    queued: UUID


@pytest.fixture
def worked(world: World) -> Worked:
    rich, poor = world.new_wallets(1000, 10, shard=5)
    applied, rejected, queued = transfer(rich, poor, 300), transfer(poor, rich, 311), deposit(poor, 1)
    for sent in (applied, rejected):
        world.submit(sent)
        world.drain()
    world.submit(queued)
    return Worked(world, rich, poor, applied.id, rejected.id, queued.id)


def damage(world: World, *statements: str, **params: object) -> None:
    """Do what no program may: without triggers and without constraints."""
    with psycopg.connect(world.url) as connection:
        connection.execute("SET session_replication_role = replica")
        for constraint in ("moved_only_by_entries", "balance_not_negative", "version_not_negative"):
            connection.execute(f"ALTER TABLE wallets DROP CONSTRAINT {constraint}".encode())
        for constraint in ("entries_pkey", "entries_transfer"):
            connection.execute(f"ALTER TABLE entries DROP CONSTRAINT {constraint}".encode())
        for statement in statements:
            assert connection.execute(statement.encode(), params).rowcount > 0, statement


def name(prefix: Prefix, id: UUID) -> str:
    return f"{prefix.name.lower()} {ids.text(prefix, id)}: "


def test_an_audit_of_a_worked_ledger_is_clean_and_counts_what_it_has_seen(worked: Worked) -> None:
    report = audit(worked.world.url)

    assert report.clean, "\n".join(report.lines())
    assert (report.transfers, report.entries, report.wallets) == (5, 6, 18)
    assert list(report.broken) == list(CHECKS)
    assert list(report.lines())[-1] == "audit clean: 5 transfers, 6 entries, 18 wallets"


def test_an_audit_of_an_empty_ledger_is_clean(world: World) -> None:
    assert audit(world.url).clean


# What is done, which checks must see it, and whom they must name: W the rich wallet, T a transfer of the statement's.
DAMAGES: dict[str, tuple[list[str], dict[str, str]]] = {
    "money made out of nothing in a balance": (
        ["UPDATE wallets SET balance = balance + 1 WHERE id = %(rich)s"],
        {"audit_zero_sum": "ledger", "audit_wallet_balances": "rich"},
    ),
    "money moved between balances alone": (
        [
            "UPDATE wallets SET balance = balance + 1 WHERE id = %(rich)s",
            "UPDATE wallets SET balance = balance - 1 WHERE id = %(poor)s",
        ],
        {"audit_wallet_balances": "rich"},
    ),
    "a version too many": (["UPDATE wallets SET version = version + 1 WHERE id = %(rich)s"], {"audit_wallet_balances": "rich"}),
    "an entry changed": (
        ["UPDATE entries SET amount = amount - 1 WHERE transfer_id = %(applied)s AND wallet_id = %(rich)s"],
        {
            "audit_zero_sum": "ledger",
            "audit_transfer_entries": "applied",
            "audit_wallet_balances": "rich",
            "audit_wallet_chain": "rich",
        },
    ),
    "a running balance changed": (
        ["UPDATE entries SET balance_after = balance_after + 1 WHERE transfer_id = %(applied)s AND wallet_id = %(rich)s"],
        {"audit_wallet_chain": "rich"},
    ),
    "a gap in the versions": (
        ["UPDATE entries SET version = version + 1 WHERE transfer_id = %(applied)s AND wallet_id = %(rich)s"],
        {"audit_wallet_chain": "rich"},
    ),
    "an applied transfer without entries": (
        ["UPDATE transfers SET status = 'applied', failure_code = NULL WHERE id = %(rejected)s"],
        {"audit_transfer_entries": "rejected"},
    ),
    "a rejected transfer with entries": (
        ["UPDATE transfers SET status = 'rejected', failure_code = 'internal' WHERE id = %(applied)s"],
        {"audit_transfer_entries": "applied"},
    ),
    "an amount changed afterwards": (
        ["UPDATE transfers SET amount = amount + 1 WHERE id = %(applied)s"],
        {"audit_transfer_entries": "applied"},
    ),
    "source and destination exchanged afterwards": (
        ["UPDATE transfers SET source = destination, destination = source WHERE id = %(applied)s"],
        {"audit_transfer_entries": "applied"},
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
        {"audit_transfer_entries": "applied"},
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
        {"audit_wallet_balances": "rich"},
    ),
    "a transfer that is gone": (["DELETE FROM transfers WHERE id = %(applied)s"], {"audit_stray_entries": "applied"}),
    "a wallet that is gone": (
        ["DELETE FROM wallets WHERE id = %(rich)s"],
        {"audit_zero_sum": "ledger", "audit_stray_entries": "rich"},
    ),
    "a queued transfer that is not in the queue": (["DELETE FROM queue"], {"audit_queue": "queued"}),
    "a queued transfer that is twice in the queue": (
        ["INSERT INTO queue (shard, transfer_id) VALUES (5, %(queued)s)"],
        {"audit_queue": "queued"},
    ),
    "a queued transfer in the queue of another shard": (["UPDATE queue SET shard = 6"], {"audit_queue": "queued"}),
    "a transfer of another shard than its wallet": (
        ["UPDATE transfers SET shard = 6 WHERE id = %(applied)s"],
        {"audit_queue": "applied"},
    ),
    "a final transfer in the queue": (
        ["INSERT INTO queue (shard, transfer_id) VALUES (5, %(rejected)s)"],
        {"audit_queue": "rejected"},
    ),
    "a final transfer that is twice in the queue": (
        ["INSERT INTO queue (shard, transfer_id) SELECT 5, %(rejected)s FROM generate_series(1, 2)"],
        {"audit_queue": "rejected"},
    ),
    "a place in the queue for nobody": (
        ["INSERT INTO queue (shard, transfer_id) VALUES (5, %(nobody)s)"],
        {"audit_queue": "nobody"},
    ),
}


@pytest.mark.parametrize("what", DAMAGES)
def test_a_damage_is_seen_by_exactly_the_checks_it_concerns_and_named(worked: Worked, what: str) -> None:
    statements, expected = DAMAGES[what]
    rich, poor, applied, rejected, queued = worked.rich, worked.poor, worked.applied, worked.rejected, worked.queued
    nobody = new_id()
    names = {
        "ledger": "ledger: all ",
        "rich": name(Prefix.WALLET, rich),
        **{
            key: name(Prefix.TRANSFER, id)
            for key, id in (("applied", applied), ("rejected", rejected), ("queued", queued), ("nobody", nobody))
        },
    }

    damage(
        worked.world, *statements, rich=rich, poor=poor, applied=applied, rejected=rejected, queued=queued, nobody=nobody
    )  # fmt: skip

    report = audit(worked.world.url)
    seen = {check: [violation.line() for violation in found] for check, found in report.broken.items() if found}
    assert set(seen) == set(expected), "\n".join(report.lines())
    for check, who in expected.items():
        assert any(line.startswith(names[who]) for line in seen[check]), seen[check]
    assert not report.clean


def test_the_damages_above_concern_every_check() -> None:
    assert {check for _, expected in DAMAGES.values() for check in expected} == set(CHECKS)


def test_a_broken_ledger_is_not_listed_to_its_end(world: World) -> None:
    world.new_wallets(*[1] * (SHOWN + 5))

    damage(world, "UPDATE wallets SET version = version + 1")

    assert len(audit(world.url).broken["audit_wallet_balances"]) == SHOWN


def test_the_command_says_clean_and_ends_with_0(worked: Worked) -> None:
    status, output = run_audit(worked.world)

    assert status == 0
    assert output.splitlines() == [
        *(f"ok      {what}" for what in CHECKS.values()),
        "audit clean: 5 transfers, 6 entries, 18 wallets",
    ]


def test_the_command_names_what_is_broken_and_ends_with_1(worked: Worked) -> None:
    damage(worked.world, "UPDATE wallets SET version = version + 1 WHERE id = %(rich)s", rich=worked.rich)

    status, output = run_audit(worked.world)

    assert status == 1
    assert f"BROKEN  {CHECKS['audit_wallet_balances']}\n        {name(Prefix.WALLET, worked.rich)}" in output
    assert output.count("BROKEN") == 2  # the check and the verdict
    assert output.splitlines()[-1].startswith("audit BROKEN: ")


def run_audit(world: World) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "core", "audit"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": world.url},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        timeout=30,
    )
    return done.returncode, done.stdout


def test_an_audit_sees_one_instant_while_money_moves(world: World) -> None:
    """Locks that a drain holds are in nobody's way, and what it has not committed is not seen."""
    source, destination = world.new_wallets(10, 0)
    with psycopg.connect(world.url) as half_way:
        half_way.execute("UPDATE wallets SET balance = 5, version = 2 WHERE id = %s", [source])

        assert audit(world.url).clean
        half_way.rollback()

    assert (world.balance(source), world.balance(destination)) == (10, 0)
