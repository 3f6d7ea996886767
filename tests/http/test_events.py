"""The feed of events over HTTP: followed from the beginning, gone on with after any event, as strict as everything else."""

from typing import Any

import pytest

from tests.caller import Caller
from tests.http.conftest import every_alteration_of

Row = dict[str, Any]
UNKNOWN = "evt_01h455vb4pex5vsknk084sn02q"


def newest(caller: Caller) -> str:
    """Return the id of a new event, after which this test's own follow, among those of others."""
    wallet = caller.new_wallet()
    return event_of(caller.wait_final(caller.deposit(wallet, 1).body["id"]))


def event_of(transfer: Row) -> str:
    return f"evt_{transfer['id'].removeprefix('trf_')}"


def follow(caller: Caller, after: str, limit: int = 100) -> list[Row]:
    """Page through the feed as it says, from behind an event to its end."""
    found: list[Row] = []
    cursor: str | None = after
    while cursor is not None:
        answer = caller.get(f"/v1/events?after={cursor}&limit={limit}")
        assert answer.status == 200, answer
        assert set(answer.body) == {"data", "has_more", "next_cursor"}
        assert answer.body["has_more"] == (answer.body["next_cursor"] is not None)
        found += answer.body["data"]
        cursor = answer.body["next_cursor"]
    return found


def test_every_final_transfer_is_told_once_as_it_is_shown(caller: Caller) -> None:
    begin = newest(caller)
    wallet, other = caller.new_wallet(), caller.new_wallet()
    sent = [caller.deposit(wallet, 5), caller.transfer(wallet, other, 3, reference="lunch"), caller.transfer(wallet, other, 3)]
    final = [caller.wait_final(answer.body["id"]) for answer in sent]

    told = [event for event in follow(caller, begin) if event["data"]["id"] in {transfer["id"] for transfer in final}]

    assert told == [
        {"id": event_of(transfer), "type": f"transfer.{transfer['status']}", "timestamp": transfer["finished_at"], "data": transfer}
        for transfer in final
    ]
    assert [event["type"] for event in told] == ["transfer.applied", "transfer.applied", "transfer.rejected"]


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_pages_of_any_size_join(caller: Caller, limit: int) -> None:
    begin = newest(caller)
    wallet = caller.new_wallet()
    final = [caller.wait_final(caller.deposit(wallet, 1).body["id"]) for _ in range(4)]

    told = [event["id"] for event in follow(caller, begin, limit)]

    assert [id for id in told if id in {event_of(transfer) for transfer in final}] == [event_of(transfer) for transfer in final]
    assert len(set(told)) == len(told)


def test_without_after_it_begins_with_the_oldest(caller: Caller) -> None:
    newest(caller)

    page = caller.get("/v1/events?limit=2").body["data"]

    assert [event["id"] for event in follow(caller, page[0]["id"])][: len(page) - 1] == [event["id"] for event in page[1:]]
    assert caller.get("/v1/events?limit=1").body["data"] == page[:1]


def test_an_event_is_looked_up_by_its_id(caller: Caller) -> None:
    final = caller.wait_final(caller.deposit(caller.new_wallet(), 5).body["id"])

    answer = caller.get(f"/v1/events/{event_of(final)}")

    assert answer.status == 200
    assert (answer.body["id"], answer.body["type"], answer.body["data"]) == (event_of(final), "transfer.applied", final)


def test_what_is_queued_has_no_event(idle_caller: Caller) -> None:
    queued = idle_caller.deposit(idle_caller.new_wallet(), 5).body

    assert idle_caller.get(f"/v1/events/{event_of(queued)}").code == "not_found"
    assert idle_caller.get(f"/v1/events?after={event_of(queued)}").code == "invalid_cursor"
    assert idle_caller.get("/v1/events").body == {"data": [], "has_more": False, "next_cursor": None}


@pytest.mark.parametrize("id", [UNKNOWN, "x", UNKNOWN.upper(), UNKNOWN.replace("evt", "trf"), "%00"])
def test_an_event_that_is_not_there_is_not_found(caller: Caller, id: str) -> None:
    assert caller.get(f"/v1/events/{id}").code == "not_found"


def test_after_an_unknown_event_nothing_is_guessed(caller: Caller) -> None:
    answer = caller.get(f"/v1/events?after={UNKNOWN}")

    assert (answer.status, answer.code) == (400, "invalid_cursor")


@pytest.mark.parametrize(
    "after",
    [
        "",
        "x",
        "%ff",
        "%zz",
        "x" * 10_000,
        f"{UNKNOWN}%00",
        UNKNOWN.upper(),
        UNKNOWN.replace("evt", "trf"),
    ],
)
def test_after_anything_but_an_event_nothing_is_guessed_either(caller: Caller, after: str) -> None:
    answer = caller.get(f"/v1/events?after={after}")

    assert (answer.status, answer.code) == (400, "invalid_cursor")


def test_an_altered_or_cut_event_is_no_place_to_go_on_from(caller: Caller) -> None:
    event = newest(caller)

    for altered in every_alteration_of(event):
        answer = caller.get(f"/v1/events?after={altered}&limit=1")
        assert (answer.status, answer.code) == (400, "invalid_cursor"), altered


@pytest.mark.parametrize(
    "query",
    [
        f"after={UNKNOWN}&after={UNKNOWN}",
        f"cursor={UNKNOWN}",
        "limit=0",
        "limit=101",
        "limit=-1",
        "limit=x",
        "wallet_id=wal_01h455vb4pex5vsknk084sn02q",
    ],
)
def test_bad_parameters_are_refused(caller: Caller, query: str) -> None:
    answer = caller.get(f"/v1/events?{query}")

    assert (answer.status, answer.code) == (400, "invalid_parameter")
