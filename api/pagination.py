"""Lists: newest first, page by page, by a cursor that is bound to its list, its filters and its caller."""

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, TypeVar
from uuid import UUID

from fastapi import Query
from pydantic import BeforeValidator

from api.parameters import ascii_integer
from api.problems import Problem
from core import ids

LIMIT_DEFAULT = 20
LIMIT_MAX = 100
TAG_BYTES = 8
KEY_BYTES = 16

Item = TypeVar("Item")

Limit = Annotated[int, Query(ge=1, le=LIMIT_MAX, description="how many rows at most"), BeforeValidator(ascii_integer)]
Cursor = Annotated[str | None, Query(description="the next_cursor of the page before")]


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages of one list with these filters, for this caller."""

    tag: bytes

    @classmethod
    def of(cls, name: str, owner: str, **filters: object) -> "Pages":
        given = {key: value for key, value in filters.items() if value is not None}
        described = json.dumps([name, owner, given], sort_keys=True, default=str)
        return cls(hashlib.sha256(described.encode()).digest()[:TAG_BYTES])

    def after(self, cursor: str | None) -> bytes | None:
        """Return the key of the last row that the caller has seen. Raises Problem "invalid_cursor"."""
        if cursor is None:
            return None
        try:
            raw = base64.b64decode(cursor, altchars=b"-_", validate=True)
        except (ValueError, binascii.Error):
            raise Problem("invalid_cursor") from None
        if len(raw) != TAG_BYTES + KEY_BYTES or raw[:TAG_BYTES] != self.tag or text(raw) != cursor:
            raise Problem("invalid_cursor")
        return raw[TAG_BYTES:]

    def id_before(self, cursor: str | None) -> UUID:
        """Return the id below which the page begins, for lists ordered by id."""
        key = self.after(cursor)
        return UUID(bytes=key) if key else ids.LAST

    def number_before(self, cursor: str | None) -> int:
        """Return the number below which the page begins, for lists ordered by a BIGINT."""
        key = self.after(cursor)
        return min(int.from_bytes(key, "big"), 2**63 - 1) if key else 2**63 - 1

    def page(
        self,
        rows: Sequence[Item],
        limit: int,
        key: Callable[[Item], bytes],
        show: Callable[[Item], object],
        *,
        end: bytes | None = None,
    ) -> dict[str, object]:
        """Return the list's answer from up to `limit` + 1 rows; `key` gives the 16 bytes by which a row is found again.

        `end` is how far a search went that ended before it had found enough: the next page goes on from there.
        """
        shown = rows[:limit]
        last = key(shown[-1]) if len(rows) > limit else end
        return {
            "data": [show(row) for row in shown],
            "has_more": last is not None,
            "next_cursor": text(self.tag + last) if last else None,
        }


def text(raw: bytes) -> str:
    """Return the one text of a cursor: the decoder would also read others, such as one with "=" at its end."""
    return base64.urlsafe_b64encode(raw).decode()
