"""POST /v1/transfers/batch: many transfers in one request, each standing alone. Thin, as the single verbs are."""

import asyncio
import time
from typing import Annotated, Any

from fastapi import Request
from pydantic import AfterValidator, BaseModel, Field

from api.answer import Json
from api.auth import Caller, admit
from api.body import read_object
from api.fields import RequestModel, refuse, validate
from api.intake import Answer, Intake
from api.parameters import refuse_header_key, refuse_parameters
from api.problems import KINDS, Problem, document
from api.submit import NewTransfer, accepted, pointers, store, transfer_of
from api.transfers import TransferView
from api.urls import refuse_forbidden
from core import idempotency
from core.resources import show
from core.transfers import Submission

BODY_MAX = 1024 * 1024
ITEMS_MAX = 1000
SLICE_S = 0.01  # of the event loop at a time; 1000 items with 20 errors each take 150 ms


def check_key(value: str) -> str:
    if value != value.strip():  # around a header's value spaces mean nothing, in JSON they are part of it
        raise refuse("invalid_string", "must not begin or end with a space")
    try:
        return idempotency.parse_key(value)
    except idempotency.InvalidKey as error:
        raise refuse("invalid_string", str(error)) from None


class BatchItem(NewTransfer):
    """A transfer with the idempotency key that its header would carry if it came alone."""

    idempotency_key: Annotated[str, Field(min_length=1, max_length=257, examples=["order-1001"]), AfterValidator(check_key)]


class BatchRequest(RequestModel):
    transfers: Annotated[list[BatchItem], Field(min_length=1, max_length=ITEMS_MAX)]


class BatchShape(RequestModel):
    """A batch whose items are yet to be read: a bad one must not fail its neighbours."""

    transfers: Annotated[list[Any], Field(min_length=1, max_length=ITEMS_MAX)]


class BatchResult(BaseModel):
    """What became of one item: 202 queued, 200 final, or 422 with the problem that its own request would have had."""

    status: int
    transfer: TransferView | None = None
    problem: dict[str, Any] | None = None


class BatchView(BaseModel):
    results: list[BatchResult]


async def post_batch(request: Request) -> Json:
    """Queue up to 1000 transfers. Results come in order; each item stands alone.

    A client's key moves money out of its own wallet alone.
    """
    caller = await admit(request)
    refuse_parameters(request)
    refuse_header_key(request)
    shape = validate(BatchShape, await read_object(request, BODY_MAX))
    intake: Intake = request.app.state.intake
    shards = await intake.shards()
    items = await read_items(request, shape.transfers, caller, shards)
    answers = iter(await store(request, caller, [item for item in items if isinstance(item, Submission)]))
    outcomes = [outcome(item, next(answers), caller) if isinstance(item, Submission) else item for item in items]
    return Json({"results": [result(request, one) for one in outcomes]})


async def read_items(request: Request, fields: list[Any], caller: Caller, shards: int) -> list[Submission | Problem]:
    """Return the items as they may be stored. Between slices of time, other callers have their turn."""
    items, until = [], time.monotonic() + SLICE_S
    for one in fields:
        items.append(read_item(request, one, caller, shards))
        if time.monotonic() > until:
            await asyncio.sleep(0)
            until = time.monotonic() + SLICE_S
    return items


def read_item(request: Request, fields: object, caller: Caller, shards: int) -> Submission | Problem:
    """Return the item as it may be stored, or what is wrong with it."""
    try:
        item = validate(BatchItem, fields)
        refuse_forbidden(request, item.callback_url, "/callback_url")
        return transfer_of(item, item.idempotency_key, caller, shards)
    except Problem as problem:
        return problem


def outcome(item: Submission, answer: Answer, caller: Caller) -> dict[str, object] | Problem:
    try:
        transfer, _ = accepted(item, answer, pointers(item))
    except Problem as problem:
        return problem
    return {"status": 202 if transfer.status == "queued" else 200, "transfer": show(transfer, caller)}


def result(request: Request, outcome: dict[str, object] | Problem) -> dict[str, object]:
    """Return the item's result as BatchResult describes it."""
    if isinstance(outcome, Problem):
        told = document(outcome, request.scope["path"], request.state.request_id)
        return {"status": KINDS[outcome.code].status, "problem": told}
    return outcome
