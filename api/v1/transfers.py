"""Transfers as callers see them: deposits and transfers are one resource. Its id stays; its status changes once."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from api.admission.auth import Caller
from api.callers import CallerDep, authenticate
from api.http.fields import Amount, Currency, Metadata, Reference, Time, Url, id_schema
from api.http.json_response import Json
from api.http.openapi import FIND_PROBLEMS, LIST_PROBLEMS, PREFER, WAITED, problem_responses
from api.http.pagination import LIMIT_DEFAULT, Cursor, Limit, Page, Pages
from api.http.parameters import KeyFilter, WalletFilter, path_id, refuse_parameters
from api.http.problems import Problem
from api.http.validation import RequestModel
from api.services import services
from core import transfers
from core.ids import Prefix
from core.ledger.kinds import Status, Type
from core.ledger.money import CURRENCY
from core.ledger.refusals import Refusal
from core.render import render_transfer
from core.transfers import Transfer

RETRY_AFTER_S = 1  # the least that the header can say; a transfer is normally final within milliseconds

TransferId = Annotated[str, id_schema(Prefix.TRANSFER)]
WalletId = Annotated[str, id_schema(Prefix.WALLET)]


class MoneyRequest(RequestModel):
    """The fields that deposits and transfers share. Each is a field of Submission. An optional field that is absent is None."""

    amount: Amount
    currency: Currency = CURRENCY
    reference: Reference | None = None
    metadata: Metadata = Field(default_factory=dict)
    callback_url: Url | None = None


REQUEST_FIELDS = tuple(MoneyRequest.model_fields)


class FailureView(BaseModel):
    code: Refusal
    detail: str


class TransferEntryView(BaseModel):
    """One of an applied transfer's two entries, in minor units."""

    wallet_id: WalletId
    version: int
    amount: int
    balance_after: int


class TransferView(BaseModel):
    """A deposit or a transfer. `queued` becomes `applied` or `rejected`, once and for ever."""

    id: TransferId
    type: Type
    status: Status
    source_wallet_id: WalletId | None = Field(description="null for a deposit")
    destination_wallet_id: WalletId
    amount: int = Field(description="minor units (cents)")
    currency: str
    reference: str | None
    metadata: dict[str, str]
    callback_url: str | None = Field(description="called when the outcome is final; shown only to the caller that set it")
    failure: FailureView | None
    entries: list[TransferEntryView] = Field(description="of an applied transfer, as far as the key may see their wallets")
    created_at: Time
    finished_at: Time | None


class TransferPage(Page[TransferView]):
    pass


router = APIRouter(tags=["transfers"])


@router.get("/v1/transfers", summary="List transfers", response_model=TransferPage, responses=problem_responses(*LIST_PROBLEMS))
async def list_transfers(  # noqa: PLR0917  # FastAPI passes them by name
    request: Request,
    caller: CallerDep,
    wallet_id: Annotated[WalletFilter | None, Query(description="only those that this wallet is a party to")] = None,
    status: Annotated[Status | None, Query()] = None,
    idempotency_key: Annotated[KeyFilter | None, Query(description="only the one of this key")] = None,
    limit: Limit = LIMIT_DEFAULT,
    cursor: Cursor = None,
) -> Any:
    """Transfers, newest first. A client's key lists the transfers of its own wallet, and none for another `wallet_id`.

    With a rare `status` a page may hold fewer than `limit` rows while `has_more` is true.
    """
    pages = Pages.of("transfers", caller.owner, wallet_id=wallet_id, status=status, idempotency_key=idempotency_key)
    before = pages.id_before(cursor)
    found = transfers.SearchResult([])
    if wallet_id is None or caller.sees_wallet(wallet_id):
        found = await transfers.list_page(
            services(request).database,
            wallet_id=wallet_id or caller.wallet_id,
            status=status,
            key=(caller.owner, idempotency_key) if idempotency_key else None,
            before=before,
            limit=limit + 1,
        )
    end = found.searched_to.bytes if found.searched_to else None
    return pages.page(found.rows, limit, lambda row: row.id.bytes, lambda row: render_transfer(row, caller), end=end)


@router.get(
    "/v1/transfers/{transfer_id}",
    summary="Look a transfer up",
    response_model=TransferView,
    response_description="the transfer",
    openapi_extra={"parameters": [PREFER]},
    responses={200: {"headers": WAITED}, **problem_responses(*FIND_PROBLEMS)},
)
async def get_transfer(request: Request, transfer_id: TransferId) -> Json:
    """One transfer in its current state. A client's key opens the transfers of its own wallet."""
    caller = await authenticate(request)
    refuse_parameters(request)
    transfer = await transfer_or_404(request, caller)
    transfer, headers = await services(request).long_poll.wait_as_preferred(request, transfer)
    return Json(render_transfer(transfer, caller), 200, headers)


async def transfer_or_404(request: Request, caller: Caller) -> Transfer:
    """Return the transfer in the path. Raises Problem "not_found", also when the caller may see neither of its wallets."""
    transfer = await services(request).lookup.ask(path_id(request, Prefix.TRANSFER, "transfer_id"))
    if transfer is None or not (caller.sees_wallet(transfer.source) or caller.sees_wallet(transfer.destination)):
        raise Problem("not_found")
    return transfer
