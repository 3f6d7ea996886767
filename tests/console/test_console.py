"""The console in Chromium on a whole system: what people see and do, by role, by keyboard, and with callers' worst texts."""

import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from pathlib import Path
from typing import cast

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, expect

from console.guard import POLICY
from local.redis import Redis
from tests.caller import OPERATOR_KEY
from tests.console.browser import ACTION_WITHIN_MS, NARROW, Watched, chromium, require_chromium, watched
from tests.console.pictures import screens_of
from tests.console.scene import Scene, fill, running
from tests.databases import Databases
from tests.waiting import wait_for

pytestmark = pytest.mark.timeout(240)  # the first test starts seven processes and a browser

expect.set_options(timeout=ACTION_WITHIN_MS)
SERIOUS = {"serious", "critical"}
ALIKE = {"rejected", "hold", "scheduled", "freeze", "limits", "missing"}  # templates that other screens have too
DARK = {"overview", "rejected", "reverse"}
LONG = "W" * 200
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>"
HEBREW = "\N{HEBREW LETTER SHIN}\N{HEBREW LETTER LAMED}\N{HEBREW LETTER VAV}\N{HEBREW LETTER FINAL MEM}"
CSRF = re.compile(r'name="csrf" value="([^"]+)"')
HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')
KEY = re.compile(r'name="key" value="(console-[0-9a-f]{32})"')


@pytest.fixture(scope="module")
def scene(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A system of this module's own: one of its tests stops the worker."""
    redis = Redis(tmp_path_factory.mktemp("console-redis"))
    redis.start()
    with running(tmp_path_factory.mktemp("console"), databases.migrated(), redis.url) as scene:
        fill(scene)
        yield scene
        scene.system.audit()
    redis.stop()


@pytest.fixture(scope="module")
def browser(scene: Scene) -> Iterator[Browser]:
    with chromium(require_chromium()) as browser:
        yield browser


@pytest.fixture(scope="module")
def operators_cookie(scene: Scene) -> str:
    with logged_in(scene, OPERATOR_KEY) as client:
        return client.cookies["teller_console"]


@pytest.fixture
def operator(browser: Browser, scene: Scene, operators_cookie: str) -> Iterator[Watched]:
    """A page of an operator that has logged in. The form of the login is a viewer's first step."""
    with watched(browser, scene.url) as found:
        found.context.add_cookies([{"name": "teller_console", "value": operators_cookie, "url": scene.url}])
        yield found


@pytest.fixture
def viewer(browser: Browser, scene: Scene) -> Iterator[Watched]:
    with watched(browser, scene.url) as found:
        found.log_in(scene.viewer_key)
        yield found


@contextmanager
def logged_in(scene: Scene, key: str) -> Iterator[httpx.Client]:
    """Send requests with the cookie of a login, for what no page shows."""
    with httpx.Client(base_url=scene.url, timeout=30) as client:
        assert client.post("/login", data={"key": key}).status_code == 303
        yield client


def test_support_finds_a_missing_payment_and_says_why_another_was_refused(viewer: Watched) -> None:
    page = viewer.page
    page.keyboard.press("/")
    page.keyboard.type("inv-4711")
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", level=1)).to_contain_text("50.00")
    expect(page.locator("#story")).to_contain_text("A deposit of 50.00 USD for Ada Lovelace. It was done on")
    page.get_by_role("link", name="Ada Lovelace").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Ada Lovelace")

    page.get_by_role("searchbox").fill("yacht")
    page.keyboard.press("Enter")
    page.locator("[data-row]").filter(has_text="9,999.99").locator("a.row").click()
    sentence = "Ada Lovelace did not have enough money: 39.50 USD was available and 9,999.99 USD was needed. Nothing was moved."
    expect(page.locator("#story")).to_contain_text(sentence)
    assert page.get_by_role("link", name="Reverse").count() == 0


def test_an_operator_sees_that_no_worker_runs_and_the_page_sees_it_run_again(operator: Watched, scene: Scene) -> None:
    page, system = operator.page, scene.system
    for process in system.processes:
        if {"apply", "sweep"} & set(cast(list[str], process.args)):
            process.kill()
            process.wait()
    stuck = scene.caller.deposit(scene.made["wallets"]["bob"], 1).body["id"]

    operator.go("/")
    page.get_by_role("link", name="No worker is running.").click()
    expect(page.get_by_role("alert")).to_contain_text("None is lost")
    operator.go(f"/transfers/{stuck}")
    expect(page.locator("#waits")).to_contain_text("No worker is at this line")

    operator.go("/queue")
    system.start_workers(1)
    system.start_sweeper()
    expect(page.get_by_text("No transfer waits", exact=True)).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)
    assert scene.caller.wait_final(stuck)["status"] == "applied"


def test_a_delivery_to_a_dead_endpoint_is_delivered_again(operator: Watched, scene: Scene) -> None:
    page = operator.page
    scene.receiver.status = 500
    sent = scene.caller.applied(scene.caller.deposit(scene.made["wallets"]["ada"], 1, reference="dead"))
    operator.go(f"/transfers/{sent['id']}")
    wait_for(lambda: "answer 500" in str(page.reload() and page.content()), "the first attempt", 30)

    scene.receiver.status = 204
    page.get_by_role("link", name="Deliver again").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Deliver again")
    page.get_by_role("button", name="Deliver now").click()

    expect(page.get_by_role("status")).to_have_text("The delivery is due now.")
    wait_for(lambda: "answer 204" in str(page.reload() and page.content()), "the repeated delivery", 30)
    expect(page.get_by_role("row").filter(has_text="endpoint").get_by_text("Delivered", exact=True)).to_be_visible()


def test_a_reversal_is_confirmed_in_words_and_moves_the_money_once(operator: Watched, scene: Scene) -> None:
    page, caller = operator.page, scene.caller
    wallets = scene.made["wallets"]
    paid = caller.applied(caller.transfer(wallets["bob"], wallets["yachts"], 12_34))
    before = caller.balance(wallets["bob"])
    operator.go(f"/transfers/{paid['id']}")
    page.get_by_role("link", name="Reverse").click()

    expect(page.get_by_text("Money goes back from Yachts & Co Ltd to Bob Babbage: up to 12.34 USD.")).to_be_visible()
    page.get_by_label("Amount to give back").fill("12.345")
    page.get_by_role("button", name="Give it back").click()
    expect(page.get_by_text("has more than 2 digits after the point")).to_be_visible()
    operator.allow("422")
    page.get_by_label("Amount to give back").fill("2.34")
    page.get_by_role("button", name="Give it back").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was done yet")
    expect(page.locator("#expected")).to_contain_text("Reversal: 2.34 USD")
    page.get_by_role("button", name="Give it back").click()

    expect(page.get_by_role("heading", level=1)).to_contain_text("Reversal")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Applied")
    assert caller.balance(wallets["bob"]) == before + 2_34


def test_a_form_shows_what_would_happen_and_nothing_happens(operator: Watched, scene: Scene) -> None:
    page, caller = operator.page, scene.caller
    payer, payee = caller.new_client("Preview payer"), caller.new_client("Preview payee")
    wallets = payer["wallet"]["id"], payee["wallet"]["id"]
    caller.applied(caller.deposit(wallets[0], 20_00))
    paid = caller.applied(caller.transfer(*wallets, 5_00))
    operator.go(f"/do/reverse/{paid['id']}")

    expected = page.locator("#expected")
    expect(expected).to_contain_text("Would be done")
    row = expected.get_by_role("row").filter(has_text="Preview payer")
    expect(row).to_contain_text("15.00 USD +5.00 USD 20.00 USD", use_inner_text=True)
    page.get_by_label("Amount to give back").fill("1.50")
    page.get_by_role("button", name="Look again").click()
    expect(row).to_contain_text("16.50")
    expect(page.get_by_label("Amount to give back")).to_have_value("1.50")
    assert caller.balance(wallets[0]) == 15_00

    caller.applied(caller.withdraw(wallets[1], 5_00))
    page.get_by_role("button", name="Look again").click()
    expect(expected).to_contain_text("Would be refused Preview payee did not have enough money: 0.00 USD was available")
    transfers = caller.get(f"/v1/transfers?wallet_id={wallets[0]}").body["data"]
    assert [one["type"] for one in transfers] == ["transfer", "deposit"]


def test_limits_are_set_and_taken_away(operator: Watched, scene: Scene) -> None:
    page, caller = operator.page, scene.caller
    wallet = caller.new_wallet()
    operator.go(f"/wallets/{wallet}")
    for text, stored in (("1,250.00", 125_000), ("", None)):
        page.get_by_role("link", name="Limits…").click()
        page.get_by_label("Largest payment").fill(text)
        page.get_by_label("Reason").fill("agreed with the bank")
        page.get_by_role("button", name="Set the limits").click()
        expect(page.get_by_role("status")).to_have_text("The limits were set.")
        assert caller.get(f"/v1/wallets/{wallet}").body["limits"]["debit_max"] == stored
    expect(page.get_by_text("Largest payment: none → 1,250.00")).to_be_visible()
    expect(page.get_by_text("Largest payment: 1,250.00 → none")).to_be_visible()

    page.get_by_role("link", name="Limits…").click()
    page.get_by_label("Highest balance").fill("0")
    page.get_by_label("Reason").fill("by mistake")
    page.get_by_role("button", name="Set the limits").click()
    expect(page.get_by_text("The amount is more than nothing.")).to_be_visible()
    operator.allow("422")
    operator.go("/keys")
    expect(page.get_by_role("region", name="Done").get_by_text("Limit a wallet")).to_have_count(2)


def test_health_shows_the_settings_and_how_to_audit(viewer: Watched) -> None:
    viewer.go("/health")
    viewer.page.get_by_text("Settings of the API, without secrets").click()

    expect(viewer.page.get_by_role("row").filter(has_text="TELLER_BACKLOG_MAX")).to_contain_text("1000000")
    expect(viewer.page.locator("main")).to_contain_text("teller db audit")


def test_a_form_that_is_sent_twice_is_done_once(scene: Scene) -> None:
    wallet = scene.caller.new_wallet()
    with logged_in(scene, OPERATOR_KEY) as client:
        shown = client.get(f"/do/deposit/{wallet}").text
        form = {"csrf": CSRF.findall(shown)[-1], "key": KEY.findall(shown)[0], "amount": "7.00"}
        form["shown"] = dict(HIDDEN.findall(client.post(f"/do/deposit/{wallet}", data=form).text))["shown"]
        answers = [client.post(f"/do/deposit/{wallet}", data=form) for _ in range(2)]

        assert [answer.status_code for answer in answers] == [303, 303]
        assert answers[0].headers["location"] == answers[1].headers["location"]
        assert KEY.findall(client.get(f"/do/deposit/{wallet}").text) != [form["key"]]
    scene.caller.wait_final(answers[0].headers["location"].partition("?")[0].rpartition("/")[2])
    assert scene.caller.balance(wallet) == 7_00


def test_no_amount_is_moved_that_was_not_shown(operator: Watched, scene: Scene) -> None:
    page, wallet = operator.page, scene.caller.new_wallet()
    operator.go(f"/do/deposit/{wallet}")
    page.get_by_label("Amount").fill("10,50")
    page.keyboard.press("Enter")
    expect(page.get_by_text("is no amount: write it as 10.50")).to_be_visible()
    operator.allow("422")
    page.get_by_label("Amount").fill("1,050.00")
    page.keyboard.press("Enter")
    expect(page.locator("#expected")).to_contain_text("Deposit: 1,050.00 USD")
    page.get_by_label("Amount").fill("1,500.00")
    page.keyboard.press("Enter")
    expect(page.locator("#expected")).to_contain_text("Deposit: 1,500.00 USD")
    expect(page.get_by_role("alert")).to_contain_text("Nothing was done yet")
    assert scene.caller.get(f"/v1/transfers?wallet_id={wallet}").body["data"] == []

    page.get_by_label("Amount").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Deposit")
    assert [one["amount"] for one in scene.caller.get(f"/v1/transfers?wallet_id={wallet}").body["data"]] == [1_500_00]


def test_a_form_that_was_sent_while_logged_out_keeps_its_key(scene: Scene) -> None:
    path = f"/do/deposit/{scene.caller.new_wallet()}"
    with logged_in(scene, OPERATOR_KEY) as client:
        shown = client.get(path).text
        [key] = KEY.findall(shown)
        address = f"{path}?key={key}"
        assert f'action="?key={key}"' in shown
        client.cookies.clear()

        sent = client.post(address, data={"key": key, "amount": "7.00"})
        login = client.get(sent.headers["location"]).text
        after = client.post("/login", data={"key": OPERATOR_KEY, "next": dict(HIDDEN.findall(login))["next"]})

        assert after.headers["location"] == address
        shown = client.get(address).text
        assert KEY.findall(shown) == [key]
        assert "This form was sent before" in shown


def test_only_the_limits_that_were_changed_are_sent(scene: Scene) -> None:
    wallet = scene.caller.new_wallet()
    path = f"/do/limits/{wallet}"
    with logged_in(scene, OPERATOR_KEY) as client:
        form = dict(HIDDEN.findall(client.get(path).text)) | {"reason": "agreed"}
        scene.caller.request("PATCH", f"/v1/wallets/{wallet}", {"limits": {"balance_max": 5_00}, "reason": "by another person"})

        assert client.post(path, data={**form, "balance_max": "", "debit_max": "12.00"}).status_code == 303
        limits = scene.caller.get(f"/v1/wallets/{wallet}").body["limits"]
        assert (limits["balance_max"], limits["debit_max"]) == (5_00, 12_00)
        assert "No limit was changed" in client.post(path, data={**form, "balance_max": "", "debit_max": ""}).text


def test_a_lost_answer_is_called_unknown_and_the_same_form_is_sent_again(scene: Scene) -> None:
    wallet = scene.caller.new_wallet()
    api = scene.system.processes[0]
    path = f"/do/freeze/{wallet}"
    with logged_in(scene, OPERATOR_KEY) as client:
        shown = client.get(path).text
        form = {"csrf": CSRF.findall(shown)[-1], "key": KEY.findall(shown)[0], "frozen": "debits", "reason": "asked by the bank"}
        api.send_signal(signal.SIGSTOP)
        try:
            lost = client.post(path, data=form)
        finally:
            api.send_signal(signal.SIGCONT)

        assert lost.status_code == 502
        assert "The API did not say whether this was done" in lost.text
        assert dict(HIDDEN.findall(lost.text)).items() >= form.items()
        assert client.post(path, data=form).status_code == 303
    assert scene.caller.get(f"/v1/wallets/{wallet}").body["frozen"] == "debits"


def test_only_a_form_of_the_console_changes_something(scene: Scene) -> None:
    wallet = scene.caller.new_wallet()
    with logged_in(scene, OPERATOR_KEY) as client:
        shown = client.get(f"/do/freeze/{wallet}").text
        form = {"csrf": CSRF.findall(shown)[-1], "key": KEY.findall(shown)[0], "frozen": "all", "reason": "test"}
        path = f"/do/freeze/{wallet}"

        assert client.post(path, data={**form, "csrf": "x"}).status_code == 403
        assert client.post(path, data={**form, "key": "x"}).status_code == 403
        assert client.post(path, data=form, headers={"Origin": "https://evil.example"}).status_code == 403
        assert client.post(path, data=form, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
        assert client.post(path, json=form).status_code == 415
        assert client.post(path, data={**form, "reason": "x" * 20_000}).status_code == 413
        assert scene.caller.get(f"/v1/wallets/{wallet}").body["status"] == "active"
        assert client.post(path, data=form).status_code == 303
    assert scene.caller.get(f"/v1/wallets/{wallet}").body["frozen"] == "all"


def test_the_cookie_is_sealed_and_strict(scene: Scene) -> None:
    with httpx.Client(base_url=scene.url) as client:
        plain = client.post("/login", data={"key": OPERATOR_KEY}).headers["set-cookie"]
        tls = client.post("/login", data={"key": OPERATOR_KEY}, headers={"X-Forwarded-Proto": "https"}).headers["set-cookie"]

        assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(plain.split("; "))
        assert "Secure" in tls
        assert OPERATOR_KEY not in plain
        client.cookies.set("teller_console", "forged")
        assert client.get("/").status_code == 303


def test_each_screen_by_role(scene: Scene) -> None:
    """Without a login, and with a client's key, nothing is shown; a viewer sees all and is offered no action."""
    made = scene.caller.post(f"/v1/clients/{scene.made['ada']['id']}/keys", {})
    screens = {name: path for name, path in screens_of(scene).items() if name not in {"login", "missing"}}
    actions = {name for name, path in screens.items() if path.startswith("/do/")}

    with httpx.Client(base_url=scene.url, timeout=30) as client:
        assert {client.get(path).status_code for path in screens.values()} == {303}
        assert client.post("/login", data={"key": made.body["key"]}).status_code == 403
        assert client.post("/login", data={"key": "tlr_unknown"}).status_code == 401
    with logged_in(scene, scene.viewer_key) as client:
        pages = {name: client.get(path) for name, path in screens.items()}
        assert {name for name, page in pages.items() if page.status_code == 403} == actions
        assert {page.status_code for page in pages.values()} == {200, 403}
        assert [name for name, page in pages.items() if 'href="/do/' in page.text] == []
    with logged_in(scene, OPERATOR_KEY) as client:
        pages = {name: client.get(path) for name, path in screens.items()}
        assert {page.status_code for page in pages.values()} == {200}
        assert {page.headers["content-security-policy"] for page in pages.values()} == {POLICY}
        assert {page.headers["cache-control"] for page in pages.values()} == {"no-store"}
        assert {"transfer", "wallet", "client", "keys", "webhook"} <= {n for n, page in pages.items() if 'href="/do/' in page.text}


def test_a_revoked_key_is_logged_out(scene: Scene) -> None:
    key = scene.caller.post("/v1/keys", {"role": "viewer"}).body
    with logged_in(scene, key["key"]) as client:
        scene.caller.request("DELETE", f"/v1/keys/{key['id']}")

        answer = wait_for(lambda: found if (found := client.get("/")).status_code == 303 else None, "the end of the login", 20)

        assert answer is not None
        assert "why=revoked" in answer.headers["location"]
        assert "teller_console" not in client.cookies


@pytest.mark.parametrize(
    ("scheme", "screens", "rules"),
    [
        ("light", None, {"resultTypes": ["violations"]}),
        ("dark", DARK, {"runOnly": ["color-contrast"]}),
    ],  # the two differ in colours alone
    ids=["light", "dark"],
)
def test_no_screen_has_a_serious_finding_of_axe_or_breaks_its_policy(
    browser: Browser, scene: Scene, scheme: str, screens: set[str] | None, rules: dict[str, list[str]]
) -> None:
    found: list[str] = []
    with watched(browser, scene.url, color_scheme=scheme) as page:
        page.log_in(OPERATOR_KEY)
        names = set(screens_of(scene))
        for name, path in screens_of(scene).items():
            if name not in (screens or names - ALIKE):
                continue
            page.go(path)
            results = Axe().run(page.page, options=rules)
            found += [
                f"{name}: {one['id']}: {one['nodes'][0]['html']}"
                for one in results.response["violations"]
                if one["impact"] in SERIOUS
            ]

    assert found == []


def test_no_screen_is_wider_than_a_telephone(browser: Browser, scene: Scene) -> None:
    with watched(browser, scene.url, viewport=NARROW) as found:
        found.log_in(OPERATOR_KEY)
        too_wide = []
        for name, path in screens_of(scene).items():
            if name in ALIKE:
                continue
            found.go(path)
            if found.page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                too_wide.append(name)

    assert too_wide == []


def test_callers_texts_stay_texts(browser: Browser, scene: Scene) -> None:
    caller = scene.caller
    bad = caller.new_client(HOSTILE, external_id="hostile", metadata={"<b>": LONG})
    long = caller.new_client(LONG)
    reference = f"=cmd|{HEBREW}{HOSTILE}"
    wallets = bad["wallet"]["id"], long["wallet"]["id"]
    caller.applied(caller.deposit(wallets[0], 100))
    sent = caller.applied(caller.transfer(*wallets, 1, reference=reference))

    with watched(browser, scene.url, viewport=NARROW) as found:
        found.log_in(OPERATOR_KEY)
        for path in (
            f"/transfers/{sent['id']}",
            f"/clients/{bad['id']}",
            f"/wallets/{wallets[1]}",
            "/transfers",
            "/search?q=hostile",
        ):
            found.go(path)
            found.page.wait_for_function("!document.querySelector('[data-soon]')")
            assert HOSTILE in found.page.inner_text("main"), path
            assert found.page.locator("main script, main img").count() == 0
            assert found.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{path} is wider than the telephone"
    with logged_in(scene, OPERATOR_KEY) as client:
        lines = client.get("/transfers.csv", params={"client": "hostile"}).text
        assert f'"\'{reference}"' in lines or f"'{reference}" in lines
        assert client.get("/transfers.csv", params={"from": "yesterday"}).status_code == 400


def test_everything_goes_by_keyboard_alone(operator: Watched) -> None:
    page = operator.page
    operator.go("/transfers?status=applied&type=deposit")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    expect(page.locator("[data-row]").first.locator("a.row")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Deposit")

    for _ in range(40):
        if page.evaluate("document.activeElement.textContent.trim()") == "Reverse":
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Reverse a transfer")


def test_a_page_asks_again_while_it_is_seen_and_rests_while_it_is_hidden(operator: Watched) -> None:
    page = operator.page
    polls: list[float] = []
    page.on("request", lambda request: polls.append(time.monotonic()) if request.headers.get("x-poll") else None)
    page.clock.install()
    operator.go("/queue")

    with page.expect_response(lambda response: response.url.endswith("/queue")):
        page.clock.run_for(2_500)
    hide = "(hidden) => { Object.defineProperty(document, 'hidden', {value: hidden, configurable: true});"
    page.evaluate(f"{hide} document.dispatchEvent(new Event('visibilitychange')); }}", True)
    page.wait_for_load_state("networkidle")
    seen = len(polls)
    page.clock.run_for(60_000)
    assert len(polls) == seen > 0

    with page.expect_response(lambda response: response.url.endswith("/queue")):
        page.evaluate(f"{hide} document.dispatchEvent(new Event('visibilitychange')); }}", False)


def test_a_page_whose_transfer_is_final_asks_no_more(operator: Watched, scene: Scene) -> None:
    page, system = operator.page, scene.system
    workers = [one for one in system.processes if {"apply", "sweep"} & set(cast(list[str], one.args)) and one.poll() is None]
    for worker in workers:
        worker.send_signal(signal.SIGSTOP)
    try:
        sent = scene.caller.deposit(scene.made["wallets"]["ada"], 1).body["id"]
        operator.go(f"/transfers/{sent}")
        assert page.locator("#live-transfer[data-live][data-soon]").count() == 1
    finally:
        for worker in workers:
            worker.send_signal(signal.SIGCONT)

    expect(page.get_by_role("heading", level=1)).to_contain_text("Applied")
    expect(page.locator("[data-live], [data-soon]")).to_have_count(0)


def test_a_form_is_not_asked_for_again_when_its_tab_is_seen(operator: Watched, scene: Scene) -> None:
    page = operator.page
    polls: list[str] = []
    page.on("request", lambda request: polls.append(request.url) if request.headers.get("x-poll") else None)
    operator.go(f"/do/freeze/{scene.made['wallets']['ada']}")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.wait_for_load_state("networkidle")
    operator.go("/keys")

    assert polls == []


def test_the_person_chooses_how_often_a_page_asks_again(operator: Watched) -> None:
    live = operator.page.locator("#live")
    operator.go("/queue")
    expect(live).to_have_text("Live, every 2 s")
    live.click()
    expect(live).to_have_text("Live, every 10 s")
    live.click()
    operator.go("/")
    expect(live).to_have_text("Paused")
    expect(live).to_have_attribute("aria-pressed", "false")
    live.click()
    expect(live).to_have_text("Live, every 2 s")


def test_filters_are_in_the_address_and_what_is_wrong_is_said(operator: Watched, scene: Scene) -> None:
    page = operator.page
    operator.go("/transfers")
    page.get_by_label("Client").fill("cust-77")
    page.get_by_role("button", name="Filter").click()
    page.get_by_role("navigation", name="State").get_by_role("link", name="Rejected").click()
    page.get_by_role("navigation", name="Days").get_by_role("link", name="Today").click()
    expect(page.locator("[data-row]")).to_have_count(1)
    assert "client=cust-77" in page.url
    assert "status=rejected" in page.url
    assert "from=20" in page.url

    page.get_by_label("Amount from").fill("ten")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_role("alert")).to_contain_text("write it as 10.50")
    operator.go("/transfers?reference=lunch")
    for currency, amount, count in (("USD", "10.51", 0), ("USD", "10.50", 1), ("JPY", "1,051", 0), ("JPY", "1,050", 1)):
        page.get_by_label("Amounts in").select_option(currency)
        page.get_by_label("Amount from").fill(amount)
        page.get_by_role("button", name="Filter").click()
        page.wait_for_url(re.compile(f"amount_from={amount.replace(',', '%2C')}&.*currency={currency}"))
        expect(page.locator("[data-row]")).to_have_count(count)
    operator.go(f"/wallets/{scene.made['wallets']['bob']}")
    page.get_by_role("link", name="Last 30 days").click()
    expect(page.get_by_text("Opening", exact=True)).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Statement CSV").click()
    assert "inv-4712" in Path(download.value.path()).read_text()


def test_a_new_key_is_shown_once_and_works(operator: Watched, scene: Scene) -> None:
    page = operator.page
    operator.go("/keys")
    page.get_by_role("link", name="New key of a viewer").click()
    page.get_by_role("textbox", name="Name").fill("Theo")
    page.get_by_role("button", name="Make the key").click()
    key = unescape(page.locator("#secret").inner_text())

    operator.go("/keys")
    assert key not in page.content()
    with logged_in(scene, key) as client:
        assert client.get("/keys").status_code == 200
    page.get_by_role("row").filter(has_text="Theo").get_by_role("link", name="Revoke").click()
    expect(page.get_by_text("The key “Theo” of a viewer stops working for ever")).to_be_visible()
    page.get_by_role("button", name="Revoke for ever").click()
    expect(page.get_by_role("row").filter(has_text="Theo")).to_contain_text("Revoked")
