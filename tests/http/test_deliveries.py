"""The record of deliveries, and how to send them again. No deliverer runs here: the tests write the attempts themselves."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from redis import Redis

from core import ids
from core.ids import Prefix
from core.redis.keys import DELIVERIES_FLAG
from tests.caller import Caller
from tests.hooks import fan_out_at
from tests.http.conftest import AsClient
from tests.system import System
from tests.waiting import wait_for

HOOK = "https://hooks.example.com/a?b=c"
LONG_AGO = "2026-01-31T09:30:00Z"
UNKNOWN = "dlv_01h455vb4pex5vsknk084sn02q"

Connection = psycopg.Connection[Any]
Row = dict[str, Any]


@pytest.fixture
def ada(caller: Caller, as_client: AsClient, shared_system: System) -> "Client":
    """A client with money and an endpoint."""
    client = caller.new_client()
    wallet_id = client["wallet"]["id"]
    caller.wait_final(caller.deposit(wallet_id, 1000).body["id"])
    key = as_client(client)
    endpoint_id = key.post("/v1/webhook-endpoints", {"url": HOOK}).body["id"]
    return Client(key, client["id"], wallet_id, caller.new_wallet(), endpoint_id, shared_system.database_url)


class Client:
    def __init__(self, key: Caller, id: str, wallet_id: str, other: str, endpoint_id: str, database_url: str) -> None:
        self.key, self.id, self.wallet_id, self.other, self.endpoint_id = key, id, wallet_id, other, endpoint_id
        self._database_url = database_url

    def pay(self, **fields: Any) -> Row:
        """Make a transfer and return it, final, with its deliveries made."""
        sent = self.key.transfer(self.wallet_id, self.other, 1, **fields)
        assert sent.status == 202, sent
        final: Row = self.key.wait_final(sent.body["id"])
        fan_out_at(self._database_url)
        return final

    def told(self, transfer: Row, query: str = "") -> list[Row]:
        answer = self.key.get(f"/v1/transfers/{transfer['id']}/deliveries{query}")
        assert answer.status == 200, answer
        found: list[Row] = answer.body["data"]
        return found

    @property
    def trail(self) -> str:
        return f"/v1/webhook-endpoints/{self.endpoint_id}/deliveries"

    def redeliver(self, delivery: Row) -> Any:
        return self.key.request("POST", f"/v1/deliveries/{delivery['id']}/redeliver")

    def redeliver_since(self, since: object = LONG_AGO) -> Any:
        return self.key.post(f"/v1/webhook-endpoints/{self.endpoint_id}/redeliver", {"since": since})

    def disable(self) -> None:
        self.key.request("PATCH", f"/v1/webhook-endpoints/{self.endpoint_id}", {"status": "disabled"})


def uuid_of(delivery: Row) -> UUID:
    return ids.parse(Prefix.DELIVERY, delivery["id"])


@pytest.fixture
def finish(shared_database: Connection) -> Callable[[Row, str], None]:
    """Ends a delivery as a sender would, after ten failures."""

    def end(delivery: Row, status: str) -> None:
        shared_database.execute(
            "UPDATE deliveries SET status = %s, attempts = 10, failures = 10, next_attempt_at = NULL, finished_at = now()"
            " WHERE id = %s",
            [status, uuid_of(delivery)],
        )

    return end


Finish = Callable[[Row, str], None]


def test_a_delivery_names_its_transfer_its_receiver_and_its_times(ada: Client) -> None:
    paid = ada.pay(callback_url=HOOK)

    told = ada.told(paid)

    common = {
        "client_id": ada.id,
        "event_id": paid["id"].replace("trf_", "evt_"),
        "transfer_id": paid["id"],
        "status": "pending",
        "finished_at": None,
        "attempts": [],
    }
    assert sorted(told, key=lambda row: row["endpoint_id"] or "") == [
        {**common, **own(told, None), "endpoint_id": None, "callback_url": HOOK},
        {**common, **own(told, ada.endpoint_id), "endpoint_id": ada.endpoint_id, "callback_url": None},
    ]
    assert ada.key.get(ada.trail).body["data"] == [row for row in told if row["endpoint_id"]]


def own(told: list[Row], endpoint_id: str | None) -> Row:
    """What a delivery has of its own."""
    [row] = [row for row in told if row["endpoint_id"] == endpoint_id]
    return {name: row[name] for name in ("id", "created_at", "next_attempt_at")}


def test_each_attempt_is_shown_in_its_order(ada: Client, shared_database: Connection) -> None:
    [delivery] = ada.told(ada.pay())
    shared_database.execute(
        "INSERT INTO delivery_attempts (delivery_id, number, started_at, duration_ms, status_code, error) VALUES"
        " (%(id)s, 2, '2026-01-31T09:30:05.5Z', 12, 500, NULL), (%(id)s, 1, '2026-01-31T09:30:00Z', 15000, NULL, 'timed_out')",
        {"id": uuid_of(delivery)},
    )

    [shown] = ada.key.get(ada.trail).body["data"]

    assert shown["attempts"] == [
        {"number": 1, "started_at": "2026-01-31T09:30:00.000000Z", "duration_ms": 15000, "status_code": None, "error": "timed_out"},
        {"number": 2, "started_at": "2026-01-31T09:30:05.500000Z", "duration_ms": 12, "status_code": 500, "error": None},
    ]
    assert ada.told({"id": delivery["transfer_id"]}) == [shown]


def test_a_client_is_not_told_whether_a_name_is_unknown_or_leads_inside(
    caller: Caller, ada: Client, shared_database: Connection
) -> None:
    hook = caller.post("/v1/webhook-endpoints", {"url": HOOK}).body["id"]
    paid = ada.pay()
    [delivery] = ada.told(paid)
    [operators] = [row for row in caller.get(f"/v1/transfers/{paid['id']}/deliveries").body["data"] if row["endpoint_id"] == hook]
    met = ["name_not_found", "address_forbidden", "not_connected"]
    for one in (delivery, operators):
        shared_database.execute(
            "INSERT INTO delivery_attempts (delivery_id, number, started_at, duration_ms, error)"
            " SELECT %s, number, now(), number * 10, error FROM unnest(%s::text[]) WITH ORDINALITY AS met (error, number)",
            [uuid_of(one), met],
        )

    def seen(rows: list[Row], id: str) -> list[tuple[str, int]]:
        [row] = [row for row in rows if row["id"] == id]
        return [(attempt["error"], attempt["duration_ms"]) for attempt in row["attempts"]]

    blurred = [("not_reachable", 0), ("not_reachable", 0), ("not_connected", 30)]
    assert seen(ada.told(paid), delivery["id"]) == blurred
    assert seen(ada.key.get(ada.trail).body["data"], delivery["id"]) == blurred
    assert seen([ada.redeliver(delivery).body], delivery["id"]) == blurred
    exact = list(zip(met, [10, 20, 30], strict=True))
    assert seen(caller.get(f"/v1/webhook-endpoints/{hook}/deliveries").body["data"], operators["id"]) == exact
    assert seen(caller.get(f"/v1/transfers/{paid['id']}/deliveries").body["data"], operators["id"]) == exact


def test_of_very_many_attempts_the_last_are_shown(ada: Client, shared_database: Connection) -> None:
    [delivery] = ada.told(ada.pay())
    shared_database.execute(
        "INSERT INTO delivery_attempts (delivery_id, number, started_at, duration_ms, status_code)"
        " SELECT %s, number, now(), 1, 500 FROM generate_series(1, 150) AS number",
        [uuid_of(delivery)],
    )

    [shown] = ada.key.get(ada.trail).body["data"]

    assert [attempt["number"] for attempt in shown["attempts"]] == list(range(51, 151))


def test_a_trail_is_filtered_by_status_and_read_page_by_page(ada: Client, finish: Finish) -> None:
    rows = [ada.told(ada.pay())[0] for _ in range(4)]
    finish(rows[0], "failed")
    finish(rows[2], "failed")
    finish(rows[3], "delivered")

    def pages(query: str) -> list[str]:
        page = ada.key.get(f"{ada.trail}?limit=1{query}").body
        found = [row["id"] for row in page["data"]]
        while page["next_cursor"]:
            page = ada.key.get(f"{ada.trail}?limit=1{query}&cursor={page['next_cursor']}").body
            found += [row["id"] for row in page["data"]]
        return found

    newest_first = [row["id"] for row in reversed(rows)]
    assert pages("") == newest_first
    assert pages("&status=failed") == [rows[2]["id"], rows[0]["id"]]
    assert pages("&status=delivered") == [rows[3]["id"]]
    assert pages("&status=pending") == [rows[1]["id"]]
    assert pages("&status=canceled") == []
    assert [row["id"] for row in ada.told({"id": rows[0]["transfer_id"]}, "?status=failed")] == [rows[0]["id"]]
    assert ada.told({"id": rows[0]["transfer_id"]}, "?status=pending") == []


def test_each_party_to_a_transfer_sees_what_itself_is_told(caller: Caller, ada: Client, as_client: AsClient) -> None:
    ben = caller.new_client()
    bens = as_client(ben)
    endpoint = bens.post("/v1/webhook-endpoints", {"url": HOOK}).body
    ada.other = ben["wallet"]["id"]
    paid = ada.pay(callback_url=HOOK)

    trail = bens.get(f"/v1/transfers/{paid['id']}/deliveries").body["data"]

    assert [row["endpoint_id"] for row in trail] == [endpoint["id"]]
    assert {row["endpoint_id"] for row in ada.told(paid)} == {ada.endpoint_id, None}
    assert trail[0]["event_id"] == ada.told(paid)[0]["event_id"]
    assert bens.request("POST", f"/v1/deliveries/{ada.told(paid)[0]['id']}/redeliver").code == "not_found"


def test_operators_and_viewers_see_what_each_owner_is_told_and_clients_what_themselves_are(
    caller: Caller, ada: Client, as_client: AsClient
) -> None:
    ben = caller.new_client()
    bens = as_client(ben)
    endpoint = bens.post("/v1/webhook-endpoints", {"url": HOOK}).body["id"]
    operators = caller.post("/v1/webhook-endpoints", {"url": HOOK}).body["id"]
    ada.other = ben["wallet"]["id"]
    paid = ada.pay(callback_url=HOOK)
    path = f"/v1/transfers/{paid['id']}/deliveries?limit=100"
    of_ada, of_ben = {ada.endpoint_id: ada.id, None: ada.id}, {endpoint: ben["id"]}
    viewer = Caller(caller.url, caller.post("/v1/keys", {"role": "viewer"}).body["key"])

    for reader in (caller, viewer):
        seen = reader.get(path).body["data"]
        owners = {row["endpoint_id"]: row["client_id"] for row in seen}
        assert owners.items() >= {**of_ada, **of_ben, operators: None}.items()
        assert {row["callback_url"] for row in seen} == {None}  # only its owner is shown it
        [to_ben] = [row for row in seen if row["endpoint_id"] == endpoint]
        assert reader.get(f"/v1/search?q={to_ben['id']}").body["deliveries"] == [to_ben]
        assert reader.get(f"/v1/search?q={endpoint}").body["webhook_endpoints"][0]["id"] == endpoint
        assert reader.get(f"{path}&status=failed").body["data"] == []
    viewer.close()
    for client, expected in ((ada.key, of_ada), (bens, of_ben)):
        assert {row["endpoint_id"]: row["client_id"] for row in client.get(path).body["data"]} == expected
        assert client.get(f"/v1/search?q={endpoint}").code == "forbidden"
    assert caller.request("POST", f"/v1/deliveries/{to_ben['id']}/redeliver").code == "not_found"
    assert caller.request("PATCH", f"/v1/webhook-endpoints/{endpoint}", {"status": "disabled"}).code == "not_found"


@pytest.mark.parametrize("status", ["failed", "canceled", "delivered", "pending"])
def test_whatever_became_of_a_delivery_it_is_made_again(
    ada: Client, finish: Finish, shared_database: Connection, status: str
) -> None:
    [delivery] = ada.told(ada.pay())
    if status == "pending":
        shared_database.execute(
            "UPDATE deliveries SET failures = 3, attempts = 10, next_attempt_at = now() + interval '1 day' WHERE id = %s",
            [uuid_of(delivery)],
        )
    else:
        finish(delivery, status)

    answer = ada.redeliver(delivery)

    assert answer.status == 202
    assert answer.body == {**delivery, "next_attempt_at": answer.body["next_attempt_at"]}
    assert ada.told({"id": delivery["transfer_id"]}) == [answer.body]
    stored = shared_database.execute(
        "SELECT attempts, failures, next_attempt_at <= now() FROM deliveries WHERE id = %s", [uuid_of(delivery)]
    )
    assert stored.fetchone() == (10, 0, True)


@pytest.mark.parametrize("of_all", [False, True], ids=["one", "all of an endpoint"])
def test_what_is_made_again_is_rung_for(ada: Client, finish: Finish, redis_url: str, of_all: bool) -> None:
    [delivery] = ada.told(ada.pay())
    finish(delivery, "failed")

    with Redis.from_url(redis_url) as redis:
        redis.delete(DELIVERIES_FLAG)  # the drain has rung
        answer = ada.redeliver_since() if of_all else ada.redeliver(delivery)

        assert answer.status == 202
        wait_for(lambda: redis.exists(DELIVERIES_FLAG), "a ring")


def test_a_callback_is_made_again_too(ada: Client, finish: Finish) -> None:
    [callback] = [row for row in ada.told(ada.pay(callback_url=HOOK)) if row["callback_url"]]
    ada.disable()
    finish(callback, "failed")

    answer = ada.redeliver(callback)

    assert (answer.status, answer.body["status"], answer.body["callback_url"]) == (202, "pending", HOOK)


@pytest.mark.parametrize("verb", ["disable", "delete"])
def test_nothing_is_made_again_for_an_endpoint_that_is_disabled_or_deleted(ada: Client, verb: str) -> None:
    [delivery] = ada.told(ada.pay())
    if verb == "disable":
        ada.disable()
    else:
        ada.key.request("DELETE", f"/v1/webhook-endpoints/{ada.endpoint_id}")

    assert (ada.redeliver(delivery).status, ada.redeliver(delivery).code) == (409, "endpoint_disabled")
    assert ada.redeliver_since().code == ("endpoint_disabled" if verb == "disable" else "not_found")
    assert [row["status"] for row in ada.told({"id": delivery["transfer_id"]})] == ["canceled"]


def test_what_an_endpoint_missed_since_a_time_is_made_again(ada: Client, finish: Finish) -> None:
    early, failed, canceled, delivered, pending = (ada.told(ada.pay())[0] for _ in range(5))
    for row, status in ((early, "failed"), (failed, "failed"), (canceled, "canceled"), (delivered, "delivered")):
        finish(row, status)

    answer = ada.redeliver_since(failed["created_at"])

    assert (answer.status, answer.body) == (202, {"count": 2, "has_more": False})
    found = {row["id"]: row["status"] for row in ada.key.get(ada.trail).body["data"]}
    assert found == {
        early["id"]: "failed",
        failed["id"]: "pending",
        canceled["id"]: "pending",
        delivered["id"]: "delivered",
        pending["id"]: "pending",
    }
    assert ada.redeliver_since(failed["created_at"]).body == {"count": 0, "has_more": False}
    assert ada.redeliver_since("0001-01-01T00:00:00+14:00").body == {"count": 1, "has_more": False}
    assert ada.redeliver_since("9999-12-31T23:59:59-12:00").body == {"count": 0, "has_more": False}


def test_a_time_may_be_of_any_zone_and_is_an_instant(ada: Client, finish: Finish) -> None:
    [delivery] = ada.told(ada.pay())
    made = datetime.fromisoformat(delivery["created_at"])
    east = (made + timedelta(hours=5, minutes=30)).replace(tzinfo=None).isoformat() + "+05:30"
    later = (made + timedelta(hours=5, minutes=30, microseconds=1)).replace(tzinfo=None).isoformat() + "+05:30"
    finish(delivery, "failed")

    assert ada.redeliver_since(later).body["count"] == 0
    assert ada.redeliver_since(east).body["count"] == 1


def test_very_many_are_made_again_call_by_call_the_oldest_first(ada: Client, shared_database: Connection) -> None:
    shared_database.execute(
        "INSERT INTO deliveries (owner, receiver, transfer_id, endpoint_id, shard, status, next_attempt_at, finished_at)"
        " SELECT owner, id::text, mint_uuid(), id, number, 'failed', NULL, now()"
        "   FROM webhook_endpoints, generate_series(1, 1001) AS number WHERE id = %s",
        [ids.parse(Prefix.ENDPOINT, ada.endpoint_id)],
    )

    first, second = ada.redeliver_since(), ada.redeliver_since()
    # They are of no transfer, and others audit the shared system.
    shared_database.execute("DELETE FROM deliveries WHERE endpoint_id = %s", [ids.parse(Prefix.ENDPOINT, ada.endpoint_id)])

    assert (first.body, second.body) == ({"count": 1000, "has_more": True}, {"count": 1, "has_more": False})


@pytest.mark.parametrize(
    ("fields", "errors"),
    [
        ({}, {"/since": "required"}),
        ({"since": None}, {"/since": "wrong_type"}),
        ({"since": 0}, {"/since": "wrong_type"}),
        ({"since": ""}, {"/since": "wrong_type"}),
        ({"since": "2026-01-31"}, {"/since": "wrong_type"}),
        ({"since": "2026-01-31T09:30:00"}, {"/since": "wrong_type"}),
        ({"since": "2026-01-31 09:30:00Z"}, {"/since": "wrong_type"}),
        ({"since": "2026-13-31T09:30:00Z"}, {"/since": "wrong_type"}),
        ({"since": "2026-01-31T09:30:60Z"}, {"/since": "wrong_type"}),
        ({"since": "0000-01-31T09:30:00Z"}, {"/since": "wrong_type"}),
        ({"since": "2026-01-31T09:30:00+99:00"}, {"/since": "wrong_type"}),
        ({"since": "2026-01-31T09:30:00Z\n"}, {"/since": "wrong_type"}),
        ({"since": "\uff12\uff10\uff12\uff16-01-31T09:30:00Z"}, {"/since": "wrong_type"}),
        ({"since": LONG_AGO, "until": LONG_AGO}, {"/until": "unknown_field"}),
    ],
)
def test_a_time_that_is_none_is_refused(ada: Client, fields: Row, errors: dict[str, str]) -> None:
    answer = ada.key.post(f"/v1/webhook-endpoints/{ada.endpoint_id}/redeliver", fields)

    assert (answer.status, answer.field_codes) == (422, errors)


@pytest.mark.parametrize("id", [UNKNOWN, "x", UNKNOWN.upper(), UNKNOWN.replace("dlv", "trf")])
def test_a_delivery_that_is_not_there_is_not_found(caller: Caller, id: str) -> None:
    assert caller.request("POST", f"/v1/deliveries/{id}/redeliver").code == "not_found"
