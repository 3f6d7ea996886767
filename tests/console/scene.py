"""A whole system with a console and ten transfers between clients with names: for tests and for pictures."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from local.server import free_port
from tests.caller import Caller
from tests.system import STARTS_WITHIN_S, System
from tests.waiting import wait_for

CROWD = 60  # a page shows 50
CONSOLE_SECRET = "tests-console-secret-of-40-characters-long"


class Receiver:
    """A receiver of webhooks on this host, which answers with `status`."""

    def __init__(self) -> None:
        self.status = 204
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(receiver.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@dataclass
class Scene:
    """`system` has an API, a worker, a sweeper, a deliverer and a console at `url`. `made` has what `fill` has made, by name."""

    system: System
    url: str
    caller: Caller
    receiver: Receiver
    viewer_key: str = ""
    made: dict[str, Any] = field(default_factory=dict)


@contextmanager
def running(folder: Path, database_url: str, redis_url: str) -> Iterator[Scene]:
    """Start the processes, and stop them at the end."""
    system = System(folder, database_url, redis_url)
    receiver = Receiver()
    try:
        system.start_api(environment={"TELLER_WEBHOOK_ALLOW_PRIVATE": "true"})
        system.start_workers(1)
        system.start_sweeper()
        system.start_deliverer()
        url = start_console(system)
        yield Scene(system, url, system.caller(), receiver)
    finally:
        system.close()
        receiver.close()


def start_console(system: System) -> str:
    """Start a console for the system's API, and return its URL once it answers."""
    port = free_port()
    environment = {
        "TELLER_CONSOLE_PORT": str(port),
        "TELLER_URL": system.url,
        "TELLER_CONSOLE_SECRET": CONSOLE_SECRET,
        "TELLER_CONSOLE_NAME": "tests",
    }
    process = system.start("console", environment=environment)
    url = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        assert process.poll() is None, system.logs()
        try:
            urlopen(f"{url}/healthz", timeout=5).close()
        except OSError:
            return False
        return True

    wait_for(answers, "the console to answer", STARTS_WITHIN_S)
    return url


def fill(scene: Scene) -> None:
    """Make clients, ten transfers of each kind of outcome, an endpoint, and a viewer's key."""
    caller = scene.caller
    key = caller.post("/v1/keys", {"role": "viewer", "name": "Mia, support"})
    scene.viewer_key = key.body["key"]
    endpoint = caller.post("/v1/webhook-endpoints", {"url": scene.receiver.url, "description": "accounting"})
    assert endpoint.status == 201, endpoint
    ada, bob, yachts = (
        caller.new_client(name, external_id=external_id, metadata=metadata)
        for name, external_id, metadata in (
            ("Ada Lovelace", "cust-77", {"email": "ada@example.com"}),
            ("Bob Babbage", "cust-78", {}),
            ("Yachts & Co Ltd", "cust-90", {"segment": "business"}),
        )
    )
    wallets = {name: client["wallet"]["id"] for name, client in (("ada", ada), ("bob", bob), ("yachts", yachts))}
    paid = caller.applied(caller.deposit(wallets["ada"], 50_00, reference="inv-4711"))
    caller.applied(caller.deposit(wallets["bob"], 1_250_00, reference="inv-4712"))
    lunch = caller.applied(caller.transfer(wallets["ada"], wallets["bob"], 10_50, reference="lunch", metadata={"table": "12"}))
    yacht = caller.wait_final(caller.transfer(wallets["ada"], wallets["yachts"], 9_999_99, reference="yacht").body["id"])
    caller.applied(caller.transfer(wallets["bob"], wallets["yachts"], 320_00, reference="mooring, November"))
    caller.applied(caller.transfer(wallets["bob"], wallets["yachts"], 12_00, reference="mooring, November"))
    hold = caller.applied(caller.hold(wallets["bob"], wallets["yachts"], 75_00, reference="deposit for the key"))
    caller.applied(caller.withdraw(wallets["yachts"], 100_00, reference="payout-9"))
    caller.applied(caller.reverse(lunch["id"], amount=2_50, reference="lunch, too much"))
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    due = caller.transfer(wallets["bob"], wallets["ada"], 20_00, scheduled_for=tomorrow, reference="rent").body
    scene.made |= {
        "ada": ada, "bob": bob, "yachts": yachts, "wallets": wallets, "endpoint": endpoint.body,
        "paid": paid, "lunch": lunch, "yacht": yacht, "hold": hold, "due": due, "key": key.body,
    }  # fmt: skip


def crowd(scene: Scene) -> None:
    """Make more clients and transfers than a page shows, with long names and large amounts."""
    caller, wallets = scene.caller, scene.made["wallets"]
    caller.applied(caller.deposit(wallets["bob"], 1_234_567_890_12, reference="the sale of a railway"))
    for number in range(CROWD):
        caller.new_client(f"Wilhelmina Featherstonehaugh-Cholmondeley the {number}th", external_id=f"crowd-{number}")
        reference = f"invoice {number} of a year with many of them"
        caller.transfer(wallets["bob"], wallets["ada"], 7_654_321 * (number + 1), reference=reference)
    wait_for(lambda: caller.get("/v1/ops/queue").body["queued"] == 0, "an empty queue", STARTS_WITHIN_S)
