"""Lists: newest first, page by page, while rows are inserted; cursors and filters as strict as everything else."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest

from core import ids
from core.ids import Prefix
from tests.caller import Caller, new_key
from tests.http.conftest import every_alteration_of

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


def test_paging_a_clients_keys_gives_each_once_while_more_are_made(caller: Caller) -> None:
    path = f"/v1/clients/{caller.new_client()['id']}/keys"
    made = [caller.request("POST", path).body["id"] for _ in range(7)]

    listed = [row["id"] for row in rows(caller, f"{path}?limit=3", lambda: caller.request("POST", path))]

    assert listed == made[::-1]


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


LISTS = ["/v1/clients", "/v1/clients/CLIENT/keys", "/v1/transfers", "/v1/wallets/WALLET/entries", "/v1/webhook-endpoints"]


def of_some_client(caller: Caller, path: str) -> str:
    """Put a new client and its wallet in."""
    client = caller.new_client()
    return path.replace("WALLET", client["wallet"]["id"]).replace("CLIENT", client["id"])


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("limit", ["1", "100"])
def test_limits_within_bounds_are_accepted(caller: Caller, path: str, limit: str) -> None:
    path = of_some_client(caller, path)

    assert caller.get(f"{path}?limit={limit}").status == 200


def test_a_cursor_is_bound_to_its_list_and_filters(caller: Caller) -> None:
    wallet, other, client = caller.new_wallet(), caller.new_wallet(), caller.new_client()["id"]
    for _ in range(2):
        caller.request("POST", f"/v1/clients/{client}/keys")
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
        f"/v1/clients/{client}/keys?",
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

    for text in (cursor[:-4], cursor + "A", cursor + "AAAA", cursor + "=", cursor + "====", cursor + cursor, "A" * 10_000):
        assert caller.get(f"/v1/clients?cursor={text}").code == "invalid_cursor", text


@pytest.mark.parametrize("path", ["/v1/clients", "/v1/transfers", "/v1/wallets/{wallet}/entries"])
def test_a_cursor_of_which_any_character_was_changed_or_removed_is_refused(caller: Caller, path: str) -> None:
    wallet = caller.new_wallet(1)
    caller.wait_final(caller.deposit(wallet, 1).body["id"])
    path = path.format(wallet=wallet)
    cursor = caller.get(f"{path}?limit=1").body["next_cursor"]

    for altered in every_alteration_of(cursor):
        answer = caller.get(f"{path}?limit=1&cursor={altered}")
        assert (answer.status, answer.code) == (400, "invalid_cursor"), altered
    assert caller.get(f"{path}?limit=1&cursor={cursor}").status == 200


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
