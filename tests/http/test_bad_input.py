"""Whatever is sent, the answer is the contract's problem, never a 5xx; nothing is stored, nothing of the bad value comes back."""

import json
from collections.abc import Mapping

import pytest

from api.http.problems import KINDS
from tests.caller import Caller, new_key
from tests.http.bad_inputs import KEY, ROWS, Row, string, strings
from tests.http.bodies import MARK, fill, good, with_fields
from tests.http.conftest import Count
from tests.http.raw import exchange, parse
from tests.system import System


def test_the_table_is_long_and_holds_every_code_that_an_input_can_get() -> None:
    of_states = {
        "internal_error",
        "unavailable",
        "external_id_taken",
        "wallet_exists",
        "endpoint_disabled",
        "too_many_endpoints",
        "idempotency_key_reused",
        "not_a_hold",
        "not_reversible",
        "not_cancelable",
        "wallet_closed",
        "forbidden",
        "rate_limited",
        "backlog_full",
    }
    of_connections = {"malformed_request", "request_timeout", "headers_too_large"}  # test_wire.py and test_patience.py

    assert len(ROWS) >= 700
    assert {row.code for row in ROWS.values()} == set(KINDS) - of_states - of_connections


@pytest.fixture(scope="module")
def existing(shared_system: System) -> dict[str, str]:
    """Ids of what exists, by the names that stand for them in the table."""
    caller = Caller(shared_system.url)
    client = caller.new_client()
    transfer = caller.deposit(client["wallet"]["id"], 1).body["id"]
    wallets = {"SOURCE": client["wallet"]["id"], "DESTINATION": caller.new_wallet(), "WALLET": caller.new_wallet()}
    endpoint = caller.post("/v1/webhook-endpoints", {"url": "https://example.com/hook"}).body["id"]
    caller.request("PATCH", f"/v1/webhook-endpoints/{endpoint}", {"status": "disabled"})  # it gets no transfers
    caller.request("POST", "/v1/webhook-secret/rotate")
    caller.close()
    return {**wallets, "CLIENT": client["id"], "TRANSFER": transfer, "ENDPOINT": endpoint}


@pytest.mark.parametrize("case", ROWS)
def test_a_bad_input_gets_its_answer_and_stores_nothing(
    caller: Caller, existing: dict[str, str], count_stored: Count, case: str
) -> None:
    row, key = ROWS[case], new_key()
    before = count_stored()

    answer = parse(exchange(caller.url, request_of(row, {**existing, "KEY": key})))

    assert (answer.status, answer.code) == (row.status, row.code), answer
    if row.fields:
        assert answer.field_codes == row.fields
        assert all(error["detail"] for error in answer.body["errors"])
    assert MARK not in json.dumps(answer.body)
    assert not {"location", "x-injected", "server"} & set(answer.headers)
    assert count_stored() == before
    if KEY in row.headers:
        accepted = caller.deposit(existing["WALLET"], 1, key)
        assert (accepted.status, "idempotent-replayed" in accepted.headers) == (202, False)


def request_of(row: Row, values: Mapping[str, str]) -> bytes:
    """Return the row's request with these values for their names, as the only one of its connection."""
    body, path, headers = row.body, row.path, [("Host", "t"), *row.headers, ("Connection", "close")]
    for name, value in values.items():
        body, path = body.replace(name.encode(), value.encode()), path.replace(name, value)
    if body and "Transfer-Encoding" not in dict(headers):
        headers.append(("Content-Length", str(len(body))))
    lines = [f"{name}: {value}" for name, value in headers]
    return "\r\n".join([f"{row.method} {path} HTTP/1.1", *lines, "", ""]).replace("KEY", values["KEY"]).encode() + body


def deposit_with(field: bytes) -> tuple[str, bytes]:
    return "/v1/deposits", with_fields("/v1/deposits", field)


def deposit_of(amount: bytes) -> tuple[str, bytes]:
    return "/v1/deposits", good("/v1/deposits").replace(b"5}", amount + b"}")


ACCEPTED: dict[str, tuple[str, bytes]] = {
    "amount 1": deposit_of(b"1"),
    "amount 2^53-1": deposit_of(b"9007199254740991"),
    "white space around": ("/v1/deposits", b" \r\n\t" + good("/v1/deposits") + b" \r\n\t"),
    "escaped key": ("/v1/deposits", good("/v1/deposits").replace(b"amount", b"\\u0061mount")),
    "reference empty": deposit_with(b'"reference": ""'),
    "reference of 200": deposit_with(b'"reference": ' + string(200)),
    "reference of 200 emoji": deposit_with(b'"reference": ' + string(200, "😀")),
    "surrogate pair": deposit_with(b'"reference": "\\ud83d\\ude00"'),
    "marks of direction": deposit_with('"reference": "\u200f\u05d0\u200e1\u061c"'.encode()),
    "joiners": deposit_with('"reference": "\u0646\u200c\u0647 \U0001f468\u200d\U0001f469"'.encode()),
    "decomposed and trailing spaces": deposit_with('"reference": " u\u0308 "'.encode()),
    "a noncharacter": deposit_with(b'"reference": "\\ufdd0\\ud83f\\udffe"'),
    "SQL": deposit_with(b'"reference": "\'; DROP TABLE transfers; --%s%(x)s"'),
    "template": deposit_with(b'"reference": "${jndi:ldap://x} {{7*7}} <script>"'),
    "metadata of 20 keys": deposit_with(b'"metadata": ' + strings(20)),
    "metadata at its lengths": deposit_with(b'"metadata": {' + string(40, "ü") + b": " + string(500, "😀") + b"}"),
    "metadata names of JavaScript": deposit_with(b'"metadata": {"__proto__": "", "constructor": "x"}'),
    "name of 200 emoji": ("/v1/clients", b'{"name": ' + string(200, "😀") + b"}"),
    "client with nulls": ("/v1/clients", with_fields("/v1/clients", b'"external_id": null')),
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_what_is_at_its_limit_is_accepted_and_kept_verbatim(idle_caller: Caller, case: str) -> None:
    caller = idle_caller  # a deposit of 2^53-1 is never applied there, and so leaves room for others
    path, template = ACCEPTED[case]
    body = fill(template, caller)

    answer = caller.post(path, body, key=new_key())

    assert answer.status in {201, 202}, answer
    sent = json.loads(body)
    sent.pop("wallet_id", None)
    assert {name: answer.body[name] for name in sent} == sent
    assert caller.get(answer.headers["location"]).body["metadata"] == sent.get("metadata", {})


def test_an_external_id_of_100_characters_is_accepted(caller: Caller) -> None:
    external_id = new_key() + "ü" * 68

    assert len(external_id) == 100
    assert caller.new_client(external_id=external_id)["external_id"] == external_id


def test_ids_of_another_type_are_said_clearly_to_be_so(caller: Caller) -> None:
    client = caller.new_client()

    answer = caller.transfer(client["id"], client["wallet"]["id"], 5)

    [error] = answer.body["errors"]
    assert (error["pointer"], error["code"]) == ("/source_wallet_id", "invalid_id")
    assert "wal_" in error["detail"]
    assert client["id"] not in json.dumps(answer.body)
