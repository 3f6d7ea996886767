"""The HTTP API, called with one person's key. The console has no other way to Teller's data."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import httpx

ANSWER_WITHIN_S = 5.0  # the API answers within two seconds, also while PostgreSQL is away
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


def new_http(url: str) -> httpx.AsyncClient:
    """Return the connections to the API. The caller closes them."""
    return httpx.AsyncClient(
        base_url=url,
        timeout=httpx.Timeout(ANSWER_WITHIN_S, connect=CONNECT_WITHIN_S),
        limits=httpx.Limits(max_connections=CONNECTIONS_MAX, max_keepalive_connections=CONNECTIONS_MAX, keepalive_expiry=30.0),
        trust_env=False,  # no proxy, and no .netrc in place of the person's key
    )


@dataclass(frozen=True)
class Api:
    """The API as one key sees it."""

    http: httpx.AsyncClient
    key: str

    async def get(self, path: str, **query: object) -> Any:
        """Return the JSON of a GET. Parameters that are None are left out. Raises Refused and Away."""
        try:
            response = await self.http.get(path_of(path, query), headers=self._headers())
        except (httpx.TransportError, httpx.DecodingError):
            raise Away from None
        return content_of(response)

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
        headers = self._headers() | ({"Idempotency-Key": key} if key else {})
        try:
            response = await self.http.request(method, path, json=body, headers=headers)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
            raise Away from None
        except (httpx.TransportError, httpx.DecodingError):
            raise OutcomeUnknown from None
        if response.status_code in UNKNOWN_STATUSES:
            raise OutcomeUnknown
        return content_of(response)

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
    async def stream(self, path: str, accept: str, **query: object) -> AsyncIterator[httpx.Response]:
        """Open a document that is read as it comes. Raises Refused and Away."""
        try:
            async with self.http.stream("GET", path_of(path, query), headers=self._headers() | {"Accept": accept}) as response:
                if not response.is_success:
                    await response.aread()
                    content_of(response)
                yield response
        except (httpx.TransportError, httpx.DecodingError):
            raise Away from None

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}


def path_of(path: str, query: Query) -> str:
    given = {name: value for name, value in query.items() if value is not None and value != ""}
    return f"{path}?{urlencode(given)}" if given else path


def content_of(response: httpx.Response) -> Any:
    """Return the JSON of a good answer, None where there is none. Raises Refused."""
    try:
        parsed = response.json() if response.content else None
    except ValueError:
        parsed = None
    if response.is_success:
        return parsed
    raise Refused(response.status_code, parsed if isinstance(parsed, dict) else {})
