"""The server of a shared case: it gives the case's answers in turn, and keeps what it received."""

import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

from tests.sdk.bad_network import Reply, answer, bytes_of, reset

CASES = Path(__file__).parents[2] / "sdk" / "cases"
BODIES: Mapping[str, Mapping[str, Any]] = json.loads((CASES / "bodies.json").read_text())
NO_MORE = Reply(599, {"Content-Type": "text/plain"}, b"the case has no more answers")
GARBAGE = b"\x16\x03\x01\x00 this is no HTTP\r\n\r\n"


class Received(NamedTuple):
    """`headers` by lower-case name."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def identity(self) -> object:
        """What a repetition has in common with the first attempt."""
        return self.method, self.path, self.headers.get("idempotency-key"), self.body


class Scripted:
    """Listens on a port of its own, for one case after the other. Each request takes the next answer."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self._answers: Iterator[Mapping[str, Any]] = iter(())
        self._lock = threading.Lock()
        self.ended = threading.Event()  # the case at hand
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.02])
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "Scripted":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.ended.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @contextmanager
    def playing(self, answers: Sequence[Mapping[str, Any]]) -> Iterator[list[Received]]:
        """Give these answers while a case runs. Yields the list of what is received."""
        with self._lock:
            self.received, self._answers, self.ended = [], iter(answers), threading.Event()
        yield self.received
        self.ended.set()

    def take(self, received: Received) -> Mapping[str, Any] | None:
        with self._lock:
            self.received.append(received)
            return next(self._answers, None)


def handler_of(server: Scripted) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def handle_one_request(self) -> None:
            try:
                super().handle_one_request()
            except ConnectionError:  # the caller has left
                self.close_connection = True

        def play(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            play(server, self, server.take(Received(self.command, self.path, headers, body)))

        do_GET = do_POST = do_PATCH = do_DELETE = play  # noqa: N815 - http.server calls them by these names

        def log_message(self, format: str, *args: object) -> None:  # the default writes to standard error
            return

    return Handler


def play(server: Scripted, handler: BaseHTTPRequestHandler, given: Mapping[str, Any] | None) -> None:
    if given is None:
        return answer(handler, NO_MORE)
    time.sleep(given.get("after_s", 0))
    fault = given.get("fault")
    if fault == "silence":
        server.ended.wait()
    if fault in {"silence", "cut"}:
        return reset(handler)
    if fault == "garbage":
        handler.wfile.write(GARBAGE)
        return reset(handler)
    if "drip_s" in given:
        return drip(server, handler, reply_of(given), given["drip_s"])
    return answer(handler, reply_of(given), half=fault == "half")


def drip(server: Scripted, handler: BaseHTTPRequestHandler, reply: Reply, every_s: float) -> None:
    """Send the reply's head, then its body byte by byte until the case ends or the caller leaves."""
    head, end, body = bytes_of(reply).partition(b"\r\n\r\n")
    handler.wfile.write(head + end)
    for byte in body:
        handler.wfile.write(bytes([byte]))
        if server.ended.wait(every_s):
            return


def reply_of(given: Mapping[str, Any]) -> Reply:
    headers = dict(given.get("headers", {}))
    if "text" in given:
        return Reply(given["status"], {"Content-Type": "text/plain", **headers}, given["text"].encode())
    if "body" not in given:
        return Reply(given["status"], headers, b"")
    kind = "application/problem+json" if given["status"] >= 400 else "application/json"
    return Reply(given["status"], {"Content-Type": kind, **headers}, json.dumps(filled(given["body"])).encode())


def filled(body: Any) -> Any:
    """Return the body with each `{"use": NAME, "with": …}` replaced by that object of bodies.json."""
    if isinstance(body, list):
        return [filled(item) for item in body]
    if not isinstance(body, dict):
        return body
    if "use" in body:
        return {**BODIES[body["use"]], **filled(body.get("with", {}))}
    return {name: filled(item) for name, item in body.items()}
