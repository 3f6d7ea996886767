"""python -m tests.console.pictures [FOLDER]: a picture of each screen, light and dark, wide and narrow, with no, ten and many rows.

Without a folder, the four pictures of docs/ are written.
"""

import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from playwright.sync_api import Browser

from local.postgres import Postgres
from local.redis import Redis
from tests.caller import OPERATOR_KEY
from tests.console.browser import MISSING, NARROW, WIDE, chromium, find_chromium, watched
from tests.console.scene import Scene, crowd, fill, running
from tests.databases import Databases
from tests.system import ROOT

DOCS = ROOT / "docs" / "pictures"
SIZES = {"wide": WIDE, "narrow": NARROW}
SCHEMES = ("light", "dark")
MANY = ("overview", "transfers", "clients", "client", "wallet", "webhook")
EMPTY = ("overview", "transfers", "clients", "queue", "webhooks", "keys", "health")


def main() -> None:
    path = find_chromium()
    if not path:
        sys.exit(MISSING)
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    with tempfile.TemporaryDirectory(prefix="teller-pictures-") as temporary:
        base = Path(temporary)
        base.chmod(0o711)  # under root the servers run as another account
        servers = Postgres(base / "postgres"), Redis(base / "redis")
        for server in servers:
            server.start()
        try:
            (base / "logs").mkdir()
            databases = Databases(servers[0].url("postgres"))
            with running(base / "logs", databases.migrated(), servers[1].url) as scene, chromium(path) as browser:
                if folder:
                    shoot_all(browser, scene, folder)
                else:
                    shoot_docs(browser, scene)
        finally:
            for server in reversed(servers):
                server.stop()


def shoot_all(browser: Browser, scene: Scene, folder: Path) -> None:
    screens = screens_of(scene)
    shoot(browser, scene, {name: screens[name] for name in EMPTY}, folder, "empty")
    fill(scene)
    shoot(browser, scene, screens_of(scene), folder, "rows")
    crowd(scene)
    screens = screens_of(scene)
    shoot(browser, scene, {name: screens[name] for name in MANY}, folder, "many")


def shoot_docs(browser: Browser, scene: Scene) -> None:
    fill(scene)
    screens = screens_of(scene)
    for scheme in SCHEMES:
        for name in ("overview", "transfer"):
            picture(browser, scene, screens[name], DOCS / f"console-{name}-{scheme}.png", "wide", scheme)


def shoot(browser: Browser, scene: Scene, screens: Mapping[str, str], folder: Path, what: str) -> None:
    for name, address in screens.items():
        for size in SIZES:
            for scheme in SCHEMES:
                picture(browser, scene, address, folder / f"{name}-{what}-{size}-{scheme}.png", size, scheme)


def picture(browser: Browser, scene: Scene, address: str, file: Path, size: str, scheme: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with watched(browser, scene.url, viewport=SIZES[size], color_scheme=scheme) as found:
        if address != "/login":
            found.log_in(OPERATOR_KEY)
        found.go(address)
        found.page.wait_for_function("!document.querySelector('[data-soon]')")
        found.page.screenshot(path=file, full_page=True)
        found.allow("404")  # the screen "missing" is one


def screens_of(scene: Scene) -> Mapping[str, str]:
    """Return the address of each screen by its name; those of single things only after `fill`."""
    lists = {
        "login": "/login",
        "overview": "/",
        "transfers": "/transfers",
        "clients": "/clients",
        "queue": "/queue",
        "webhooks": "/webhooks",
        "keys": "/keys",
        "health": "/health",
    }
    if not scene.made:
        return lists
    made, wallets = scene.made, scene.made["wallets"]
    return lists | {
        "transfer": f"/transfers/{made['lunch']['id']}",
        "rejected": f"/transfers/{made['yacht']['id']}",
        "hold": f"/transfers/{made['hold']['id']}",
        "scheduled": f"/transfers/{made['due']['id']}",
        "client": f"/clients/{made['ada']['id']}",
        "wallet": f"/wallets/{wallets['bob']}",
        "webhook": f"/webhooks/{made['endpoint']['id']}",
        "search": "/search?q=mooring%2C+November",
        "reverse": f"/do/reverse/{made['lunch']['id']}",
        "freeze": f"/do/freeze/{wallets['bob']}",
        "limits": f"/do/limits/{wallets['bob']}",
        "missing": "/transfers/trf_00000000000000000000000000",
    }


if __name__ == "__main__":
    main()
