"""Every answer has a bounded size, whatever was asked; and no request takes the event loop from other callers while it is read."""

import json
from collections.abc import Callable

import pytest

from tests.caller import Answer, Caller, new_key
from tests.http.conftest import Count
from tests.http.test_endless import Another

MIB = 1024 * 1024
ERRORS_MAX = 20
ANSWER_MAX = 16 * 1024  # of a document of errors
BATCH_ANSWER_MAX = 4 * MIB  # of a batch of which each item is refused


def unknown_fields(count: int) -> dict[str, int]:
    return {format(number, "x"): 0 for number in range(count)}


def longest_answer(answer: Answer) -> int:
    return len(json.dumps(answer.body, ensure_ascii=False).encode())


@pytest.mark.parametrize("count", [20, 21, 60, 1500])
@pytest.mark.parametrize("path", ["/v1/deposits", "/v1/transfers", "/v1/clients", "/v1/webhook-endpoints"])
def test_at_most_twenty_errors_are_listed_and_all_are_counted(caller: Caller, count_stored: Count, path: str, count: int) -> None:
    before = count_stored()

    answer = caller.post(path, unknown_fields(count), key=new_key() if "hook" not in path else None)

    assert (answer.status, answer.code) == (422, "validation_failed")
    errors = answer.body["errors"]
    assert len(errors) == ERRORS_MAX
    found = int(answer.body["detail"].partition(" fields")[0])
    assert found >= count
    assert answer.body["detail"] == f"{found} fields are not valid" + ("; the first 20 are listed" if found > ERRORS_MAX else "")
    assert longest_answer(answer) < ANSWER_MAX
    assert count_stored() == before


@pytest.mark.parametrize("where", ["batch", "item"])
def test_a_hundred_thousand_unknown_fields_are_counted_by_their_names(caller: Caller, where: str) -> None:
    fields = unknown_fields(90_000)
    body = json.dumps(fields if where == "batch" else {"transfers": [fields]}).encode()  # not while the other caller waits
    with Another(caller.url) as another:
        answer = caller.post("/v1/transfers/batch", body)

    problem = answer.body if where == "batch" else answer.body["results"][0]["problem"]
    assert answer.status == (422 if where == "batch" else 200)
    assert problem["detail"] == "90000 fields are not valid; the first 20 are listed"
    assert [error["pointer"] for error in problem["errors"]] == [f"/{name}" for name in list(fields)[:ERRORS_MAX]]
    assert longest_answer(answer) < ANSWER_MAX
    another.assert_served()


@pytest.mark.parametrize("name", ["{:x}", "~" * 30 + "{:02d}"], ids=["short names", "names that are escaped"])
def test_a_batch_of_a_thousand_items_with_twenty_errors_each_has_a_bounded_answer(caller: Caller, name: str) -> None:
    item = {name.format(number): 0 for number in range(25)}
    batch = json.dumps({"transfers": [item] * (1000 if len(name) < 10 else 900)}).encode()
    assert len(batch) < MIB
    with Another(caller.url) as another:
        answer = caller.post("/v1/transfers/batch", batch)

    assert answer.status == 200
    assert {len(result["problem"]["errors"]) for result in answer.body["results"]} == {ERRORS_MAX}
    assert longest_answer(answer) < BATCH_ANSWER_MAX
    another.assert_served()


def filled(first: bytes, unit: bytes, last: bytes) -> bytes:
    """A body of nearly 1 MiB."""
    return first + b",".join([unit] * ((MIB - len(first) - len(last)) // (len(unit) + 1))) + last


BODIES: dict[str, Callable[[], bytes]] = {
    "objects": lambda: filled(b'{"transfers":[', b"{}", b"]}"),
    "objects in objects": lambda: filled(b'{"transfers":[', b'{"a":{"a":{"a":{}}}}', b"]}"),
    "lists": lambda: filled(b'{"transfers":[', b"[]", b"]}"),
    "lists in lists": lambda: filled(b'{"transfers":[', b"[[[[[]]]]]", b"]}"),
    "lists that are too deep": lambda: filled(b'{"transfers":[', b"[" * 100 + b"]" * 100, b"]}"),
    "numbers": lambda: filled(b'{"transfers":[', b"0", b"]}"),
    "fractions": lambda: filled(b'{"transfers":[', b"1e9", b"]}"),
    "strings": lambda: filled(b'{"transfers":[', b'""', b"]}"),
    "one key again and again": lambda: filled(b"{", b'"a":0', b"}"),
    "metadata": lambda: filled(b'{"transfers":[{"metadata":{', b'"a":""', b"}}]}"),
    "brackets that are not closed": lambda: b"[" * MIB,
    "objects that are not closed": lambda: b'{"a":' * (MIB // 5),
    "a long integer": lambda: b'{"transfers":' + b"9" * (MIB - 20) + b"}",
    "a long fraction": lambda: b'{"transfers":1.' + b"9" * (MIB - 20) + b"}",
    "a long exponent": lambda: b'{"transfers":1e' + b"9" * (MIB - 20) + b"}",
    "escapes": lambda: b'{"transfers":"' + b"\\u0041" * (MIB // 6 - 10) + b'"}',
    "a string of backslashes": lambda: b'{"transfers":"' + b"\\\\" * (MIB // 2 - 10) + b'"}',
    "a string of commas": lambda: b'{"transfers":"' + b"," * (MIB - 20) + b'"}',
    "spaces": lambda: b'{"transfers":[]' + b" " * (MIB - 20) + b"}",
}


@pytest.mark.parametrize("case", BODIES)
def test_a_body_that_is_dear_to_parse_costs_others_nothing(caller: Caller, case: str) -> None:
    body = BODIES[case]()
    with Another(caller.url) as another:
        answer = caller.post("/v1/transfers/batch", body)

    assert answer.status in (200, 400, 422)
    assert longest_answer(answer) < BATCH_ANSWER_MAX
    another.assert_served()


def test_a_long_path_comes_back_cut(caller: Caller) -> None:
    answer = caller.get("/" + "a" * 60_000)

    assert answer.status == 404
    assert answer.body["instance"] == "/" + "a" * 1999


@pytest.mark.parametrize("path", ["/problems", "/openapi.json", "/metrics"])
def test_what_needs_no_key_has_a_bounded_size(caller: Caller, path: str) -> None:
    assert len(str(caller.get(path).body)) < 512 * 1024
