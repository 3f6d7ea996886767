"""POST /v1/transfers/batch: up to 1000 transfers of any verbs in one request. Each succeeds or fails on its own."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NamedTuple, TypeAlias, TypeVar
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import MISSING, AfterValidator, BaseModel, Field

from api.admission.auth import Caller
from api.callers import authenticate
from api.http import idempotency
from api.http.body import check_media_type, parse_object, read_body
from api.http.failures import busy
from api.http.headers import refuse_header_key
from api.http.json_response import Json
from api.http.openapi import BATCH_PROBLEMS, json_body, problem_responses
from api.http.parameters import refuse_parameters
from api.http.problems import KINDS, FieldError, Problem, invalid, render_problem
from api.http.validation import RequestModel, coded_error, validate
from api.intake.intake import SubmitResult
from api.services import Services, services
from api.v1.accept import store_within_limits, transfer_of_result
from api.v1.legs import Asked
from api.v1.requests import (
    NewCapture,
    NewDeposit,
    NewHold,
    NewMultiLeg,
    NewRelease,
    NewReversal,
    NewTransfer,
    NewWholeReversal,
    NewWithdrawal,
)
from api.v1.transfers import TransferId, TransferView, may_see
from api.v1.verbs import VERBS, Model, Verb, build
from core import ids
from core.errors import Unavailable
from core.ids import Prefix
from core.ledger.lines import LINES_MAX
from core.render import render_transfer
from core.settings import Settings
from core.transfers import Submission, Transfer

BODY_MAX = 1024 * 1024
ITEMS_MAX = 1000
KEY_LENGTH_MAX = idempotency.KEY_MAX + 2  # with its quotes
SLICE_S = 0.01  # of the event loop, then other requests get a turn; 1000 items with 20 errors each take 150 ms

Item = TypeVar("Item")


def check_key(value: str) -> str:
    if value != value.strip():  # HTTP drops spaces around a header's value; in JSON they are part of the key
        raise coded_error("invalid_string", "must not begin or end with a space")
    try:
        return idempotency.parse_key(value)
    except idempotency.InvalidKey as error:
        raise coded_error("invalid_string", str(error)) from None


class Keyed(RequestModel):
    """The idempotency key of an item, which a single request carries in its header."""

    idempotency_key: Annotated[
        str, Field(min_length=1, max_length=KEY_LENGTH_MAX, examples=["order-1001"]), AfterValidator(check_key)
    ]


class WithParent(Keyed):
    """The earlier transfer that a single request names in its path."""

    parent_id: TransferId


class TransferItem(Keyed, NewTransfer):
    """A transfer between two wallets, as POST /v1/transfers takes it."""

    type: Literal["transfer"] = "transfer"


class MultiLegItem(Keyed, NewMultiLeg):
    """A transfer with several debits or credits, as POST /v1/transfers takes it."""

    type: Literal["transfer"] = "transfer"


class DepositItem(Keyed, NewDeposit):
    """A deposit, as POST /v1/deposits takes it."""

    type: Literal["deposit"]


class WithdrawalItem(Keyed, NewWithdrawal):
    """A withdrawal, as POST /v1/withdrawals takes it."""

    type: Literal["withdrawal"]


class HoldItem(Keyed, NewHold):
    """A hold, as POST /v1/holds takes it."""

    type: Literal["hold"]


class CaptureItem(WithParent, NewCapture):
    """A capture of the hold `parent_id`."""

    type: Literal["capture"]


class ReleaseItem(WithParent, NewRelease):
    """A release of the hold `parent_id`."""

    type: Literal["release"]


class ReversalItem(WithParent, NewReversal):
    """A reversal of the transfer `parent_id`."""

    type: Literal["reversal"]


class WholeReversalItem(WithParent, NewWholeReversal):
    """A reversal of the transfer `parent_id`, which has several debits or credits."""

    type: Literal["reversal"]


AnyItem: TypeAlias = (
    TransferItem
    | MultiLegItem
    | DepositItem
    | WithdrawalItem
    | HoldItem
    | CaptureItem
    | ReleaseItem
    | ReversalItem
    | WholeReversalItem
)

ITEMS: Mapping[Model, type[AnyItem]] = {  # by what a request of its own would be
    NewTransfer: TransferItem,
    NewMultiLeg: MultiLegItem,
    NewDeposit: DepositItem,
    NewWithdrawal: WithdrawalItem,
    NewHold: HoldItem,
    NewCapture: CaptureItem,
    NewRelease: ReleaseItem,
    NewReversal: ReversalItem,
    NewWholeReversal: WholeReversalItem,
}

BATCHED = {type: verb for type, verb in VERBS.items() if not verb.names_wallet}  # a wallet is closed on its own


class BatchRequest(RequestModel):
    transfers: Annotated[list[AnyItem], Field(min_length=1, max_length=ITEMS_MAX)]


class BatchShape(RequestModel):
    """A batch with items that are not validated yet. Each is validated on its own, so that only a bad item fails."""

    transfers: Annotated[list[Any], Field(min_length=1, max_length=ITEMS_MAX)]


class BatchResult(BaseModel):
    """The result of one item: 202 queued, 200 final, or the problem that a request of its own would get, with its status.

    It has either `transfer` or `problem`.
    """

    status: int = Field(ge=200, le=599)
    transfer: TransferView | MISSING = MISSING
    problem: dict[str, Any] | MISSING = MISSING


class BatchView(BaseModel):
    results: list[BatchResult]


router = APIRouter(tags=["transfers"])


@router.post(
    "/v1/transfers/batch",
    summary="Transfer many at once",
    response_model=BatchView,
    response_description="the result of each item, in order",
    openapi_extra=json_body(BatchRequest),
    responses=problem_responses(*BATCH_PROBLEMS),
)
async def post_batch(request: Request) -> Json:
    """Queue up to 1000 transfers. Results come in the order of the items. Each item succeeds or fails on its own.

    An item's `type` says of which verb it is. It has the fields, the rights and the answer of that verb's own route.
    """
    caller = await authenticate(request)
    shared = services(request)
    refuse_parameters(request)
    refuse_header_key(request)
    try:
        check_media_type(request)
        body = await read_body(request, BODY_MAX)
        items = await read_items(shared, caller, body)
    except Problem as problem:
        raise await shared.gate.charge_for(caller, problem) from None
    submissions = [item.submission for item in items if isinstance(item, Read)]
    results = iter(await store_within_limits(shared, caller, submissions, len(items)))
    rendered = [
        render_item(request, caller, item, next(results)) if isinstance(item, Read) else render_item_problem(request, item)
        async for item in in_slices(items)
    ]
    return Json({"results": rendered})


class Read(NamedTuple):
    """A valid item."""

    verb: Verb
    submission: Submission


async def read_items(shared: Services, caller: Caller, body: bytes) -> list[Read | Problem]:
    """Return each item as a submission, or as the problem that refuses it.

    Raises Problem when the body is no batch, or when the owner's earlier batches have taken too long. Raises Unavailable.
    """
    shards = await shared.intake.shards()
    async with turn_of(shared, caller.owner):
        shape = validate(BatchShape, parse_object(body))
        parents = await find_parents(shared, shape.transfers)
        await learn_wallets(shared, caller, shape.transfers, parents)
        reader = ItemReader(shared.settings, caller, shards, parents)
        return [reader.read(item) async for item in in_slices(shape.transfers)]


@asynccontextmanager
async def turn_of(shared: Services, owner: str) -> AsyncIterator[None]:
    """Wait for the owner's turn. Raises Problem when none comes in time: earlier batches of the owner took them."""
    async with AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(shared.batch_turns.turn(owner))
        except Unavailable:
            raise busy() from None
        yield


async def find_parents(shared: Services, items: Sequence[Any]) -> Mapping[UUID, Transfer]:
    """Return the transfers that items name as their parents, as far as they exist. One look-up reads all of them."""
    named = list({id: None for item in items if (id := parent_id_of(item))})
    found = await shared.lookup.ask_all(named) if named else []
    return {transfer.id: transfer for transfer in found if transfer}


async def learn_wallets(shared: Services, caller: Caller, items: Sequence[Any], parents: Mapping[UUID, Transfer]) -> None:
    """Let a client's caller learn of its new wallets, unless it sees all that the items name already. One statement a batch."""
    if caller.sees_all:
        return
    sources = [id for item in items for id in sources_of(item)]
    named = {id for item in items if (id := parent_id_of(item))}
    sees_parents = all(id in parents and may_see(caller, parents[id]) for id in named)
    if not sees_parents or not all(map(caller.sees_wallet, sources)):
        await shared.authenticator.learn_wallets(caller)


def sources_of(item: object) -> Iterator[UUID]:
    """Yield the wallets that an item names to be debited, as far as they are ids of wallets."""
    debits = item.get("debits") if isinstance(item, dict) else None
    lines = debits[:LINES_MAX] if isinstance(debits, list) else []
    named = [(item, "source_wallet_id"), *((line, "wallet_id") for line in lines)]
    for fields, name in named:
        if id := id_of(fields, name, Prefix.WALLET):
            yield id


def parent_id_of(item: object) -> UUID | None:
    """Return the id that an item gives for its parent. None if it gives none, or a text that is no id of a transfer."""
    return id_of(item, "parent_id", Prefix.TRANSFER)


def id_of(item: object, field: str, prefix: Prefix) -> UUID | None:
    given = item.get(field) if isinstance(item, dict) else None
    try:
        return ids.parse(prefix, given) if isinstance(given, str) else None
    except ids.UnknownId:
        return None


async def in_slices(items: Iterable[Item]) -> AsyncIterator[Item]:
    """Yield the items. After each SLICE_S, other tasks of the event loop run first."""
    until = time.monotonic() + SLICE_S
    for item in items:
        yield item
        if time.monotonic() > until:
            await asyncio.sleep(0)
            until = time.monotonic() + SLICE_S


@dataclass(frozen=True, slots=True)
class ItemReader:
    """Reads the items of one caller's batch, whose parents have been looked up."""

    settings: Settings
    caller: Caller
    shards: int
    parents: Mapping[UUID, Transfer]

    def read(self, fields: object) -> Read | Problem:
        """Return the item as a submission, or as the problem that refuses it. The order of checks is that of its own route."""
        try:
            verb = verb_of(fields)
            parent = self.parent_or_404(fields) if verb.names_parent else None
            if parent or not verb.names_parent:
                verb.admit(self.caller, parent)
            model = verb.model_of(fields if isinstance(fields, dict) else {}, self.caller, parent)
            item = validate(ITEMS[model], fields, self.settings)
            return Read(verb, build(verb, item, Asked(self.caller, item.idempotency_key, self.shards, parent)))
        except Problem as problem:
            return problem

    def parent_or_404(self, fields: object) -> Transfer | None:
        """Return the parent, or None if the item names none: its validation says so.

        Raises Problem "not_found", also when the caller may not see the parent.
        """
        if not isinstance(fields, dict) or not isinstance(fields.get("parent_id"), str):
            return None
        id = parent_id_of(fields)
        parent = self.parents.get(id) if id else None
        if parent is None or not may_see(self.caller, parent):
            raise Problem("not_found")
        return parent


def verb_of(fields: object) -> Verb:
    """Return the verb of an item's `type`. Raises Problem for an unknown one."""
    type = fields.get("type", "transfer") if isinstance(fields, dict) else "transfer"
    verb = BATCHED.get(type) if isinstance(type, str) else None
    if verb is None:
        raise invalid([FieldError("/type", "wrong_type", f"must be one of {', '.join(BATCHED)}")])
    return verb


def render_item(request: Request, caller: Caller, item: Read, result: SubmitResult) -> dict[str, object]:
    """Return the item as BatchResult describes it. `result` is the intake's."""
    try:
        transfer, _ = transfer_of_result(item.submission, result, item.verb.pointers(item.submission))
    except Problem as problem:
        return render_item_problem(request, problem)
    return {"status": 202 if transfer.status == "queued" else 200, "transfer": render_transfer(transfer, caller)}


def render_item_problem(request: Request, problem: Problem) -> dict[str, object]:
    rendered = render_problem(problem, request.scope["path"], request.state.request_id)
    return {"status": KINDS[problem.code].status, "problem": rendered}
