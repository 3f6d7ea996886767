"""Requests as bytes: what no HTTP library would send."""

import json
import select
import socket
import time
from typing import Any
from urllib.parse import urlsplit

from tests.caller import Answer


def connect(url: str) -> socket.socket:
    address = urlsplit(url)
    return socket.create_connection((address.hostname, address.port), timeout=10)


def exchange(url: str, request: bytes) -> bytes:
    """Send these bytes and return all that comes back until the server closes the connection."""
    with connect(url) as connection:
        connection.sendall(request)
        return read_to_end(connection)


def read_to_end(connection: socket.socket) -> bytes:
    received = b""
    while chunk := connection.recv(65536):
        received += chunk
    return received


def drip(url: str, first: bytes, again: bytes, within_s: float = 10.0) -> bytes:
    """Send `first`, then `again` every few milliseconds until the server hangs up; return all that came back.

    The system resets a connection when bytes arrive after the server has closed it: then what came before is returned.
    """
    deadline = time.monotonic() + within_s
    received = b""
    with connect(url) as connection:
        connection.sendall(first)
        while time.monotonic() < deadline:
            readable, _, _ = select.select([connection], [], [], 0.03)
            if not readable:
                connection.sendall(again)
                continue
            try:
                chunk = connection.recv(65536)
            except ConnectionResetError:
                if not received:
                    raise
                return received
            if not chunk:
                return received
            received += chunk
    raise AssertionError(f"the server still listened after {within_s} s; it said {received!r}")


def parse_all(received: bytes) -> list[Answer]:
    """Return the answers of one connection, in order."""
    answers = []
    while received:
        head, _, _ = received.partition(b"\r\n\r\n")
        size = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        end = len(head) + 4 + size
        answers.append(parse(received[:end]))
        received = received[end:]
    return answers


def parse(response: bytes) -> Answer:
    head, _, body = response.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    parsed: Any = json.loads(body) if "json" in headers.get("content-type", "") else body.decode()
    return Answer(int(status.split()[1]), headers, parsed)
