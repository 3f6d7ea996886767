"""Every answer carries X-Request-Id: the caller's, when it is a decent one, else a new one."""

import re

import pytest

from tests.caller import Answer, Caller

MADE = re.compile(r"[0-9a-f]{32}")

DECENT = ["a", "0", "req-1.2_3", "A" * 64, "..-", "018a4a5d-8d64-7754-9dd2-73f4a2e6a82c"]
INDECENT = ["", " ", "A" * 65, "a b", "a/b", "a\tb", "é", '"a"', "a;b", "a,b", "<script>", "x" * 30_000]


@pytest.mark.parametrize("id", DECENT)
def test_a_decent_id_is_kept(caller: Caller, id: str) -> None:
    assert caller.get("/healthz", headers={"X-Request-Id": id}).headers["x-request-id"] == id


@pytest.mark.parametrize("id", INDECENT)
def test_an_indecent_id_is_replaced(caller: Caller, id: str) -> None:
    answer = caller.get("/v1/nothing", headers={"X-Request-Id": id})

    assert MADE.fullmatch(answer.headers["x-request-id"])
    assert answer.body["request_id"] == answer.headers["x-request-id"]


def test_two_ids_are_replaced(caller: Caller) -> None:
    answer = caller.get("/healthz", headers=[("X-Request-Id", "a"), ("X-Request-Id", "b")])

    assert MADE.fullmatch(answer.headers["x-request-id"])


def test_a_made_id_is_made_for_each_request(caller: Caller) -> None:
    assert len({caller.get("/healthz").headers["x-request-id"] for _ in range(5)}) == 5


def problems(caller: Caller, id: str) -> dict[int, Answer]:
    """Return an answer of each kind of error to a request with this id."""
    headers = {"X-Request-Id": id}
    wallet = caller.new_wallet()
    return {
        400: caller.post("/v1/clients", b"{", headers=headers),
        401: caller.get("/v1/clients", headers={**headers, "Authorization": "Bearer no"}),
        404: caller.get("/v1/nothing", headers=headers),
        405: caller.request("DELETE", f"/v1/wallets/{wallet}", headers=headers),
        413: caller.post("/v1/clients", b" " * 20_000, headers=headers),
        415: caller.post("/v1/clients", b"{}", headers={**headers, "Content-Type": "text/plain"}),
        422: caller.post("/v1/clients", {}, headers=headers),
    }


def test_every_problem_carries_the_id_in_header_and_body(caller: Caller) -> None:
    for status, answer in problems(caller, "mine-1").items():
        assert answer.status == status
        assert (answer.headers["x-request-id"], answer.body["request_id"]) == ("mine-1", "mine-1")


def test_answers_without_a_problem_carry_it_too(caller: Caller) -> None:
    wallet, headers = caller.new_wallet(), {"X-Request-Id": "mine-2"}
    accepted = caller.post("/v1/deposits", {"wallet_id": wallet, "amount": 5}, key=wallet, headers=headers)

    answers = [
        accepted,
        *(caller.get(p, headers=headers) for p in (accepted.headers["location"], "/docs", "/openapi.json", "/readyz")),
    ]

    assert [answer.headers["x-request-id"] for answer in answers] == ["mine-2"] * 5
