"""Lists of transfers, newest first, page by page.

How transfers of one status are searched: only the queued and the scheduled ones have an index of their own. An index on the status
would end the HOT update that makes a transfer final. So a list by another status, or by a type, reads a window: the next
SEARCH_WINDOW_ROWS transfers, newest first, whatever they are. It returns those that match and, if the window was full, the id of
its last row. The next page starts below that id. A page may then hold fewer than `limit` transfers, or none, although more match
further down.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID

from core.ledger.kinds import Type
from core.postgres.pool import Database
from core.transfers import StatusFilter, Transfer, find_by_keys, from_row

SEARCH_WINDOW_ROWS = 10_000  # read in some ten milliseconds

# Lists with an index of their own, if there is no other filter.
LISTED_APART: Mapping[StatusFilter | None, str] = {"queued": "transfers/list_queued", "scheduled": "transfers/list_scheduled"}


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
    wallet_id: UUID | None,
    status: StatusFilter | None,
    key: tuple[str, str] | None,
    before: UUID,
    limit: int,
    client: ClientScope | None = None,
    parent: UUID | None = None,
    type: Type | None = None,
    window: int = SEARCH_WINDOW_ROWS,
) -> SearchResult:
    """Return up to `limit` transfers with an id below `before`, newest first. A filter of None matches all.

    `client`: only those that this client sees. The caller checks that a given `wallet_id` and `key` are that client's.

    "queued" are those that wait for a worker, "scheduled" those that wait for their time. There are six ways to read them: by key,
    the children of one, the queue, what is scheduled, a wallet's or a client's transfers, or all.
    See the module for `window`: the wallets of a client share it.
    """
    if key is not None:
        found = await find_in_list(database, key, before, wallet_id=wallet_id, status=status, type=type, parent=parent)
        return SearchResult(found)
    params = {"wallet_id": wallet_id, "status": status, "type": type, "before": before, "limit": limit}
    if client is None and wallet_id is None and parent is None and type is None and status in LISTED_APART:
        return SearchResult(await database.fetch(LISTED_APART[status], params, from_row))
    if parent is not None:
        name = "transfers/list_children"
        params |= {"parent": parent, "client_id": client and client.client_id}
    elif wallet_id is None and client is None:
        name = "transfers/list"
    else:
        name = "transfers/list_of_wallet"
        params["client_id"] = client and client.client_id
        window //= max(client.wallets, 1) if client and wallet_id is None else 1
    is_search = status is not None or type is not None or (parent is not None and (wallet_id or client) is not None)
    params["window"] = max(window, limit) if is_search else limit
    searched = await database.fetch(name, params, SearchRow.from_row)
    rows = [row.transfer for row in searched if row.matches]
    return SearchResult(rows, next((row.transfer.id for row in searched if is_search and row.ends_window), None))


async def list_open_holds(database: Database, wallet_id: UUID, *, before: UUID, limit: int) -> list[Transfer]:
    """Return up to `limit` open holds of the wallet with an id below `before`, newest first. They make up what it has held."""
    return await database.fetch("transfers/list_open_holds", {"wallet_id": wallet_id, "before": before, "limit": limit}, from_row)


async def find_in_list(
    database: Database,
    key: tuple[str, str],
    before: UUID,
    *,
    wallet_id: UUID | None,
    status: StatusFilter | None,
    type: Type | None,
    parent: UUID | None,
) -> list[Transfer]:
    """Return the transfer of the key, if the other filters match it too."""
    return [
        transfer
        for transfer in await database.run(lambda connection: find_by_keys(connection, [key]))
        if transfer.id < before
        and status in (None, "scheduled" if transfer.is_scheduled else transfer.status)
        and wallet_id in (None, *transfer.parties)
        and type in (None, transfer.type)
        and parent in (None, transfer.parent)
    ]
