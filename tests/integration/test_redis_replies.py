"""What answers in Redis' place may say anything: each client raises a RedisError soon, and reads no more than a bound."""

import asyncio
import socket
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest
from redis import RedisError

from core.redis import client as redis_client
from core.redis.replies import REPLY_MAX_BYTES
from local.redis import Redis
from tests.waiting import LOADED_S

TIMEOUT_S = 0.3
MEBIBYTE = 1 << 20

REPLIES = {
    "a value of 512 MiB": [b"$536870912\r\n", b"x" * 4 * MEBIBYTE],
    "a line without an end": [b"+" + b"x" * 4 * MEBIBYTE],
    "ten million numbers": [b"*10000000\r\n", b":1\r\n" * MEBIBYTE],
    "arrays of arrays of numbers": [b"*500\r\n", (b"*500\r\n" + b":1\r\n" * 500) * 500],
    "arrays in arrays": [b"*1\r\n" * 50_000],
    "a length that is no number": [b"$many\r\n"],
    "a length below zero": [b"$-7\r\n"],
    "an integer that is none": [b":one\r\n"],
    "a push": [b">2\r\n$10\r\ninvalidate\r\n*0\r\n"],
    "a map": [b"%1\r\n+key\r\n+value\r\n"],
    "not Redis at all": [b"HTTP/1.1 400 Bad Request\r\n\r\n"],
    "nothing": [],
    "nothing, and then the end": [b""],
}


@contextmanager
def answering(parts: list[bytes], pause_s: float = 0.0) -> Iterator[str]:
    """Give the URL of a server that answers whatever comes with these parts. An empty part hangs up."""
    ended = threading.Event()

    def serve(listener: socket.socket) -> None:
        while not ended.is_set():
            with suppress(OSError), listener.accept()[0] as connection:
                connection.settimeout(5)
                connection.recv(65_536)
                for part in parts:
                    if part:
                        connection.sendall(part)
                    ended.wait(pause_s)
                if b"" not in parts:
                    ended.wait(5)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.2)
        thread = threading.Thread(target=serve, args=[listener])
        thread.start()
        try:
            yield f"redis://127.0.0.1:{listener.getsockname()[1]}/0"
        finally:
            ended.set()
            thread.join()


def ask(url: str) -> object:
    with redis_client.client(url, TIMEOUT_S) as client:
        return client.get("key")


def ask_async(url: str) -> object:
    async def main() -> object:
        async with redis_client.async_client(url, TIMEOUT_S) as client:
            return await client.get("key")

    return asyncio.run(main())


@pytest.mark.parametrize("client", [ask, ask_async])
@pytest.mark.parametrize("reply", REPLIES)
def test_a_hostile_reply_is_an_error_soon_and_takes_no_memory(client: Callable[[str], object], reply: str) -> None:
    with answering(REPLIES[reply]) as url:
        tracemalloc.start()
        began = time.monotonic()
        try:
            with pytest.raises(RedisError):
                client(url)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

    assert time.monotonic() - began < 4 * TIMEOUT_S + LOADED_S
    assert peak < 16 * MEBIBYTE + len(b"".join(REPLIES[reply]))


@pytest.mark.parametrize("client", [ask, ask_async])
def test_a_reply_that_comes_a_byte_at_a_time_meets_the_timeout(client: Callable[[str], object]) -> None:
    with answering([bytes([byte]) for byte in b"$100\r\n" + b"x" * 100], pause_s=TIMEOUT_S / 3) as url:
        began = time.monotonic()
        with pytest.raises(RedisError):
            client(url)

    assert time.monotonic() - began < 4 * TIMEOUT_S + LOADED_S


@pytest.mark.parametrize("client", [ask, ask_async])
def test_an_honest_value_is_read_up_to_the_bound_and_not_beyond(client: Callable[[str], object], own_redis: Redis) -> None:
    with redis_client.client(own_redis.url, 20.0) as writer:
        writer.set("key", b"x" * (REPLY_MAX_BYTES - 64))
        assert client(own_redis.url) == b"x" * (REPLY_MAX_BYTES - 64)

        writer.set("key", b"x" * (REPLY_MAX_BYTES + 1))
        try:
            answer = client(own_redis.url)
        except RedisError:
            answer = "refused"
        assert answer == "refused"
