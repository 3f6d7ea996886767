"""What the console says and draws, without a browser."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, cast
from urllib.parse import urlencode

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from structlog.testing import capture_logs

from console.actions.action import Question
from console.actions.forms import ACTIONS, Asked, notices, unknown
from console.api import Away
from console.app import create_app
from console.curves import GAP_S, HEIGHT, WIDTH, History
from console.guard import POLICY
from console.journal import KEPT_MAX, Journal
from console.login import (
    ADDRESSES_MAX,
    FORGET_AFTER_S,
    FREE,
    WAIT_MAX_S,
    BadLogins,
    Login,
    Seal,
    came_over_tls,
    hint_of,
)
from console.settings import Settings
from console.shares import AT_ONCE, Shares
from console.views.doors import own_path
from console.views.transfers import at_most, harmless
from console.views.wallets import Waiting, waiting
from console.visit import View, Visit, shared_of, signed_in
from console.words import NoAmount, duration, minor_units, money, short, signed
from local.server import free_port

LOGIN = Login("a-key-of-an-operator-of-32-letters", "operator", "Mia", "csrf")


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        (1050, "USD", "10.50"),
        (123456789, "USD", "1,234,567.89"),
        (5, "USD", "0.05"),
        (1050, "JPY", "1,050"),
        (1050, "BHD", "1.050"),
    ],
)
def test_amounts_have_the_digits_of_their_currency(amount: int, currency: str, shown: str) -> None:
    assert money(amount, currency) == shown
    assert minor_units(shown, currency) == amount
    assert signed(amount, currency) == f"+{shown}"
    assert signed(-amount, currency) == f"\N{MINUS SIGN}{shown}"


@pytest.mark.parametrize(
    "text",
    [
        *("", "ten", "-1", "1.234", "1e3", "0x1", "1.2.3", "99999999999999999", "\N{ARABIC-INDIC DIGIT ONE}"),
        *("10,50", "1,05", "1,0500", "1050,000", ",100", "1,", "1,,000", "1.000,50", "1 050", "1\N{NO-BREAK SPACE}050,00", "1.0,0"),
    ],
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(NoAmount):
        minor_units(text, "USD")


def test_an_amount_of_whole_units_is_explained_without_digits() -> None:
    with pytest.raises(NoAmount, match="has a part of one JPY, which has no parts: write it as 10"):
        minor_units("10.50", "JPY")


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(-1, "0 ms"), (0.0304, "30 ms"), (0.4, "0.4 s"), (41, "41 s"), (185, "3 min"), (7_300, "2 h"), (432_000, "5 days")],
)
def test_durations_are_short(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


@pytest.mark.parametrize(
    "path", ["//evil.example", "/\\evil.example", "https://evil.example", "evil", "", "/a b", "/\r\nx: y", "/a\\b"]
)
def test_a_login_leads_to_no_other_host(path: str) -> None:
    assert own_path(path) == "/"


def test_a_login_leads_back_to_the_page() -> None:
    assert own_path("/transfers?status=queued") == "/transfers?status=queued"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx"])
def test_no_cell_of_a_file_is_a_formula(text: str) -> None:
    assert harmless(text) == f"'{text}"
    assert harmless(f"a{text}") == f"a{text}"


def test_a_curve_has_a_gap_where_nothing_was_seen() -> None:
    history = History()
    for at in (0.0, 0.5, 1.0, 2.0, 2.0 + GAP_S + 1):
        history.add({"queued": 20, "oldest_seconds": None}, at)

    curve = history.waiting(2.0 + GAP_S + 1)

    assert (curve.top, curve.last) == (20.0, 20.0)
    assert [len(line.split()) for line in curve.lines] == [3, 1]  # the second of 0.5 s was too early
    assert curve.lines[1] == f"{WIDTH},0.0"
    assert curve.areas[1].startswith(f"{WIDTH},{HEIGHT:g} ")


def test_ids_are_told_apart_by_their_end() -> None:
    assert short("trf_01m8jc88tse1q9khx9n3nch8kb") == "trf_…nch8kb"
    assert short("configured") == "configured"


@pytest.mark.parametrize("url", ["ftp://api", "api:8000", "http://", "http://api/?a=b"])
def test_the_address_of_the_api_is_checked(url: str) -> None:
    with pytest.raises(ValueError, match="must be a URL"):
        Settings.model_validate({"TELLER_URL": url})


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="32 to 255"):
        Settings.model_validate({"TELLER_CONSOLE_SECRET": "short"})


def test_pages_of_one_key_share_a_read_and_those_of_another_do_not() -> None:
    async def main() -> tuple[list[int], int]:
        shares, reads = Shares(), 0

        async def read() -> int:
            nonlocal reads
            reads += 1
            mine = reads
            await asyncio.sleep(0)
            return mine

        answers = await asyncio.gather(*(shares.get(key, "overview", read) for key in ("mia", "mia", "theo")))
        return list(answers), reads

    assert asyncio.run(main()) == ([1, 1, 2], 2)


@pytest.mark.parametrize(("rows", "told"), [(2, []), (3, []), (4, ["INCOMPLETE: only the newest 3 rows"])])
def test_a_file_that_is_cut_says_so(rows: int, told: list[str]) -> None:
    async def given() -> AsyncIterator[Mapping[str, Any]]:
        for number in range(rows):
            yield {"number": number}

    async def main() -> list[Mapping[str, Any] | str]:
        return [row async for row in at_most(3, given())]

    found = asyncio.run(main())
    assert [row for row in found if isinstance(row, str)] == told
    assert found[: min(rows, 3)] == [{"number": number} for number in range(min(rows, 3))]


def test_what_waits_for_a_wallet_says_when_there_is_more() -> None:
    rows = [{"amount": 5, "source_wallet_id": "a", "destination_wallet_id": "b"}] * 2

    assert waiting("b", {"data": rows, "has_more": False}) == Waiting(2, False, 10, 0)
    assert waiting("a", {"data": rows, "has_more": True}) == Waiting(2, True, 0, 10)


def test_many_reads_are_made_few_at_a_time_and_shared_for_longer() -> None:
    async def main() -> tuple[int, int]:
        shares, running, most, reads = Shares(), 0, 0, 0

        async def read() -> None:
            nonlocal running, most, reads
            reads += 1
            running += 1
            most = max(most, running)
            await asyncio.sleep(0)
            running -= 1

        names = [f"deliveries of {number}" for number in range(100)]
        for _ in range(2):
            await asyncio.gather(*(shares.get("mia", name, read, fresh_s=60, many=True) for name in names))
        return most, reads

    assert asyncio.run(main()) == (AT_ONCE, 100)


def test_a_read_that_failed_is_made_again() -> None:
    async def main() -> list[object]:
        shares = Shares()

        async def fail() -> None:
            raise Away

        async def read() -> str:
            return "there"

        first = await asyncio.gather(shares.get("mia", "queue", fail, fresh_s=60), return_exceptions=True)
        return [type(first[0]), await shares.get("mia", "queue", read, fresh_s=60)]

    assert asyncio.run(main()) == [Away, "there"]


def answer_of(method: str, path: str, *, logged_in: bool = True, view: View | None = None, **given: Any) -> httpx.Response:
    """Return the answer of a console whose API does not listen. `view` is then the screen /own."""

    async def main() -> httpx.Response:
        app = create_app(Settings.model_validate({"TELLER_URL": f"http://127.0.0.1:{free_port()}"}))
        if view:
            app.router.routes.insert(0, Route("/own", signed_in(view)))
        request = Request({"type": "http", "app": app, "path": "/", "headers": []})
        async with app.router.lifespan_context(app):
            sealed = Response()
            shared_of(request).seal.write(sealed, LOGIN, request)
            cookie = {"Cookie": sealed.headers["set-cookie"].partition(";")[0]} if logged_in else {}
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://console") as client:
                return await client.request(method, path, **{"headers": cookie, **given})

    return asyncio.run(main())


def test_a_page_that_fails_says_so_and_keeps_its_policy() -> None:
    async def broken(visit: Visit) -> Response:
        raise KeyError("a secret")

    answer = answer_of("GET", "/own", view=broken)

    assert answer.status_code == 500
    assert "This page could not be made" in answer.text
    assert "a secret" not in answer.text
    assert answer.headers["content-security-policy"] == POLICY


FORM_KEY = f"console-{'0' * 32}"
FREEZE = {"csrf": LOGIN.csrf, "key": FORM_KEY, "frozen": "all", "reason": "test"}
FREEZE_PATH = f"/do/freeze/wal_{'0' * 26}"


def test_an_attempt_that_does_not_reach_the_api_says_nothing_of_the_one_before() -> None:
    first = answer_of("POST", FREEZE_PATH, data=FREEZE)
    second = answer_of("POST", FREEZE_PATH, data={**FREEZE, "unknown": "1"})

    assert (first.status_code, second.status_code) == (503, 503)
    assert "Nothing was done" in first.text
    assert "Nothing was done" not in second.text
    assert "This attempt did nothing; the one before may have been done" in second.text
    assert '<input type="hidden" name="unknown" value="1">' in second.text


def test_a_form_that_cannot_be_sent_again_invites_to_nothing() -> None:
    visit = cast(Visit, None)  # no notice is about it
    asked = Asked(visit, ACTIONS["reverse"], "", FORM_KEY, {"unknown": "1"})
    blocked = Question((), "/", blocked="All of it was given back already.")

    assert [text for text in notices(asked, blocked, {"": unknown(asked.action)}) if "Press" in text] == []
    assert notices(asked, replace(blocked, blocked=""), {"": unknown(asked.action)}) == [unknown(asked.action)]


def test_what_is_not_keyed_is_not_called_done_once() -> None:
    assert "done once at most" in unknown(ACTIONS["deposit"])
    assert "done once" not in unknown(ACTIONS["freeze"])
    assert "may be done twice" in unknown(ACTIONS["redeliver"])


def test_a_form_that_is_sent_while_logged_out_is_come_back_to() -> None:
    answer = answer_of("POST", f"{FREEZE_PATH}?key={FORM_KEY}", logged_in=False, data=FREEZE)

    assert answer.headers["location"] == f"/login?{urlencode({'next': f'{FREEZE_PATH}?key={FORM_KEY}'})}"


@dataclass(frozen=True)
class LoginOfAnotherVersion(Login):
    more: str = ""


def request_with(name: str, value: bytes) -> Request:
    return Request({"type": "http", "scheme": "http", "path": "/", "headers": [(name.encode(), value)], "server": ("console", 80)})


def test_a_cookie_that_cannot_be_read_is_no_login() -> None:
    seal, sealed, older = Seal("s" * 32), Response(), Response()
    seal.write(sealed, LOGIN, request_with("host", b"console"))
    seal.write(older, LoginOfAnotherVersion(**asdict(LOGIN)), request_with("host", b"console"))

    def read(cookie: bytes) -> Login | None:
        return seal.read(request_with("cookie", cookie))

    assert read(sealed.headers["set-cookie"].partition(";")[0].encode()) == LOGIN
    assert read(older.headers["set-cookie"].partition(";")[0].encode()) is None
    assert read("teller_console=\N{LATIN SMALL LETTER E WITH ACUTE}".encode("latin-1")) is None
    assert read(b"other=1") is None


@pytest.mark.parametrize(("header", "is_tls"), [("https", True), ("https, http", True), ("http, https", False), ("", False)])
def test_the_first_proxy_says_what_the_browser_used(header: str, is_tls: bool) -> None:
    assert came_over_tls(request_with("x-forwarded-proto", header.encode())) == is_tls


def test_bad_logins_of_an_address_are_answered_later_and_later() -> None:
    bad = BadLogins()
    waits = [bad.add("192.0.2.1", now=1.0) for _ in range(FREE + 8)]

    assert waits[:FREE] == [0.0] * FREE
    assert waits[FREE:] == [0.25, 0.5, 1.0, 2.0, *[WAIT_MAX_S] * 4]
    assert bad.add("192.0.2.2", now=1.0) == 0.0
    assert bad.add("192.0.2.1", now=2.0 + FORGET_AFTER_S) == 0.0


def test_addresses_of_bad_logins_are_forgotten() -> None:
    bad = BadLogins()
    for _ in range(FREE + 1):
        bad.add("192.0.2.1", now=1.0)
    for number in range(ADDRESSES_MAX):
        bad.add(f"2001:db8::{number}", now=2.0)

    assert bad.add("192.0.2.1", now=3.0) == 0.0


def test_a_bad_login_is_logged_by_the_hint_of_its_key() -> None:
    with capture_logs() as lines:
        answer = answer_of("POST", "/login", logged_in=False, data={"key": "not a key"})

    assert answer.status_code == 401
    [line] = [line for line in lines if line["event"] == "login refused"]
    assert (line["key_hint"], line["address"]) == (hint_of("not a key"), "127.0.0.1")
    assert "not a key" not in str(lines)


def test_the_policy_has_no_unsafe_source() -> None:
    assert "unsafe" not in POLICY
    assert POLICY.startswith("default-src 'none';")


def test_the_journal_keeps_the_newest_deeds() -> None:
    journal = Journal()
    for number in range(KEPT_MAX + 5):
        journal.add("Mia", f"Deed {number}", "", "done")

    assert [deed.title for deed in journal.newest()][:2] == [f"Deed {KEPT_MAX + 4}", f"Deed {KEPT_MAX + 3}"]
