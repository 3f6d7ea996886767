"""Every refused query parameter is named, with its bounds or with the ones that the path knows; its value is never repeated."""

import pytest

from tests.caller import Caller

MONTH = "from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:00Z"

REFUSED: dict[str, tuple[str, dict[str, str], str]] = {
    "too many rows": ("/v1/transfers?limit=1000", {"?limit": "out_of_range"}, "limit must be an integer from 1 to 100"),
    "no rows": ("/v1/clients?limit=0", {"?limit": "out_of_range"}, "limit must be an integer from 1 to 100"),
    "fewer than none": ("/v1/events?limit=-1", {"?limit": "out_of_range"}, "limit must be an integer from 1 to 100"),
    "words": ("/v1/events?limit=ten", {"?limit": "wrong_type"}, "limit must be an integer from 1 to 100"),
    "an unknown status": (
        "/v1/transfers?status=done",
        {"?status": "unknown_value"},
        "status must be one of queued, applied, rejected, canceled, scheduled",
    ),
    "no id": (
        "/v1/transfers?wallet_id=7",
        {"?wallet_id": "invalid_id"},
        "wallet_id is not an id; one begins with wal_ and 26 base32 characters follow",
    ),
    "no time": (
        "/v1/wallets/WALLET/entries?from=yesterday",
        {"?from": "time_invalid"},
        "from must be a time with an offset, such as 2026-01-31T09:30:00Z",
    ),
    "no key": (
        "/v1/transfers?idempotency_key=a%20b",
        {"?idempotency_key": "wrong_type"},
        "idempotency_key must be 1 to 255 visible ASCII characters without spaces, bare or quoted",
    ),
    "an amount of more than all": (
        "/v1/transfers?amount=9007199254740992",
        {"?amount": "out_of_range"},
        "amount must be an integer from 0 to 9007199254740991, of minor units",
    ),
    "an amount of less than nothing": (
        "/v1/transfers?amount_from=-1",
        {"?amount_from": "out_of_range"},
        "amount_from must be an integer from 0 to 9007199254740991, of minor units",
    ),
    "an amount with a point": (
        "/v1/transfers?amount=10.50",
        {"?amount": "wrong_type"},
        "amount must be an integer from 0 to 9007199254740991, of minor units",
    ),
    "nothing to search for": ("/v1/search?q=", {"?q": "required"}, "q must not be empty"),
    "a name of no letters": ("/v1/clients?name=", {"?name": "required"}, "name must not be empty"),
    "too long a name": (f"/v1/clients?name={'n' * 201}", {"?name": "too_long"}, "name is too long"),
    "too long a reference": (f"/v1/transfers?reference={'r' * 201}", {"?reference": "too_long"}, "reference is too long"),
    "a control character": (
        "/v1/clients?external_id=%01",
        {"?external_id": "invalid_string"},
        "external_id holds a character that is not allowed",
    ),
    "one that must be there": ("/v1/wallets/WALLET/balance", {"?at": "required"}, "at is required"),
    "the wrong way round": (
        "/v1/wallets/WALLET/statement?from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z",
        {"?from": "out_of_range"},
        "from lies after `to`",
    ),
    "too long a period": (
        "/v1/wallets/WALLET/statement?from=2024-01-01T00:00:00Z&to=2026-01-01T00:00:00Z",
        {"?to": "out_of_range"},
        "to lies more than 366 days after `from`",
    ),
    "twice": ("/v1/clients?limit=1&limit=2", {"?limit": "repeated_parameter"}, "limit is given more than once"),
    "unknown": (
        "/v1/clients?surname=x",
        {"?surname": "unknown_parameter"},
        "surname is not known here; this path knows cursor, external_id, limit",
    ),
    "unknown, and there are none": (
        "/v1/clients/CLIENT?x=1",
        {"?x": "unknown_parameter"},
        "x is not known here; this path takes no query parameters",
    ),
    "unknown to a page": ("/docs?x=1", {"?x": "unknown_parameter"}, "x is not known here; this path takes no query parameters"),
    "a name that is not shown": (
        f"/v1/clients?{'x' * 41}=1",
        {"?": "unknown_parameter"},
        "a query parameter is not known here; this path knows cursor, external_id, limit",
    ),
    "several": (
        "/v1/transfers?limit=0&wallet_id=7",
        {"?limit": "out_of_range", "?wallet_id": "invalid_id"},
        "2 query parameters are not valid: wallet_id, limit",
    ),
    "several unknown": (
        "/v1/clients?a=1&b=2",
        {"?a": "unknown_parameter", "?b": "unknown_parameter"},
        "2 query parameters are not valid: a, b",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_refused_parameter_is_named_with_what_is_expected(caller: Caller, case: str) -> None:
    path, errors, detail = REFUSED[case]
    client = caller.new_client()

    answer = caller.get(path.replace("WALLET", client["wallet"]["id"]).replace("CLIENT", client["id"]))

    assert (answer.status, answer.code) == (400, "invalid_parameter")
    assert {error["pointer"]: error["code"] for error in answer.body["errors"]} == errors
    assert answer.body["detail"].startswith(detail)
    assert all(error["detail"] for error in answer.body["errors"])


@pytest.mark.parametrize(
    ("query", "code", "detail"),
    [
        ("preview=maybe", "unknown_value", "preview must be one of true, false"),
        ("preview=true&preview=true", "repeated_parameter", "preview is given more than once"),
        ("dry_run=true", "unknown_parameter", "dry_run is not known here; this path knows preview"),
    ],
)
def test_a_refused_preview_is_named(caller: Caller, query: str, code: str, detail: str) -> None:
    answer = caller.post(f"/v1/deposits?{query}", {"wallet_id": caller.new_wallet(), "amount": 5})

    assert (answer.status, answer.code, answer.body["detail"]) == (400, "invalid_parameter", detail)
    assert [error["code"] for error in answer.body["errors"]] == [code]


def test_each_route_with_parameters_lists_those_that_it_knows(caller: Caller) -> None:
    document = caller.get("/openapi.json").body
    client = caller.new_client()
    transfer = caller.deposit(client["wallet"]["id"], 1).body["id"]
    asked = 0
    for path, operations in document["paths"].items():
        if "get" not in operations or not path.startswith("/v1/"):
            continue
        known = sorted(one["name"] for one in operations["get"].get("parameters", ()) if one["in"] == "query")
        real = path.replace("{client_id}", client["id"]).replace("{transfer_id}", transfer)
        real = real.replace("{wallet_id}", client["wallet"]["id"])
        if known and "{" not in real:
            answer = caller.get(f"{real}?no_such_parameter=1")
            assert answer.body["errors"][0]["detail"] == f"is not known here; this path knows {', '.join(known)}", path
            asked += 1
    assert asked >= 6
