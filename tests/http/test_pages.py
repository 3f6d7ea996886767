"""What never changes is bytes made once, and what a browser shows may run nothing but its own script."""

import base64
import hashlib
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from core.version import VERSION
from tests.caller import Caller

PAGES = (
    "/",
    "/docs",
    "/openapi.json",
    "/static-offline-docs/swagger-ui-bundle.js",
    "/static-offline-docs/swagger-ui.css",
    "/static-offline-docs/favicon.png",
)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_safe_and_sent_again_only_when_it_has_changed(caller: Caller, path: str) -> None:
    first = caller.get(path)
    tag = first.headers["etag"]
    again = [caller.get(path, headers={"If-None-Match": known}) for known in (tag, f'"x", {tag}', f"W/{tag}")]
    other = caller.get(path, headers={"If-None-Match": '"x"'})

    assert first.status == 200
    assert first.headers["x-content-type-options"] == "nosniff"
    assert first.headers["referrer-policy"] == "no-referrer"
    assert first.headers["cache-control"] in ("no-cache", "max-age=86400")
    assert [(answer.status, answer.body, answer.headers["etag"]) for answer in again] == [(304, "", tag)] * 3
    assert (other.status, other.body) == (200, first.body)


def test_the_page_may_run_its_own_script_and_load_its_own_files_alone(caller: Caller) -> None:
    page = caller.get("/docs")
    policy = dict(directive.split(" ", 1) for directive in page.headers["content-security-policy"].split("; "))
    [inline] = re.findall(r"<script>(.*?)</script>", page.body, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()

    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert policy["script-src"] == f"'self' 'sha256-{digest}'"
    assert page.headers["x-frame-options"] == "DENY"
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page.body)
    assert set(loaded) <= set(PAGES)
    assert all(caller.get(path).status == 200 for path in loaded)


def test_the_page_keeps_the_key_and_has_a_box_that_filters(caller: Caller) -> None:
    [inline] = re.findall(r"<script>(.*?)</script>", caller.get("/docs").body, re.DOTALL)

    assert '"persistAuthorization": true' in inline
    assert '"filter": true' in inline


@pytest.mark.parametrize("path", ["/docs/oauth2-redirect", "/index.html", "/static-offline-docs/redoc.standalone.js"])
def test_nothing_else_is_served(caller: Caller, path: str) -> None:
    assert caller.get(path).code == "not_found"


def test_the_first_page_leads_on_and_may_run_nothing(caller: Caller) -> None:
    page = caller.get("/")
    links = re.findall(r'href="([^"]+)"', page.body)

    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert f"Teller {VERSION}" in page.body
    assert {"/docs", "/openapi.json", "/problems", "/readyz", "/healthz", "/metrics"} == set(links)
    assert [caller.get(link).status for link in links] == [200] * len(links)
    assert "script-src 'self';" in page.headers["content-security-policy"]
    assert "<script" not in page.body
    assert page.headers["x-frame-options"] == "DENY"


def test_redoc_leads_to_the_page_of_the_api(caller: Caller) -> None:
    answer = caller.get("/redoc")

    assert (answer.status, answer.headers["location"]) == (308, "/docs")


HEADS = (
    *PAGES, "/healthz", "/readyz", "/problems", "/problems/not_found", "/v1/clients", "/v1/clients/{client}",
    "/v1/clients/{client}/keys",
    "/v1/wallets/{wallet}", "/v1/wallets/{wallet}/entries", "/v1/transfers", "/v1/transfers/{transfer}", "/v1/events",
    "/v1/events/{event}", "/v1/transfers/{transfer}/deliveries", "/v1/webhook-endpoints", "/v1/nothing", "/v1/transfers/trf_x",
    "/v1/transfers?cursor=x",
)  # fmt: skip
OF_EACH = ("date", "x-request-id")


def test_head_is_answered_as_get_without_its_body(caller: Caller) -> None:
    client = caller.new_client()
    transfer = caller.wait_final(caller.deposit(client["wallet"]["id"], 1).body["id"])["id"]
    names = {
        "client": client["id"],
        "wallet": client["wallet"]["id"],
        "transfer": transfer,
        "event": transfer.replace("trf", "evt"),
    }

    for path in HEADS:
        given = {"X-Request-Id": "mine"}
        got, head = (caller.request(method, path.format(**names), headers=given) for method in ("GET", "HEAD"))
        assert (head.status, head.body) == (got.status, ""), path
        if path not in ("/v1/transfers", "/v1/events", "/v1/clients", "/v1/webhook-endpoints"):  # other tests change these lists
            assert same(head.headers) == same(got.headers), path


def same(headers: object) -> dict[str, str]:
    assert isinstance(headers, dict)
    return {name: value for name, value in headers.items() if name not in OF_EACH}


def test_head_needs_a_key_where_get_does_and_metrics_are_measured(caller: Caller) -> None:
    stranger = Caller(caller.url, key=None)

    assert stranger.request("HEAD", "/v1/clients").status == 401
    metrics = stranger.request("HEAD", "/metrics")
    assert (metrics.status, int(metrics.headers["content-length"]) > 1000) == (200, True)
    stranger.close()


def test_a_browser_shows_the_page_and_its_policy_is_broken_nowhere(caller: Caller, tmp_path: Path) -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed")
    options = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--enable-logging=stderr")
    ran = subprocess.run(
        [chromium, *options, f"--user-data-dir={tmp_path}", "--virtual-time-budget=20000", "--dump-dom", f"{caller.url}/docs"],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )

    assert "/v1/transfers/batch" in ran.stdout  # drawn by Swagger UI from the document
    assert "operation-filter-input" in ran.stdout
    assert "Content Security Policy" not in ran.stderr
    assert ":CONSOLE" not in ran.stderr, [line for line in ran.stderr.splitlines() if ":CONSOLE" in line]
