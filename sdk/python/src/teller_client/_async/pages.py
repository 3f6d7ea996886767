"""Lists, page by page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Generic, TypeVar

from teller_client._async.http import AsyncHttp
from teller_client._page import LIMIT_MAX, Page
from teller_client._request import get

T = TypeVar("T")


class AsyncPages(Generic[T]):
    """The rows of a list, newest first. Iterate over it: pages are fetched as they are needed.

    Rows that are added while you iterate are not shown; none is shown twice.
    """

    def __init__(
        self,
        http: AsyncHttp,
        path: str,
        parse: Callable[[Any], T],
        query: Mapping[str, object],
        *,
        limit: int | None,
        cursor: str | None,
    ) -> None:
        self._http = http
        self._path = path
        self._parse = parse
        self._query = {**query, "limit": LIMIT_MAX if limit is None else limit}
        self._cursor = cursor

    async def __aiter__(self) -> AsyncIterator[T]:
        async for page in self.pages():
            for row in page.data:
                yield row

    async def pages(self) -> AsyncIterator[Page[T]]:
        """Yield whole pages, each with the cursor by which a later call can continue: `cursor=` of the list."""
        cursor = self._cursor
        while True:
            raw = await self._http.send(get(self._path, {**self._query, "cursor": cursor}))
            cursor = raw["next_cursor"]
            yield Page([self._parse(row) for row in raw["data"]], cursor)
            if cursor is None:
                return
