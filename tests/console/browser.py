"""Chromium of this machine, driven by Playwright, and what every page of the console must keep to."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, sync_playwright

MISSING = "needs Chromium: apt-get install chromium"
ACTION_WITHIN_MS = 20_000  # of a click or a wait; a busy machine makes it seconds
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


def find_chromium() -> str | None:
    """Return the path of Chromium. Playwright downloads none."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((found for name in names if (found := shutil.which(name))), None)


def require_chromium() -> str:
    """Return its path. Skips the test where there is none; where CI is set, the test fails instead."""
    if found := find_chromium():
        return found
    if os.environ.get("CI"):
        pytest.fail(MISSING)
    pytest.skip(MISSING)


@contextmanager
def chromium(path: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking"]
        )
        yield browser
        browser.close()


@dataclass
class Watched:
    """A page, and what it did that no page of the console may do."""

    page: Page
    context: BrowserContext
    url: str
    faults: list[str] = field(default_factory=list)

    def allow(self, part: str) -> None:
        """Forget the faults that hold this text: the test has caused them."""
        self.faults[:] = [fault for fault in self.faults if part not in fault]

    def go(self, path: str) -> None:
        self.page.goto(self.url + path)

    def log_in(self, key: str) -> None:
        self.go("/login")
        self.page.get_by_label("Key").fill(key)
        self.page.get_by_role("button", name="Log in").click()
        self.page.wait_for_url(lambda url: "/login" not in url)


@contextmanager
def watched(browser: Browser, url: str, **options: object) -> Iterator[Watched]:
    """Open a page in a browser of its own, without cookies. Fails at the end for what the page did wrong."""
    context = browser.new_context(**{"viewport": WIDE, "locale": "en-GB", **options})  # type: ignore[arg-type]
    context.set_default_timeout(ACTION_WITHIN_MS)
    page = context.new_page()
    found = Watched(page, context, url)

    def on_console(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            found.faults.append(f"console: {message.text} {message.location}")

    def on_request(request: Request) -> None:
        if urlsplit(request.url).netloc != urlsplit(url).netloc:
            found.faults.append(f"request to another host: {request.url}")

    page.on("console", on_console)
    page.on("pageerror", lambda error: found.faults.append(f"script: {error}"))
    page.on("request", on_request)
    yield found
    context.close()
    assert found.faults == []
