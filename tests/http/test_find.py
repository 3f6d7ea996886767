"""Finding: what a transfer says of how it was submitted and why it waits, and the filters and the search that find it."""

from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Any
from urllib.parse import quote, urlencode

import psycopg
import pytest

from api.http.pagination import Pages
from tests.caller import Answer, Caller, new_key
from tests.hooks import fan_out_at
from tests.http.conftest import AsClient
from tests.system import System

ORIGIN = ("idempotency_key", "submitted_by", "shard")


def origin(transfer: dict[str, Any]) -> tuple[object, ...]:
    return tuple(transfer[name] for name in ORIGIN)


def test_a_transfer_says_to_its_owner_and_to_operators_which_key_submitted_it(caller: Caller, as_client: AsClient) -> None:
    payer, payee = caller.new_client(), caller.new_client()
    deposit = caller.applied(caller.deposit(payer["wallet"]["id"], 100, key="of-the-operator-" + payer["id"]))
    own, others, key = as_client(payer), as_client(payee), new_key()
    accepted = own.transfer(payer["wallet"]["id"], payee["wallet"]["id"], 5, key=key)
    [made] = caller.get(f"/v1/clients/{payer['id']}/keys").body["data"]

    seen = caller.get(accepted.headers["location"]).body

    assert accepted.status == 202
    assert origin(seen) == (key, made["id"], deposit["shard"])
    assert origin(accepted.body) == origin(own.get(accepted.headers["location"]).body) == (key, made["id"], None)
    assert origin(others.get(accepted.headers["location"]).body) == (None, None, None)
    assert origin(deposit)[:2] == ("of-the-operator-" + payer["id"], "configured")
    assert origin(own.get(f"/v1/transfers/{deposit['id']}").body) == (None, None, None)


def test_a_repetition_by_another_key_of_the_client_says_which_key_was_first(caller: Caller, as_client: AsClient) -> None:
    client, other = caller.new_client(), caller.new_wallet()
    first, second, key = as_client(client), as_client(client), new_key()
    accepted = first.transfer(client["wallet"]["id"], other, 5, key=key).body

    repeated = second.transfer(client["wallet"]["id"], other, 5, key=key)

    assert repeated.headers["idempotent-replayed"] == "true"
    assert repeated.body["submitted_by"] == accepted["submitted_by"]


def test_a_queued_transfer_says_to_operators_how_many_are_before_it(idle_caller: Caller) -> None:
    client = idle_caller.new_client()
    first, second = (idle_caller.deposit(client["wallet"]["id"], 1) for _ in range(2))
    before, after = (idle_caller.get(answer.headers["location"]).body["queue"] for answer in (first, second))

    assert first.body["queue"] is None
    assert after["ahead"] == before["ahead"] + 1
    assert after["oldest_seconds"] >= before["oldest_seconds"] >= 0
    own = Caller(idle_caller.url, idle_caller.request("POST", f"/v1/clients/{client['id']}/keys").body["key"])
    assert own.get(first.headers["location"]).body["queue"] is None
    own.close()
    listed = idle_caller.get(f"/v1/transfers?wallet_id={client['wallet']['id']}").body["data"]
    assert [row["queue"] for row in listed] == [None, None]


def test_what_is_scheduled_or_final_has_no_place_in_the_queue(caller: Caller) -> None:
    source, destination = caller.new_wallet(10), caller.new_wallet()
    later = caller.transfer(source, destination, 1, scheduled_for=(datetime.now(UTC) + timedelta(days=1)).isoformat())
    soon = caller.transfer(source, destination, 1)

    assert caller.wait_final(soon.body["id"])["queue"] is None
    assert caller.get(later.headers["location"]).body["queue"] is None


def figures(transfer: dict[str, Any]) -> tuple[object, object]:
    return transfer["failure"]["available"], transfer["failure"]["needed"]


def test_a_rejection_says_what_was_there_and_what_was_needed(caller: Caller, as_client: AsClient) -> None:
    payer, payee, key = caller.new_client(), caller.new_wallet(), new_key()
    wallet, own = payer["wallet"]["id"], as_client(payer)
    caller.applied(caller.deposit(wallet, 3950))
    rejected = caller.wait_final(own.transfer(wallet, payee, 999_999, key=key).body["id"])
    caller.applied(caller.deposit(wallet, 1_000_000))

    assert (rejected["failure"]["code"], *figures(rejected)) == ("insufficient_funds", 3950, 999_999)
    assert figures(own.get(f"/v1/transfers/{rejected['id']}").body) == (3950, 999_999)
    assert figures(own.transfer(wallet, payee, 999_999, key=key).body) == (3950, 999_999)
    assert figures(own.get(f"/v1/events/{rejected['id'].replace('trf_', 'evt_')}").body["data"]) == (3950, 999_999)
    [listed] = caller.get(f"/v1/transfers?wallet_id={wallet}&status=rejected").body["data"]
    assert listed == rejected


def test_the_payee_of_a_rejected_transfer_does_not_see_what_the_payer_has(caller: Caller, as_client: AsClient) -> None:
    payer, payee, other = caller.new_wallet(50), caller.new_client(), caller.new_client()
    mine, third = payee["wallet"]["id"], other["wallet"]["id"]
    rejected = caller.wait_final(caller.transfer(payer, mine, 51).body["id"])
    split = {"debits": [{"wallet_id": payer, "amount": 40}, {"wallet_id": third, "amount": 9}]}
    body = {**split, "credits": [{"wallet_id": mine, "amount": 49}]}
    of_two = caller.wait_final(caller.post("/v1/transfers", body, key=new_key()).body["id"])

    assert (figures(rejected), figures(of_two)) == ((50, 51), (0, 9))
    assert figures(as_client(payee).get(f"/v1/transfers/{rejected['id']}").body) == (None, None)
    assert figures(as_client(payee).get(f"/v1/transfers/{of_two['id']}").body) == (None, None)
    assert figures(as_client(other).get(f"/v1/transfers/{of_two['id']}").body) == (
        None,
        None,
    )  # it does not see both debited wallets


def test_a_rejection_by_an_earlier_version_has_no_figures(caller: Caller, shared_database: psycopg.Connection[Any]) -> None:
    rejected = caller.wait_final(caller.transfer(caller.new_wallet(1), caller.new_wallet(), 2).body["id"])
    shared_database.execute(
        "UPDATE transfers SET available = NULL, needed = NULL, submitted_by = NULL WHERE idempotency_key = %s",
        [rejected["idempotency_key"]],
    )

    shown = caller.get(f"/v1/transfers/{rejected['id']}").body

    assert (figures(shown), shown["submitted_by"]) == ((None, None), None)
    assert figures(rejected) == (1, 2)


def ids_of(answer: Answer) -> list[str]:
    assert answer.status == 200, answer
    return [row["id"] for row in answer.body["data"]]


def found(caller: Caller, **filters: object) -> list[str]:
    return ids_of(caller.get(f"/v1/transfers?{urlencode(filters)}"))


@pytest.fixture
def paid(caller: Caller, as_client: AsClient) -> dict[str, Any]:
    """A hold of Ada's for Bob, a capture of it with all that may be filtered by, and callers of both and of Eve."""
    ada, bob, eve = (caller.new_client() for _ in range(3))
    caller.applied(caller.deposit(ada["wallet"]["id"], 1000))
    hold = caller.applied(caller.hold(ada["wallet"]["id"], bob["wallet"]["id"], 500))
    capture = caller.applied(caller.capture(hold["id"], amount=321, reference="inv-" + hold["id"]))
    callers = dict(zip("abe", map(as_client, (ada, bob, eve)), strict=True))
    return {"ada": ada, "bob": bob, "hold": hold, "capture": capture, **callers}


def filters_of(paid: dict[str, Any]) -> dict[str, object]:
    """A value of each filter of the list, such that the capture has it."""
    capture = paid["capture"]
    return {
        "wallet_id": paid["ada"]["wallet"]["id"],
        "client_id": paid["ada"]["id"],
        "status": "applied",
        "type": "capture",
        "parent_id": paid["hold"]["id"],
        "reference": capture["reference"],
        "idempotency_key": capture["idempotency_key"],
        "amount": 321,
        "amount_from": 321,
        "amount_to": 321,
        "created_from": capture["created_at"],
        "created_to": after(capture["created_at"]),
    }


def after(time: str) -> str:
    return (datetime.fromisoformat(time) + timedelta(microseconds=1)).isoformat()


def test_each_filter_finds_what_it_says_and_all_together(caller: Caller, paid: dict[str, Any]) -> None:
    filters, id = filters_of(paid), paid["capture"]["id"]
    other = {
        "wallet_id": caller.new_wallet(),
        "client_id": caller.new_client()["id"],
        "status": "rejected",
        "type": "hold",
        "parent_id": id,
        "reference": "none",
        "idempotency_key": new_key(),
        "amount": 320,
        "amount_from": 322,
        "amount_to": 320,
        "created_from": after(paid["capture"]["created_at"]),
        "created_to": paid["capture"]["created_at"],
    }
    of_openapi = caller.get("/openapi.json").body["paths"]["/v1/transfers"]["get"]["parameters"]

    assert {one["name"] for one in of_openapi} == {*filters, "limit", "cursor"}
    assert found(caller, **filters) == [id]
    for name, value in filters.items():
        assert id in found(caller, **{"reference": paid["capture"]["reference"], name: value}), name
        assert id not in found(caller, **{**filters, name: other[name], **_open(name, other[name])}), name


def _open(name: str, value: object) -> dict[str, object]:
    """A period must not end before it begins."""
    return {"created_to": value} if name == "created_from" else {"created_from": value} if name == "created_to" else {}


def test_no_filter_finds_what_is_another_clients(paid: dict[str, Any]) -> None:
    """Each alone, each two, and all together: a client that takes no part finds nothing, and learns nothing from an answer."""
    filters = filters_of(paid)
    nothing = {"data": [], "has_more": False, "next_cursor": None}
    for chosen in [*combinations(filters, 1), *combinations(filters, 2), tuple(filters)]:
        answer = paid["e"].get(f"/v1/transfers?{urlencode({name: filters[name] for name in chosen})}")
        assert (answer.status, answer.body) == (200, nothing), chosen
    del filters["idempotency_key"]
    assert found(paid["a"], **filters) == [paid["capture"]["id"]]
    assert found(paid["b"], **filters) == []  # neither the wallet nor the client is Bob's
    assert found(paid["b"], client_id=paid["ada"]["id"]) == found(paid["a"], client_id=paid["bob"]["id"]) == []
    del filters["wallet_id"], filters["client_id"]
    assert found(paid["b"], **filters) == [paid["capture"]["id"]]


def test_a_party_of_several_finds_by_its_own_amount_and_not_by_the_others(caller: Caller, as_client: AsClient) -> None:
    payer, payee, other = caller.new_wallet(1000), caller.new_client(), caller.new_wallet()
    credits = [{"wallet_id": payee["wallet"]["id"], "amount": 7}, {"wallet_id": other, "amount": 93}]
    body = {"debits": [{"wallet_id": payer, "amount": 100}], "credits": credits}
    split = caller.applied(caller.post("/v1/transfers", body, key=new_key()))["id"]
    own = as_client(payee)

    assert found(caller, wallet_id=payer, amount=100) == found(own, amount=7) == found(own, amount_to=7) == [split]
    assert found(own, amount=100) == found(own, amount=93) == found(own, amount_from=8) == []


def test_a_cursor_is_bound_to_the_filters(caller: Caller) -> None:
    wallet, reference = caller.new_wallet(), new_key()
    sent = [caller.deposit(wallet, 5, reference=reference).body["id"] for _ in range(3)]
    base = {"reference": reference, "amount_from": 5, "limit": 2}
    first = caller.get(f"/v1/transfers?{urlencode(base)}").body

    assert [row["id"] for row in first["data"]] == sent[:0:-1]
    assert found(caller, **base, cursor=first["next_cursor"]) == sent[:1]
    for name, value in (("amount_from", 4), ("reference", "x"), ("amount_to", 9), ("created_from", "2026-01-01T00:00:00Z")):
        refused = caller.get(f"/v1/transfers?{urlencode({**base, name: value, 'cursor': first['next_cursor']})}")
        assert (refused.status, refused.code) == (400, "invalid_cursor"), name


def test_clients_are_listed_by_name_page_by_page_with_what_the_text_says_letter_for_letter(caller: Caller) -> None:
    word = new_key()
    names = [f"{word}{rest}" for rest in ("", " Ada", "%", "_", " ada Z", "é", " b")]
    made = {name: caller.new_client(name.upper() if name.endswith("b") else name)["id"] for name in names}
    listed: list[str] = []
    cursor = ""
    while True:
        page = caller.get(f"/v1/clients?name={quote(word.upper())}&limit=2{cursor}").body
        listed += [client["id"] for client in page["data"]]
        if not page["has_more"]:
            break
        cursor = f"&cursor={quote(page['next_cursor'])}"
        caller.new_client(word)  # before the next page: it is in its place in the order, which the list has passed

    in_order = ["", " Ada", " ada Z", " b", "%", "_", "é"]
    assert [id for id in listed if id in made.values()] == [made[f"{word}{rest}"] for rest in in_order]
    assert len(set(listed)) == len(listed)
    assert ids_of(caller.get(f"/v1/clients?name={quote(word + '%')}")) == [made[f"{word}%"]]
    assert ids_of(caller.get(f"/v1/clients?name={quote(word[:-1] + '_')}")) == []


def test_a_clients_name_and_external_id_must_both_match(caller: Caller) -> None:
    number = new_key()
    client = caller.new_client("Ada Lovelace", external_id=number)["id"]

    assert ids_of(caller.get(f"/v1/clients?external_id={number}&name=ADA")) == [client]
    assert ids_of(caller.get(f"/v1/clients?external_id={number}&name=Bob")) == []


def test_a_cursor_by_name_that_was_made_up_is_refused(caller: Caller) -> None:
    pages = Pages.of("clients", "operator", name="a")
    for key in (b"", b"x" * 15, bytes(16) + b"\xff", bytes(16) + b"a\0"):
        refused = caller.get(f"/v1/clients?name=a&cursor={quote(pages.cursor(key))}")
        assert (refused.status, refused.code) == (400, "invalid_cursor"), key
    assert caller.get(f"/v1/clients?name=a&cursor={quote(pages.cursor(bytes(16) + b'zz'))}").status == 200


KINDS = ("clients", "wallets", "transfers", "webhook_endpoints", "keys", "events", "deliveries")


def search(caller: Caller, text: str) -> dict[str, list[str]]:
    """What a search found, by kind: the ids. Each of a kind is whole."""
    answer = caller.get(f"/v1/search?{urlencode({'q': text})}")
    assert answer.status == 200, answer
    assert tuple(answer.body) == KINDS
    return {kind: [one["id"] for one in rows] for kind, rows in answer.body.items() if rows}


def test_a_search_finds_each_kind_by_its_id_as_its_own_route_shows_it(
    caller: Caller, as_client: AsClient, shared_system: System
) -> None:
    client = caller.new_client()
    wallet = client["wallet"]["id"]
    endpoint = caller.post("/v1/webhook-endpoints", {"url": "https://example.com/hook"}).body["id"]
    as_client(client)
    final = caller.applied(caller.deposit(wallet, 5))
    fan_out_at(shared_system.database_url)
    [delivery] = caller.get(f"/v1/transfers/{final['id']}/deliveries").body["data"]
    [key] = caller.get(f"/v1/clients/{client['id']}/keys").body["data"]
    event = final["id"].replace("trf_", "evt_")
    shown = {
        "clients": caller.get(f"/v1/clients/{client['id']}").body,
        "wallets": caller.get(f"/v1/wallets/{wallet}").body,
        "transfers": final,
        "webhook_endpoints": caller.get(f"/v1/webhook-endpoints/{endpoint}").body,
        "keys": key,
        "events": caller.get(f"/v1/events/{event}").body,
        "deliveries": delivery,
    }

    for kind, whole in shown.items():
        assert caller.get(f"/v1/search?q={whole['id']}").body == {**{other: [] for other in KINDS}, kind: [whole]}
    caller.request("DELETE", f"/v1/webhook-endpoints/{endpoint}")
    assert search(caller, endpoint) == {}


def test_a_search_finds_by_keys_of_any_owner_external_ids_references_and_names(caller: Caller, as_client: AsClient) -> None:
    text = new_key()
    ada, bob = caller.new_client(f"{text} & Sons"), caller.new_client(external_id=text)
    own, other = as_client(ada), caller.new_wallet(10)
    by_key = own.transfer(ada["wallet"]["id"], other, 1, key=text).body["id"]
    operators = caller.transfer(other, ada["wallet"]["id"], 1, key=text).body["id"]
    referring = [caller.deposit(other, 1, reference=text).body["id"] for _ in range(9)]

    found = search(caller, text)

    assert found["clients"] == [bob["id"], ada["id"]]
    assert found["transfers"][:2] == [by_key, operators]  # a client's owner is cli_..., before operator
    assert found["transfers"][2:] == referring[:0:-1]
    assert set(found) == {"clients", "transfers"}
    assert search(caller, text[:-1]) == {"clients": [ada["id"]]}


HOSTILE = ["%", "_", "\\", "'; DROP TABLE clients; --", "٪", "💶" * 50, "a" * 255, "trf_", "trf_" + "z" * 26, "cli_%00"]


def test_hostile_texts_find_nothing_and_break_nothing(caller: Caller) -> None:
    for text in HOSTILE:
        assert search(caller, text) == {}, text
    for text in ("", "a\0b", "a\u202eb", "\u2066a", "a\nb", "a" * 256):
        assert caller.get(f"/v1/search?{urlencode({'q': text})}").code == "invalid_parameter", text
    assert caller.get("/v1/search").code == caller.get("/v1/search?q=a&q=b").code == "invalid_parameter"
    assert caller.get("/v1/search?q=%ff").code == caller.get("/v1/search?q=%").code == "invalid_parameter"


def test_a_search_for_a_megabyte_is_refused_unread(caller: Caller) -> None:
    assert caller.get(f"/v1/search?q={'a' * 1_000_000}").status in {414, 431}


def test_only_operators_search(caller: Caller, as_client: AsClient) -> None:
    client = caller.new_client()

    assert as_client(client).get(f"/v1/search?q={client['id']}").code == "forbidden"
