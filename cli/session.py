"""A session with the API: the SDK's client, and what is asked of it again and again."""

import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any

from cli import local_login, output, profiles
from cli.exits import Cannot
from cli.options import Common

if TYPE_CHECKING:
    from teller_client import Attempt, Teller

TEMPORARY = {408, 429, 500, 502, 503, 504}
ID = re.compile(r"(cli|wal|trf|key|whk|dlv|evt)_[0-7][0-9a-hjkmnp-tv-z]{25}", re.ASCII)
PAGE_MAX = 100  # rows of a page, the most that the API gives

Json = dict[str, Any]


class Session:
    """The API with one key."""

    def __init__(self, teller: "Teller", target: profiles.Target) -> None:
        self.teller = teller
        self.target = target

    def get(self, path: str, **query: object) -> Any:
        """Return the answer's JSON, as the API has sent it."""
        return self.teller.request("GET", path, query=query)

    def rows(self, path: str, **query: object) -> Iterator[Json]:
        """Yield the rows of a list, page after page."""
        cursor: str | None = None
        while True:
            page = self.get(path, **{"limit": PAGE_MAX, **query, "cursor": cursor})
            yield from page["data"]
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def page(self, path: str, limit: int, **query: object) -> Json:
        """Return up to `limit` rows in the form of one page of the API, however many pages they are."""
        if limit < 1:
            raise Cannot("--limit is at least 1")
        cursor = query.pop("cursor", None)
        rows: list[Json] = []
        while True:
            page: Json = self.get(path, **query, limit=min(limit - len(rows), PAGE_MAX), cursor=cursor)
            rows += page["data"]
            cursor = page["next_cursor"]
            if cursor is None or len(rows) >= limit:
                return {**page, "data": rows}

    def found(self, path: str, limit: int = 2, **query: object) -> list[Json]:
        """Return the first rows of a list."""
        return list(islice(self.rows(path, limit=limit, **query), limit))


@contextmanager
def session(common: Common) -> Iterator[Session]:
    """A session with the API that the options, the environment or a login name. Raises Cannot where none is named."""
    target = local_login.target_or_login(common)
    with client(target.url, target.key, common.retry_within) as teller:
        yield Session(teller, target)


@contextmanager
def client(url: str, key: str, retry_within: float) -> Iterator["Teller"]:
    from teller_client import Teller

    try:
        teller = Teller(url, key, retry_within=retry_within, on_request=say_that_it_takes_longer)
    except ValueError as error:
        raise Cannot(str(error)) from None
    with teller:
        yield teller


def say_that_it_takes_longer(attempt: "Attempt") -> None:
    """Tell at a terminal why the command still runs, after the first attempt of a request that has failed for now."""
    is_temporary = attempt.status is None or attempt.status in TEMPORARY
    if attempt.attempt == 1 and is_temporary and sys.stderr.isatty():
        output.note(f"no answer to use yet ({attempt.error}); trying again, with the same request")


def is_id(text: str, prefix: str) -> bool:
    return text.startswith(f"{prefix}_") and ID.fullmatch(text) is not None


def pairs(given: tuple[str, ...], option: str = "--metadata") -> Mapping[str, str] | None:
    """Return NAME=VALUE texts as a mapping; None for none. Raises Cannot for a text without `=`."""
    if not given:
        return None
    found = [text.partition("=") for text in given]
    if wrong := [name for name, equals, _ in found if not equals or not name]:
        raise Cannot(f"{option} takes NAME=VALUE, and {wrong[0]!r} is none")
    return {name: value for name, _, value in found}
