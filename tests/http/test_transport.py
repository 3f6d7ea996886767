"""Media types and sizes: which bodies are accepted before they are parsed. Those that are refused stand in bad_inputs.py."""

import pytest

from tests.caller import Caller, new_key
from tests.http.bodies import PATHS, fill, good, of_a_transfer
from tests.http.conftest import Count

BODY_MAX = 16 * 1024


@pytest.mark.parametrize(
    "media_type",
    [
        "application/json",
        "APPLICATION/JSON",
        "application/json; charset=utf-8",
        'application/json;charset="UTF-8"',
        "application/json ;",
    ],
)
def test_json_in_utf_8_may_be_called_so_in_several_ways(caller: Caller, media_type: str) -> None:
    body = {"wallet_id": caller.new_wallet(), "amount": 5}

    assert caller.post("/v1/deposits", body, key=new_key(), headers={"Content-Type": media_type}).status == 202


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "Zq7xMark", ""])
def test_accept_is_not_negotiated(caller: Caller, accept: str) -> None:
    wallet = caller.new_wallet()

    answer = caller.get(f"/v1/wallets/{wallet}", headers={"Accept": accept})

    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")


def padded(body: bytes, size: int) -> bytes:
    return body + b" " * (size - len(body))


@pytest.mark.parametrize("path", PATHS)
def test_a_body_of_16_kib_is_read_and_one_byte_more_is_refused(caller: Caller, count_stored: Count, path: str) -> None:
    path, body, key = of_a_transfer(path, caller), fill(good(path), caller), new_key()
    before = count_stored()

    refused = caller.post(path, padded(body, BODY_MAX + 1), key=key)

    assert (refused.status, refused.code) == (413, "body_too_large")
    assert count_stored() == before
    accepted = caller.post(path, padded(body, BODY_MAX), key=key)
    assert (accepted.status in {201, 202}, "idempotent-replayed" in accepted.headers) == (True, False)


def chunked(body: bytes, size: int) -> bytes:
    chunks = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"


@pytest.mark.parametrize("path", PATHS)
def test_a_chunked_body_is_counted_while_it_streams(caller: Caller, count_stored: Count, path: str) -> None:
    path, body, key = of_a_transfer(path, caller), fill(good(path), caller), new_key()
    headers = {"Transfer-Encoding": "chunked"}
    before = count_stored()

    refused = caller.post(path, chunked(padded(body, BODY_MAX + 1), 1000), key=key, headers=headers)

    assert (refused.status, refused.code) == (413, "body_too_large")
    assert count_stored() == before
    accepted = caller.post(path, chunked(padded(body, BODY_MAX), 1000), key=key, headers=headers)
    assert (accepted.status in {201, 202}, "idempotent-replayed" in accepted.headers) == (True, False)


def test_a_huge_body_is_refused_before_it_has_been_sent(caller: Caller, count_stored: Count) -> None:
    before = count_stored()

    answer = caller.post("/v1/deposits", b" " * (BODY_MAX + 1), key=new_key(), headers={"Content-Length": "10000000"})

    assert (answer.status, answer.code) == (413, "body_too_large")
    assert count_stored() == before
