"""Requests as bytes: what no HTTP library would send."""

import json
import socket
from typing import Any
from urllib.parse import urlsplit

from tests.caller import Answer


def exchange(url: str, request: bytes) -> bytes:
    """Send these bytes and return all that comes back until the server closes the connection."""
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        connection.sendall(request)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    return received


def parse(response: bytes) -> Answer:
    head, _, body = response.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    parsed: Any = json.loads(body) if "json" in headers.get("content-type", "") else body.decode()
    return Answer(int(status.split()[1]), headers, parsed)
