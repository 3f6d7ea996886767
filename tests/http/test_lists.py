"""Lists: newest first, page by page, while rows are inserted; cursors and filters as strict as everything else."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest

from core import ids
from core.ids import Prefix
from tests.caller import Caller, new_key

Row = dict[str, Any]


def pages(caller: Caller, path: str, between: Callable[[], object] = lambda: None) -> Iterator[list[Row]]:
    """Page through a list to its end; `between` happens after each page."""
    cursor = ""
    while True:
        answer = caller.get(path + cursor)
        assert answer.status == 200, answer
        assert set(answer.body) == {"data", "has_more", "next_cursor"}
        yield answer.body["data"]
        if not answer.body["has_more"]:
            assert answer.body["next_cursor"] is None
            return
        between()
        cursor = f"&cursor={quote(answer.body['next_cursor'], safe='')}"


def rows(caller: Caller, path: str, between: Callable[[], object] = lambda: None) -> list[Row]:
    return [row for page in pages(caller, path, between) for row in page]


@pytest.mark.parametrize("limit", [1, 3, 7, 8])
def test_paging_a_wallets_transfers_gives_each_once_while_more_are_inserted(caller: Caller, limit: int) -> None:
    wallet, other = caller.new_wallet(), caller.new_wallet()
    sent = [caller.deposit(wallet, amount).body["id"] for amount in (1, 2, 3, 4)]
    sent += [caller.transfer(wallet, other, 1).body["id"], caller.transfer(other, wallet, 1).body["id"]]
    sent.append(caller.deposit(wallet, 5).body["id"])

    listed = rows(caller, f"/v1/transfers?wallet_id={wallet}&limit={limit}", lambda: caller.deposit(wallet, 9))

    assert [row["id"] for row in listed] == sent[::-1]


def test_paging_all_transfers_gives_each_once_while_more_are_inserted(idle_caller: Caller) -> None:
    wallet = idle_caller.new_wallet()
    sent = [idle_caller.deposit(wallet, amount).body["id"] for amount in range(1, 8)]

    listed = [row["id"] for row in rows(idle_caller, "/v1/transfers?limit=3", lambda: idle_caller.deposit(wallet, 9))]

    assert listed[:7] == sent[::-1]
    assert len(set(listed)) == len(listed)
    assert listed == sorted(listed, reverse=True)


def test_paging_clients_gives_each_once_while_more_are_inserted(caller: Caller) -> None:
    made = [caller.new_client()["id"] for _ in range(7)]

    listed = [row["id"] for row in rows(caller, "/v1/clients?limit=50", caller.new_client)]

    assert listed[:7] == made[::-1]
    assert len(set(listed)) == len(listed)


def test_paging_a_wallets_entries_gives_each_once_while_more_are_inserted(caller: Caller) -> None:
    wallet = caller.new_wallet()
    for id in [caller.deposit(wallet, amount).body["id"] for amount in range(1, 8)]:
        caller.wait_final(id)

    def insert() -> None:
        caller.wait_final(caller.deposit(wallet, 9).body["id"])

    listed = rows(caller, f"/v1/wallets/{wallet}/entries?limit=2", insert)

    assert [row["version"] for row in listed] == [7, 6, 5, 4, 3, 2, 1]


def test_a_page_holds_20_rows_unless_told_otherwise(caller: Caller) -> None:
    wallet = caller.new_wallet()
    for amount in range(1, 22):
        caller.deposit(wallet, amount)

    page = caller.get(f"/v1/transfers?wallet_id={wallet}").body

    assert (len(page["data"]), page["has_more"]) == (20, True)


def test_a_page_that_is_just_full_is_the_last(caller: Caller) -> None:
    wallet = caller.new_wallet()
    for amount in (1, 2):
        caller.deposit(wallet, amount)

    page = caller.get(f"/v1/transfers?wallet_id={wallet}&limit=2").body

    assert (len(page["data"]), page["has_more"], page["next_cursor"]) == (2, False, None)


LISTS = ["/v1/clients", "/v1/transfers", "/v1/wallets/WALLET/entries", "/v1/webhook-endpoints"]


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("limit", ["1", "100"])
def test_limits_within_bounds_are_accepted(caller: Caller, path: str, limit: str) -> None:
    path = path.replace("WALLET", caller.new_wallet())

    assert caller.get(f"{path}?limit={limit}").status == 200


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    "limit",
    ["0", "-1", "101", "1000000000", "1" + "0" * 20, "9" * 5000, "1.0", "1e1", "", "x", "%EF%BC%91", "%201", "1_0", "%2B1", "%00"],
)
def test_limits_out_of_bounds_are_refused(caller: Caller, path: str, limit: str) -> None:
    path = path.replace("WALLET", caller.new_wallet())

    answer = caller.get(f"{path}?limit={limit}")

    assert (answer.status, answer.code) == (400, "invalid_parameter")


@pytest.mark.parametrize(
    "path", [*LISTS, "/v1/wallets/WALLET", "/v1/clients/CLIENT", "/v1/transfers/TRANSFER", "/healthz", "/readyz"]
)
@pytest.mark.parametrize(
    "query", ["x=1", "Limit=1", "limit=1&limit=1", "limit=1&limit=2", "x", "key=tests-operator-key", "%00=1", "=1"]
)
def test_unknown_and_repeated_parameters_are_refused(caller: Caller, path: str, query: str) -> None:
    client = caller.new_client()
    path = path.replace("WALLET", client["wallet"]["id"]).replace("CLIENT", client["id"])
    if "TRANSFER" in path:
        path = path.replace("TRANSFER", caller.deposit(client["wallet"]["id"], 1).body["id"])

    answer = caller.get(f"{path}?{query}")

    assert (answer.status, answer.code) == (400, "invalid_parameter")


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    "cursor", ["", "x", "AAAA", "%00", "%C3%A9", "A" * 32, "A" * 60_000, "null", "..%2f", "wal_01h455vb4pex5vsknk084sn02q"]
)
def test_garbage_is_no_cursor(caller: Caller, path: str, cursor: str) -> None:
    path = path.replace("WALLET", caller.new_wallet())

    answer = caller.get(f"{path}?cursor={cursor}")

    assert (answer.status, answer.code) == (400, "invalid_cursor")


def test_a_cursor_is_bound_to_its_list_and_filters(caller: Caller) -> None:
    wallet, other = caller.new_wallet(), caller.new_wallet()
    for target in (wallet, wallet, other, other):
        caller.wait_final(caller.deposit(target, 5).body["id"])
    bases = [
        "/v1/clients?",
        "/v1/transfers?",
        "/v1/transfers?status=applied&",
        f"/v1/transfers?wallet_id={wallet}&",
        f"/v1/transfers?wallet_id={wallet}&status=applied&",
        f"/v1/transfers?wallet_id={other}&",
        f"/v1/wallets/{wallet}/entries?",
        f"/v1/wallets/{other}/entries?",
    ]
    cursors = {base: caller.get(f"{base}limit=1").body["next_cursor"] for base in bases}
    assert all(cursors.values())

    for base in bases:
        for origin, cursor in cursors.items():
            answer = caller.get(f"{base}cursor={cursor}")
            if base == origin:
                assert answer.status == 200, base
            else:
                assert (answer.status, answer.code) == (400, "invalid_cursor"), (base, origin)


def test_a_cursor_that_was_cut_or_lengthened_is_refused(caller: Caller) -> None:
    caller.new_client()
    caller.new_client()
    cursor = caller.get("/v1/clients?limit=1").body["next_cursor"]

    for text in (
        cursor[:-1],
        cursor[:-4],
        cursor[1:],
        cursor + "A",
        cursor + "AAAA",
        cursor + "=",
        cursor + cursor,
        "A" + cursor[1:],
    ):
        if text != cursor:
            assert caller.get(f"/v1/clients?cursor={text}").code == "invalid_cursor", text


def test_a_cursor_may_be_used_with_another_limit_and_twice(caller: Caller) -> None:
    made = [caller.new_client()["id"] for _ in range(3)]
    cursor = caller.get("/v1/clients?limit=1").body["next_cursor"]

    for _ in range(2):
        assert [row["id"] for row in caller.get(f"/v1/clients?limit=2&cursor={cursor}").body["data"]] == [made[1], made[0]]


def test_transfers_are_filtered_by_wallet_status_and_key(caller: Caller) -> None:
    wallet, other, key = caller.new_wallet(), caller.new_wallet(), new_key()
    deposit = caller.wait_final(caller.deposit(wallet, 5, key).body["id"])
    applied = caller.wait_final(caller.transfer(wallet, other, 5).body["id"])
    rejected = caller.wait_final(caller.transfer(wallet, other, 5).body["id"])

    def found(query: str) -> list[Row]:
        return list(caller.get(f"/v1/transfers?{query}").body["data"])

    assert found(f"wallet_id={wallet}") == [rejected, applied, deposit]
    assert found(f"wallet_id={other}") == [rejected, applied]
    assert found(f"wallet_id={wallet}&status=applied") == [applied, deposit]
    assert found(f"wallet_id={wallet}&status=rejected") == [rejected]
    assert found(f"wallet_id={wallet}&status=queued") == []
    assert found(f"idempotency_key={key}") == [deposit]
    assert found(f"idempotency_key=%22{key}%22") == [deposit]
    assert found(f"idempotency_key={key}&wallet_id={wallet}&status=applied&limit=1") == [deposit]
    assert found(f"idempotency_key={key}&wallet_id={other}") == []
    assert found(f"idempotency_key={key}&status=rejected") == []
    assert found(f"idempotency_key={new_key()}") == []
    assert found("status=rejected&limit=1") == [rejected]


def test_queued_transfers_are_filtered_by_status(idle_caller: Caller) -> None:
    wallet = idle_caller.new_wallet()
    queued = idle_caller.deposit(wallet, 5).body

    assert idle_caller.get(f"/v1/transfers?wallet_id={wallet}&status=queued").body["data"] == [queued]
    assert idle_caller.get(f"/v1/transfers?wallet_id={wallet}&status=applied").body["data"] == []


def test_the_transfers_of_a_wallet_that_does_not_exist_are_none(caller: Caller) -> None:
    answer = caller.get(f"/v1/transfers?wallet_id={ids.text(Prefix.WALLET, ids.mint())}")

    assert (answer.status, answer.body["data"]) == (200, [])


@pytest.mark.parametrize(
    "query",
    [
        "wallet_id=",
        "wallet_id=x",
        "wallet_id=trf_01h455vb4pex5vsknk084sn02q",
        "wallet_id=WAL_01H455VB4PEX5VSKNK084SN02Q",
        "wallet_id=wal_01h455vb4pex5vsknk084sn02q%00",
        "wallet_id=018a4a5d-8d64-7754-9dd2-73f4a2e6a82c",
        "status=",
        "status=APPLIED",
        "status=failed",
        "status=queued,applied",
        "idempotency_key=",
        "idempotency_key=a%20b",
        "idempotency_key=%00",
        "idempotency_key=%C3%A9",
        "idempotency_key=" + "k" * 256,
    ],
)
def test_bad_filters_are_refused_and_not_echoed(caller: Caller, query: str) -> None:
    answer = caller.get(f"/v1/transfers?{query}")

    assert (answer.status, answer.code) == (400, "invalid_parameter")
    value = query.partition("=")[2]
    assert not value or value not in str(answer.body)


@pytest.mark.parametrize("external_id", ["%00", "a%0ab", "%C2%85"])
def test_control_characters_in_an_external_id_filter_are_refused(caller: Caller, external_id: str) -> None:
    answer = caller.get(f"/v1/clients?external_id={external_id}")

    assert (answer.status, answer.code) == (400, "invalid_parameter")
