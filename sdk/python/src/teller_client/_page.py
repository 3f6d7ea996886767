"""One page of a list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

LIMIT_MAX = 100  # rows of a page, the most that the API gives


@dataclass(frozen=True)
class Page(Generic[T]):
    """`next_cursor` continues after this page; None when it is the last."""

    data: list[T]
    next_cursor: str | None
