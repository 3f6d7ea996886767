"""Statements as callers get them: pages, CSV, balances as of a time, entries by time."""

import csv
import http.client
import io
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import psycopg
import pytest

from core import ids
from core.ids import Prefix
from tests.caller import OPERATOR_KEY, Answer, Caller
from tests.databases import Databases
from tests.histories import BEGIN, every, write_history
from tests.http.conftest import NOWHERE, AsClient, every_alteration_of
from tests.system import System
from tests.waiting import wait_for
from tests.world import World

COLUMNS = ["created_at", "version", "type", "transfer_id", "counterparty_wallet_id", "reference", "amount", "balance_after"]
DAY = timedelta(days=1)
CSV = {"Accept": "text/csv"}


def now() -> datetime:
    return datetime.now(UTC)


def at(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")


def path(wallet: str, since: datetime, until: datetime, **more: object) -> str:
    return f"/v1/wallets/{wallet}/statement?{urlencode({'from': at(since), 'to': at(until), **more})}"


def statement(caller: Caller, wallet: str, since: datetime, until: datetime, **more: object) -> Any:
    answer = caller.get(path(wallet, since, until, **more))
    assert answer.status == 200, answer
    return answer.body


def time_of(entry: Any) -> datetime:
    return datetime.fromisoformat(entry["created_at"])


@pytest.fixture
def moved(caller: Caller) -> tuple[str, list[Any]]:
    """A wallet with a deposit of 100, four debits of 1 to 4 and a credit of 50, and its entries, oldest first."""
    wallet, other = caller.new_wallet(100), caller.new_wallet(50)
    for amount in range(1, 5):
        caller.applied(caller.transfer(wallet, other, amount, reference=f"no. {amount}"))
    caller.applied(caller.transfer(other, wallet, 50))
    return wallet, caller.get(f"/v1/wallets/{wallet}/entries").body["data"][::-1]


def test_a_statement_has_exactly_the_fields_of_the_contract(caller: Caller, moved: tuple[str, list[Any]]) -> None:
    wallet, entries = moved
    since, until = time_of(entries[1]), time_of(entries[5])

    assert statement(caller, wallet, since, until) == {
        "wallet_id": wallet,
        "currency": "USD",
        "minor_unit": 2,
        "from": entries[1]["created_at"],
        "to": entries[5]["created_at"],
        "opening_balance": 100,
        "closing_balance": 90,
        "total_credits": 0,
        "total_debits": 10,
        "entry_count": 4,
        "final": False,
        "data": entries[1:5],
        "next_cursor": None,
    }


def test_statements_tile_and_the_whole_is_their_sum(caller: Caller, moved: tuple[str, list[Any]]) -> None:
    wallet, entries = moved
    cuts = [time_of(entries[0]) - DAY, *(time_of(entry) for entry in entries), now() + DAY]

    tiles = [statement(caller, wallet, since, until) for since, until in pairwise(cuts)]
    whole = statement(caller, wallet, cuts[0], cuts[-1])

    assert [entry for tile in tiles for entry in tile["data"]] == entries == whole["data"]
    for one, following in pairwise(tiles):
        assert one["closing_balance"] == following["opening_balance"]
    for name in ("total_credits", "total_debits", "entry_count"):
        assert sum(tile[name] for tile in tiles) == whole[name]
    assert (whole["opening_balance"], whole["closing_balance"]) == (0, 140)
    assert (whole["total_credits"], whole["total_debits"], whole["entry_count"]) == (150, 10, 6)


def test_a_period_without_a_length_is_empty(caller: Caller, moved: tuple[str, list[Any]]) -> None:
    wallet, entries = moved
    moment = time_of(entries[3])

    empty = statement(caller, wallet, moment, moment)

    assert (empty["opening_balance"], empty["closing_balance"], empty["entry_count"], empty["data"]) == (97, 97, 0, [])


def test_the_header_of_every_page_is_of_the_whole_and_pages_go_on_where_the_first_began(
    caller: Caller, moved: tuple[str, list[Any]]
) -> None:
    wallet, entries = moved
    since, until = time_of(entries[0]), now() + DAY
    pages = [statement(caller, wallet, since, until, limit=2)]
    caller.applied(caller.deposit(wallet, 1000))

    while cursor := pages[-1]["next_cursor"]:
        pages.append(statement(caller, wallet, since, until, limit=2, cursor=cursor))

    assert [len(page["data"]) for page in pages] == [2, 2, 2]
    assert [entry for page in pages for entry in page["data"]] == entries
    headers = [{name: value for name, value in page.items() if name not in ("data", "next_cursor")} for page in pages]
    assert headers == [headers[0]] * 3
    assert headers[0]["closing_balance"] == 140


def test_a_cursor_is_bound_to_its_statement(caller: Caller, moved: tuple[str, list[Any]]) -> None:
    wallet, entries = moved
    since, until = time_of(entries[0]), now() + DAY
    cursor = statement(caller, wallet, since, until, limit=1)["next_cursor"]
    others = [
        path(wallet, since, until + DAY, cursor=cursor),
        path(wallet, since + timedelta(microseconds=1), until, cursor=cursor),
        path(caller.new_wallet(), since, until, cursor=cursor),
        f"/v1/wallets/{wallet}/entries?cursor={cursor}",
        *(path(wallet, since, until, cursor=altered) for altered in [*every_alteration_of(cursor)][:40]),
    ]

    for other in others:
        assert caller.get(other).code == "invalid_cursor", other


def test_a_statement_is_final_once_its_end_lies_15_seconds_back(caller: Caller, shared_database: psycopg.Connection[Any]) -> None:
    wallet = caller.new_wallet(5)
    since = now() - DAY

    def final(seconds: float) -> bool:
        [(time,)] = shared_database.execute("SELECT now()").fetchall()
        return bool(statement(caller, wallet, since, time - timedelta(seconds=seconds))["final"])

    assert [final(seconds) for seconds in (-60, 0, 14, 15.5, 3600)] == [False, False, False, True, True]


BAD = {
    "nothing": {},
    "no end": {"from": "2026-01-01T00:00:00Z"},
    "no begin": {"to": "2026-01-01T00:00:00Z"},
    "an end before the begin": {"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"},
    "no offset": {"from": "2026-01-01T00:00:00", "to": "2026-01-02T00:00:00Z"},
    "a date": {"from": "2026-01-01", "to": "2026-01-02T00:00:00Z"},
    "no day": {"from": "2026-02-30T00:00:00Z", "to": "2026-03-01T00:00:00Z"},
    "too long": {"from": "2026-01-01T00:00:00Z", "to": "2027-01-02T00:00:00.000001Z"},
    "a year of five digits": {"from": "9999-12-31T23:59:59-01:00", "to": "9999-12-31T23:59:59Z"},
    "a limit of 0": {"from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z", "limit": "0"},
    "another parameter": {"from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z", "format": "csv"},
}


@pytest.mark.parametrize("query", BAD.values(), ids=BAD)
@pytest.mark.parametrize("headers", [{}, CSV], ids=["json", "csv"])
def test_a_bad_period_is_refused(caller: Caller, query: dict[str, str], headers: dict[str, str]) -> None:
    answer = caller.get(f"/v1/wallets/{caller.new_wallet()}/statement?{urlencode(query)}", headers=headers)

    assert (answer.status, answer.code) == (400, "invalid_parameter")


def test_a_leap_year_is_a_period_and_offsets_are_read(caller: Caller) -> None:
    wallet = caller.new_wallet()
    query = f"from={quote('2024-01-01T00:00:00+02:00')}&to={quote('2025-01-01T00:00:00+02:00')}"

    found = caller.get(f"/v1/wallets/{wallet}/statement?{query}").body

    assert (found["from"], found["to"]) == ("2023-12-31T22:00:00.000000Z", "2024-12-31T22:00:00.000000Z")


# CSV


def lines(answer: Answer) -> list[list[str]]:
    assert answer.status == 200, answer
    assert answer.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    return list(csv.reader(io.StringIO(answer.body, newline=""), strict=True))


def test_a_csv_has_a_header_opening_and_closing_and_the_entries_between(caller: Caller, moved: tuple[str, list[Any]]) -> None:
    wallet, entries = moved
    since, until = time_of(entries[1]), time_of(entries[4])

    answer = caller.get(path(wallet, since, until), headers=CSV)

    header, opening, *rows, closing = lines(answer)
    assert header == COLUMNS
    assert opening == [entries[1]["created_at"], "1", "opening", "", "", "", "", "100"]
    assert closing == [entries[4]["created_at"], "4", "closing", "", "", "", "", "94"]
    assert rows == [["" if entry[name] is None else str(entry[name]) for name in COLUMNS] for entry in entries[1:4]]
    assert answer.body.count("\r\n") == answer.body.count("\n") == 6
    assert answer.headers["content-disposition"] == f'attachment; filename="statement-{wallet}.csv"'


REFERENCES = {
    "=1+1": "'=1+1",
    "+1": "'+1",
    "-1": "'-1",
    "@SUM(A1)": "'@SUM(A1)",
    'say "hi", then go': 'say "hi", then go',
    "é, ü": "é, ü",
    " =1": " =1",
    "a=1": "a=1",
    "": "",
}


def test_a_text_in_a_csv_is_no_formula_and_breaks_no_line(caller: Caller) -> None:
    wallet = caller.new_wallet()
    for reference in REFERENCES:
        caller.applied(caller.deposit(wallet, 1, reference=reference))

    _, _, *rows, _ = lines(caller.get(path(wallet, now() - DAY, now() + DAY), headers=CSV))

    assert [row[COLUMNS.index("reference")] for row in rows] == [*REFERENCES.values()]
    assert [row[COLUMNS.index("amount")] for row in rows] == ["1"] * len(REFERENCES)


ACCEPTS = {
    "text/csv": True,
    "TEXT/CSV; charset=utf-8": True,
    "text/*": True,
    "application/json;q=0.5, text/csv": True,
    "text/csv;q=0.9, application/json": False,
    "text/csv, application/json": False,
    "text/csv;q=0": False,
    "*/*": False,
    "text/html": False,
    "": False,
    ";;,q=,text/csv;q=2": True,
}


@pytest.mark.parametrize("accept", ACCEPTS)
def test_the_form_is_what_the_caller_prefers(caller: Caller, accept: str) -> None:
    answer = caller.get(path(caller.new_wallet(), now() - DAY, now()), headers={"Accept": accept})

    assert answer.headers["content-type"].startswith("text/csv" if ACCEPTS[accept] else "application/json")


@pytest.mark.parametrize("more", [{"limit": 5}, {"cursor": "x"}])
def test_a_csv_has_no_pages(caller: Caller, more: dict[str, Any]) -> None:
    answer = caller.get(path(caller.new_wallet(), now() - DAY, now(), **more), headers=CSV)

    assert (answer.status, answer.code) == (400, "invalid_parameter")


@pytest.mark.parametrize("headers", [{}, CSV], ids=["json", "csv"])
def test_what_is_not_the_callers_is_not_there(caller: Caller, as_client: AsClient, headers: dict[str, str]) -> None:
    ada, bob = caller.new_client(), caller.new_client()
    adas = as_client(ada)

    own, bobs = (adas.get(path(one["wallet"]["id"], now() - DAY, now()), headers=headers) for one in (ada, bob))

    assert own.status == 200
    assert (bobs.status, bobs.code) == (404, "not_found")


def test_a_head_has_no_body_and_reads_none(caller: Caller) -> None:
    wallet = caller.new_wallet(5)

    answer = caller.request("HEAD", path(wallet, now() - DAY, now()), headers=CSV)

    assert (answer.status, answer.body) == (200, "")
    assert answer.headers["content-type"].startswith("text/csv")
    assert caller.get(f"/v1/wallets/{wallet}").status == 200


# Callers that are slow, or go away

LONG = 30_000  # entries: 5 MB of CSV, more than the buffers of a connection take


@dataclass(frozen=True)
class Long:
    """An API on a database of its own, and the path of a long statement there."""

    system: System
    world: World
    path: str


@pytest.fixture(scope="module")
def long(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Long]:
    url = databases.migrated()
    world = World(url, databases.owner_url(url))
    wallet = world.new_wallet()
    write_history(world, wallet, [1] * LONG, every(1, LONG))
    system = System(tmp_path_factory.mktemp("long"), url, NOWHERE)
    system.start_api()
    yield Long(system, world, path(ids.text(Prefix.WALLET, wallet), BEGIN, BEGIN + DAY))
    system.close()


@dataclass(frozen=True)
class Stalled:
    """A caller of the CSV that has read its first bytes, and reads no further."""

    connection: socket.socket
    response: http.client.HTTPResponse

    def close(self) -> None:
        self.response.close()
        self.connection.close()


def stall(long: Long) -> Stalled:
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    address = urlsplit(long.system.url)
    connection.connect((address.hostname, address.port))
    head = f"GET {long.path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {OPERATOR_KEY}\r\nAccept: text/csv\r\n\r\n"
    connection.sendall(head.encode())
    response = http.client.HTTPResponse(connection)
    response.begin()
    assert response.read(len("created_at")) == b"created_at"
    return Stalled(connection, response)


@pytest.fixture
def stalled(long: Long) -> Iterator[list[Stalled]]:
    """Ten such callers."""
    made = [stall(long) for _ in range(10)]
    yield made
    for one in made:
        one.close()


def busy_sessions(world: World) -> list[Any]:
    """Return the sessions of this database that are in a transaction, or run a statement, beside the one that asks."""
    return world.query(
        "SELECT pid, state, query FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle' AND backend_type = 'client backend'"
    )


def test_a_long_csv_is_whole(long: Long) -> None:
    caller = long.system.caller()

    _, opening, *rows, closing = lines(caller.get(long.path, headers=CSV))

    assert [int(row[1]) for row in rows] == [*range(1, LONG + 1)]
    assert (opening[-1], closing[-1], closing[1]) == ("0", str(LONG), str(LONG))
    caller.close()


def test_callers_that_read_no_further_hold_no_session_and_delay_no_other(long: Long, stalled: list[Stalled]) -> None:
    caller = long.system.caller()
    wait_for(lambda: not busy_sessions(long.world), "the sessions to be idle, though ten callers wait for the rest")

    for _ in range(20):
        assert caller.get(f"{long.path}&limit=100").status == 200

    assert len(stalled) == 10
    assert not busy_sessions(long.world)
    caller.close()


def test_a_csv_that_cannot_be_read_to_its_end_is_no_whole_answer(long: Long, stalled: list[Stalled]) -> None:
    """Nor was it read ahead: its rows would be in memory."""
    wait_for(lambda: not busy_sessions(long.world), "the sessions to be idle")
    long.world.query("ALTER TABLE entries RENAME TO entries_away")
    try:
        with pytest.raises((http.client.IncompleteRead, ConnectionError)) as broken:
            stalled[0].response.read()
    finally:
        long.world.query("ALTER TABLE entries_away RENAME TO entries")

    if isinstance(broken.value, http.client.IncompleteRead):
        assert b"closing" not in broken.value.partial


def test_callers_that_go_away_in_the_middle_leave_nothing_behind(long: Long, stalled: list[Stalled]) -> None:
    for one in stalled:
        one.close()
    caller = long.system.caller()

    for _ in range(20):
        assert caller.get(f"{long.path}&limit=1").status == 200
    wait_for(lambda: not busy_sessions(long.world), "the sessions to be idle")
    caller.close()


# Balances as of a time, and entries by time


def test_a_balance_as_of_a_time_is_that_just_before_it(caller: Caller, moved: tuple[str, list[Any]]) -> None:
    wallet, entries = moved
    times = [*(time_of(entry) for entry in entries), now() + DAY]
    balances = [0, *(entry["balance_after"] for entry in entries)]

    found = [caller.get(f"/v1/wallets/{wallet}/balance?at={quote(at(time))}").body for time in times]

    assert found[2] == {"wallet_id": wallet, "currency": "USD", "at": entries[2]["created_at"], "balance": 99, "version": 2}
    assert [one["balance"] for one in found] == balances
    assert [one["version"] for one in found] == [*range(7)]


@pytest.mark.parametrize(
    "query", ["", "?at=", "?at=2026-01-01", "?at=now", "?at=2026-01-01T00:00:00", "?at=2026-01-01T00:00:00Z&x=1"]
)
def test_a_bad_time_is_refused(caller: Caller, query: str) -> None:
    answer = caller.get(f"/v1/wallets/{caller.new_wallet()}/balance{query}")

    assert (answer.status, answer.code) == (400, "invalid_parameter")


def test_entries_are_listed_between_times_newest_first_by_pages(caller: Caller, moved: tuple[str, list[Any]]) -> None:
    wallet, entries = moved
    since, until = entries[1]["created_at"], entries[5]["created_at"]

    def listed(**query: object) -> list[Any]:
        answer = caller.get(f"/v1/wallets/{wallet}/entries?{urlencode(query)}")
        assert answer.status == 200, answer
        more = answer.body["next_cursor"]
        assert answer.body["has_more"] == (more is not None)
        return [*answer.body["data"], *(listed(**{**query, "cursor": more}) if more else [])]

    assert listed(**{"from": since, "to": until}) == entries[1:5][::-1]
    assert listed(**{"from": since, "to": until, "limit": 1}) == entries[1:5][::-1]
    assert listed(**{"from": since, "limit": 2}) == entries[1:][::-1]
    assert listed(to=until, limit=2) == entries[:5][::-1]
    assert listed(**{"from": since, "to": since}) == []


@pytest.mark.parametrize(
    "query",
    ["from=2026-01-01", "to=x", "from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "from=&to=", "to=2026-01-01T00:00:00Z&to="],
)
def test_entries_of_bad_times_are_refused(caller: Caller, query: str) -> None:
    answer = caller.get(f"/v1/wallets/{caller.new_wallet()}/entries?{query}")

    assert (answer.status, answer.code) == (400, "invalid_parameter")
