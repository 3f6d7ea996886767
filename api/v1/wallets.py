"""Wallets and their entries, each with the balance after it."""

from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from api.admission.auth import Caller
from api.callers import CallerDep
from api.http.fields import Time, id_schema
from api.http.openapi import FIND_PROBLEMS, LIST_PROBLEMS, problem_responses
from api.http.pagination import LIMIT_DEFAULT, Cursor, Limit, Page, Pages
from api.http.parameters import path_id
from api.http.problems import existing_or_404
from api.services import services
from api.v1.transfers import TransferId, TransferPage, WalletId
from core import ids, transfers, wallets
from core.ids import Prefix
from core.ledger.kinds import Type
from core.render import render_transfer, render_wallet_id
from core.times import rfc3339
from core.wallets import Wallet, WalletEntry

ClientId = Annotated[str, id_schema(Prefix.CLIENT)]


class WalletView(BaseModel):
    """A wallet. Its balance, in minor units, is the sum of its first `version` entries. Holds change neither of the two."""

    id: WalletId
    client_id: ClientId | None = Field(description="null for an external wallet, the other side of deposits and withdrawals")
    currency: str
    balance: int
    held: int = Field(description="what open holds have reserved of the balance")
    available: int = Field(description="balance - held: what can be moved out or held")
    version: int
    status: Literal["active"]
    created_at: Time


class WalletEntryView(BaseModel):
    """One line of a wallet's history, in minor units."""

    wallet_id: WalletId
    version: int = Field(description="1..n with no gap")
    transfer_id: TransferId
    type: Type
    amount: int = Field(description="signed")
    balance_after: int
    counterparty_wallet_id: WalletId | None = Field(
        description="null for outside Teller, and for a transfer with several debits or credits"
    )
    reference: str | None
    created_at: Time


class WalletEntryPage(Page[WalletEntryView]):
    pass


router = APIRouter(tags=["wallets"])


@router.get(
    "/v1/wallets/{wallet_id}",
    summary="Look a wallet up",
    response_model=WalletView,
    responses=problem_responses(*FIND_PROBLEMS),
)
async def get_wallet(request: Request, caller: CallerDep, wallet_id: WalletId) -> Any:
    """A wallet, its balance and version as of one instant. A client's key opens its own wallet only."""
    return render_wallet(await wallet_or_404(request, caller))


@router.get(
    "/v1/wallets/{wallet_id}/entries",
    summary="List a wallet's entries",
    response_model=WalletEntryPage,
    responses=problem_responses(*LIST_PROBLEMS, "not_found"),
)
async def list_wallet_entries(
    request: Request, caller: CallerDep, wallet_id: WalletId, limit: Limit = LIMIT_DEFAULT, cursor: Cursor = None
) -> Any:
    """The wallet's entries, newest first. A client's key opens those of its own wallet only."""
    id = (await wallet_or_404(request, caller)).id
    pages = Pages.of("entries", caller.owner, wallet_id=id)
    rows = await wallets.list_entries(services(request).database, id, before=pages.number_before(cursor), limit=limit + 1)
    return pages.page(rows, limit, lambda row: row.version.to_bytes(16, "big"), render_entry)


@router.get(
    "/v1/wallets/{wallet_id}/holds",
    summary="List a wallet's open holds",
    response_model=TransferPage,
    responses=problem_responses(*LIST_PROBLEMS, "not_found"),
)
async def list_wallet_holds(
    request: Request, caller: CallerDep, wallet_id: WalletId, limit: Limit = LIMIT_DEFAULT, cursor: Cursor = None
) -> Any:
    """The open holds of the wallet's money, newest first. What remains of them sums to `held`.

    A client's key opens those of its own wallet only.
    """
    id = (await wallet_or_404(request, caller)).id
    pages = Pages.of("holds", caller.owner, wallet_id=id)
    list_page = partial(transfers.list_open_holds, services(request).database, id)
    return await pages.by_id(cursor, limit, list_page, lambda hold: render_transfer(hold, caller))


async def wallet_or_404(request: Request, caller: Caller) -> Wallet:
    """Return the wallet in the path. Raises Problem "not_found", also for a wallet that the caller may not see."""
    id = path_id(request, Prefix.WALLET, "wallet_id")
    return existing_or_404(await wallets.find(services(request).database, id) if caller.sees_wallet(id) else None)


def render_wallet(wallet: Wallet) -> dict[str, object]:
    """Return the wallet as WalletView describes it."""
    return {
        "id": ids.text(Prefix.WALLET, wallet.id),
        "client_id": ids.text(Prefix.CLIENT, wallet.client_id) if wallet.client_id else None,
        "currency": wallet.currency,
        "balance": wallet.balance,
        "held": wallet.held,
        "available": wallet.available,
        "version": wallet.version,
        "status": wallet.status,
        "created_at": rfc3339(wallet.created_at),
    }


def render_entry(entry: WalletEntry) -> dict[str, object]:
    return {
        "wallet_id": ids.text(Prefix.WALLET, entry.wallet_id),
        "version": entry.version,
        "transfer_id": ids.text(Prefix.TRANSFER, entry.transfer_id),
        "type": entry.type,
        "amount": entry.amount,
        "balance_after": entry.balance_after,
        "counterparty_wallet_id": render_wallet_id(entry.counterparty) if entry.counterparty else None,
        "reference": entry.reference,
        "created_at": rfc3339(entry.created_at),
    }
