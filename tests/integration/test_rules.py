"""Frozen, limited and closed wallets in the transaction that moves money, against a real database."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any
from uuid import UUID

import psycopg
import pytest

from core.ledger.rules import Rules, rules_of
from core.postgres.connections import SyncConnection
from core.transfers import Submission, Terms
from tests.integration.test_verbs import APPLIED, assert_clean, funds, settle
from tests.waiting import wait_for
from tests.world import World, capture, closure, deposit, hold, release, reversal, transfer, withdrawal
from worker.ledger import apply
from worker.ledger.writes import Write

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"

FROZEN, SHUT = ("rejected", "wallet_frozen"), ("rejected", "wallet_closed")
TOO_MUCH, A_DAY, A_MONTH = (("rejected", f"{of}_limit_exceeded") for of in ("debit", "daily", "monthly"))


def rules(world: World, wallet: UUID) -> Rules:
    stored = world.wallet(wallet).rules
    return Rules() if stored is None else rules_of(stored)


def used(world: World, wallet: UUID) -> tuple[int, int]:
    """What counts against the wallet's limits today, and this month."""
    limits = rules(world, wallet).limits
    assert limits is not None
    return limits.debits_today, limits.debits_this_month


def test_what_a_freeze_of_debits_stops(world: World) -> None:
    frozen, other = world.new_wallets(100, 100)
    held, received = hold(frozen, other, 10), transfer(other, frozen, 10)
    assert settle(world, held, received) == [APPLIED] * 2
    world.change(frozen, frozen="debits")

    stopped = [
        transfer(frozen, other, 1),
        withdrawal(frozen, 1),
        hold(frozen, other, 1),
        reversal(
            received,
            1,
        ),
    ]
    stopped[-1].owner = "cl_some_client"
    passes = [transfer(other, frozen, 1), deposit(frozen, 1), capture(held, 3), release(held, 3), reversal(received, 1)]

    assert settle(world, *stopped, *passes) == [FROZEN] * 4 + [APPLIED] * 5
    assert_clean(world)


def test_what_a_freeze_of_credits_stops(world: World) -> None:
    frozen, other, third = world.new_wallets(100, 100, 5)
    held, paid = hold(other, frozen, 10), transfer(frozen, other, 10)
    assert settle(world, held, paid) == [APPLIED] * 2
    world.change(frozen, frozen="credits")

    stopped = [transfer(other, frozen, 1), deposit(frozen, 1), hold(other, frozen, 1), capture(held, 1), closure(third, frozen)]
    stopped.append(reversal(paid, 1))
    stopped[-1].owner = "cl_some_client"
    passes = [transfer(frozen, other, 1), withdrawal(frozen, 1), release(held, 3), reversal(paid, 1)]

    assert settle(world, *stopped, *passes) == [FROZEN] * 6 + [APPLIED] * 4
    assert world.transfer(held.id).remaining == 7  # a stopped capture leaves the hold open
    assert_clean(world)


def test_a_frozen_wallet_is_as_before_once_the_freeze_is_gone(world: World) -> None:
    payer, payee = world.new_wallets(10, 0)
    world.change(payer, frozen="all")
    assert settle(world, transfer(payer, payee, 1), deposit(payer, 1)) == [FROZEN] * 2
    world.change(payer, frozen=None)

    assert settle(world, transfer(payer, payee, 1)) == [APPLIED]
    assert world.query("SELECT guard FROM wallets WHERE id = %s", payer) == [(None,)]
    assert_clean(world)


def test_debits_count_against_the_windows_and_releases_give_back(world: World) -> None:
    payer, payee = world.new_wallets(1000, 0)
    world.change(payer, limits={"debit_max": 60, "debits_per_day_max": 100, "debits_per_month_max": 120})
    held = hold(payer, payee, 50)

    assert settle(world, transfer(payer, payee, 61), transfer(payer, payee, 40), held) == [TOO_MUCH, APPLIED, APPLIED]
    assert used(world, payer) == (90, 90)
    assert settle(world, withdrawal(payer, 11), withdrawal(payer, 10)) == [A_DAY, APPLIED]
    assert settle(world, release(held, 20), capture(held, 5), capture(held, 5, closes=True)) == [APPLIED] * 3
    assert used(world, payer) == (60, 60)  # 40 + 10, and of the hold what was captured
    assert_clean(world)


def test_a_month_counts_over_days_and_a_new_window_begins_at_zero(world: World) -> None:
    payer, payee = world.new_wallets(1000, 0)
    world.change(payer, limits={"debits_per_day_max": 100, "debits_per_month_max": 120})
    held = hold(payer, payee, 100)
    assert settle(world, held, transfer(payer, payee, 1)) == [APPLIED, A_DAY]
    days_pass(world, payer, "1 day")
    limits = rules(world, payer).limits
    assert limits is not None
    of_yesterday = 0 if limits.today == limits.month_began else 100

    assert settle(world, transfer(payer, payee, 21), transfer(payer, payee, 20)) == [A_MONTH if of_yesterday else APPLIED, APPLIED]
    spent = used(world, payer)[0]
    assert used(world, payer) == (spent, spent + of_yesterday)
    assert settle(world, release(held, 70)) == [APPLIED]
    assert used(world, payer) == (
        spent,
        spent + of_yesterday * 3 // 10,
    )  # the month gets back what yesterday counted, today nothing

    days_pass(world, payer, "62 days")
    assert used(world, payer) == (0, 0)
    assert settle(world, release(held, 30), transfer(payer, payee, 100)) == [APPLIED] * 2
    assert used(world, payer) == (100, 100)
    assert_clean(world)


def days_pass(world: World, wallet: UUID, how_many: str) -> None:
    """Make what was counted so far older."""
    world.query(f"UPDATE wallets SET counted_day = counted_day - interval '{how_many}' WHERE id = %s", wallet)
    world.query(
        f"UPDATE transfers SET counted_on = counted_on - interval '{how_many}' WHERE counted_on IS NOT NULL AND source = %s", wallet
    )


def test_what_was_before_the_limit_does_not_count_and_gives_nothing_back(world: World) -> None:
    payer, payee = world.new_wallets(100, 0)
    before = hold(payer, payee, 50)
    assert settle(world, before) == [APPLIED]
    world.change(payer, limits={"debits_per_day_max": 10})

    assert settle(world, release(before), transfer(payer, payee, 10), transfer(payer, payee, 1)) == [APPLIED, APPLIED, A_DAY]
    assert used(world, payer) == (10, 10)
    assert_clean(world)


def test_an_open_amount_is_judged_by_what_it_comes_to(world: World) -> None:
    payer, payee = world.new_wallets(10, 0)
    world.change(payer, limits={"debit_max": 10})
    up_to = transfer(payer, payee, 99, terms=Terms(fit="funds"))

    assert settle(world, up_to) == [APPLIED]
    assert used(world, payer) == (10, 10)
    assert_clean(world)


def test_the_limit_of_a_balance_refuses_credits_alone(world: World) -> None:
    full, other = world.new_wallets(100, 100)
    world.change(full, limits={"balance_max": 50})

    too_high = ("rejected", "balance_limit_exceeded")
    sent = [deposit(full, 1), transfer(other, full, 1), transfer(full, other, 60), transfer(other, full, 10), deposit(full, 1)]
    assert settle(world, *sent) == [too_high, too_high, APPLIED, APPLIED, too_high]
    assert_clean(world)


@pytest.mark.parametrize("outside", [False, True], ids=["to an heir", "to outside"])
def test_a_closure_sweeps_and_the_wallet_never_moves_again(world: World, outside: bool) -> None:
    wallet, heir = world.new_wallets(100, 0)
    before, after, back = transfer(wallet, heir, 40), transfer(wallet, heir, 1), transfer(heir, wallet, 1)
    closing = closure(wallet, sweeps=True) if outside else closure(wallet, heir)

    assert settle(world, before, closing, after, back, deposit(wallet, 1), closure(wallet)) == [APPLIED, APPLIED] + [SHUT] * 4

    closed = world.wallet(wallet)
    assert (closed.status, closed.balance, closed.version) == ("closed", 0, 3)
    assert world.transfer(closing.id).total == 60
    assert funds(world, heir) == ((40, 40) if outside else (100, 100))
    assert settle(world, deposit(wallet, 1), reversal(before, 5)) == [SHUT] * 2
    [(key, reason)] = world.query("SELECT key_id, reason FROM wallet_changes WHERE wallet_id = %s", wallet)
    assert (key, reason.split(" ")[0]) == (None, "closure")
    assert_clean(world)


def test_an_empty_wallet_is_closed_without_entries(world: World) -> None:
    wallet, heir = world.new_wallets(0, 0)
    closing = closure(wallet)

    assert settle(world, closing, closure(heir, wallet)) == [APPLIED] * 2  # an empty one sweeps nothing into a closed one
    assert (world.transfer(closing.id).entries, world.transfer(closing.id).total) == ([], 0)
    assert_clean(world)


def test_a_wallet_with_holds_or_money_is_not_closed(world: World) -> None:
    holder, rich, heir = world.new_wallets(10, 10, 0)
    held = hold(holder, heir, 10)
    not_now = [closure(holder, heir), closure(rich)]

    assert settle(world, held, *not_now) == [APPLIED, ("rejected", "wallet_has_holds"), ("rejected", "wallet_not_empty")]
    assert settle(world, capture(held), closure(holder, heir)) == [APPLIED] * 2
    assert_clean(world)


def test_a_hold_for_a_closed_wallet_is_released_and_not_captured(world: World) -> None:
    payer, payee = world.new_wallets(10, 0)
    held = hold(payer, payee, 10)

    assert settle(world, held, closure(payee)) == [APPLIED] * 2
    assert settle(world, capture(held), hold(payer, payee, 1), release(held)) == [SHUT, SHUT, APPLIED]
    assert_clean(world)


def test_a_change_that_changes_nothing_adds_nothing_to_the_history(world: World) -> None:
    wallet = world.new_wallet()

    for _ in range(2):
        world.change(wallet, frozen="all", limits={"debit_max": 5})
    world.change(wallet, limits={"debit_max": None})
    world.change(wallet, frozen=None)

    found = world.query("SELECT number, before ->> 'frozen', after ->> 'frozen', after #>> '{limits,debit_max}'"
                        " FROM wallet_changes WHERE wallet_id = %s ORDER BY number", wallet)  # fmt: skip
    assert found == [(1, None, "all", "5"), (2, "all", "all", None), (3, "all", None, None)]
    assert rules(world, wallet).frozen is None
    assert used(world, wallet) == (0, 0)  # it counts on
    assert_clean(world)


# What another session has done to a wallet, and not committed yet, when a drain comes for it.
CHANGES = {
    "frozen": "SELECT FROM change_wallet(%(id)s, '{\"frozen\": \"debits\"}', NULL, 'r')",
    "limited": "SELECT FROM change_wallet(%(id)s, '{\"limits\": {\"debit_max\": 4}}', NULL, 'r')",
    "closed": "UPDATE wallets SET status = 'closed', guard = ARRAY[version, held] WHERE id = %(id)s",
    "counted": "UPDATE wallets SET debits_today = 6, debits_this_month = 6 WHERE id = %(id)s",
}


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ("frozen", "wallet_frozen"),
        ("limited", "debit_limit_exceeded"),
        ("closed", "wallet_closed"),
        ("counted", "daily_limit_exceeded"),
    ],
)
def test_a_drain_reads_a_wallets_rules_under_its_lock(world: World, change: str, refusal: str) -> None:
    payer, payee = world.new_wallets(0 if change == "closed" else 10, 0)
    if change == "counted":
        world.change(payer, limits={"debits_per_day_max": 10})
    sent = transfer(payer, payee, 5)
    world.submit(sent)

    with psycopg.connect(world.owner_url) as other, ThreadPoolExecutor(1) as threads:
        other.execute(CHANGES[change].encode(), {"id": payer})
        drained = threads.submit(world.drain)
        world.wait_until_blocked()
        other.commit()
        assert drained.result() == 1

    assert world.statuses(sent.id) == [("rejected", refusal)]


def test_a_freeze_waits_for_the_drain_that_has_the_wallet(world: World) -> None:
    payer, payee = world.new_wallets(10, 0)
    sent = transfer(payer, payee, 1)

    with psycopg.connect(world.owner_url) as drain, ThreadPoolExecutor(1) as threads:
        drain.execute("SELECT FROM wallets WHERE id = %s FOR NO KEY UPDATE", [payer])
        frozen = threads.submit(world.change, payer, frozen="all")
        world.wait_until_blocked()
        assert not frozen.done()
        drain.execute("UPDATE wallets SET version = version + 1, balance = balance - 1 WHERE id = %s", [payer])
        drain.execute("UPDATE wallets SET version = version - 1, balance = balance + 1 WHERE id = %s", [payer])
        drain.commit()
        changed = frozen.result()

    assert changed is not None
    assert settle(world, sent) == [FROZEN]
    assert_clean(world)


def test_changes_at_once_are_merged_and_each_is_in_the_history(world: World) -> None:
    wallet = world.new_wallet()
    limited = [{"limits": {name: 5}} for name in ("balance_max", "debit_max", "debits_per_day_max", "debits_per_month_max")]
    changes: list[dict[str, Any]] = [{"frozen": "all"}, *limited]

    with ThreadPoolExecutor(len(changes)) as threads, psycopg.connect(world.url) as holder:
        holder.execute("SELECT FROM wallets WHERE id = %s FOR UPDATE", [wallet])
        made = [threads.submit(world.change, wallet, **one) for one in changes]
        wait_for(lambda: world.query(WAITING) == [(len(changes),)], "all changes to be at the wallet")
        holder.rollback()
        assert all(one.result() for one in made)

    limits = rules(world, wallet).limits
    assert limits is not None
    assert (rules(world, wallet).frozen, limits[:4]) == ("all", (5, 5, 5, 5))
    assert world.query("SELECT count(*), max(number) FROM wallet_changes WHERE wallet_id = %s", wallet) == [(5, 5)]
    assert_clean(world)


def test_a_batch_that_began_before_midnight_counts_in_the_later_day_of_its_wallets(world: World) -> None:
    late, early, payee = world.new_wallets(100, 100, 0, shard=3)
    for wallet in (late, early):
        world.change(wallet, limits={"debits_per_day_max": 50})
    assert settle(world, transfer(late, payee, 10), transfer(early, payee, 20)) == [APPLIED] * 2
    world.query("UPDATE wallets SET counted_day = counted_day + 1, debits_today = 7 WHERE id = %s", late)

    sent = [transfer(late, payee, 1), transfer(early, payee, 50)]
    assert settle(world, *sent) == [APPLIED] * 2

    days = world.query("SELECT DISTINCT counted_on - utc_today() FROM transfers WHERE id = ANY(%s)", [one.id for one in sent])
    assert days == [(1,)]
    assert world.query("SELECT debits_today FROM wallets WHERE id = ANY(%s) ORDER BY debits_today", [late, early]) == [(8,), (50,)]


def test_a_wallet_without_rules_costs_a_drain_no_statement_more(world: World) -> None:
    payer, payee, ruled = world.new_wallets(10, 0, 10)
    world.change(ruled, limits={"debit_max": 10})
    plain = names_of_writes(world, transfer(payer, payee, 1))

    assert plain == ["insert_entries", "update_wallets", "finish_transfers", "delete_queue"]
    assert names_of_writes(world, transfer(ruled, payee, 1)) == [
        *("insert_entries", "update_wallets", "update_counters", "finish_transfers", "note_counted", "delete_queue")
    ]


def names_of_writes(world: World, sent: Submission) -> list[str]:
    """Which writes the batch of this transfer has."""
    written: list[str] = []
    world.submit(sent)
    with pytest.MonkeyPatch.context() as patched, closing(world.applier()) as applier:
        execute = apply.execute

        def execute_and_note(connection: SyncConnection, write: Write) -> psycopg.Cursor[Any]:
            written.append(write.name)
            return execute(connection, write)

        patched.setattr(apply, "execute", execute_and_note)
        assert applier.apply([sent.shard], 10).finished == 1
    return [name.removeprefix("drain/") for name in written]
