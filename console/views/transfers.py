"""Transfers: the list with its filters, as a page and as CSV, and one transfer with its whole story."""

import csv as csv_files
import io
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from starlette.responses import Response, StreamingResponse

from console.api import Away, Refused
from console.names import Party
from console.views.ids import need
from console.visit import Visit, together
from console.words import REVERSIBLE, STATUSES, TYPES, NoAmount, digits_of, minor_units, money, parse, state, story
from core.currencies import CURRENCIES, USD

ROWS = 50
CSV_ROWS_MAX = 100_000
CSV_ROWS_AT_ONCE = 100
RELATED = 5
HISTORY = 20  # captures, releases and reversals that a transfer's page shows
DELIVERIES = 20
YOUNG_S = 5.0  # a queued transfer is normally final within milliseconds, so its page looks again soon
FIELDS = ("status", "type", "client", "reference", "amount_from", "amount_to", "from", "to", "wallet", "parent")
CHOICES = [USD, *sorted(set(CURRENCIES) - {USD})]  # of the currency of the filters of amounts
DAYS = {"Today": 0, "7 days": 6, "30 days": 29}  # with today, in UTC, as the filters of days are
FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Filter:
    """What the API is asked for, and what is wrong with the filters that a person has written."""

    query: Mapping[str, object]
    problems: Mapping[str, str]


async def transfers(visit: Visit) -> Response:
    """The transfers that match the filters of the address, newest first."""
    wanted = await read_filter(visit)
    page: Mapping[str, Any] = {"data": [], "next_cursor": None, "has_more": False}
    if not wanted.problems:
        page = await visit.api.get("/v1/transfers", limit=ROWS, cursor=visit.query.get("cursor"), **wanted.query)
    return visit.page(
        "transfers.html",
        page=page,
        parties=await parties_of(visit, page["data"]),
        filters={name: visit.query.get(name, "") for name in FIELDS},
        filtered=any(visit.query.get(name) for name in FIELDS),
        problems=wanted.problems,
        currency=currency_of(visit),
        currencies=CHOICES,
        statuses={name: STATUSES[name] for name in ("queued", "scheduled", "applied", "rejected", "canceled")},
        types=TYPES,
        today=str(today := datetime.now(UTC).date()),
        days={label: str(today - timedelta(days=days)) for label, days in DAYS.items()},
    )


async def read_filter(visit: Visit) -> Filter:
    """Return what the filters of the address ask the API for."""
    given = {name: visit.query.get(name, "").strip() for name in FIELDS}
    problems: dict[str, str] = {}
    query: dict[str, object] = {
        "status": given["status"] if given["status"] in STATUSES else None,
        "type": given["type"] if given["type"] in TYPES else None,
        "reference": given["reference"] or None,
        "wallet_id": given["wallet"] or None,
        "parent_id": given["parent"] or None,
    }
    for name in ("amount_from", "amount_to"):
        try:
            query[name] = minor_units(given[name], currency_of(visit)) if given[name] else None
        except NoAmount as wrong:
            problems[name] = f"“{given[name]}” {wrong}"
    for name, days in (("from", 0), ("to", 1)):
        try:
            query[f"created_{name}"] = midnight(given[name], days) if given[name] else None
        except (ValueError, OverflowError):
            problems[name] = f"“{given[name]}” is no day: write it as 2026-11-29"
    if given["client"]:
        query["client_id"] = await client_id_of(visit, given["client"])
        if query["client_id"] is None:
            problems["client"] = f"No client, or more than one, is called “{given['client']}”: write an id or an external id"
    return Filter(query, problems)


def currency_of(visit: Visit) -> str:
    """Return the currency that the filters of amounts are written in. The API filters by minor units, whatever they are of."""
    wanted = visit.query.get("currency", "")
    return wanted if wanted in CURRENCIES else USD


def midnight(day: str, days: int) -> str:
    """Return the beginning of the day that is `days` after this one, in UTC. Raises ValueError."""
    return f"{date.fromisoformat(day) + timedelta(days=days)}T00:00:00Z"


async def client_id_of(visit: Visit, text: str) -> str | None:
    """Return the id of the client that has this id or external id, or the only one whose name begins so."""
    if text.startswith("cli_"):
        return text
    by_external_id, by_name = await together(
        visit.api.get("/v1/clients", external_id=text), visit.api.get("/v1/clients", name=text, limit=2)
    )
    found = by_external_id["data"] or by_name["data"]
    return str(found[0]["id"]) if len(found) == 1 else None


def sides(transfer: Mapping[str, Any]) -> list[str | None]:
    """Return the wallets of a transfer; None is the world outside."""
    lines = [*(transfer["debits"] or []), *(transfer["credits"] or [])]
    own = [line["wallet_id"] for line in lines] or [transfer["source_wallet_id"], transfer["destination_wallet_id"]]
    return [*own, *(entry["wallet_id"] for entry in transfer["entries"])]


async def parties_of(visit: Visit, rows: Sequence[Mapping[str, Any]]) -> Mapping[str | None, Party]:
    """Return the parties that a list shows."""
    shown = (id for row in rows if row["debits"] is None for id in (row["source_wallet_id"], row["destination_wallet_id"]))
    return await visit.shared.names.of(visit.api, shown)


async def csv(visit: Visit) -> Response:
    """The transfers of the filters as CSV, as they come, at most CSV_ROWS_MAX."""
    wanted = await read_filter(visit)
    if wanted.problems:
        return visit.page("misuse.html", 400, text="; ".join(wanted.problems.values()))
    first = await visit.api.get("/v1/transfers", limit=1, **wanted.query)  # what is wrong is said on a page, not in a file
    assert "data" in first
    name = f"transfers-{datetime.now().astimezone():%Y-%m-%d}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(lines(visit, wanted.query), media_type="text/csv; charset=utf-8", headers=headers)


COLUMNS = (
    "created_at", "finished_at", "id", "type", "status", "reason", "amount", "currency", "source_wallet_id",
    "destination_wallet_id", "reference", "idempotency_key", "submitted_by",
)  # fmt: skip


async def lines(visit: Visit, query: Mapping[str, object]) -> AsyncIterator[str]:
    """Yield the lines of the file. One that could not be completed says so in its last line."""
    yield written([COLUMNS])
    rows: list[Sequence[object]] = []
    async for one in at_most(CSV_ROWS_MAX, visit.api.rows("/v1/transfers", CSV_ROWS_MAX + 1, **query)):
        rows.append([one] if isinstance(one, str) else cells(one))
        if len(rows) == CSV_ROWS_AT_ONCE:
            yield written(rows)
            rows = []
    yield written(rows)


async def at_most(most: int, rows: AsyncIterator[Mapping[str, Any]]) -> AsyncIterator[Mapping[str, Any] | str]:
    """Yield at most so many rows, and after them, where there are more or the API stops answering, a sentence that says so."""
    count = 0
    try:
        async for row in rows:
            if count == most:
                yield f"INCOMPLETE: only the newest {most:,} rows"
                return
            count += 1
            yield row
    except (Refused, Away):
        yield "INCOMPLETE: the API stopped answering"


def cells(transfer: Mapping[str, Any]) -> list[object]:
    plain = money(transfer["amount"], transfer["currency"]).replace(",", "")
    computed = {"amount": plain, "reason": transfer["failure"] and transfer["failure"]["code"]}
    return [harmless({**transfer, **computed}[name]) for name in COLUMNS]


def harmless(value: object) -> object:
    """Return a text that no spreadsheet takes for a formula: callers write references and keys."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def written(rows: Sequence[Sequence[object]]) -> str:
    file = io.StringIO()
    csv_files.writer(file).writerows(rows)
    return file.getvalue()


async def transfer(visit: Visit) -> Response:
    """One transfer: what support reads aloud."""
    id = need("trf", visit)
    found = await visit.api.get(f"/v1/transfers/{id}")
    reads = [
        visit.shared.names.of(visit.api, sides(found), wait_s=1.0),
        visit.api.get(f"/v1/transfers/{id}/deliveries", limit=DELIVERIES),
        visit.api.get("/v1/transfers", parent_id=id, limit=HISTORY),
        related(visit, found),
        visit.api.get("/v1/ops/queue") if found["status"] == "queued" else nothing(),
    ]
    parties, deliveries, children, same_reference, queue = await together(*reads)
    source, destination = (parties[found[f"{side}_wallet_id"]].name for side in ("source", "destination"))
    return visit.page(
        "transfer.html",
        transfer=found,
        parties=parties,
        deliveries=deliveries["data"],
        steps=steps(children["data"], deliveries["data"]),
        same_reference=[one for one in same_reference["data"] if one["id"] != id],
        story=story(found, source, destination),
        waits=waits(found, queue),
        state=state(found),
        curl=f'curl -H "Authorization: Bearer $TELLER_KEY" "$TELLER_URL/v1/transfers/{id}"',
        digits=digits_of(found["currency"]),
        is_young=found["status"] == "queued" and age_s(found) < YOUNG_S,
        not_reversible=not_reversible(found),
    )


def age_s(transfer: Mapping[str, Any]) -> float:
    return (datetime.now(UTC) - parse(transfer["created_at"])).total_seconds()


def not_reversible(transfer: Mapping[str, Any]) -> str:
    """Return why a final transfer cannot be reversed. Empty: it can, or the question does not arise."""
    if transfer["status"] in {"rejected", "canceled"}:
        return "Nothing was moved."
    if transfer["status"] == "applied" and transfer["type"] in REVERSIBLE and transfer["reversed_amount"] >= transfer["amount"]:
        return "All of it was given back."
    return ""


@dataclass(frozen=True)
class Step:
    """What followed a transfer: another one that is about it, or an attempt to tell a receiver."""

    at: str
    status: str
    child: Mapping[str, Any] | None = None
    attempt: Mapping[str, Any] | None = None


def steps(children: Sequence[Mapping[str, Any]], deliveries: Sequence[Mapping[str, Any]]) -> list[Step]:
    """Return what followed, in the order of time."""
    attempts = [attempt for delivery in deliveries for attempt in delivery["attempts"]]
    told = [Step(one["started_at"], "applied" if is_good(one["status_code"]) else "rejected", attempt=one) for one in attempts]
    return sorted([*told, *(Step(one["created_at"], one["status"], child=one) for one in children)], key=lambda step: step.at)


def is_good(status_code: int | None) -> bool:
    return status_code is not None and 200 <= status_code < 300


async def nothing() -> None:
    return None


async def related(visit: Visit, found: Mapping[str, Any]) -> Any:
    """Return transfers with the same reference."""
    if not found["reference"]:
        return {"data": []}
    return await visit.api.get("/v1/transfers", reference=found["reference"], limit=RELATED + 1)


def waits(found: Mapping[str, Any], queue: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Return for what a queued transfer waits: how many are before it, and which process works in its line at this moment."""
    if not queue:
        return None
    [worker] = [one["drained_by"] for one in queue["shards"] if one["shard"] == found["shard"]][:1] or [None]
    return {"place": found["queue"], "worker": worker}
