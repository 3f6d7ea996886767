"""Wallets in several currencies: one a client and currency. Money never leaves its currency, and no caller moves yen for cents."""

from typing import Any

import pytest

from core import ids
from core.ids import Prefix
from tests.caller import Answer, Caller, new_key
from tests.http.conftest import AsClient, Count
from tests.waiting import wait_for


def add_wallet(caller: Caller, client_id: str, currency: str, **options: Any) -> Any:
    answer = caller.post(f"/v1/clients/{client_id}/wallets", {"currency": currency}, **options)
    assert answer.status == 201, answer
    return answer.body


def in_yen(caller: Caller, balance: int = 0) -> str:
    """Return a new client's wallet in yen, once the deposit is applied."""
    wallet: str = caller.new_client(currency="JPY")["wallet"]["id"]
    if balance:
        caller.applied(caller.deposit(wallet, balance, currency="JPY"))
    return wallet


@pytest.mark.parametrize(("currency", "minor_unit"), [("JPY", 0), ("USD", 2), ("BHD", 3), ("CLF", 4)])
def test_a_client_is_made_in_a_currency_whose_digits_its_wallet_shows(caller: Caller, currency: str, minor_unit: int) -> None:
    client = caller.new_client(currency=currency)

    assert (client["wallet"]["currency"], client["wallet"]["minor_unit"]) == (currency, minor_unit)
    assert client["wallets"] == [client["wallet"]]
    assert caller.get(f"/v1/wallets/{client['wallet']['id']}").body == client["wallet"]


def test_a_client_gets_a_wallet_of_each_currency_and_shows_them_in_order(caller: Caller) -> None:
    client = caller.new_client(currency="BHD")

    answer = caller.post(f"/v1/clients/{client['id']}/wallets", {"currency": "JPY"})
    dollars = add_wallet(caller, client["id"], "USD")

    yen = answer.body
    assert answer.status == 201
    assert answer.headers["location"] == f"/v1/wallets/{yen['id']}"
    assert yen == {**client["wallet"], "id": yen["id"], "currency": "JPY", "minor_unit": 0, "created_at": yen["created_at"]}
    shown = caller.get(f"/v1/clients/{client['id']}").body
    assert shown == {**client, "wallets": [client["wallet"], yen, dollars]}


def test_a_second_wallet_of_a_currency_is_refused(caller: Caller, count_stored: Count) -> None:
    client = caller.new_client(currency="JPY")
    before = count_stored()

    for key in (None, new_key()):
        answer = caller.post(f"/v1/clients/{client['id']}/wallets", {"currency": "JPY"}, key=key)
        assert (answer.status, answer.code) == (409, "wallet_exists")

    assert count_stored() == before


def test_a_repeated_request_for_a_wallet_gets_the_same_wallet(caller: Caller) -> None:
    client, key = caller.new_client(), new_key()

    wallet = add_wallet(caller, client["id"], "EUR", key=key)
    again = caller.post(f"/v1/clients/{client['id']}/wallets", {"currency": "EUR"}, key=key)

    assert (again.status, again.body) == (201, wallet)
    assert again.headers["idempotent-replayed"] == "true"
    other = caller.post(f"/v1/clients/{client['id']}/wallets", {"currency": "GBP"}, key=key)
    assert (other.status, other.code) == (422, "idempotency_key_reused")


def test_a_key_has_one_effect_whatever_it_comes_with(caller: Caller, count_stored: Count) -> None:
    client, keys = caller.new_client(), [new_key() for _ in range(3)]
    add_wallet(caller, client["id"], "EUR", key=keys[0])
    caller.deposit(client["wallet"]["id"], 1, key=keys[1])
    caller.post("/v1/clients", {"name": "Ada"}, key=keys[2])
    before = count_stored()

    answers = [
        caller.deposit(client["wallet"]["id"], 1, key=keys[0]),
        caller.hold(client["wallet"]["id"], None, 1, key=keys[0]),
        caller.post("/v1/clients", {"name": "Ada"}, key=keys[0]),
        *(caller.post(f"/v1/clients/{client['id']}/wallets", {"currency": "GBP"}, key=key) for key in keys[1:]),
    ]

    assert [answer.code for answer in answers] == ["idempotency_key_reused"] * 5
    assert count_stored() == before


@pytest.mark.parametrize("currency", ["XAU", "XXX", "XTS", "usd", "DEM", "", "EURO", "\ud800", 840, None])
def test_what_is_no_currency_with_a_minor_unit_makes_no_wallet(caller: Caller, count_stored: Count, currency: object) -> None:
    client = caller.new_client()
    before = count_stored()

    answers = [
        caller.post("/v1/clients", {"name": "Ada", "currency": currency}),
        caller.post(f"/v1/clients/{client['id']}/wallets", {"currency": currency}),
    ]

    expected = "currency_unknown" if isinstance(currency, str) else "wrong_type"
    assert [(answer.status, answer.field_codes) for answer in answers] == [(422, {"/currency": expected})] * 2
    assert count_stored() == before


def test_a_wallet_needs_a_currency_and_a_client(caller: Caller) -> None:
    client = caller.new_client()

    assert caller.post(f"/v1/clients/{client['id']}/wallets", {}).field_codes == {"/currency": "required"}
    absent = caller.post(f"/v1/clients/{ids.text(Prefix.CLIENT, ids.mint())}/wallets", {"currency": "JPY"}, key=new_key())
    assert (absent.status, absent.code) == (404, "not_found")


def test_a_client_that_is_made_again_with_another_currency_is_another_request(caller: Caller) -> None:
    key, spelled_out = new_key(), new_key()
    first = caller.post("/v1/clients", {"name": "Ada", "currency": "JPY"}, key=key)

    assert caller.post("/v1/clients", {"name": "Ada", "currency": "JPY"}, key=key).body == first.body
    assert caller.post("/v1/clients", {"name": "Ada"}, key=key).code == "idempotency_key_reused"
    default = caller.post("/v1/clients", {"name": "Ada"}, key=spelled_out)
    assert caller.post("/v1/clients", {"name": "Ada", "currency": "USD"}, key=spelled_out).body == default.body


def test_all_verbs_move_money_of_another_currency(caller: Caller) -> None:
    ada, bob = in_yen(caller, 1000), in_yen(caller)

    sent = caller.applied(caller.transfer(ada, bob, 300, currency="JPY"))
    held = caller.applied(caller.hold(ada, bob, 200, currency="JPY"))
    captured = caller.applied(caller.capture(held["id"], amount=50, currency="JPY"))
    rest = caller.applied(caller.capture(held["id"]))
    back = caller.applied(caller.reverse(sent["id"], amount=100, currency="JPY"))
    paid_out = caller.applied(caller.withdraw(ada, 400, currency="JPY"))
    payout = caller.applied(caller.hold(ada, None, 10, currency="JPY"))
    released = caller.applied(caller.release(payout["id"]))
    returned = caller.applied(caller.reverse(paid_out["id"]))

    made = [sent, held, captured, rest, back, paid_out, payout, released, returned]
    assert {transfer["currency"] for transfer in made} == {"JPY"}
    assert (caller.balance(ada), caller.balance(bob)) == (600, 400)


def mismatches(caller: Caller) -> dict[str, Answer]:
    """Requests for yen, by a caller that counts cents, or for what is of another currency."""
    yen, more_yen, dollars = in_yen(caller, 1000), in_yen(caller), caller.new_wallet(100)
    held = caller.applied(caller.hold(yen, more_yen, 100, currency="JPY"))["id"]
    moved = caller.applied(caller.transfer(yen, more_yen, 100, currency="JPY"))["id"]
    cents = caller.applied(caller.transfer(dollars, caller.new_wallet(), 10))["id"]
    return {
        "a deposit of cents": caller.deposit(yen, 1050),
        "a deposit of a currency that no client has": caller.deposit(yen, 1050, currency="SVC"),
        "a withdrawal of cents": caller.withdraw(yen, 5),
        "a transfer of cents": caller.transfer(yen, more_yen, 5),
        "a transfer of yen from dollars": caller.transfer(dollars, yen, 5, currency="JPY"),
        "a transfer of yen into dollars": caller.transfer(yen, dollars, 5, currency="JPY"),
        "a transfer of dollars into yen": caller.transfer(dollars, yen, 5),
        "a hold of cents": caller.hold(yen, more_yen, 5),
        "a hold of cents for outside": caller.hold(yen, None, 5),
        "a hold of yen for dollars": caller.hold(yen, dollars, 5, currency="JPY"),
        "a scheduled transfer of cents": caller.transfer(yen, more_yen, 5, scheduled_for="2020-01-01T00:00:00Z", up_to=True),
        "a capture of cents": caller.capture(held, amount=5),
        "a capture of all in dollars": caller.capture(held, currency="USD"),
        "a release of cents": caller.release(held, amount=5),
        "a reversal of cents": caller.reverse(moved, amount=5),
        "a reversal of cents in yen": caller.reverse(cents, amount=5, currency="JPY"),
        "what is no currency": caller.transfer(yen, more_yen, 5, currency="yen"),
    }


def test_another_currency_than_the_wallets_is_refused_and_changes_nothing(caller: Caller) -> None:
    for name, answer in mismatches(caller).items():
        assert (answer.status, answer.field_codes) == (422, {"/currency": "currency_mismatch"}), name


def test_items_of_a_batch_have_their_own_currency(caller: Caller) -> None:
    yen, dollars = in_yen(caller), caller.new_wallet()
    item = {"type": "deposit", "amount": 5}

    answer = caller.post(
        "/v1/transfers/batch",
        {
            "transfers": [
                {**item, "idempotency_key": new_key(), "wallet_id": yen, "currency": "JPY"},
                {**item, "idempotency_key": new_key(), "wallet_id": yen},
                {**item, "idempotency_key": new_key(), "wallet_id": dollars},
            ]
        },
    )

    assert [result["status"] for result in answer.body["results"]] == [202, 422, 202]
    assert answer.body["results"][1]["problem"]["errors"][0]["code"] == "currency_mismatch"


def test_a_clients_key_may_use_a_wallet_from_the_answer_on_that_makes_it(caller: Caller, as_client: AsClient) -> None:
    """The API caches the key, and what it opened a moment ago."""
    client, payee = caller.new_client(), in_yen(caller)
    mine = as_client(client)
    assert mine.get(f"/v1/wallets/{client['wallet']['id']}").status == 200

    yen = add_wallet(caller, client["id"], "JPY")["id"]
    assert mine.get(f"/v1/wallets/{yen}").status == 200
    deposited = caller.applied(caller.deposit(yen, 100, currency="JPY"))
    assert mine.transfer(yen, payee, 5, currency="JPY").status == 202

    euros = add_wallet(caller, client["id"], "EUR")["id"]
    listed = as_client(client)
    assert listed.get("/v1/transfers").status == 200
    paid = caller.applied(caller.deposit(euros, 7, currency="EUR"))
    assert mine.get(f"/v1/transfers/{paid['id']}").body["entries"] == [
        {"wallet_id": euros, "version": 1, "amount": 7, "balance_after": 7}
    ]
    assert deposited["status"] == "applied"


@pytest.mark.parametrize("path", ["/v1/transfers", "/v1/events"])
def test_a_client_lists_what_moved_in_all_its_wallets_with_its_entries(caller: Caller, as_client: AsClient, path: str) -> None:
    """Also what moved in a wallet of which its cached key does not know."""
    client = caller.new_client()
    mine = as_client(client)
    first = caller.applied(caller.deposit(client["wallet"]["id"], 1))
    wait_for(lambda: mine.get(path).body["data"], "the first transfer")  # the feed waits for all earlier transactions
    yen = add_wallet(caller, client["id"], "JPY")["id"]
    other = in_yen(caller, 50)
    second = caller.applied(caller.transfer(other, yen, 5, currency="JPY"))

    def found() -> Any:
        rows = mine.get(path).body["data"]
        return rows if len(rows) > 1 else None

    rows = wait_for(found, "the transfer in the second wallet")

    by_id = {row["id"][4:]: row.get("data", row) for row in rows}
    assert by_id.keys() == {first["id"][4:], second["id"][4:]}
    assert [entry["wallet_id"] for entry in by_id[second["id"][4:]]["entries"]] == [yen]


def test_a_client_sees_the_children_and_the_filtered_transfers_of_each_of_its_wallets(caller: Caller, as_client: AsClient) -> None:
    client = caller.new_client()
    mine = as_client(client)
    yen = add_wallet(caller, client["id"], "JPY")["id"]
    other = in_yen(caller, 50)
    held = caller.applied(caller.hold(other, yen, 20, currency="JPY"))
    captured = mine.applied(mine.capture(held["id"], amount=5, currency="JPY"))

    def ids_of(query: str) -> list[str]:
        return [row["id"] for row in mine.get(f"/v1/transfers?{query}").body["data"]]

    assert ids_of(f"parent_id={held['id']}") == [captured["id"]]
    assert ids_of("status=applied") == [captured["id"], held["id"]]
    assert ids_of(f"wallet_id={yen}") == [captured["id"], held["id"]]
    assert ids_of(f"wallet_id={other}") == []
    assert ids_of(f"wallet_id={client['wallet']['id']}") == []


def test_a_client_learns_nothing_of_another_clients_wallets(caller: Caller, as_client: AsClient) -> None:
    client = caller.new_client()
    mine, yen = as_client(client), in_yen(caller, 10)
    absent = ids.text(Prefix.WALLET, ids.mint())

    assert {mine.get(f"/v1/wallets/{wallet}").status for wallet in (yen, absent)} == {404}
    for wallet in (yen, absent):
        answer = mine.transfer(wallet, client["wallet"]["id"], 1, currency="JPY")
        assert answer.field_codes == {"/source_wallet_id": "wallet_not_found"}
    refused = mine.post(f"/v1/clients/{client['id']}/wallets", {"currency": "JPY"})
    assert (refused.status, refused.code) == (403, "forbidden")
