"""Lists, page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, TypeVar

from teller_client._page import LIMIT_MAX, Page
from teller_client._request import get
from teller_client._sync.http import SyncHttp

T = TypeVar("T")


class SyncPages(Generic[T]):
    """The rows of a list, newest first. Iterate over it: pages are fetched as they are needed.

    Rows that are added while you iterate are not shown; none is shown twice.
    """

    def __init__(
        self,
        http: SyncHttp,
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

    def __iter__(self) -> Iterator[T]:
        for page in self.pages():
            for row in page.data:
                yield row

    def pages(self) -> Iterator[Page[T]]:
        """Yield whole pages, each with the cursor by which a later call can continue: `cursor=` of the list."""
        cursor = self._cursor
        while True:
            raw = self._http.send(get(self._path, {**self._query, "cursor": cursor}))
            cursor = raw["next_cursor"]
            yield Page([self._parse(row) for row in raw["data"]], cursor)
            if cursor is None:
                return
