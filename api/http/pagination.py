"""Lists: newest first, page by page, by a cursor that is bound to its list, its filters and its caller.

A cursor is a row's key, such as its id, and a checksum over the list, the caller, the filters and that key. A cursor that was
altered, cut or taken from another list fails the check. The checksum has no secret: the processes share none, and a forged cursor
only lists rows that its caller may list anyway.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Generic, Protocol, TypeVar
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, BeforeValidator

from api.http.fields import check_printable
from api.http.parameters import integer_between
from api.http.problems import Problem
from core import ids

LIMIT_DEFAULT = 20
LIMIT_MAX = 100
KEY_BYTES = 16  # of an id, or of a number
CHECK_BYTES = 14  # an altered cursor passes once in 2^112; key and check are 30 bytes: 40 characters without padding

Item = TypeVar("Item")
View = TypeVar("View")

Limit = Annotated[
    int, Query(ge=1, le=LIMIT_MAX, description="how many rows at most"), BeforeValidator(integer_between(1, LIMIT_MAX))
]
Cursor = Annotated[str | None, Query(description="the next_cursor of the page before")]


class Identified(Protocol):
    @property
    def id(self) -> UUID: ...


Listed = TypeVar("Listed", bound=Identified)


class Page(BaseModel, Generic[View]):
    data: list[View]
    has_more: bool
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages of one list with these filters, for this caller."""

    described: bytes  # the list's name, the owner and the filters, as JSON: a cursor's checksum covers them

    @classmethod
    def of(cls, name: str, owner: str, /, **filters: object) -> "Pages":
        given = {key: value for key, value in filters.items() if value is not None}
        return cls(json.dumps([name, owner, given], sort_keys=True, default=str).encode())

    def after(self, cursor: str | None, *, with_text: bool = False) -> bytes | None:
        """Return the key of the last row that the caller has seen. Raises Problem "invalid_cursor".

        It has KEY_BYTES, and more if it is one `with_text`.
        """
        if cursor is None:
            return None
        try:
            raw = base64.b64decode(cursor, altchars=b"-_", validate=True)
        except (ValueError, binascii.Error):
            raise Problem("invalid_cursor") from None
        key = raw[:-CHECK_BYTES] if with_text else raw[:KEY_BYTES]
        if len(key) < KEY_BYTES or cursor != self.cursor(key):
            raise Problem("invalid_cursor")
        return key

    def cursor(self, key: bytes) -> str:
        """Return the cursor of the row with this key."""
        check = hashlib.sha256(self.described + b"\0" + key).digest()[:CHECK_BYTES]
        return base64.urlsafe_b64encode(key + check).decode()

    def id_before(self, cursor: str | None) -> UUID:
        """Return the id below which the page begins, for lists ordered by id."""
        key = self.after(cursor)
        return UUID(bytes=key) if key else ids.LAST

    def number_before(self, cursor: str | None) -> int:
        """Return the number below which the page begins, for lists ordered by a BIGINT."""
        key = self.after(cursor)
        return min(int.from_bytes(key, "big"), 2**63 - 1) if key else 2**63 - 1

    def name_after(self, cursor: str | None) -> tuple[str, UUID]:
        """Return the name and the id after which the page begins, for lists ordered by both."""
        key = self.after(cursor, with_text=True)
        if key is None:
            return "", ids.FIRST
        try:
            return check_printable(key[KEY_BYTES:].decode()), UUID(bytes=key[:KEY_BYTES])
        except ValueError:  # of a cursor that was made up: its checksum has no secret
            raise Problem("invalid_cursor") from None

    async def by_id(
        self,
        cursor: str | None,
        limit: int,
        list_page: Callable[..., Awaitable[Sequence[Listed]]],
        render: Callable[[Listed], object],
    ) -> dict[str, object]:
        """Return a page of a list ordered by id.

        `list_page(before=..., limit=...)` returns up to `limit` rows with an id below `before`, newest first. It is called for one
        row more than the page shows. Raises Problem "invalid_cursor".
        """
        rows = await list_page(before=self.id_before(cursor), limit=limit + 1)
        return self.page(rows, limit, lambda row: row.id.bytes, render)

    def page(
        self,
        rows: Sequence[Item],
        limit: int,
        key: Callable[[Item], bytes],
        render: Callable[[Item], object],
        *,
        end: bytes | None = None,
    ) -> dict[str, object]:
        """Return the page from up to `limit` + 1 rows. `key` returns the bytes that identify a row, `render` its JSON.

        `end` is the key up to which a search went that stopped before the page was full. The next page continues there.
        """
        shown = rows[:limit]
        last = key(shown[-1]) if len(rows) > limit else end
        return {
            "data": [render(row) for row in shown],
            "has_more": last is not None,
            "next_cursor": self.cursor(last) if last else None,
        }
