"""Webhook endpoints and secrets: made, shown, changed, rotated, deleted; and callback URLs of transfers."""

import base64
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from core import ids
from core.ids import Prefix
from core.webhooks.endpoints import CLIENT_ENDPOINTS_MAX
from tests.caller import Caller, new_key
from tests.databases import Databases
from tests.http.conftest import NOWHERE, AsClient
from tests.system import System

HOOK = "https://example.com/hook"
ENDPOINTS = "/v1/webhook-endpoints"
UNKNOWN = "whk_01h455vb4pex5vsknk084sn02q"
BOTH = ["transfer.applied", "transfer.rejected"]
ALL = [*BOTH, "transfer.canceled", "webhook_endpoint.disabled"]


def new_endpoint(caller: Caller, **fields: object) -> Any:
    answer = caller.post(ENDPOINTS, {"url": HOOK, **fields})
    assert answer.status == 201, answer
    return answer.body


def without_secret(endpoint: Any) -> dict[str, Any]:
    return {name: value for name, value in endpoint.items() if name != "secret"}


def patch(caller: Caller, endpoint: Any, body: object) -> Any:
    return caller.request("PATCH", f"{ENDPOINTS}/{endpoint['id']}", body)


def secret_bytes(secret: str) -> bytes:
    prefix, _, encoded = secret.partition("_")
    assert prefix == "whsec"
    return base64.b64decode(encoded, validate=True)


def is_a_day_away(text: str) -> bool:
    left = datetime.fromisoformat(text) - datetime.now().astimezone()
    return timedelta(hours=23, minutes=55) < left <= timedelta(hours=24, seconds=1)


# --- Endpoints ---


def test_an_endpoint_is_made_with_a_secret_that_is_shown_once(caller: Caller) -> None:
    answer = caller.post(ENDPOINTS, {"url": HOOK, "events": ["transfer.rejected"], "description": "for Ada"})

    assert answer.status == 201
    made = answer.body
    assert answer.headers["location"] == f"{ENDPOINTS}/{made['id']}"
    assert len(secret_bytes(made["secret"])) == 32
    assert made == {
        "id": made["id"],
        "url": HOOK,
        "events": ["transfer.rejected"],
        "description": "for Ada",
        "status": "enabled",
        "disabled_reason": None,
        "disabled_at": None,
        "created_at": made["created_at"],
        "old_secret_expires_at": None,
        "secret": made["secret"],
    }
    assert caller.get(answer.headers["location"]).body == without_secret(made)


def test_what_is_left_out_has_its_default(caller: Caller) -> None:
    made = new_endpoint(caller)

    assert (made["events"], made["description"]) == (ALL, None)


def test_events_are_a_set(caller: Caller) -> None:
    assert new_endpoint(caller, events=["transfer.rejected", "transfer.applied"])["events"] == BOTH
    assert new_endpoint(caller, events=["transfer.applied", "transfer.applied"])["events"] == ["transfer.applied"]


def test_no_two_secrets_are_alike(caller: Caller) -> None:
    assert new_endpoint(caller)["secret"] != new_endpoint(caller)["secret"]


def test_endpoints_are_listed_newest_first_without_secrets(caller: Caller) -> None:
    made = [new_endpoint(caller) for _ in range(3)]

    first = caller.get(f"{ENDPOINTS}?limit=2").body
    second = caller.get(f"{ENDPOINTS}?limit=1&cursor={first['next_cursor']}").body

    assert [*first["data"], *second["data"]] == [without_secret(endpoint) for endpoint in reversed(made)]


@pytest.mark.parametrize(
    "changes",
    [
        {"url": "https://example.org/"},
        {"events": ["transfer.applied"]},
        {"description": "new"},
        {"description": None},
        {"url": "https://example.org/", "description": None},
        {"status": "enabled"},
        {},
    ],
)
def test_a_change_changes_what_it_names_alone(caller: Caller, changes: dict[str, Any]) -> None:
    made = new_endpoint(caller, description="old")

    answer = patch(caller, made, changes)

    assert (answer.status, answer.body) == (200, {**without_secret(made), **changes})
    assert caller.get(f"{ENDPOINTS}/{made['id']}").body == answer.body


def test_an_endpoint_is_disabled_and_enabled_again(caller: Caller) -> None:
    made = new_endpoint(caller)

    disabled = patch(caller, made, {"status": "disabled"}).body
    again = patch(caller, made, {"status": "disabled", "description": "x"}).body

    assert disabled == {
        **without_secret(made),
        "status": "disabled",
        "disabled_reason": "requested",
        "disabled_at": disabled["disabled_at"],
    }
    assert again == {**disabled, "description": "x"}
    assert patch(caller, made, {"status": "enabled", "description": None}).body == without_secret(made)


@pytest.mark.parametrize("reason", ["gone", "failing"])
def test_an_endpoint_that_was_disabled_for_its_answers_says_so_until_it_is_enabled(
    caller: Caller, shared_database: psycopg.Connection[Any], reason: str
) -> None:
    made = new_endpoint(caller)
    id = ids.parse(Prefix.ENDPOINT, made["id"])
    shared_database.execute(
        "UPDATE webhook_endpoints SET status = 'disabled', disabled_reason = %s, disabled_at = '2026-01-31T09:30:00Z',"
        " failing_since = '2026-01-26T09:30:00Z' WHERE id = %s",
        [reason, id],
    )

    shown = caller.get(f"{ENDPOINTS}/{made['id']}").body

    assert (shown["status"], shown["disabled_reason"], shown["disabled_at"]) == ("disabled", reason, "2026-01-31T09:30:00.000000Z")
    assert patch(caller, made, {"status": "disabled"}).body == shown
    assert patch(caller, made, {"status": "enabled"}).body == without_secret(made)
    row = shared_database.execute("SELECT failing_since FROM webhook_endpoints WHERE id = %s", [id]).fetchone()
    assert row == (None,)


def test_a_client_that_has_too_many_endpoints_makes_room_first(caller: Caller, as_client: AsClient) -> None:
    key = as_client(caller.new_client())
    made = [new_endpoint(key) for _ in range(CLIENT_ENDPOINTS_MAX)]

    refused = key.post(ENDPOINTS, {"url": HOOK})
    assert (refused.status, refused.code) == (409, "too_many_endpoints")
    assert {row["id"] for row in key.get(f"{ENDPOINTS}?limit=100").body["data"]} == {one["id"] for one in made}

    key.request("DELETE", f"{ENDPOINTS}/{made[0]['id']}")
    new_endpoint(key)


def test_a_deleted_endpoint_is_gone(caller: Caller) -> None:
    made = new_endpoint(caller)

    answer = caller.request("DELETE", f"{ENDPOINTS}/{made['id']}")

    assert (answer.status, answer.body) == (204, "")
    assert made["id"] not in {row["id"] for row in caller.get(f"{ENDPOINTS}?limit=100").body["data"]}
    for method, path, body in [
        ("GET", "", None),
        ("DELETE", "", None),
        ("PATCH", "", {"description": "x"}),
        ("POST", "/rotate-secret", None),
    ]:
        assert caller.request(method, f"{ENDPOINTS}/{made['id']}{path}", body).code == "not_found", method


@pytest.mark.parametrize("body", [None, {}])
def test_a_rotated_secret_is_new_and_the_one_before_signs_for_a_day(
    caller: Caller, shared_database: psycopg.Connection[Any], body: object
) -> None:
    made = new_endpoint(caller)

    answer = caller.request("POST", f"{ENDPOINTS}/{made['id']}/rotate-secret", body)

    assert answer.status == 200
    assert is_a_day_away(answer.body["old_secret_expires_at"])
    assert without_secret(answer.body) == caller.get(f"{ENDPOINTS}/{made['id']}").body
    stored = shared_database.execute(
        "SELECT secret, old_secret FROM webhook_endpoints WHERE id = %s", [ids.parse(Prefix.ENDPOINT, made["id"])]
    ).fetchone()
    assert stored == (answer.body["secret"], made["secret"])


def test_an_old_secret_that_has_expired_is_not_mentioned(caller: Caller, shared_database: psycopg.Connection[Any]) -> None:
    made = new_endpoint(caller)
    caller.request("POST", f"{ENDPOINTS}/{made['id']}/rotate-secret")
    shared_database.execute(
        "UPDATE webhook_endpoints SET old_secret_expires_at = now() WHERE id = %s", [ids.parse(Prefix.ENDPOINT, made["id"])]
    )

    assert caller.get(f"{ENDPOINTS}/{made['id']}").body["old_secret_expires_at"] is None


@pytest.mark.parametrize(
    ("fields", "errors"),
    [
        ({"url": None}, {"/url": "wrong_type"}),
        ({"url": "x"}, {"/url": "url_invalid"}),
        ({"url": "http://example.com/"}, {"/url": "url_forbidden"}),
        ({"url": "https://127.0.0.1/"}, {"/url": "url_forbidden"}),
        ({"url": "https://a:b@example.com/"}, {"/url": "url_forbidden"}),
        ({"url": "https://example.com:22/"}, {"/url": "url_forbidden"}),
        ({"events": []}, {"/events": "required"}),
        ({"events": ["transfer.lost"]}, {"/events/0": "wrong_type"}),
        ({"events": [*ALL, *BOTH]}, {"/events": "too_long"}),
        ({"events": "transfer.applied"}, {"/events": "wrong_type"}),
        ({"events": None}, {"/events": "wrong_type"}),
        ({"description": "d" * 201}, {"/description": "too_long"}),
        ({"description": "\x00"}, {"/description": "invalid_string"}),
        ({"secret": "whsec_x"}, {"/secret": "unknown_field"}),
        ({"url": "x", "surprise": 1}, {"/url": "url_invalid", "/surprise": "unknown_field"}),
    ],
)
def test_bad_fields_are_refused_when_made_and_when_changed(caller: Caller, fields: dict[str, Any], errors: dict[str, str]) -> None:
    made = new_endpoint(caller)

    assert caller.post(ENDPOINTS, {"url": HOOK, **fields}).field_codes == errors
    assert patch(caller, made, fields).field_codes == errors
    assert caller.get(f"{ENDPOINTS}/{made['id']}").body == without_secret(made)


def test_a_url_is_required_and_a_status_is_for_changes_alone(caller: Caller) -> None:
    assert caller.post(ENDPOINTS, {}).field_codes == {"/url": "required"}
    assert caller.post(ENDPOINTS, {"url": HOOK, "status": "disabled"}).field_codes == {"/status": "unknown_field"}
    assert patch(caller, new_endpoint(caller), {"status": "asleep"}).field_codes == {"/status": "wrong_type"}


@pytest.mark.parametrize("path", [f"{ENDPOINTS}/{UNKNOWN}", f"{ENDPOINTS}/x", f"{ENDPOINTS}/{UNKNOWN.replace('whk', 'wal')}"])
def test_an_endpoint_that_is_not_there_is_not_found(caller: Caller, path: str) -> None:
    assert caller.get(path).code == "not_found"
    assert caller.request("DELETE", path).code == "not_found"
    assert caller.request("PATCH", path, {}).code == "not_found"
    assert caller.request("POST", f"{path}/rotate-secret").code == "not_found"


@pytest.mark.parametrize(
    ("body", "code"),
    [(b"[]", "invalid_json"), (b"{", "invalid_json"), (b'{"x": 1}', "validation_failed"), (b"x" * 20_000, "body_too_large")],
)
def test_a_verb_that_says_all_in_its_path_takes_no_fields(caller: Caller, body: bytes, code: str) -> None:
    made = new_endpoint(caller)

    for path in (f"{ENDPOINTS}/{made['id']}/rotate-secret", "/v1/webhook-secret/rotate"):
        assert caller.post(path, body).code == code
    assert caller.get(f"{ENDPOINTS}/{made['id']}").body["old_secret_expires_at"] is None


# --- The secret of callback URLs ---


@pytest.fixture
def fresh_caller(databases: Databases, tmp_path: Path) -> Iterator[Caller]:
    """An operator's calls to an API of the test's own, for which nothing has been rotated yet."""
    (tmp_path / "logs").mkdir()
    system = System(tmp_path / "logs", databases.migrated(), NOWHERE)
    system.start_api()
    caller = Caller(system.url)
    yield caller
    caller.close()
    system.close()


def test_a_callers_secret_is_made_by_its_first_rotation(fresh_caller: Caller) -> None:
    assert fresh_caller.get("/v1/webhook-secret").code == "not_found"

    first = fresh_caller.request("POST", "/v1/webhook-secret/rotate")
    second = fresh_caller.request("POST", "/v1/webhook-secret/rotate", {})

    assert (first.status, second.status) == (200, 200)
    assert first.body["old_secret_expires_at"] is None
    assert is_a_day_away(second.body["old_secret_expires_at"])
    assert secret_bytes(first.body["secret"]) != secret_bytes(second.body["secret"])
    assert fresh_caller.get("/v1/webhook-secret").body == without_secret(second.body)


# --- Callback URLs ---


def test_a_callback_url_is_kept_and_shown(caller: Caller) -> None:
    wallet, other = caller.new_wallet(10), caller.new_wallet()

    for made in (caller.deposit(wallet, 5, callback_url=HOOK), caller.transfer(wallet, other, 5, callback_url=HOOK)):
        assert (made.status, made.body["callback_url"]) == (202, HOOK)
        assert caller.wait_final(made.body["id"])["callback_url"] == HOOK
        listed = caller.get(f"/v1/transfers?wallet_id={wallet}&limit=1").body["data"]
        assert [row["callback_url"] for row in listed] == [HOOK]


def test_each_item_of_a_batch_has_its_own_callback_url(caller: Caller) -> None:
    named = {"source_wallet_id": caller.new_wallet(10), "destination_wallet_id": caller.new_wallet(), "amount": 1}
    items = [{**named, "idempotency_key": new_key(), "callback_url": url} for url in (HOOK, None, "http://example.com/", "x")]

    results = caller.post("/v1/transfers/batch", {"transfers": items}).body["results"]

    assert [result["transfer"]["callback_url"] for result in results[:2]] == [HOOK, None]
    problems = [result["problem"]["errors"] for result in results[2:]]
    assert [[(error["pointer"], error["code"]) for error in errors] for errors in problems] == [
        [("/callback_url", "url_forbidden")],
        [("/callback_url", "url_invalid")],
    ]


def shown_urls(caller: Caller, transfer_id: str) -> set[str | None]:
    """The transfer's callback URL wherever the caller can read the transfer."""
    wallet_id = caller.get(f"/v1/transfers/{transfer_id}").body["destination_wallet_id"]
    event = caller.get(f"/v1/events/{transfer_id.replace('trf_', 'evt_')}").body
    everywhere = [
        *caller.get("/v1/transfers?limit=100").body["data"],
        *caller.get(f"/v1/transfers?wallet_id={wallet_id}").body["data"],
    ]
    listed = [row for row in everywhere if row["id"] == transfer_id]
    feed = [row["data"] for row in events_of(caller) if row["data"]["id"] == transfer_id]
    assert listed
    assert feed
    return {row["callback_url"] for row in (caller.get(f"/v1/transfers/{transfer_id}").body, event["data"], *listed, *feed)}


def events_of(caller: Caller) -> Iterator[Any]:
    cursor = ""
    while True:
        page = caller.get(f"/v1/events?limit=100{cursor}").body
        yield from page["data"]
        if not page["has_more"]:
            return
        cursor = f"&after={page['next_cursor']}"


def test_a_callback_url_is_shown_only_to_the_caller_that_named_it(caller: Caller, as_client: AsClient) -> None:
    ada, ben = caller.new_client(), caller.new_client()
    adas, bens = as_client(ada), as_client(ben)
    paid_in = caller.deposit(ada["wallet"]["id"], 5, callback_url=HOOK).body["id"]
    caller.wait_final(paid_in)
    paid = adas.transfer(ada["wallet"]["id"], ben["wallet"]["id"], 5, callback_url=HOOK)
    caller.wait_final(paid.body["id"])

    assert paid.body["callback_url"] == HOOK
    assert (shown_urls(adas, paid.body["id"]), shown_urls(bens, paid.body["id"])) == ({HOOK}, {None})
    assert shown_urls(caller, paid.body["id"]) == {None}
    assert (shown_urls(caller, paid_in), shown_urls(adas, paid_in)) == ({HOOK}, {None})


@pytest.mark.parametrize("verb", ["single", "batch"])
def test_a_caller_that_names_a_callback_url_has_a_secret_from_then_on(caller: Caller, as_client: AsClient, verb: str) -> None:
    client, other = caller.new_client(), caller.new_wallet()
    key, named = as_client(client), {"source_wallet_id": client["wallet"]["id"], "destination_wallet_id": other, "amount": 1}
    key.post("/v1/transfers", named, key=new_key())
    assert key.get("/v1/webhook-secret").code == "not_found"

    if verb == "single":
        answer = key.post("/v1/transfers", {**named, "callback_url": HOOK}, key=new_key())
    else:
        item = {**named, "idempotency_key": new_key()}
        answer = key.post(
            "/v1/transfers/batch", {"transfers": [item, {**item, "idempotency_key": new_key(), "callback_url": HOOK}]}
        )

    assert answer.status in (200, 202)
    made = key.get("/v1/webhook-secret").body
    assert made["old_secret_expires_at"] is None
    key.post("/v1/transfers", {**named, "callback_url": HOOK}, key=new_key())
    assert key.get("/v1/webhook-secret").body == made
    assert is_a_day_away(key.request("POST", "/v1/webhook-secret/rotate").body["old_secret_expires_at"])


def test_a_secret_that_is_there_already_stays(
    caller: Caller, as_client: AsClient, shared_database: psycopg.Connection[Any]
) -> None:
    client = caller.new_client()
    key = as_client(client)
    secret = key.request("POST", "/v1/webhook-secret/rotate").body["secret"]

    key.transfer(client["wallet"]["id"], caller.new_wallet(), 1, callback_url=HOOK)

    assert shared_database.execute(
        "SELECT secret, old_secret FROM webhook_secrets WHERE owner = %s", [client["id"]]
    ).fetchone() == (
        secret,
        None,
    )
