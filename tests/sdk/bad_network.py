"""A bad network between an SDK and the API: a proxy that cuts, delays, repeats and loses requests and answers.

It understands HTTP, because only whole requests can be repeated. What happens to a request is drawn from a seeded generator.
"""

import http.client
import random
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import urlsplit

DELAY_S = 0.3
BACKEND_WITHIN_S = 40.0  # the longest wait of the API, 30 s, and more
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"}
RESET_AT_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER of 0 s: close() sends RST, socket(7)


class Fault(Enum):
    """What happens to one request. After all but CUT and REFUSE the API has it."""

    NONE = "passes"
    CUT = "is lost with its connection"
    LOSE = "is served, and its answer is lost with the connection"
    HALF = "is served, and half of its answer arrives"
    REPEAT = "is served twice, and the second answer arrives"
    RACE = "is served twice at once, and the first answer arrives"
    DELAY = "and its answer arrive late"
    MUTE = "is served, and no answer ever arrives"
    GATEWAY = "is served, and a gateway answers 502 with a page of its own"
    REFUSE = "is answered 503 with Retry-After by a gateway"


class Reply(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes


BAD_GATEWAY = Reply(502, {"Content-Type": "text/html"}, b"<html><body>502 Bad Gateway</body></html>")
REFUSED = Reply(503, {"Content-Type": "text/plain", "Retry-After": "0"}, b"busy")


class BadNetwork:
    """Listens on a port of its own and passes requests on to `target`. A part `badness` of the requests has a fault."""

    def __init__(self, target: str, *, seed: int, badness: float = 0.5) -> None:
        address = urlsplit(target)
        self._target = (address.hostname or "", address.port or 80)
        self._random = random.Random(seed)
        self._badness = badness
        self._lock = threading.Lock()
        self.happened: Counter[Fault] = Counter()
        self.closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.05])
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "BadNetwork":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def draw(self) -> Fault:
        with self._lock:
            bad = self._random.random() < self._badness
            fault = self._random.choice([each for each in Fault if each is not Fault.NONE]) if bad else Fault.NONE
            self.happened[fault] += 1
            return fault

    def serve(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Let the API serve the request on a connection of its own."""
        connection = http.client.HTTPConnection(*self._target, timeout=BACKEND_WITHIN_S)
        try:
            connection.request(method, path, body or None, dict(headers))
            response = connection.getresponse()
            return Reply(response.status, dict(response.getheaders()), response.read())
        finally:
            connection.close()


def handler_of(network: BadNetwork) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # else each answer waits for the caller's delayed ACK, 40 ms

        def handle_one_request(self) -> None:
            try:
                super().handle_one_request()
            except ConnectionError:  # the caller has left
                self.close_connection = True

        def relay(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
            pass_on(network, network.draw(), self, lambda: network.serve(self.command, self.path, headers, body))

        do_GET = do_POST = do_PATCH = do_DELETE = relay  # noqa: N815 - http.server calls them by these names

        def log_message(self, format: str, *args: object) -> None:  # the default writes to standard error
            return

    return Handler


def pass_on(network: BadNetwork, fault: Fault, handler: BaseHTTPRequestHandler, serve: Callable[[], Reply]) -> None:
    if fault is Fault.CUT:
        return reset(handler)
    if fault is Fault.REFUSE:
        return answer(handler, REFUSED)
    if fault is Fault.DELAY:
        time.sleep(DELAY_S)
    if fault is Fault.RACE:
        other = threading.Thread(target=serve)
        other.start()
        reply = serve()
        other.join()
    else:
        reply = serve()
    if fault is Fault.REPEAT:
        reply = serve()
    if fault is Fault.DELAY:
        time.sleep(DELAY_S)
    if fault is Fault.MUTE:
        network.closing.wait(BACKEND_WITHIN_S)
    if fault in {Fault.MUTE, Fault.LOSE}:
        return reset(handler)
    return answer(handler, BAD_GATEWAY if fault is Fault.GATEWAY else reply, half=fault is Fault.HALF)


def answer(handler: BaseHTTPRequestHandler, reply: Reply, *, half: bool = False) -> None:
    """Send the reply; with `half` the first half of its bytes only, then reset the connection."""
    data = bytes_of(reply)
    handler.wfile.write(data[: len(data) // 2] if half else data)
    if half:
        reset(handler)


def bytes_of(reply: Reply) -> bytes:
    head = [f"HTTP/1.1 {reply.status} {http.client.responses.get(reply.status, '')}"]
    head += [f"{name}: {value}" for name, value in reply.headers.items() if name.lower() not in HOP_BY_HOP]
    if reply.status != 204:
        head.append(f"Content-Length: {len(reply.body)}")
    return "\r\n".join([*head, "", ""]).encode("latin-1") + reply.body


def reset(handler: BaseHTTPRequestHandler) -> None:
    handler.close_connection = True
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_CLOSE)
