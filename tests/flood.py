"""Many requests at once, from many connections."""

import asyncio
import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp

from tests.caller import OPERATOR_KEY, new_key

CONNECTIONS = 32


@dataclass(frozen=True)
class Post:
    path: str
    body: object
    key: str


def transfer(source: str, destination: str, amount: int, key: str | None = None) -> Post:
    body = {"source_wallet_id": source, "destination_wallet_id": destination, "amount": amount}
    return Post("/v1/transfers", body, key or new_key())


def between(wallets: Sequence[str], amount: int) -> Post:
    """A transfer from one of these wallets, at random, to another."""
    source, destination = random.sample(list(wallets), 2)
    return transfer(source, destination, amount)


def send_all(url: str, posts: Sequence[Post], connections: int = CONNECTIONS, key: str = OPERATOR_KEY) -> list[tuple[int, Any]]:
    """Send all posts, as many at a time as there are connections; return (status, body) of each, in order."""
    return asyncio.run(_send_all(url, posts, connections, key))


def send_while(url: str, posts: Sequence[Post], fault: Callable[[], object]) -> list[tuple[int, Any]]:
    """Send all posts and run `fault` at the same time; return the answers. A post without an answer is not among them."""
    answered: list[tuple[int, Any]] = []

    def send() -> None:
        answered.extend(asyncio.run(_send_all(url, posts, CONNECTIONS, OPERATOR_KEY, lenient=True)))

    sender = threading.Thread(target=send)
    sender.start()
    fault()
    sender.join()
    return answered


async def _send_all(url: str, posts: Sequence[Post], connections: int, key: str, *, lenient: bool = False) -> list[tuple[int, Any]]:
    headers = {"Authorization": f"Bearer {key}"}
    connector = aiohttp.TCPConnector(limit=connections)
    timeout = aiohttp.ClientTimeout(total=100)
    async with aiohttp.ClientSession(url, headers=headers, connector=connector, timeout=timeout) as session:

        async def send(post: Post) -> tuple[int, Any]:
            async with session.post(post.path, json=post.body, headers={"Idempotency-Key": post.key}) as response:
                return response.status, await response.json(content_type=None)

        answers = await asyncio.gather(*(send(post) for post in posts), return_exceptions=lenient)
        return [answer for answer in answers if not isinstance(answer, BaseException)]
