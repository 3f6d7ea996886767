"""What the console says and draws, without a browser."""

import asyncio

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from console.app import create_app
from console.curves import GAP_S, HEIGHT, WIDTH, History
from console.guard import POLICY
from console.journal import KEPT_MAX, Journal
from console.login import Login
from console.settings import Settings
from console.shares import Shares
from console.views.doors import own_path
from console.views.transfers import harmless
from console.visit import Visit, shared_of, signed_in
from console.words import NoAmount, duration, minor_units, money, short, signed

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


def test_a_page_that_fails_says_so_and_keeps_its_policy() -> None:
    async def broken(visit: Visit) -> Response:
        raise KeyError("a secret")

    async def main() -> httpx.Response:
        app = create_app(Settings())
        app.router.routes.insert(0, Route("/broken", signed_in(broken)))
        request = Request({"type": "http", "app": app, "path": "/", "headers": []})
        async with app.router.lifespan_context(app):
            sealed = Response()
            shared_of(request).seal.write(sealed, LOGIN, request)
            cookie = {"Cookie": sealed.headers["set-cookie"].partition(";")[0]}
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://console") as client:
                return await client.get("/broken", headers=cookie)

    answer = asyncio.run(main())

    assert answer.status_code == 500
    assert "This page could not be made" in answer.text
    assert "a secret" not in answer.text
    assert answer.headers["content-security-policy"] == POLICY


def test_the_policy_has_no_unsafe_source() -> None:
    assert "unsafe" not in POLICY
    assert POLICY.startswith("default-src 'none';")


def test_the_journal_keeps_the_newest_deeds() -> None:
    journal = Journal()
    for number in range(KEPT_MAX + 5):
        journal.add("Mia", f"Deed {number}", "", "done")

    assert [deed.title for deed in journal.newest()][:2] == [f"Deed {KEPT_MAX + 4}", f"Deed {KEPT_MAX + 3}"]
