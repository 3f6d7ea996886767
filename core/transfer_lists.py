"""Lists of transfers, newest first, page by page.

How transfers are found: by a key, a parent, a reference, a wallet, a client, a queue, each by an index. All other filters have
none: an index on the status would end the HOT update that makes a transfer final, and each further one costs every transfer that
is stored. So a list that is filtered by more than its index reads a window: the next SEARCH_WINDOW_ROWS transfers of the index,
newest first, whatever they are. It returns those that match and, if the window was full, the id of its last row. The next page
starts below that id. A page may then hold fewer than `limit` transfers, or none, although more match further down.

A time of creation is the database's, and an id begins with the API's time of the request. So a list of a period reads the ids of
that period, and of CLOCK_SLACK_MS more on both sides, and then compares the times themselves.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypedDict, Unpack
from uuid import UUID

from core import ids, wallets
from core.ledger.kinds import Type
from core.postgres.pool import Database
from core.transfers import StatusFilter, Transfer, from_row

SEARCH_WINDOW_ROWS = 10_000  # read in some ten milliseconds

# A guess. A request is stored within seconds of its id, or not at all, and clocks that are kept in time differ by less than one.
CLOCK_SLACK_MS = 60_000

# Lists with an index of their own, if there is no other filter.
LISTED_APART: Mapping[StatusFilter | None, str] = {"queued": "transfers/list_queued", "scheduled": "transfers/list_scheduled"}


class Filters(TypedDict, total=False):
    """What a list is filtered by. None, or an absent one, matches all; a transfer is listed if all match.

    `client_id`: a client whose wallet takes part. `key`: an owner's idempotency key, as (owner, key). `created_from` is part of the
    period, `created_to` is not. `amount_from` and `amount_to` are both part of the range, in minor units: of the amount that the
    caller is shown.
    """

    wallet_id: UUID | None
    client_id: UUID | None
    status: StatusFilter | None
    type: Type | None
    parent: UUID | None
    reference: str | None
    key: tuple[str, str] | None
    amount_from: int | None
    amount_to: int | None
    created_from: datetime | None
    created_to: datetime | None


UNFILTERED: Mapping[str, Any] = dict.fromkeys(Filters.__annotations__)

# The ways to read, the narrowest first, each with the filter that its index finds.
WAYS: Mapping[str, str] = {
    "key": "transfers/list_by_key",
    "parent": "transfers/list_children",
    "reference": "transfers/list_by_reference",
    "wallet_id": "transfers/list_of_wallet",
    "client_id": "transfers/list_of_wallet",
}
ALL = "transfers/list"
BEFORE_WALLETS = frozenset({"key", "parent", "reference"})  # ways narrower than those of wallets


class SearchRow(NamedTuple):
    """A row that a search returns: a transfer that matches the filters, or the last one of a full window, or both."""

    transfer: Transfer
    matches: bool
    ends_window: bool

    @classmethod
    def from_row(cls, *, matches: bool, ends_window: bool, **columns: Any) -> "SearchRow":
        return cls(from_row(**columns), matches, ends_window)


class ClientScope(NamedTuple):
    """A client that sees the transfers of its own wallets alone, and about how many wallets it has."""

    client_id: UUID
    wallets: int


class SearchResult(NamedTuple):
    """Transfers of a list. `searched_to` is the id at which the window ended, None if nothing is left below."""

    rows: list[Transfer]
    searched_to: UUID | None = None


async def list_page(
    database: Database,
    *,
    before: UUID,
    limit: int,
    client: ClientScope | None = None,
    window: int = SEARCH_WINDOW_ROWS,
    **filters: Unpack[Filters],
) -> SearchResult:
    """Return up to `limit` transfers with an id below `before`, newest first.

    `client`: only those that this client sees. The caller checks that a given `wallet_id`, `client_id` and `key` are that client's.
    "queued" are those that wait for a worker, "scheduled" those that wait for their time. See the module for `window`: the wallets
    of a client share it.
    """
    asked = {**UNFILTERED, **filters}
    given = {name for name, value in asked.items() if value is not None}
    params = {**asked, "before": before, "limit": limit, "down_to": ids.FIRST, "seen_by": None}
    if client is None and given == {"status"} and asked["status"] in LISTED_APART:
        return SearchResult(await database.fetch(LISTED_APART[asked["status"]], params, from_row))
    if client is not None:
        params |= {"client_id": client.client_id, "seen_by": client.client_id}
        given = given - {"client_id"} if asked["wallet_id"] and given.isdisjoint(BEFORE_WALLETS) else given | {"client_id"}
    params |= within(before, asked["created_from"], asked["created_to"])
    way = next((filter for filter in WAYS if filter in given), None)
    if way == "key":
        params |= dict(zip(("owner", "idempotency_key"), asked["key"], strict=True))
        return SearchResult(await database.fetch(WAYS[way], params, from_row))
    is_search = bool(given - {way})
    if way == "client_id" and is_search:
        window //= max(client.wallets if client else len(await wallets.ids_of_client(database, params["client_id"])), 1)
    params["window"] = max(window, limit) if is_search else limit
    searched = await database.fetch(WAYS[way] if way else ALL, params, SearchRow.from_row)
    rows = [row.transfer for row in searched if row.matches]
    return SearchResult(rows, next((row.transfer.id for row in searched if is_search and row.ends_window), None))


async def list_by_any_key(database: Database, idempotency_key: str, *, limit: int) -> list[Transfer]:
    """Return up to `limit` transfers of this idempotency key, whose owners may be any, in the order of the owners."""
    params = {"idempotency_key": idempotency_key, "limit": limit}
    return await database.fetch("transfers/list_by_any_key", params, from_row)


def within(before: UUID, since: datetime | None, until: datetime | None) -> dict[str, UUID]:
    """Return the range of ids to read for transfers that were created in this period, by the names of parameters."""
    down_to = ids.FIRST if since is None else id_at(milliseconds(since) - CLOCK_SLACK_MS)
    return {"before": before if until is None else min(before, id_at(milliseconds(until) + CLOCK_SLACK_MS)), "down_to": down_to}


def milliseconds(time: datetime) -> int:
    return (time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def id_at(milliseconds: int) -> UUID:
    """Return the lowest id of this millisecond since 1970 (RFC 9562, section 5.7)."""
    return UUID(int=min(max(milliseconds, 0), 2**48 - 1) << 80)


async def list_open_holds(database: Database, wallet_id: UUID, *, before: UUID, limit: int) -> list[Transfer]:
    """Return up to `limit` open holds of the wallet with an id below `before`, newest first. They make up what it has held."""
    return await database.fetch("transfers/list_open_holds", {"wallet_id": wallet_id, "before": before, "limit": limit}, from_row)
