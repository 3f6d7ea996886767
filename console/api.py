"""The HTTP API, called with one person's key. The console has no other way to Teller's data."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import aiohttp
from aiohttp import ClientResponse as Response
from yarl import URL

ANSWER_WITHIN_S = 5.0  # between two reads; the API answers within two seconds, also while PostgreSQL is away
CONNECT_WITHIN_S = 2.0
PAGE_MAX = 100  # rows of a page of the API
CONNECTIONS_MAX = 50  # a guess: ten people with several open screens

# Of these answers to a request that changes something nothing can be concluded (decision 107, which SDKs follow too).
UNKNOWN_STATUSES = frozenset({408, 500, 502, 504})

Json = dict[str, Any]
Query = Mapping[str, object]


class Refused(Exception):
    """The API's answer is a problem: its status, and the document of RFC 9457, which may be empty."""

    def __init__(self, status: int, problem: Json) -> None:
        super().__init__(problem.get("code", status))
        self.status = status
        self.problem = problem

    @property
    def code(self) -> str:
        return str(self.problem.get("code", ""))

    @property
    def detail(self) -> str:
        return str(self.problem.get("detail") or self.problem.get("title") or f"The API answered with status {self.status}.")


class Away(Exception):
    """The API did not answer. Nothing was changed."""


class OutcomeUnknown(Exception):
    """A request that changes something had no answer, so it may have been carried out. The same request may be sent again."""


def new_http() -> aiohttp.ClientSession:
    """Return the connections to the API. The caller closes them. No cookie, proxy or .netrc takes the place of the person's key."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=CONNECTIONS_MAX),
        timeout=aiohttp.ClientTimeout(
            total=None, connect=ANSWER_WITHIN_S, sock_connect=CONNECT_WITHIN_S, sock_read=ANSWER_WITHIN_S
        ),
        cookie_jar=aiohttp.DummyCookieJar(),
    )


@dataclass(frozen=True)
class Api:
    """The API as one key sees it."""

    http: aiohttp.ClientSession
    url: str
    key: str

    async def get(self, path: str, **query: object) -> Any:
        """Return the JSON of a GET. Parameters that are None are left out. Raises Refused and Away."""
        try:
            return await self._request("GET", path_of(path, query))
        except (aiohttp.ClientError, TimeoutError):
            raise Away from None

    async def find(self, path: str, **query: object) -> Any | None:
        """Return the JSON of a GET, None where there is no such resource. Raises Refused and Away."""
        try:
            return await self.get(path, **query)
        except Refused as refused:
            if refused.status == 404:
                return None
            raise

    async def send(self, method: str, path: str, body: Json | None = None, *, key: str | None = None) -> Any:
        """Return the JSON of a request that changes something, once; with `key` as its Idempotency-Key.

        Raises Refused, Away where it was not sent, and OutcomeUnknown.
        """
        try:
            return await self._request(method, path, body, {"Idempotency-Key": key} if key else {})
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            raise Away from None
        except (aiohttp.ClientError, TimeoutError):
            raise OutcomeUnknown from None
        except Refused as refused:
            if refused.status in UNKNOWN_STATUSES:
                raise OutcomeUnknown from None
            raise

    async def rows(self, path: str, most: int, **query: object) -> AsyncIterator[Json]:
        """Yield the rows of a list, page by page: at most `most`. Raises Refused and Away."""
        cursor = None
        while most > 0:
            page = await self.get(path, limit=min(PAGE_MAX, most), cursor=cursor, **query)
            for row in page["data"]:
                yield row
            most -= len(page["data"])
            cursor = page["next_cursor"]
            if not cursor:
                return

    @asynccontextmanager
    async def stream(self, path: str, accept: str, **query: object) -> AsyncIterator[AsyncIterator[bytes]]:
        """Open a document that is read as it comes. Raises Refused and Away."""
        try:
            async with self._open("GET", path_of(path, query), headers={"Accept": accept}) as response:
                if not response.ok:
                    content_of(response.status, await response.read())
                yield response.content.iter_any()
        except (aiohttp.ClientError, TimeoutError):
            raise Away from None

    async def _request(self, method: str, path: str, body: Json | None = None, headers: Mapping[str, str] | None = None) -> Any:
        async with self._open(method, path, json=body, headers=headers or {}) as response:
            return content_of(response.status, await response.read())

    def _open(self, method: str, path: str, *, headers: Mapping[str, str], **given: Any) -> AbstractAsyncContextManager[Response]:
        own = {"Authorization": f"Bearer {self.key}", **headers}
        return self.http.request(method, URL(self.url + path, encoded=True), headers=own, allow_redirects=False, **given)


def path_of(path: str, query: Query) -> str:
    given = {name: value for name, value in query.items() if value is not None and value != ""}
    return f"{path}?{urlencode(given)}" if given else path


def content_of(status: int, body: bytes) -> Any:
    """Return the JSON of a good answer, None where there is none. Raises Refused."""
    try:
        parsed = json.loads(body) if body else None
    except ValueError:
        parsed = None
    if 200 <= status < 300:
        return parsed
    raise Refused(status, parsed if isinstance(parsed, dict) else {})
