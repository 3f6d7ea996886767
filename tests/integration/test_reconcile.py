"""A bank's file is compared with what came in and went out, by reference: each row is in exactly one class."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core import ids
from core.admin.bank_file import Layout, UnreadableFile
from core.admin.reconcile import Difference, Scope, Summary, reconcile
from core.errors import CannotDo
from tests import commands
from tests.world import World, capture, deposit, hold, reversal, transfer, withdrawal

EVERYTHING = Scope()


def compared(
    world: World,
    folder: Path,
    rows: Sequence[str],
    scope: Scope = EVERYTHING,
    layout: Layout = Layout(),  # noqa: B008  # it is frozen
) -> tuple[list[tuple[str, str | None, int | None, int | None]], Summary]:
    """Compare a file of these rows. Return each difference's kind, reference and amounts, the file's first, and the summary."""
    file = folder / "bank.csv"
    file.write_text("reference,amount\n" + "".join(f"{row}\n" for row in rows))
    *differences, summary = reconcile(world.url, file, layout, scope)
    assert isinstance(summary, Summary)
    seen: list[tuple[str, str | None, int | None, int | None]] = []
    for one in differences:
        assert isinstance(one, Difference)
        side = one.there or one.here
        assert side is not None
        seen.append((one.kind, side.reference, one.there.amount if one.there else None, one.here.amount if one.here else None))
    return seen, summary


def worked(world: World, *sent: Any) -> None:
    for one in sent:
        world.submit(one)
        world.drain()


def test_each_row_is_matched_missing_or_differing(world: World, tmp_path: Path) -> None:
    wallet = world.new_wallet()
    worked(
        world,
        deposit(wallet, 1000, reference="in-1"),
        deposit(wallet, 2000, reference="in-2"),
        deposit(wallet, 3000, reference="in-3"),
        withdrawal(wallet, 400, reference="out-1"),
        withdrawal(wallet, 9_000_000, reference="refused"),
        deposit(wallet, 5),
    )

    seen, summary = compared(world, tmp_path, ["in-1,1000", "in-2,2001", "in-4,4000", "out-1,-400", "refused,-9000000", ",5"])

    assert seen == [
        ("missing_here", "", 5, None),
        ("missing_there", "", None, 5),
        ("differing", "in-2", 2001, 2000),
        ("missing_there", "in-3", None, 3000),
        ("missing_here", "in-4", 4000, None),
        ("missing_here", "refused", -9_000_000, None),
    ]
    assert (summary.matched, summary.missing_here, summary.missing_there, summary.differing) == (2, 3, 2, 1)
    assert (summary.rows, summary.movements, summary.agrees) == (6, 5, False)


def test_a_file_that_agrees_has_no_difference(world: World, tmp_path: Path) -> None:
    wallet = world.new_wallet()
    worked(world, deposit(wallet, 1000, reference=" in-1 "), withdrawal(wallet, 400, reference="out-1"))

    assert compared(world, tmp_path, ["out-1 ,-400", "in-1,1000"]) == ([], Summary(rows=2, movements=2, matched=2))


def test_all_that_has_a_wallet_outside_is_compared_with_its_sign(world: World, tmp_path: Path) -> None:
    """A payout of a hold goes out; a payout that comes back and a chargeback are reversals. Between clients nothing is compared."""
    ada, bob = world.new_wallets(0, 0)
    paid_in, paid_out, reserved = deposit(ada, 1000, reference="in"), withdrawal(ada, 100, reference="out"), hold(ada, None, 300)
    worked(
        world,
        *(paid_in, paid_out, reserved),
        transfer(ada, bob, 50, reference="inside"),
        *(
            replaced(capture(reserved, 200), "payout"),
            replaced(reversal(paid_out), "back"),
            replaced(reversal(paid_in, 10), "charge"),
        ),
    )

    seen, summary = compared(world, tmp_path, ["in,1000", "out,-100", "payout,-200", "back,100", "charge,-10"])

    assert (seen, summary.matched, summary.movements) == ([], 5, 5)


def replaced(sent: Any, reference: str) -> Any:
    return replace(sent, reference=reference)


@pytest.mark.parametrize(
    ("here", "there", "seen"),
    [
        ([5, 5], [5, 5], []),
        ([5], [5, 5], [("missing_here", "r", 5, None)]),
        ([5, 5, 5], [5], [("missing_there", "r", None, 5)] * 2),
        ([5, 6], [6, 5], []),
        ([5, 7], [6, 5], [("differing", "r", 6, 7)]),
        ([5, 7, 8], [6, 5], [("differing", "r", 6, 7), ("missing_there", "r", None, 8)]),
        ([1], [2, 3], [("differing", "r", 2, 1), ("missing_here", "r", 3, None)]),
    ],
)
def test_a_reference_that_stands_several_times_pairs_off_equal_amounts_first(
    world: World, tmp_path: Path, here: list[int], there: list[int], seen: list[Any]
) -> None:
    wallet = world.new_wallet()
    worked(world, *(deposit(wallet, amount, reference="r") for amount in here))

    found, summary = compared(world, tmp_path, [f"r,{amount}" for amount in there])

    assert found == seen
    assert (summary.repeated_here, summary.repeated_there) == (len(here) > 1, len(there) > 1)


def test_a_file_without_minus_signs_is_compared_without_them(world: World, tmp_path: Path) -> None:
    wallet = world.new_wallet(1000)
    worked(world, withdrawal(wallet, 400, reference="out"))

    only = Scope(types=["withdrawal"])

    assert compared(world, tmp_path, ["out,400"], only)[0] == [("differing", "out", 400, -400)]
    assert compared(world, tmp_path, ["out,400"], only, Layout(unsigned=True))[0] == []


def test_types_and_times_choose_what_is_compared(world: World, tmp_path: Path) -> None:
    """Months tile: each movement is in exactly one of two that follow each other."""
    wallet = world.new_wallet(shard=3)
    for number in range(9):
        worked(world, deposit(wallet, 10 + number, reference=f"in-{number}"))
    worked(world, withdrawal(wallet, 5, reference="out"))
    times = [time for (time,) in world.query("SELECT created_at FROM entries WHERE wallet_id = %s ORDER BY version", wallet)]

    def names(scope: Scope) -> list[str]:
        return [str(reference) for _, reference, _, _ in compared(world, tmp_path, [], scope)[0]]

    everything = [*(f"in-{number}" for number in range(9)), "out"]
    assert names(EVERYTHING) == everything
    assert names(Scope(types=["withdrawal", "reversal"])) == ["out"]
    for cut in range(10):
        outside = world.query(
            "SELECT created_at FROM entries WHERE wallet_id = %s AND version = %s", ids.external_wallet(3), cut + 1
        )
        at = outside[0][0]
        assert names(Scope(end=at)) == everything[:cut]
        assert names(Scope(start=at)) == everything[cut:]
        assert names(Scope(start=at, end=at)) == []
    assert names(Scope(start=times[-1].replace(year=2100))) == []
    assert names(Scope(end=times[0].replace(year=2000))) == []


def test_a_currency_chooses_what_is_compared_on_both_sides(world: World, tmp_path: Path) -> None:
    wallet = world.new_wallet()
    worked(world, deposit(wallet, 5, reference="a"))
    file = tmp_path / "bank.csv"
    file.write_text("reference,amount,currency\na,5,USD\nb,7,JPY\n")

    *found, summary = reconcile(world.url, file, Layout(), Scope(currency="USD"))
    assert (found, summary) == ([], Summary(rows=1, skipped=1, movements=1, matched=1))

    *found, summary = reconcile(world.url, file, Layout(), Scope(currency="JPY"))
    assert isinstance(summary, Summary)
    assert (summary.movements, summary.missing_here, summary.skipped) == (0, 1, 1)

    file.write_text("reference,amount,currency\na,5,JPY\n")
    [found_one, _] = reconcile(world.url, file, Layout(), EVERYTHING)
    assert isinstance(found_one, Difference)
    assert found_one.kind == "differing"


def test_a_bad_file_is_refused_before_the_database_is_asked(tmp_path: Path) -> None:
    file = tmp_path / "bank.csv"
    file.write_text("reference,amount\na,x\n")

    with pytest.raises(UnreadableFile, match="line 2"):
        list(reconcile("postgresql://nobody@127.0.0.1:1/none", file, Layout(), EVERYTHING))


def test_a_comparison_has_its_time(world: World, tmp_path: Path) -> None:
    file = tmp_path / "bank.csv"
    file.write_text("reference,amount\n")

    with pytest.raises(CannotDo, match="did not end within 1e-06 s"):
        list(reconcile(world.url, file, Layout(), EVERYTHING, within_s=1e-6))


def run_reconcile(world: World, *argv: str) -> tuple[int, str, str]:
    """The program itself is started on the same command line by test_month_end.py."""
    done = commands.core("reconcile", *argv, environment={"DATABASE_URL": world.url, "TELLER_ADMIN_DATABASE_URL": ""})
    return done.status, done.out, done.err


def test_the_command_tells_scripts_whether_the_sides_agree(world: World, tmp_path: Path) -> None:
    wallet = world.new_wallet()
    sent = deposit(wallet, 1050, reference="in-\u00e9\x1b")
    worked(world, sent)
    file = tmp_path / "bank.csv"

    file.write_text("Ref;Value\nin-\u00e9\x1b;10.50\n")
    options = ["--reference-column", "Ref", "--amount-column", "Value", "--delimiter", ";", "--decimals", "2"]
    status, output, _ = run_reconcile(world, str(file), *options)
    assert (status, output) == (0, "reconciled: 1 rows, 1 movements; 1 matched, 0 missing here, 0 missing there, 0 differing\n")

    file.write_text("reference,amount,date\nin-\u00e9\x1b,1049,2026-01-31\n")
    status, output, _ = run_reconcile(world, str(file))
    assert status == 1
    assert "\x1b" not in output  # what a caller chose does not reach the terminal as it is
    assert output.startswith("differing      line 2: 'in-\u00e9\\x1b', 1049 USD, '2026-01-31'\n               trf_")

    status, output, _ = run_reconcile(world, str(file), "--json", "--from", "2026-01-01", "--types", "deposit")
    difference, summary = map(json.loads, output.splitlines())
    assert status == 1
    assert difference["there"] == {"line": 2, "reference": "in-\u00e9\x1b", "amount": 1049, "currency": "USD", "date": "2026-01-31"}
    assert difference["here"]["transfer_id"] == ids.text(ids.Prefix.TRANSFER, sent.id)
    assert (difference["here"]["type"], difference["here"]["amount"]) == ("deposit", 1050)
    assert summary == {
        "kind": "summary", "rows": 1, "skipped": 0, "movements": 1, "matched": 0, "missing_here": 0, "missing_there": 0,
        "differing": 1, "repeated_there": 0, "repeated_here": 0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("argv", "reason"),
    [
        (["--from", "yesterday"], "invalid time value"),
        (["--from", "2026-01-01T00:00:00"], "needs an offset"),
        (["--types", "deposit,loan"], "'loan' is none of"),
        (["--delimiter", "ab"], "is not one character"),
        (["--encoding", "utf-16"], "invalid choice"),
        (["--currency", "usd"], "is not three capital letters"),
        (["--decimals", "9"], "invalid choice"),
        ([], "line 2: the amount 'x'"),
    ],
)
def test_what_cannot_be_compared_exits_with_2_and_the_reason(world: World, tmp_path: Path, argv: list[str], reason: str) -> None:
    file = tmp_path / "bank.csv"
    file.write_text("reference,amount\na,x\n")

    status, output, errors = run_reconcile(world, str(file), *argv)

    assert (status, output) == (2, "")
    assert reason in errors
