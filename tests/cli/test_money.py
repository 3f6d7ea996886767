"""The verbs that move money: what they do, ask, print and end with."""

import signal
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.caller import Caller, new_key
from tests.cli.conftest import Teller, new_name, started
from tests.cli.proxy import Fault, Proxy


def wallet(client: Any) -> str:
    return str(client["wallet"]["id"])


def test_every_verb_moves_what_it_says(teller: Teller, caller: Caller, ada: Any, bob: Any) -> None:
    assert teller("deposit", wallet(ada), "10.5", "--yes").status == 0
    sent = teller("transfer", ada["external_id"], bob["external_id"], "30.00", "--reference", new_name(), "--yes", "--json")
    assert (sent.status, sent.json["status"], sent.json["amount"]) == (0, "applied", 3000)
    assert teller("withdraw", wallet(bob), "1", "--yes").status == 0
    assert teller("reverse", sent.json["reference"], "4.25", "--yes").status == 0
    held = teller("hold", ada["id"], bob["id"], "5", "--expires-in", "3600", "--yes", "--json").json
    assert held["hold"]["remaining_amount"] == 500
    assert teller("capture", held["id"], "2", "--yes").status == 0
    assert teller("release", held["id"], "--yes").status == 0

    assert caller.balance(wallet(ada)) == 5000 + 1050 - 3000 + 425 - 200
    assert caller.balance(wallet(bob)) == 3000 - 100 - 425 + 200


def test_a_scheduled_transfer_is_stored_and_can_be_canceled(teller: Teller, ada: Any, bob: Any) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    later = teller("transfer", wallet(ada), wallet(bob), "1", "--at", tomorrow, "--yes", "--json")
    assert (later.status, later.json["status"]) == (0, "scheduled")

    for wrong in ("1h", "tomorrow", "2026-12-01T10:00:00"):  # a span is before now elsewhere, and would move the money at once
        assert teller("transfer", wallet(ada), wallet(bob), "1", "--at", wrong, "--yes").status == 2
    refused = teller("cancel", later.json["id"])
    assert (refused.status, "--yes" in refused.err) == (2, True)
    canceled = teller("cancel", later.json["id"], "--yes", "--json")
    assert (canceled.status, canceled.json["status"]) == (0, "canceled")


def test_the_key_is_printed_before_the_call_and_repeats_it(teller: Teller, caller: Caller, ada: Any, bob: Any) -> None:
    first = teller("transfer", wallet(ada), wallet(bob), "7", "--yes", "--json")
    again = teller("transfer", wallet(ada), wallet(bob), "7", "--yes", "--json", "--idempotency-key", first.key)
    other = teller("transfer", wallet(ada), wallet(bob), "7", "--yes", "--json")

    assert again.json["id"] == first.json["id"]
    assert other.json["id"] != first.json["id"]
    assert other.key != first.key
    assert caller.balance(wallet(bob)) == 1400
    changed = teller("transfer", wallet(ada), wallet(bob), "8", "--yes", "--json", "--idempotency-key", first.key)
    assert (changed.status, changed.json["code"]) == (2, "idempotency_key_reused")


def test_a_rejection_ends_with_3_and_says_why(teller: Teller, ada: Any, bob: Any) -> None:
    done = teller("transfer", wallet(ada), wallet(bob), "50.01", "--yes")

    assert done.status == 3
    assert "rejected: insufficient_funds" in done.out
    assert teller("transfer", wallet(ada), wallet(bob), "50.01", "--up-to", "--yes").status == 0


def test_without_a_terminal_nothing_moves_unless_yes_is_said(teller: Teller, caller: Caller, ada: Any, bob: Any) -> None:
    done = teller("transfer", ada["external_id"], wallet(bob), "1.00", stdin="y\n")

    assert done.status == 2
    words = f"Move 1.00 USD from Ada ({ada['external_id']}, {wallet(ada)}) to Bob ({bob['external_id']}, {wallet(bob)})"
    assert words in done.err
    assert "--yes" in done.err
    assert "idempotency key" not in done.err
    assert caller.balance(wallet(bob)) == 0


@pytest.mark.parametrize("amount", ["0", "-1", "1.001", "1e2", "1,5", "", "ten", "0.00", "99999999999999999", "٣"])
def test_a_wrong_amount_is_refused_before_anything_is_sent(teller: Teller, caller: Caller, ada: Any, amount: str) -> None:
    done = teller("deposit", "--yes", "--", wallet(ada), amount)

    assert (done.status, done.out) == (2, "")
    assert caller.balance(wallet(ada)) == 5000


@pytest.mark.parametrize(
    ("currency", "amount", "cents", "stored"),
    [("JPY", "10", False, 10), ("KWD", "1.25", False, 1250), ("KWD", "1250", True, 1250), ("JPY", "10.5", False, None)],
)
def test_decimals_are_those_of_the_wallets_currency(
    teller: Teller, caller: Caller, currency: str, amount: str, cents: bool, stored: int | None
) -> None:
    client = teller("clients", "create", "--name", "Aki", "--currency", currency, "--json").json
    done = teller("deposit", wallet(client), amount, "--yes", *(["--cents"] if cents else []))

    assert done.status == (2 if stored is None else 0)
    assert caller.balance(wallet(client)) == (stored or 0)
    if stored is None:
        assert "JPY has no decimals" in done.err


def test_a_preview_stores_nothing(teller: Teller, caller: Caller, ada: Any, bob: Any) -> None:
    done = teller("transfer", wallet(ada), wallet(bob), "60", "--preview")

    assert (done.status, "insufficient_funds" in done.out, "nothing is stored" in done.out) == (3, True, True)
    assert teller("transfer", wallet(ada), wallet(bob), "6", "--preview", "--json").json["status"] == "applied"
    assert caller.balance(wallet(bob)) == 0


def test_without_waiting_a_stored_transfer_is_well(teller: Teller, caller: Caller, ada: Any, bob: Any) -> None:
    done = teller(
        "transfer", wallet(ada), wallet(bob), "1", "--wait", "0", "--yes", "--json", "--metadata", "a=1", "--metadata", "b=2"
    )

    assert done.status == 0
    assert done.json["metadata"] == {"a": "1", "b": "2"}
    assert caller.wait_final(done.json["id"])["status"] == "applied"


def test_a_client_pays_into_a_wallet_that_it_may_not_see(
    teller: Teller, ada: Any, bob: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TELLER_KEY", teller("keys", "make", "--client", ada["external_id"], "--json").json["key"])

    assert teller("transfer", wallet(ada), wallet(bob), "1", "--yes").status == 0
    denied = teller("deposit", wallet(ada), "1", "--yes", "--json")
    assert (denied.status, denied.json["code"]) == (2, "forbidden")


def test_a_client_with_several_wallets_needs_a_currency(teller: Teller, ada: Any) -> None:
    assert teller("wallets", "create", ada["id"], "EUR").status == 0

    ambiguous = teller("deposit", ada["external_id"], "1", "--yes")
    assert (ambiguous.status, "USD, EUR" in ambiguous.err) == (2, True)
    paid = teller("deposit", ada["external_id"], "1", "--currency", "EUR", "--yes", "--json")
    assert (paid.status, paid.json["currency"]) == (0, "EUR")
    assert teller("deposit", ada["external_id"], "1", "--currency", "CHF", "--yes").status == 2
    euros = teller("clients", "create", "--name", "Eve", "--currency", "EUR", "--json").json
    assert teller("deposit", euros["id"], "5", "--yes").status == 0
    sent = teller("transfer", euros["id"], ada["external_id"], "5", "--yes", "--json")
    assert (sent.status, sent.json["currency"]) == (0, "EUR")


def test_a_lost_answer_ends_with_4_and_the_same_key_pays_once(teller: Teller, caller: Caller, ada: Any, bob: Any) -> None:
    arguments = ["transfer", wallet(ada), wallet(bob), "3", "--yes", "--json"]
    with Proxy(caller.url, lambda method, _: Fault.LOST if method == "POST" else None) as proxy:
        lost = teller(*arguments, "--url", proxy.url, "--retry-within", "0.5")

    assert (lost.status, lost.out) == (4, "")
    assert f"--idempotency-key {lost.key}" in lost.err.splitlines()[-1]
    again = teller(*arguments, "--idempotency-key", lost.key)
    assert (again.status, again.json["status"]) == (0, "applied")
    assert caller.balance(wallet(bob)) == 300


@pytest.mark.parametrize(
    ("silent", "says"), [("POST /v1/transfers", "may or may not be stored"), ("GET /v1/transfers/", "is stored and was queued")]
)
def test_ctrl_c_says_what_is_known_and_the_key(caller: Caller, ada: Any, bob: Any, silent: str, says: str) -> None:
    with Proxy(caller.url, lambda method, path: Fault.SILENCE if f"{method} {path}".startswith(silent) else None) as proxy:
        process = started("transfer", wallet(ada), wallet(bob), "3", "--yes", url=proxy.url)
        assert process.stderr is not None
        key = process.stderr.readline().removeprefix("idempotency key ").strip()
        proxy.wait_for_silence()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)

    assert (process.returncode, out) == (4, "")
    assert says in err
    assert err.rstrip().endswith(key)


def test_an_unknown_transfer_or_wallet_is_named(teller: Teller) -> None:
    for arguments in (["reverse", new_key()], ["deposit", f"nobody-{new_name()}", "1"]):
        done = teller(*arguments, "--yes")
        assert (done.status, arguments[1] in done.err) == (2, True)
