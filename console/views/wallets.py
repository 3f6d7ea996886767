"""A wallet: its money, its entries of a period, its holds and limits, and its statement as CSV."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from starlette.responses import Response, StreamingResponse

from console.api import Away
from console.views.ids import need
from console.views.transfers import midnight, nothing
from console.visit import Visit, together

ROWS = 50
HOLDS = 20
CHANGES = 10
DAYS_MAX = 366  # of a statement
MONTH_DAYS = 30


async def wallet(visit: Visit) -> Response:
    """One wallet. A period of the address narrows the entries, and shows the balances around it."""
    id = need("wal", visit)
    begin, end, problem = period(visit.query)
    bounds: dict[str, str] = {"from": begin, "to": end} if begin and end and not problem else {}
    found, entries, holds, changes, statement, queued = await together(
        visit.api.get(f"/v1/wallets/{id}"),
        visit.api.get(f"/v1/wallets/{id}/entries", limit=ROWS, cursor=visit.query.get("cursor"), **bounds),
        visit.api.get(f"/v1/wallets/{id}/holds", limit=HOLDS),
        visit.api.get(f"/v1/wallets/{id}/changes", limit=CHANGES),
        visit.api.get(f"/v1/wallets/{id}/statement", limit=1, **bounds) if bounds else nothing(),
        visit.api.get("/v1/transfers", wallet_id=id, status="queued", limit=ROWS),
    )
    others = [entry["counterparty_wallet_id"] for entry in entries["data"]]
    payees = [hold["destination_wallet_id"] for hold in holds["data"]]
    parties = await visit.shared.names.of(visit.api, [id, *others, *payees])
    return visit.page(
        "wallet.html",
        wallet=found,
        owner=parties[id],
        entries=entries,
        holds=holds["data"],
        changes=changes["data"],
        waiting=waiting(id, queued),
        statement=statement,
        parties=parties,
        period={"from": visit.query.get("from", ""), "to": visit.query.get("to", "")},
        problem=problem,
        last_days=last_days(),
    )


@dataclass(frozen=True)
class Waiting:
    """What waits for the wallet: how many transfers, and how much goes in and out of it, in minor units.

    `more`: at least so many and so much, since these are the newest ROWS at most.
    """

    count: int
    more: bool
    money_in: int
    money_out: int


def waiting(wallet_id: str, page: Mapping[str, Any]) -> Waiting:
    queued = page["data"]
    money_in = sum(one["amount"] for one in queued if one["destination_wallet_id"] == wallet_id)
    money_out = sum(one["amount"] for one in queued if one["source_wallet_id"] == wallet_id)
    return Waiting(len(queued), bool(page["has_more"]), money_in, money_out)


def period(query: Mapping[str, str]) -> tuple[str, str, str]:
    """Return begin and end of the days that the address names, as the API wants them, and what is wrong with them."""
    first, last = query.get("from", ""), query.get("to", "")
    if not first and not last:
        return "", "", ""
    try:
        begin, end = midnight(first, 0), midnight(last, 1)
        days = (date.fromisoformat(last) - date.fromisoformat(first)).days + 1
    except (ValueError, OverflowError):
        return "", "", "A period has two days, written as 2026-11-29."
    if not 0 < days <= DAYS_MAX:
        return "", "", f"A period has 1 to {DAYS_MAX} days."
    return begin, end, ""


def last_days() -> Mapping[str, str]:
    """Return the last MONTH_DAYS days, today among them."""
    today = datetime.now(UTC).date()
    return {"from": str(today - timedelta(days=MONTH_DAYS - 1)), "to": str(today)}


async def statement(visit: Visit) -> Response:
    """The API's own statement of the period, as CSV."""
    id = need("wal", visit)
    begin, end, problem = period(visit.query)
    if problem or not begin:
        return visit.page("misuse.html", 400, text=problem or "A statement needs a period.")
    name = f"statement-{id}-{visit.query['from']}-{visit.query['to']}.csv"
    path = f"/v1/wallets/{id}/statement"
    await visit.api.get(path, limit=1, **{"from": begin, "to": end})  # what is wrong is said on a page, not in a file
    return StreamingResponse(
        parts(visit, path, {"from": begin, "to": end}),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


async def parts(visit: Visit, path: str, bounds: Mapping[str, Any]) -> AsyncIterator[bytes]:
    """Yield the API's document as it comes. Its last line is missing where the API stopped answering: it ends with its totals."""
    try:
        async with visit.api.stream(path, "text/csv", **bounds) as document:
            async for part in document:
                yield part
    except Away:
        yield b"INCOMPLETE: the API stopped answering\r\n"
