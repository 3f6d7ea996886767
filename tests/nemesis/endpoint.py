"""The operator's webhook endpoint: a real receiver, which no fault hits, and the webhooks that it gets (promise 22)."""

import asyncio
import json
from contextlib import AsyncExitStack

import psycopg
from standardwebhooks import Webhook, WebhookVerificationError

from core import ids
from core.webhooks.signing import make_secret
from tests.nemesis.history import History
from tests.receivers import Received, answer, received, receiving

INSERT = "INSERT INTO webhook_endpoints (id, owner, url, events, secret) VALUES (%s, 'operator', %s, %s, %s)"
EVENTS = ["transfer.applied", "transfer.rejected", "transfer.canceled"]
OK = answer("200 OK")


class Endpoint:
    """Opened and closed in one event loop; to be closed after the deliverers, so that their connections have their other end."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._secret = make_secret()
        self._open = AsyncExitStack()

    async def open(self, owner_url: str) -> None:
        """Listen, and get all transfers that become final from now on."""
        self._receiver = await self._open.enter_async_context(receiving(self._hear))
        await asyncio.to_thread(insert, owner_url, self._receiver.url, self._secret)

    async def close(self) -> None:
        await self._open.aclose()

    async def _hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._note(received(self._receiver.requests.pop()))  # a long run gets more webhooks than have to be kept
        await OK(reader, writer)

    def _note(self, told: Received) -> None:
        try:
            Webhook(self._secret).verify(told.body.decode(), dict(told.headers))
        except WebhookVerificationError as error:
            self._history.complain(f"a webhook, {told.headers}, is not signed as it should be: {error}")
            return
        event = json.loads(told.body)
        self._history.hear(told.event_id, event["type"], event["data"])


def insert(owner_url: str, url: str, secret: str) -> None:
    """By hand: a POST whose answer is lost would leave an endpoint with an unknown secret."""
    with psycopg.connect(owner_url) as connection:
        connection.execute(INSERT, [ids.mint(), url, EVENTS, secret])
