"""Wallets and their entries, each with the balance after it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Literal, Protocol
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import MISSING, BaseModel, Field

from api.admission.auth import CONFIGURED, Caller
from api.callers import CallerDep, learn_unless_seen
from api.http.body import read_object
from api.http.fields import Amount, Reason, Time, id_schema
from api.http.openapi import BODY_PROBLEMS, FIND_PROBLEMS, LIST_PROBLEMS, json_body, problem_responses
from api.http.pagination import LIMIT_DEFAULT, Cursor, Limit, Page, Pages
from api.http.parameters import TimeFilter, check_order, path_id
from api.http.problems import FieldError, Problem, existing_or_404, invalid
from api.http.validation import RequestModel, validate
from api.services import services
from api.v1.transfers import TransferId, TransferPage, WalletId
from core import ids, periods, transfer_lists, wallets
from core.ids import Prefix
from core.ledger.kinds import Type
from core.ledger.rules import Frozen, Rules, rules_of
from core.render import render_transfer, render_wallet_id
from core.times import rfc3339
from core.wallets import Wallet, WalletEntry

ClientId = Annotated[str, id_schema(Prefix.CLIENT)]
KeyId = Annotated[str, id_schema(Prefix.KEY)]

LIMITS = ("balance_max", "debit_max", "debits_per_day_max", "debits_per_month_max")


class LimitsView(BaseModel):
    """What a wallet allows, in minor units. null: no such limit."""

    balance_max: int | None = Field(description="no credit may make the balance greater")
    debit_max: int | None = Field(description="of one transfer, withdrawal or hold")
    debits_per_day_max: int | None = Field(description="of all transfers, withdrawals and holds of a UTC day")
    debits_per_month_max: int | None = Field(description="of all transfers, withdrawals and holds of a UTC month")


class UsageView(BaseModel):
    """What counts against the limits of debits, in minor units. What is given back of a hold no longer counts."""

    debits_today: int
    debits_this_month: int


class WalletView(BaseModel):
    """A wallet. Its balance, in minor units, is the sum of its first `version` entries. Holds change neither of the two."""

    id: WalletId
    client_id: ClientId | None = Field(description="null for an external wallet, the other side of deposits and withdrawals")
    currency: str
    minor_unit: int = Field(description="digits of an amount after the point: 2 for USD, so 1050 is 10.50", examples=[2])
    balance: int
    held: int = Field(description="what open holds have reserved of the balance")
    available: int = Field(description="balance - held: what can be moved out or held")
    version: int = Field(description="how many entries the wallet has: of two answers, the one with the higher version is newer")
    status: Literal["active", "frozen", "closed"]
    frozen: Frozen | None = Field(description="what is stopped: money out of the wallet, into it, or both")
    limits: LimitsView
    usage: UsageView | None = Field(description="null until a limit is first set: nothing is counted before")
    created_at: Time


class RulesView(BaseModel):
    """What a wallet allowed."""

    status: Literal["active", "closed"]
    frozen: Frozen | None
    limits: LimitsView


class WalletChangeView(BaseModel):
    """One change of what a wallet allows."""

    changed_at: Time
    key_id: KeyId | None = Field(description="the API key that asked for it; null for a closure, and for the configured key")
    before: RulesView
    after: RulesView
    reason: str = Field(description="as it was given; of a closure its transfer")


class WalletChangePage(Page[WalletChangeView]):
    pass


class LimitChanges(RequestModel):
    """A limit that is absent stays as it is. null removes it."""

    balance_max: Amount | MISSING | None = MISSING
    debit_max: Amount | MISSING | None = MISSING
    debits_per_day_max: Amount | MISSING | None = MISSING
    debits_per_month_max: Amount | MISSING | None = MISSING


class WalletChanges(RequestModel):
    """What is absent stays as it is."""

    frozen: Frozen | MISSING | None = Field(default=MISSING, description="null ends the freeze")
    limits: LimitChanges | MISSING = MISSING
    reason: Reason


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
    """A wallet, its balance and version as of one instant. A client's key opens its client's wallets only."""
    return render_wallet(await wallet_or_404(request, caller))


@router.patch(
    "/v1/wallets/{wallet_id}",
    summary="Freeze or limit a wallet",
    response_model=WalletView,
    openapi_extra=json_body(WalletChanges),
    responses=problem_responses(*FIND_PROBLEMS, *BODY_PROBLEMS, "forbidden", "wallet_closed"),
)
async def patch_wallet(request: Request, caller: CallerDep, wallet_id: WalletId) -> Any:
    """Change what of a wallet is frozen, and its limits. For operators.

    After 200 nothing is applied against it, whatever was queued before. A repetition changes nothing and has the same answer.
    """
    id = (await client_wallet_or_404(request, caller)).id
    require_operator(caller)
    body = validate(WalletChanges, await read_object(request))
    changes = body.model_dump(exclude={"reason"})  # without what is MISSING
    if "frozen" not in changes and not changes.get("limits"):
        raise invalid([FieldError("/frozen", "required", "is required, or a limit")])
    change = partial(wallets.change, id=id, changes=changes, key_id=key_id_of(caller), reason=body.reason)
    wallet = existing_or_404(await services(request).database.run(change))
    if wallet.status == "closed":
        raise Problem("wallet_closed")
    return render_wallet(wallet)


@router.get(
    "/v1/wallets/{wallet_id}/changes",
    summary="List a wallet's changes",
    response_model=WalletChangePage,
    responses=problem_responses(*LIST_PROBLEMS, "not_found", "forbidden"),
)
async def list_wallet_changes(
    request: Request, caller: CallerDep, wallet_id: WalletId, limit: Limit = LIMIT_DEFAULT, cursor: Cursor = None
) -> Any:
    """The changes of what the wallet allows, newest first. For operators and viewers."""
    id = (await wallet_or_404(request, caller)).id
    if not caller.sees_all:
        raise Problem("forbidden")
    pages = Pages.of("changes", caller.owner, wallet_id=id)
    return await list_history(pages, cursor, limit, partial(wallets.list_changes, services(request).database, id), render_rules)


@router.get(
    "/v1/wallets/{wallet_id}/entries",
    summary="List a wallet's entries",
    response_model=WalletEntryPage,
    responses=problem_responses(*LIST_PROBLEMS, "not_found"),
)
async def list_wallet_entries(  # noqa: PLR0917  # FastAPI passes them by name
    request: Request,
    caller: CallerDep,
    wallet_id: WalletId,
    since: Annotated[TimeFilter | None, Query(alias="from", description="only those that were made then or later")] = None,
    until: Annotated[TimeFilter | None, Query(alias="to", description="only those that were made before then")] = None,
    limit: Limit = LIMIT_DEFAULT,
    cursor: Cursor = None,
) -> Any:
    """The wallet's entries, newest first. A client's key opens those of its client's wallets only."""
    check_order(since, until)
    database, id = services(request).database, (await wallet_or_404(request, caller)).id
    pages = Pages.of("entries", caller.owner, **{"wallet_id": id, "from": since, "to": until})
    before, after = pages.number_before(cursor), 0
    if since or until:
        period = existing_or_404(await periods.find(database, id, since=since, until=until))
        before, after = min(before, period.ends + 1), period.begins
    rows = await wallets.list_entries(database, id, before=before, after=after, limit=limit + 1)
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

    A client's key opens those of its client's wallets only.
    """
    id = (await wallet_or_404(request, caller)).id
    pages = Pages.of("holds", caller.owner, wallet_id=id)
    list_page = partial(transfer_lists.list_open_holds, services(request).database, id)
    return await pages.by_id(cursor, limit, list_page, lambda hold: render_transfer(hold, caller))


async def wallet_or_404(request: Request, caller: Caller) -> Wallet:
    """Return the wallet in the path. Raises Problem "not_found", also for a wallet that the caller may not see."""
    id = path_id(request, Prefix.WALLET, "wallet_id")
    await learn_unless_seen(request, caller, [id])
    return existing_or_404(await wallets.find(services(request).database, id) if caller.sees_wallet(id) else None)


async def client_wallet_or_404(request: Request, caller: Caller) -> Wallet:
    """Return the wallet in the path. Raises Problem "not_found", also for an external one: it is not a caller's to change."""
    wallet = await wallet_or_404(request, caller)
    return existing_or_404(wallet if wallet.client_id else None)


def require_operator(caller: Caller) -> None:
    if not caller.is_operator:
        raise Problem("forbidden")


def render_wallet(wallet: Wallet) -> dict[str, object]:
    """Return the wallet as WalletView describes it."""
    rules = Rules() if wallet.rules is None else rules_of(wallet.rules)
    limits = rules.limits
    return {
        "id": ids.text(Prefix.WALLET, wallet.id),
        "client_id": ids.text(Prefix.CLIENT, wallet.client_id) if wallet.client_id else None,
        "currency": wallet.currency,
        "minor_unit": wallet.minor_unit,
        "balance": wallet.balance,
        "held": wallet.held,
        "available": wallet.available,
        "version": wallet.version,
        "status": "frozen" if rules.frozen and not rules.is_closed else wallet.status,
        "frozen": rules.frozen,
        "limits": {name: getattr(limits, name, None) for name in LIMITS},
        "usage": None if limits is None else {"debits_today": limits.debits_today, "debits_this_month": limits.debits_this_month},
        "created_at": rfc3339(wallet.created_at),
    }


class Change(Protocol):
    """A row of a history, numbered from 1 on: of a wallet's rules, or of a client."""

    @property
    def number(self) -> int: ...
    @property
    def changed_at(self) -> datetime: ...
    @property
    def key_id(self) -> UUID | None: ...
    @property
    def before(self) -> Mapping[str, Any]: ...
    @property
    def after(self) -> Mapping[str, Any]: ...
    @property
    def reason(self) -> str: ...


def key_id_of(caller: Caller) -> UUID | None:
    """Return the id of the caller's key as a history keeps it: None for the configured key."""
    return None if caller.key == CONFIGURED else ids.parse(Prefix.KEY, caller.key)


async def list_history(
    pages: Pages,
    cursor: str | None,
    limit: int,
    list_changes: Callable[..., Awaitable[Sequence[Change]]],
    render: Callable[[Mapping[str, Any]], dict[str, object]],
) -> dict[str, object]:
    """Return a page of a history, newest first. `render` returns the JSON of what was there before or after a change.

    Raises Problem "invalid_cursor".
    """

    def render_change(change: Change) -> dict[str, object]:
        return {
            "changed_at": rfc3339(change.changed_at),
            "key_id": ids.text(Prefix.KEY, change.key_id) if change.key_id else None,
            "before": render(change.before),
            "after": render(change.after),
            "reason": change.reason,
        }

    rows = await list_changes(before=pages.number_before(cursor), limit=limit + 1)
    return pages.page(rows, limit, lambda row: row.number.to_bytes(16, "big"), render_change)


def render_rules(rules: Mapping[str, Any]) -> dict[str, object]:
    return {name: rules[name] for name in ("status", "frozen", "limits")}


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
