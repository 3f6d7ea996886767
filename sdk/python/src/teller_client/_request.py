"""A request as it is sent, attempt after attempt: always the same bytes with the same key."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timezone
from typing import Any, Protocol, TypeAlias
from urllib.parse import quote

from teller_client._decode import NO_ZONE, format_time, parse_time
from teller_client.keys import checked_key
from teller_client.money import cents

WAIT_MAX_S = 30  # of the API, for one request


class HasId(Protocol):
    """A wallet, client, transfer, key, endpoint or delivery, as a call has returned it."""

    @property
    def id(self) -> str: ...


Id: TypeAlias = str | HasId  # what a call takes to name a thing: its id, or the thing itself


@dataclass(frozen=True)
class Request:
    """`is_repeatable`: to carry it out twice is the same as once. `wait_s`: as long as this the API may wait for the outcome."""

    method: str
    path: str
    query: Mapping[str, str]
    body: bytes | None = None
    key: str | None = None
    wait_s: float = 0.0
    is_repeatable: bool = True

    @property
    def changes_nothing(self) -> bool:
        return self.method in {"GET", "HEAD"} or "preview" in self.query


@dataclass(frozen=True)
class Attempt:
    """What `on_request` is told after each attempt. `status` is None where no answer came, and `error` says why."""

    method: str
    path: str
    attempt: int
    status: int | None
    duration_s: float
    request_id: str
    error: str | None


def get(path: str, query: Mapping[str, object] | None = None, *, wait: float = 0.0) -> Request:
    return Request("GET", path, {name: text_of(value) for name, value in (query or {}).items() if value is not None}, wait_s=wait)


def post(path: str, body: Mapping[str, object] | None = None, *, key: str | None = None, is_repeatable: bool = True) -> Request:
    return Request("POST", path, {}, encode(body), key, is_repeatable=is_repeatable)


def money(path: str, body: Mapping[str, object], key: object, wait: float | None) -> Request:
    """Return the request of a money verb. Raises TypeError and ValueError for a key or an amount that the API would refuse."""
    if body.get("amount") is not None:
        cents(body["amount"])  # type: ignore[arg-type]
    return Request("POST", path, {}, encode(body), checked_key(key), wait or 0.0)


def path_of(template: str, *ids: Id) -> str:
    """Return the path with the ids in the places of `{}`, quoted so that an id never reaches another path."""
    return template.format(*(quote(text_of(id), safe="") for id in ids))


def encode(body: Mapping[str, object] | None) -> bytes | None:
    """Return the JSON of the fields that are not None."""
    if body is None:
        return None
    return dump({name: value for name, value in body.items() if value is not None})


def dump(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=text_of).encode()


def text_of(value: object) -> str:
    if isinstance(value, datetime):
        return format_time(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int)):
        return str(value)
    if isinstance(id := getattr(value, "id", None), str):
        return id
    raise TypeError(f"{type(value).__name__} has no place in a request")


def beginning_of(since: date | str) -> datetime:
    """Return the time. Raises ValueError for a time without a time zone, and for a text that is neither time nor date."""
    if isinstance(since, str):
        since = date.fromisoformat(since) if len(since) == len("2026-11-01") else parse_time(since)
    if not isinstance(since, datetime):
        return datetime.combine(since, time(), timezone.utc)
    if since.tzinfo is None:
        raise ValueError(NO_ZONE)
    return since
