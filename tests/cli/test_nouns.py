"""Clients, wallets, keys, webhooks, events: every command beside a running system."""

import csv
import io
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from teller_client import verify_webhook

from core.webhooks.signing import make_secret
from tests.caller import Caller
from tests.cli.conftest import Teller, new_name

TOMORROW = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
THIS_MONTH = f"{datetime.now(UTC):%Y-%m}"


def wallet(client: Any) -> str:
    return str(client["wallet"]["id"])


def test_clients_are_made_once_and_found_by_any_id(teller: Teller, caller: Caller) -> None:
    external = f"u-{new_name()}"
    made = teller("clients", "create", "--name", "Ada", "--external-id", external, "--metadata", "plan=gold", "--json")
    again = teller("clients", "create", "--name", "Ada", "--external-id", external, "--metadata", "plan=gold", "--json")

    assert (made.status, again.json) == (0, made.json)
    assert made.json == caller.get(f"/v1/clients/{made.json['id']}").body
    for text in (external, made.json["id"]):
        assert teller("clients", "get", text, "--json").json == made.json
    listed = teller("clients", "list", "--external-id", external, "--json").json
    assert listed == caller.get(f"/v1/clients?external_id={external}").body
    shown = teller("clients", "get", external).out
    assert "plan=gold" in shown
    assert wallet(made.json) in shown
    assert teller("clients", "get", f"nobody-{new_name()}").status == 2


def test_a_client_without_an_external_id_gets_a_printed_key_that_repeats(teller: Teller) -> None:
    first = teller("clients", "create", "--name", "Eve", "--json")
    again = teller("clients", "create", "--name", "Eve", "--json", "--idempotency-key", first.key)

    assert again.json["id"] == first.json["id"]


def test_a_list_ends_at_its_limit_and_says_that_there_is_more(teller: Teller, ada: Any, bob: Any) -> None:
    page = teller("clients", "list", "--limit", "1", "--json").json
    assert (len(page["data"]), page["has_more"]) == (1, True)
    assert teller("clients", "list", "--limit", "0").status == 2


def test_a_wallets_history_is_shown_as_table_json_and_csv(teller: Teller, caller: Caller, ada: Any) -> None:
    assert teller("deposit", wallet(ada), "1.50", "--reference", "inv-1", "--yes").status == 0

    table = teller("wallets", "entries", wallet(ada)).out.splitlines()
    assert table[0].split()[:3] == ["TIME", "NO", "TYPE"]
    assert [line.split()[4:6] for line in table[1:]] == [["+1.50", "51.50"], ["+50.00", "50.00"]]
    as_json = teller("wallets", "entries", ada["external_id"], "--json").json
    assert as_json == caller.get(f"/v1/wallets/{wallet(ada)}/entries").body
    rows = list(
        csv.reader(io.StringIO(teller("wallets", "entries", wallet(ada), "--since", "1h", "--until", TOMORROW, "--csv").out))
    )
    assert [row[2] for row in rows] == ["type", "opening", "deposit", "deposit", "closing"]
    assert teller("wallets", "entries", wallet(ada), "--csv").status == 2


def test_a_statement_is_of_a_month_or_a_period(teller: Teller, ada: Any) -> None:
    month = teller("wallets", "statement", wallet(ada), "--month", THIS_MONTH, "--json").json
    assert (month["opening_balance"], month["closing_balance"], month["entry_count"]) == (0, 5000, 1)
    assert len(month["data"]) == 1
    text = teller("wallets", "statement", wallet(ada), "--since", "2d", "--until", TOMORROW).out
    assert "closing balance 50.00 USD: 50.00 USD came in, 0.00 USD went out" in text
    assert teller("wallets", "statement", wallet(ada), "--month", THIS_MONTH, "--csv").out.count("\r\n") == 4
    for wrong in (["--month", "2026-13"], ["--month", "2026-11", "--since", "1h"], [], ["--since", "2026-11-01T00:00:00"]):
        assert teller("wallets", "statement", wallet(ada), *wrong).status == 2
    assert teller("wallets", "balance", wallet(ada), "--at", TOMORROW).out.startswith("50.00 USD just before")


def test_a_statement_longer_than_a_page_is_whole(teller: Teller, caller: Caller, ada: Any, bob: Any) -> None:
    items = [
        {"idempotency_key": new_name(), "source_wallet_id": wallet(ada), "destination_wallet_id": wallet(bob), "amount": 1}
        for _ in range(101)
    ]
    results = caller.post("/v1/transfers/batch", {"transfers": items}).body["results"]
    for result in results:
        caller.wait_final(result["transfer"]["id"])

    assert len(teller("wallets", "statement", wallet(bob), "--month", THIS_MONTH, "--json").json["data"]) == 101
    assert len(teller("wallets", "entries", wallet(bob), "--limit", "101", "--json").json["data"]) == 101
    page = teller("wallets", "entries", wallet(bob), "--limit", "100", "--json").json
    assert (len(page["data"]), page["has_more"]) == (100, True)


def test_a_wallet_is_frozen_limited_and_closed(teller: Teller, ada: Any, bob: Any) -> None:
    frozen = teller("wallets", "freeze", wallet(ada), "debits", "--reason", "case 7", "--json")
    assert (frozen.status, frozen.json["frozen"]) == (0, "debits")
    assert teller("transfer", wallet(ada), wallet(bob), "1", "--yes").status == 3
    assert teller("wallets", "unfreeze", wallet(ada), "--reason", "closed", "--json").json["frozen"] is None
    limited = teller("wallets", "limit", wallet(ada), "--debit-max", "12.50", "--reason", "young", "--json").json
    assert limited["limits"]["debit_max"] == 1250
    assert "12.50 USD" in teller("wallets", "get", wallet(ada)).out
    unlimited = teller("wallets", "limit", wallet(ada), "--debit-max", "none", "--reason", "grown", "--json").json
    assert unlimited["limits"]["debit_max"] is None
    assert "case 7" in teller("wallets", "changes", wallet(ada)).out
    assert teller("wallets", "limit", wallet(ada), "--reason", "nothing").status == 2

    held = teller("hold", wallet(ada), "outside", "1", "--yes", "--json").json
    assert held["id"] in teller("wallets", "holds", wallet(ada)).out
    assert teller("wallets", "close", wallet(ada), "--sweep-to", wallet(bob), "--yes").status == 3
    assert teller("release", held["id"], "--yes").status == 0
    closed = teller("wallets", "close", wallet(ada), "--sweep-to", bob["external_id"], "--yes", "--json")
    assert (closed.status, closed.json["status"]) == (0, "applied")
    assert teller("wallets", "get", wallet(ada), "--json").json["status"] == "closed"


def test_a_clients_key_is_made_listed_and_revoked(teller: Teller, ada: Any) -> None:
    made = teller("keys", "make", "--client", ada["external_id"], "--json").json
    assert made["client_id"] == ada["id"]
    assert made["id"] in teller("keys", "list", "--client", ada["id"]).out
    assert teller("keys", "revoke", made["id"]).status == 2
    assert teller("keys", "revoke", made["id"], "--yes").status == 0
    [listed] = teller("keys", "list", "--client", ada["id"], "--json").json["data"]
    assert listed["revoked_at"] is not None
    assert teller("keys", "make").status == 2


def test_an_endpoint_is_made_listed_and_deleted(teller: Teller, caller: Caller, ada: Any) -> None:
    made = teller("webhooks", "create", "https://example.com/hook", "--event", "transfer.applied", "--json").json
    assert made["secret"].startswith("whsec_")
    assert made["events"] == ["transfer.applied"]
    assert made["id"] in teller("webhooks", "list").out
    assert teller("webhooks", "deliveries", made["id"]).out == "no deliveries\n"
    again = teller("webhooks", "redeliver", "--endpoint", made["id"], "--since", "1h", "--json")
    assert (again.status, again.json) == (0, {"count": 0})
    assert teller("webhooks", "redeliver", "--endpoint", made["id"]).status == 2
    assert teller("webhooks", "redeliver", "dlv_01h455vb4pex5vsknk084sn02q").status == 2
    assert "example.com" in teller("show", made["id"]).out
    assert teller("webhooks", "delete", made["id"]).status == 2
    assert teller("webhooks", "delete", made["id"], "--yes").status == 0
    assert caller.get(f"/v1/webhook-endpoints/{made['id']}").status == 404


def test_events_are_followed_from_now_or_from_one_on(teller: Teller, caller: Caller, ada: Any, bob: Any) -> None:
    sent = caller.applied(caller.transfer(wallet(ada), wallet(bob), 1))
    event = sent["id"].replace("trf_", "evt_")
    later = [caller.applied(caller.transfer(wallet(ada), wallet(bob), 1, reference=f"r{number}"))["id"] for number in range(2)]

    printed = teller("events", "tail", "--after", event, "--count", "2", "--json").out.splitlines()
    assert {json.loads(line)["data"]["id"] for line in printed} == set(later)
    assert "transfer.applied" in teller("events", "get", event).out
    assert teller("events", "get", event, "--json").json == caller.get(f"/v1/events/{event}").body

    timer = threading.Timer(0.5, lambda: caller.transfer(wallet(ada), wallet(bob), 1, reference="new"))
    timer.start()
    assert "new" in teller("events", "tail", "--count", "1").out
    timer.join()


@pytest.fixture
def receiver() -> Iterator[tuple[str, list[tuple[dict[str, str], bytes]]]]:
    """A program on this machine that takes webhooks, and what it has received."""
    received: list[tuple[dict[str, str], bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=[0.05])
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/hook", received
    server.shutdown()
    thread.join()
    server.server_close()


def test_events_are_forwarded_as_the_real_webhook_with_a_signature_that_verifies(
    teller: Teller, caller: Caller, ada: Any, bob: Any, receiver: tuple[str, list[tuple[dict[str, str], bytes]]]
) -> None:
    url, received = receiver
    first = caller.applied(caller.transfer(wallet(ada), wallet(bob), 1))
    sent = caller.applied(caller.transfer(wallet(ada), wallet(bob), 2, reference="Zoë"))
    secret = make_secret()
    after = first["id"].replace("trf_", "evt_")

    done = teller("webhooks", "listen", "--forward", url, "--secret", secret, "--after", after, "--count", "1")

    assert (done.status, " 204 in " in done.out, secret in done.err) == (0, True, False)
    [(headers, body)] = received
    event = verify_webhook(body, headers, secret)
    assert event.id == sent["id"].replace("trf_", "evt_")
    assert headers["user-agent"] == "Teller-Webhooks/1"
    assert json.loads(body)["data"] == caller.get(f"/v1/events/{event.id}").body["data"]
    fresh = teller("webhooks", "listen", "--forward", url, "--after", after, "--count", "1")
    [used] = [word.rstrip(";") for word in fresh.err.split() if word.startswith("whsec_")]
    verify_webhook(received[1][1], received[1][0], used)


def test_a_receiver_that_is_away_is_said_and_the_next_event_is_tried(teller: Teller, caller: Caller, ada: Any, bob: Any) -> None:
    first = caller.applied(caller.transfer(wallet(ada), wallet(bob), 1))
    for _ in range(2):
        caller.applied(caller.transfer(wallet(ada), wallet(bob), 1))
    after = first["id"].replace("trf_", "evt_")
    done = teller("webhooks", "listen", "--forward", "http://127.0.0.1:9/", "--after", after, "--count", "2", "--json")

    assert done.status == 0
    assert [json.loads(line)["status_code"] for line in done.out.splitlines()] == [None, None]
    for wrong in (["--forward", "localhost:3000"], ["--forward", "http://localhost", "--secret", "abc"]):
        assert teller("webhooks", "listen", *wrong).status == 2


def test_any_request_can_be_sent(teller: Teller, caller: Caller, ada: Any, bob: Any) -> None:
    assert teller("api", "GET", f"/v1/wallets/{wallet(ada)}").json == caller.get(f"/v1/wallets/{wallet(ada)}").body
    assert len(teller("api", "get", "/v1/transfers", "limit==1").json["data"]) == 1
    made = teller("api", "POST", "/v1/clients", "name=Kim", 'metadata:={"a": "b=c"}').json
    assert (made["name"], made["metadata"]) == ("Kim", {"a": "b=c"})
    body = [f"source_wallet_id={wallet(ada)}", f"destination_wallet_id={wallet(bob)}", "amount:=5"]
    missing = teller("api", "POST", "/v1/transfers", *body)
    assert (missing.status, missing.out, "idempotency_key_missing" in missing.err) == (2, "", True)
    assert teller("api", "POST", "/v1/transfers", *body, "--idempotency-key", new_name()).json["amount"] == 5
    problem = teller("api", "GET", "/v1/transfers", "limit==0", "--json")
    assert (problem.status, problem.json["code"]) == (2, "invalid_parameter")
    for wrong in (["FETCH", "/v1"], ["GET", "v1"], ["GET", "/v1", "x"], ["POST", "/v1/clients", "a:={"]):
        assert teller("api", *wrong).status == 2


def test_show_tells_the_story_of_a_transfer(teller: Teller, caller: Caller, ada: Any, bob: Any) -> None:
    reference = f"inv-{new_name()}"
    sent = teller("transfer", wallet(ada), wallet(bob), "10", "--reference", reference, "--yes", "--json").json
    assert teller("reverse", sent["id"], "2.50", "--yes").status == 0

    for text in (reference, sent["id"]):
        told = teller("show", text).out
        assert f"Ada ({ada['external_id']}, {wallet(ada)})" in told
        assert "10.00 USD" in told
        assert "accepted, and stored durably" in told
        assert "reversal" in told
        assert "2.50 USD: applied" in told
    assert teller("show", sent["id"], "--json").json == caller.get(f"/v1/transfers/{sent['id']}").body
    rejected = teller("transfer", wallet(ada), wallet(bob), "10000", "--yes", "--json").json
    assert "insufficient_funds" in teller("show", rejected["id"]).out


def test_a_thing_is_found_by_whatever_is_known_of_it(teller: Teller, caller: Caller, ada: Any, bob: Any) -> None:
    reference = f"inv-{new_name()}"
    sent = teller("transfer", wallet(ada), wallet(bob), "10", "--reference", reference, "--yes", "--json")
    transfer = sent.json["id"]

    for text in (reference, sent.key, transfer):
        assert transfer in teller("find", text).out
    assert wallet(ada) in teller("find", ada["external_id"]).out
    for text in (ada["id"], wallet(ada), transfer.replace("trf_", "evt_")):
        assert text in teller("find", text).out
    assert teller("find", reference, "--json").json == caller.get(f"/v1/search?q={reference}").body
    nothing = teller("find", f"nobody-{new_name()}")
    assert (nothing.status, "no name begins so" in nothing.err) == (2, True)


def test_transfers_are_listed_by_what_is_known_of_them(teller: Teller, ada: Any, bob: Any) -> None:
    reference = f"inv-{new_name()}"
    sent = teller("transfer", wallet(ada), wallet(bob), "10", "--reference", reference, "--yes", "--json").json
    client = ["transfers", "list", "--client", ada["external_id"]]

    def listed(*filters: str) -> list[str]:
        return [row["id"] for row in teller(*client, *filters, "--json").json["data"]]

    assert listed("--reference", reference) == [sent["id"]]
    assert listed("--amount", "10.00", "--type", "transfer", "--status", "applied", "--since", "1h") == [sent["id"]]
    assert listed("--amount", "10.01") == []
    assert listed("--until", "1h") == []
    assert len(teller("transfers", "list", "--wallet", wallet(ada)).out.splitlines()) == 3
    assert teller(*client, "--status", "lost").status == 2
    assert teller(*client, "--amount", "1", "--currency", "XXX").status == 2


def test_show_takes_an_id_of_any_kind(teller: Teller, ada: Any, bob: Any) -> None:
    sent = teller("transfer", wallet(ada), wallet(bob), "1", "--yes", "--json").json

    for text in (ada["id"], ada["external_id"], wallet(ada)):
        assert sent["id"] in teller("show", text).out
    assert "transfer.applied" in teller("show", sent["id"].replace("trf_", "evt_")).out
    assert teller("show", f"none-{new_name()}").status == 2
