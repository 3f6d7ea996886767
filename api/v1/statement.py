"""A wallet's statement of a period, as JSON by pages or as one CSV, and its balance as of a time.

The CSV is streamed: a page of entries is read, sent, and forgotten before the next one is read. Each is a statement of its own by a
connection of the pool, which is free again while the caller reads. The versions of a period are fixed when it begins, and entries
never change: so all pages are of one moment. A caller that stops reading is cut off (api/http/protocol.py).
"""

import csv
import io
from collections.abc import AsyncIterator, Iterable
from datetime import datetime, timedelta
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response, StreamingResponse

from api.admission.auth import Caller
from api.callers import CallerDep
from api.http.accept import prefers_csv
from api.http.fields import Time
from api.http.hot_routes import HEAD
from api.http.openapi import FIND_PROBLEMS, LIST_PROBLEMS, problem_responses
from api.http.pagination import LIMIT_DEFAULT, Cursor, Limit, Pages
from api.http.parameters import TimeFilter, check_order, path_id
from api.http.problems import FieldError, Problem, existing_or_404, invalid_parameters
from api.services import services
from api.v1.transfers import WalletId
from api.v1.wallets import WalletEntryView, render_entry
from core import ids, log, periods
from core.errors import Unavailable
from core.ids import Prefix
from core.periods import Period
from core.postgres import deadline
from core.postgres.pool import Database
from core.render import render_wallet_id
from core.times import rfc3339
from core.wallets import WalletEntry

PERIOD_MAX = timedelta(days=366)
CSV_PAGE = 500  # entries that a stream holds in memory at a time: some 100 KB of CSV, read in a few milliseconds
CSV_TRIES = 5  # of a page that the database does not answer: each takes up to 1.8 s. Then the stream is cut off

COLUMNS = ("created_at", "version", "type", "transfer_id", "counterparty_wallet_id", "reference", "amount", "balance_after")
FORMULA = ("=", "+", "-", "@")  # a spreadsheet takes a text that begins so for a formula (OWASP, CSV injection)

CSV = {
    "text/csv": {
        "schema": {"type": "string", "description": "RFC 4180, in UTF-8: a header line, `opening`, the entries, `closing`"}
    }
}

logger = log.get(__name__)


class Span(NamedTuple):
    """since ≤ time < until."""

    since: datetime
    until: datetime


class StatementView(BaseModel):
    """The entries of a wallet in a period, and the balances around them, in minor units. All but `data` is of the whole period."""

    wallet_id: WalletId
    currency: str
    minor_unit: int = Field(description="digits of the currency's minor unit: 2 for cents")
    from_: Time = Field(alias="from")
    to: Time
    opening_balance: int
    closing_balance: int
    total_credits: int
    total_debits: int = Field(description="positive: the opening balance, plus the credits, less this, is the closing balance")
    entry_count: int
    final: bool = Field(description="`to` lies more than 15 seconds back, and no entry can be added any more")
    data: list[WalletEntryView] = Field(description="oldest first")
    next_cursor: str | None


class BalanceView(BaseModel):
    """A wallet's balance, in minor units, and version just before a time."""

    wallet_id: WalletId
    currency: str
    at: Time
    balance: int
    version: int


router = APIRouter(tags=["wallets"])


@router.get(
    "/v1/wallets/{wallet_id}/statement",
    summary="A wallet's statement of a period",
    response_model=StatementView,
    responses={200: {"content": CSV}, **problem_responses(*LIST_PROBLEMS, "not_found")},
)
async def get_statement(  # noqa: PLR0917  # FastAPI passes them by name
    request: Request,
    caller: CallerDep,
    wallet_id: WalletId,
    since: Annotated[TimeFilter, Query(alias="from", description="its entries were made then or later")],
    until: Annotated[TimeFilter, Query(alias="to", description="and before then; at most 366 days after `from`")],
    limit: Limit = LIMIT_DEFAULT,
    cursor: Cursor = None,
) -> Any:
    """The entries of a period, oldest first, with opening and closing balance. A client's key opens its own wallet's only.

    Periods tile: the closing balance of one is the opening balance of the next. With `Accept: text/csv` all entries are streamed as
    one document, without `limit` and `cursor`.
    """
    check_order(since, until)
    if until - since > PERIOD_MAX:
        raise invalid_parameters([FieldError("?to", "out_of_range", f"lies more than {PERIOD_MAX.days} days after `from`")])
    span = Span(since, until)
    if not prefers_csv(request):
        return await statement_page(request, caller, span, limit, cursor)
    if {"limit", "cursor"} & request.query_params.keys():
        raise Problem("invalid_parameter", "a statement as text/csv is whole: it takes no `limit` and no `cursor`")
    period = await period_or_404(request, caller, span)
    lines = nothing() if HEAD in request.scope else stream(services(request).database, period, span)
    return csv_response(lines, period)


@router.get(
    "/v1/wallets/{wallet_id}/balance",
    summary="A wallet's balance as of a time",
    response_model=BalanceView,
    responses=problem_responses(*FIND_PROBLEMS),
)
async def get_balance(
    request: Request,
    caller: CallerDep,
    wallet_id: WalletId,
    at: Annotated[TimeFilter, Query(description="entries that were made before then count")],
) -> Any:
    """The balance and the version of a wallet just before a time. A client's key opens its own wallet only."""
    period = await period_or_404(request, caller, Span(at, at))
    return {
        "wallet_id": ids.text(Prefix.WALLET, period.wallet_id),
        "currency": period.currency,
        "at": rfc3339(at),
        "balance": period.opening,
        "version": period.begins,
    }


async def period_or_404(request: Request, caller: Caller, span: Span, through: int | None = None) -> Period:
    """Return the period of the wallet in the path. Raises Problem "not_found", also for a wallet that the caller may not see."""
    id = path_id(request, Prefix.WALLET, "wallet_id")
    database = services(request).database
    sees = caller.sees_wallet(id)
    return existing_or_404(await periods.find(database, id, **span._asdict(), through=through) if sees else None)


async def statement_page(request: Request, caller: Caller, span: Span, limit: int, cursor: str | None) -> dict[str, object]:
    """Return a page as StatementView describes it.

    A cursor holds two versions: that of the last entry that was shown, and that of the last one of the statement. So later pages
    continue the statement that the first one began, whatever is added.
    """
    id = path_id(request, Prefix.WALLET, "wallet_id")
    pages = Pages.of("statement", caller.owner, **{"wallet_id": id, "from": span.since, "to": span.until})
    after, through = versions_of(pages.after(cursor))
    period = await period_or_404(request, caller, span, through)
    database = services(request).database
    rows = await periods.list_entries(database, period, after=after, limit=limit + 1)
    page = pages.page(rows, limit, lambda row: versions(row.version, period.ends), render_entry)
    total_credits = await periods.sum_credits(database, period)
    return {
        "wallet_id": ids.text(Prefix.WALLET, period.wallet_id),
        "currency": period.currency,
        "minor_unit": period.minor_unit,
        "from": rfc3339(span.since),
        "to": rfc3339(span.until),
        "opening_balance": period.opening,
        "closing_balance": period.closing,
        "total_credits": total_credits,
        "total_debits": period.opening + total_credits - period.closing,
        "entry_count": period.entry_count,
        "final": period.is_settled,
        "data": page["data"],
        "next_cursor": page["next_cursor"],
    }


def versions(last: int, through: int) -> bytes:
    """Return the key of a cursor: the versions of the last entry that was shown, and of the last one of the statement."""
    return last.to_bytes(8, "big") + through.to_bytes(8, "big")


def versions_of(key: bytes | None) -> tuple[int, int | None]:
    """Return the two versions of a cursor's key; of a first page, none. A forged cursor may hold any: they stay within BIGINT."""
    if key is None:
        return 0, None
    last, through = (min(int.from_bytes(half, "big"), 2**63 - 1) for half in (key[:8], key[8:]))
    return last, through


def csv_response(lines: AsyncIterator[bytes], period: Period) -> Response:
    """Return the response that streams these lines."""
    name = f"statement-{ids.text(Prefix.WALLET, period.wallet_id)}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(lines, 200, headers, "text/csv; charset=utf-8; header=present")


async def nothing() -> AsyncIterator[bytes]:
    """Yield nothing: the body of the answer to a HEAD."""
    return
    yield b""


async def stream(database: Database, period: Period, span: Span) -> AsyncIterator[bytes]:
    """Yield the CSV of the period, a page of entries at a time. No connection is in use while a page is sent.

    Raises Unavailable when the database does not answer: the response then ends without its last chunk, so that no caller takes it
    for a whole one.
    """
    yield csv_of([COLUMNS, boundary_row("opening", span.since, period.begins, period.opening)])
    after = period.begins
    while after < period.ends:
        rows = await read_page(database, period, after)
        yield csv_of(map(entry_row, rows))
        after = rows[-1].version
    yield csv_of([boundary_row("closing", span.until, period.ends, period.closing)])


async def read_page(database: Database, period: Period, after: int) -> list[WalletEntry]:
    """Return the next entries of a stream. A page has a deadline of its own, and is asked for again. Raises Unavailable."""
    for left in reversed(range(CSV_TRIES)):
        deadline.start()
        try:
            return await periods.list_entries(database, period, after=after, limit=CSV_PAGE)
        except Unavailable:
            if not left:
                logger.warning("statement broken off", version=after)
                raise
    raise AssertionError


def boundary_row(name: str, time: datetime, version: int, balance: int) -> tuple[object, ...]:
    """Return the row of the balance at one end of the period. It moves nothing, so it has no amount."""
    return rfc3339(time), version, name, None, None, None, None, balance


def entry_row(entry: WalletEntry) -> tuple[object, ...]:
    return (
        rfc3339(entry.created_at),
        entry.version,
        entry.type,
        ids.text(Prefix.TRANSFER, entry.transfer_id),
        render_wallet_id(entry.counterparty) if entry.counterparty else None,
        harmless(entry.reference),
        entry.amount,
        entry.balance_after,
    )


def harmless(text: str | None) -> str | None:
    """Return the text of a cell such that no spreadsheet takes it for a formula."""
    return f"'{text}" if text and text.startswith(FORMULA) else text


def csv_of(rows: Iterable[Iterable[object]]) -> bytes:
    """Return rows as RFC 4180 has them: lines end in CRLF, and a cell is in quotes where it has to be."""
    lines = io.StringIO(newline="")
    csv.writer(lines, lineterminator="\r\n").writerows(rows)
    return lines.getvalue().encode()
