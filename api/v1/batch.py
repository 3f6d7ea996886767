"""POST /v1/transfers/batch: many transfers in one request, each of which succeeds or fails by itself."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Request
from pydantic import AfterValidator, BaseModel, Field

from api.admission.auth import Caller
from api.callers import authenticate
from api.http import idempotency
from api.http.body import check_media_type, parse_object, read_body
from api.http.failures import busy
from api.http.headers import refuse_header_key
from api.http.json_response import Json
from api.http.openapi import BATCH_PROBLEMS, json_body, problem_responses
from api.http.parameters import refuse_parameters
from api.http.problems import KINDS, Problem, render_problem
from api.http.validation import RequestModel, coded_error, validate
from api.intake.intake import Answer
from api.services import Services, services
from api.v1.submit import NewTransfer, accepted, pointers, store, transfer_of
from api.v1.transfers import TransferView
from core.errors import Unavailable
from core.render import render_transfer
from core.settings import Settings
from core.transfers import Submission

BODY_MAX = 1024 * 1024
ITEMS_MAX = 1000
KEY_LENGTH_MAX = idempotency.KEY_MAX + 2  # with its quotes
SLICE_S = 0.01  # of the event loop at a time; 1000 items with 20 errors each take 150 ms

Item = TypeVar("Item")


def check_key(value: str) -> str:
    if value != value.strip():  # around a header's value spaces mean nothing, in JSON they are part of it
        raise coded_error("invalid_string", "must not begin or end with a space")
    try:
        return idempotency.parse_key(value)
    except idempotency.InvalidKey as error:
        raise coded_error("invalid_string", str(error)) from None


class BatchItem(NewTransfer):
    """A transfer with the idempotency key that its header would carry if it came alone."""

    idempotency_key: Annotated[
        str, Field(min_length=1, max_length=KEY_LENGTH_MAX, examples=["order-1001"]), AfterValidator(check_key)
    ]


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


router = APIRouter(tags=["transfers"])


@router.post(
    "/v1/transfers/batch",
    summary="Transfer many at once",
    response_model=BatchView,
    response_description="what became of each, in order",
    openapi_extra=json_body(BatchRequest),
    responses=problem_responses(*BATCH_PROBLEMS),
)
async def post_batch(request: Request) -> Json:
    """Queue up to 1000 transfers. Results come in order; each item stands alone.

    A client's key moves money out of its own wallet alone.
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
    answers = iter(await store(shared, caller, [item for item in items if isinstance(item, Submission)], len(items)))
    return Json({"results": [result(request, outcome(item, answers, caller)) async for item in in_slices(items)]})


async def read_items(shared: Services, caller: Caller, body: bytes) -> list[Submission | Problem]:
    """Return each item as it may be stored, or what is wrong with it. Raises Problem when the batch is none, or must wait."""
    shards = await shared.intake.shards()
    try:
        async with shared.batch_turns.turn(caller.owner):
            shape = validate(BatchShape, parse_object(body))
            return [read_item(item, shared.settings, caller, shards) async for item in in_slices(shape.transfers)]
    except Unavailable:
        raise busy() from None  # no turn came in time: the owner's batches before it took them


async def in_slices(items: Sequence[Item]) -> AsyncIterator[Item]:
    """Give the items. Between slices of time, the event loop does everything else that is due."""
    until = time.monotonic() + SLICE_S
    for item in items:
        yield item
        if time.monotonic() > until:
            await asyncio.sleep(0)
            until = time.monotonic() + SLICE_S


def read_item(fields: object, settings: Settings, caller: Caller, shards: int) -> Submission | Problem:
    """Return the item as it may be stored, or what is wrong with it."""
    try:
        item = validate(BatchItem, fields, settings)
        return transfer_of(item, item.idempotency_key, caller, shards)
    except Problem as problem:
        return problem


def outcome(item: Submission | Problem, answers: Iterator[Answer], caller: Caller) -> dict[str, object] | Problem:
    """Return what became of the item: the next of the answers, unless it was not fit to be stored."""
    if isinstance(item, Problem):
        return item
    try:
        transfer, _ = accepted(item, next(answers), pointers(item))
    except Problem as problem:
        return problem
    return {"status": 202 if transfer.status == "queued" else 200, "transfer": render_transfer(transfer, caller)}


def result(request: Request, outcome: dict[str, object] | Problem) -> dict[str, object]:
    """Return the item's result as BatchResult describes it."""
    if isinstance(outcome, Problem):
        told = render_problem(outcome, request.scope["path"], request.state.request_id)
        return {"status": KINDS[outcome.code].status, "problem": told}
    return outcome
