"""A network between `teller` and the API that loses some answers."""

import threading
from collections.abc import Callable
from enum import Enum, auto
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

BACKEND_WITHIN_S = 20.0
WAITS_AT_MOST_S = 20.0


class Fault(Enum):
    LOST = auto()  # the API serves the request, and the connection ends without its answer
    SILENCE = auto()  # the API does not get the request, and no answer comes


class Proxy:
    """Passes requests on to `target`; `fault` says of a method and a path what goes wrong."""

    def __init__(self, target: str, fault: Callable[[str, str], Fault | None]) -> None:
        self.silent = threading.Event()
        self.closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(self, target, fault))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.05])
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def wait_for_silence(self) -> None:
        """Return when a request waits for an answer that never comes."""
        assert self.silent.wait(WAITS_AT_MOST_S)

    def __enter__(self) -> "Proxy":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def handler_of(proxy: Proxy, target: str, fault: Callable[[str, str], Fault | None]) -> type[BaseHTTPRequestHandler]:
    address = urlsplit(target)

    class Handler(BaseHTTPRequestHandler):
        def serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            found = fault(self.command, self.path)
            self.close_connection = True
            if found is Fault.SILENCE:
                proxy.silent.set()
                proxy.closing.wait(WAITS_AT_MOST_S)
                return
            connection = HTTPConnection(address.hostname or "", address.port, timeout=BACKEND_WITHIN_S)
            connection.request(self.command, self.path, body or None, dict(self.headers))
            answer = connection.getresponse()
            content = answer.read()
            connection.close()
            if found is None:
                self.send_response(answer.status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        def do_GET(self) -> None:
            self.serve()

        def do_POST(self) -> None:
            self.serve()

        def log_message(self, *_: object) -> None:
            pass

    return Handler
