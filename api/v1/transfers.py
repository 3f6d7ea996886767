"""Transfers as callers see them: what each verb submits is one resource. Its id stays; its status changes once."""

from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from api.admission.auth import Caller
from api.callers import CallerDep, authenticate, learn_unless_seen
from api.http.fields import Time, id_schema
from api.http.json_response import Json
from api.http.openapi import FIND_PROBLEMS, LIST_PROBLEMS, PREFER, WAITED, problem_responses
from api.http.pagination import LIMIT_DEFAULT, Cursor, Limit, Page, Pages
from api.http.parameters import (
    AmountFilter,
    ClientFilter,
    KeyFilter,
    ReferenceFilter,
    TimeFilter,
    TransferFilter,
    WalletFilter,
    check_order,
    path_id,
    refuse_parameters,
)
from api.http.problems import Problem
from api.services import services
from core.ids import Prefix
from core.ledger.kinds import Type
from core.ledger.refusals import Refusal
from core.render import render_transfer
from core.transfer_lists import ClientScope, Filters, SearchResult, list_page
from core.transfers import StatusFilter, Transfer

AHEAD_MAX = 1_000  # transfers that a GET counts in a queue: callers poll, most of all while a queue is long

RETRY_AFTER_S = 1  # the least that the header can say; a transfer is normally final within milliseconds

TransferId = Annotated[str, id_schema(Prefix.TRANSFER)]
WalletId = Annotated[str, id_schema(Prefix.WALLET)]


class FailureView(BaseModel):
    """Why a transfer was rejected. The figures are in minor units, and shown to keys that may see the debited wallets.

    They are null for reasons that have none, and for transfers that were rejected by an earlier version.
    """

    code: Refusal
    detail: str
    available: int | None = Field(
        description="what was there when it was rejected: of the debited wallet's funds, of its limit, of the hold, or of"
        " what could be reversed"
    )
    needed: int | None = Field(description="how much of that it needed")


class TransferEntryView(BaseModel):
    """One of an applied transfer's entries, in minor units: one for each wallet that it debits or credits."""

    wallet_id: WalletId
    version: int
    amount: int
    balance_after: int


class LineView(BaseModel):
    """A wallet, and how much a transfer debits or credits it, in minor units."""

    wallet_id: WalletId
    amount: int


class HoldView(BaseModel):
    """What became of an applied hold, in minor units. It is `open` while something remains."""

    status: Literal["open", "closed"]
    remaining_amount: int
    captured_amount: int
    released_amount: int
    expires_at: Time


class QueuePlaceView(BaseModel):
    """The place of a queued transfer in its shard, at the moment of the answer."""

    ahead: int = Field(description=f"how many transfers of the shard are before it; {AHEAD_MAX} stands for so many or more")
    oldest_seconds: float = Field(description="how long the first of them has waited")


class TransferView(BaseModel):
    """One instruction to move, hold or give back money. It becomes `applied`, `rejected` or `canceled`, once and for ever.

    `applied` means for a hold that the money is reserved. What came of it later is in `hold`, and in its captures and releases.
    """

    id: TransferId
    type: Type
    status: StatusFilter = Field(description="`scheduled` until `scheduled_for`, then `queued` until it is final")
    source_wallet_id: WalletId | None = Field(description="null for outside Teller, and for a transfer with `debits` and `credits`")
    destination_wallet_id: WalletId | None = Field(description="likewise")
    amount: int = Field(
        description="minor units of the currency; until an open amount is applied, the most that it may come to; of a transfer with"
        " `debits` and `credits` the sum of one side, for a client's key the amount of its own line"
    )
    currency: str
    reference: str | None
    metadata: dict[str, str]
    callback_url: str | None = Field(description="called when the outcome is final; shown only to the caller that set it")
    failure: FailureView | None
    entries: list[TransferEntryView] = Field(description="of an applied transfer, as far as the key may see their wallets")
    created_at: Time
    finished_at: Time | None
    parent_id: TransferId | None = Field(description="of a capture, a release or a reversal: the transfer that it is about")
    debits: list[LineView] | None = Field(description="as far as the key may see their wallets; null for one debit and one credit")
    credits: list[LineView] | None = Field(description="likewise")
    scheduled_for: Time | None
    apply_by: Time | None = Field(description="rejected if a worker takes it up later; null for a scheduled one until it is queued")
    reversed_amount: int = Field(description="how much of it was reversed so far, in minor units")
    hold: HoldView | None = Field(description="of an applied hold")
    reason: Literal["requested", "expired"] | None = Field(description="of a release: asked for by a caller, or by the hold's end")
    idempotency_key: str | None = Field(description="that it was submitted with; shown to its owner's keys and to operators")
    submitted_by: str | None = Field(
        description="the id of the key that submitted it, `configured` for the key of the settings; shown to its owner's keys and"
        " to operators; null for what no key submitted, and for transfers of earlier versions"
    )
    shard: int | None = Field(description="shown to operators")
    queue: QueuePlaceView | None = Field(
        description="shown to operators, by a GET of one transfer, while it is queued; null while it waits for a time, or for the"
        " sweeper to queue it"
    )


class TransferPage(Page[TransferView]):
    pass


@dataclass(frozen=True, slots=True)
class Place:
    """A row of queue/find_place."""

    ahead: int
    oldest_seconds: float


router = APIRouter(tags=["transfers"])


@router.get("/v1/transfers", summary="List transfers", response_model=TransferPage, responses=problem_responses(*LIST_PROBLEMS))
async def list_transfers(  # noqa: PLR0917  # FastAPI passes them by name
    request: Request,
    caller: CallerDep,
    wallet_id: Annotated[WalletFilter | None, Query(description="only those that this wallet is a party to")] = None,
    client_id: Annotated[ClientFilter | None, Query(description="only those that a wallet of this client is a party to")] = None,
    status: Annotated[StatusFilter | None, Query()] = None,
    type: Annotated[Type | None, Query()] = None,
    parent_id: Annotated[TransferFilter | None, Query(description="only the captures, releases and reversals of this one")] = None,
    reference: Annotated[ReferenceFilter | None, Query(description="only those with this reference, letter for letter")] = None,
    idempotency_key: Annotated[KeyFilter | None, Query(description="only the one of this key")] = None,
    amount: Annotated[AmountFilter | None, Query(description="only those of just this amount, in minor units")] = None,
    amount_from: Annotated[AmountFilter | None, Query(description="only those of this amount or more")] = None,
    amount_to: Annotated[AmountFilter | None, Query(description="only those of this amount or less")] = None,
    created_from: Annotated[TimeFilter | None, Query(description="only those created at this time or later")] = None,
    created_to: Annotated[TimeFilter | None, Query(description="only those created before this time")] = None,
    limit: Limit = LIMIT_DEFAULT,
    cursor: Cursor = None,
) -> Any:
    """Transfers, newest first, that match all filters. A client's key lists the transfers of its own wallets alone.

    The amount is the one that the transfer shows. A search reads up to 10000 transfers a page. So with a filter that few match, a
    page may hold fewer than `limit` rows, or none, while `has_more` is true. `parent_id`, `reference`, `wallet_id`, `client_id` and
    a period bound what is read.
    """
    filters = Filters(
        wallet_id=wallet_id,
        client_id=client_id,
        status=status,
        type=type,
        parent=parent_id,
        reference=reference,
        key=(caller.owner, idempotency_key) if idempotency_key else None,
        amount_from=max((bound for bound in (amount, amount_from) if bound is not None), default=None),
        amount_to=min((bound for bound in (amount, amount_to) if bound is not None), default=None),
        created_from=created_from,
        created_to=created_to,
    )
    check_order(created_from, created_to, "created_")
    pages = Pages.of("transfers", caller.owner, **filters)
    before = pages.id_before(cursor)
    found = SearchResult([])
    if wallet_id is not None:
        await learn_unless_seen(request, caller, [wallet_id])
    if sees_filtered(caller, wallet_id, client_id):
        scope = ClientScope(caller.client_id, len(caller.wallet_ids)) if caller.client_id else None
        found = await list_page(services(request).database, before=before, limit=limit + 1, client=scope, **filters)
    await learn_unless_seen(request, caller, *(row.parties for row in found.rows))
    end = found.searched_to.bytes if found.searched_to else None
    return pages.page(found.rows, limit, lambda row: row.id.bytes, lambda row: render_transfer(row, caller), end=end)


def sees_filtered(caller: Caller, wallet_id: UUID | None, client_id: UUID | None) -> bool:
    """Return whether the caller may see the wallet and the client that it filters by. What is another's lists as nothing."""
    return (wallet_id is None or caller.sees_wallet(wallet_id)) and (client_id is None or caller.sees_client(client_id))


@router.get(
    "/v1/transfers/{transfer_id}",
    summary="Look a transfer up",
    response_model=TransferView,
    response_description="the transfer",
    openapi_extra={"parameters": [PREFER]},
    responses={200: {"headers": WAITED}, **problem_responses(*FIND_PROBLEMS)},
)
async def get_transfer(request: Request, transfer_id: TransferId) -> Json:
    """One transfer in its current state. A client's key opens the transfers of its own wallets."""
    caller = await authenticate(request)
    refuse_parameters(request)
    transfer = await transfer_or_404(request, caller)
    transfer, headers = await services(request).long_poll.wait_as_preferred(request, transfer)
    rendered = render_transfer(transfer, caller)
    if rendered["status"] == "queued" and rendered["shard"] is not None:
        place = await services(request).database.fetch_one("queue/find_place", place_params(transfer), Place)
        rendered["queue"] = place and asdict(place)
    return Json(rendered, 200, headers)


async def transfer_or_404(request: Request, caller: Caller) -> Transfer:
    """Return the transfer in the path. Raises Problem "not_found", also when the caller may not see it."""
    transfer = await services(request).lookup.ask(path_id(request, Prefix.TRANSFER, "transfer_id"))
    await learn_unless_seen(request, caller, transfer.parties if transfer else ())
    if transfer is None or not may_see(caller, transfer):
        raise Problem("not_found")
    return transfer


def place_params(transfer: Transfer) -> dict[str, object]:
    return {"id": transfer.id, "shard": transfer.shard, "most": AHEAD_MAX}


def may_see(caller: Caller, transfer: Transfer) -> bool:
    """Return whether the caller may see the transfer: a client sees those in which a wallet of its takes part."""
    return any(caller.sees_wallet(id) for id in transfer.parties)
