"""The client: one object for one API and one key."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import TracebackType
from typing import Any, TypeVar

from teller_client._async.clients import AsyncClients, AsyncKeys, AsyncWallets
from teller_client._async.events import AsyncEvents
from teller_client._async.http import AsyncHttp
from teller_client._async.ops import AsyncOps
from teller_client._async.transfers import AsyncDeposits, AsyncHolds, AsyncTransfer, AsyncTransfers, AsyncWithdrawals, submitted
from teller_client._async.webhooks import AsyncWebhookEndpoints, AsyncWebhooks
from teller_client._request import Attempt, Request, dump, encode, get, money, text_of
from teller_client._retry import Limits
from teller_client._shims import AsyncHttpxClient
from teller_client.events import parse_event
from teller_client.keys import VISIBLE_ASCII, checked_key
from teller_client.models import Preview, Search

C = TypeVar("C", bound="AsyncTeller")


class AsyncTeller:
    """Teller's API with one key. May be shared; make one for the process, and close it at its end, or use it with `with`.

    `url` and `key` are those of the environment, TELLER_URL and TELLER_KEY, where they are left out. Times are in seconds:
    `retry_within` for all attempts of a call together, `read_timeout` for an answer, besides the time that a call waits for an
    outcome. `on_request` is called after each attempt, with an Attempt. `http_client` replaces httpx's client, with its own
    proxies, certificates and limits, and stays yours to close.
    """

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        retry_within: float = 60.0,
        read_timeout: float = 10.0,
        connect_timeout: float = 5.0,
        backoff: float = 0.2,
        on_request: Callable[[Attempt], None] | None = None,
        http_client: AsyncHttpxClient | None = None,
    ) -> None:
        limits = Limits(retry_within, read_timeout, connect_timeout, backoff)
        url, key = given("url", url, "TELLER_URL"), given("key", key, "TELLER_KEY")
        if not url.startswith(("http://", "https://")):
            raise ValueError("the URL of Teller begins with http:// or https://")
        if not VISIBLE_ASCII.fullmatch(key):
            raise ValueError("the API key holds a character that no key has, such as a space or a line feed")
        self._http = AsyncHttp(url, key, limits, on_request, http_client)
        self._owns_client = http_client is None
        self._url = url
        self.clients = AsyncClients(self._http)
        self.keys = AsyncKeys(self._http)
        self.wallets = AsyncWallets(self._http)
        self.deposits = AsyncDeposits(self._http)
        self.withdrawals = AsyncWithdrawals(self._http)
        self.transfers = AsyncTransfers(self._http)
        self.holds = AsyncHolds(self._http)
        self.events = AsyncEvents(self._http)
        self.ops = AsyncOps(self._http)
        self.webhooks = AsyncWebhooks(self._http)
        self.webhook_endpoints = AsyncWebhookEndpoints(self._http)

    async def submit(self, path: str, *, key: object, wait: float | None = None, **fields: object) -> AsyncTransfer:
        """Call a money verb for which this version has no function: POST `path` with these fields of the API."""
        return await submitted(self._http, money(path, fields, key, wait))

    async def preview(self, path: str, **fields: object) -> Preview:
        """Return what would become of a transfer now, and store nothing: POST `path` with these fields of the API."""
        request = Request("POST", path, {"preview": "true"}, encode(fields))
        return Preview.from_dict(await self._http.send(request))

    async def search(self, text: str) -> Search:
        """Return what has just this text as its id, idempotency key, external id or reference: at most 10 of each kind.

        Clients are found by the beginning of their name too, in any case. For operators and viewers.
        """
        raw = await self._http.send(get("/v1/search", {"q": text}))
        return replace(Search.from_dict(raw), events=[parse_event(each) for each in raw["events"]])

    async def request(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, object] | None = None,
        key: object = None,
    ) -> Any:
        """Make any request of the API, with the retries and errors of all calls. Return the answer's JSON.

        A POST without `key` is repeated only where the API has said that it stored nothing.
        """
        checked = None if key is None else checked_key(key)
        parameters = {name: text_of(value) for name, value in (query or {}).items() if value is not None}
        content = None if body is None else dump(body)
        is_repeatable = method != "POST" or checked is not None
        return await self._http.send(Request(method, path, parameters, content, checked, is_repeatable=is_repeatable))

    async def aclose(self) -> None:
        """Close the connections."""
        if self._owns_client:
            await self._http.aclose()

    async def __aenter__(self: C) -> C:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._url!r})"


def given(name: str, value: str | None, variable: str) -> str:
    """Return the argument, or the environment's value. Raises ValueError where there is neither."""
    found = os.environ.get(variable) if value is None else value
    if not found:
        raise ValueError(f"Teller needs its {name}: pass {name}=, or set {variable}")
    return found
