"""POST /v1/transfers/batch: up to 1000 transfers in one request. Each succeeds or fails on its own."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
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
from api.intake.intake import SubmitResult
from api.services import Services, services
from api.v1.submit import NewTransfer, build_transfer, store_within_limits, transfer_of_result, wallet_pointers
from api.v1.transfers import TransferView
from core.errors import Unavailable
from core.render import render_transfer
from core.settings import Settings
from core.transfers import Submission

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


class BatchItem(NewTransfer):
    """A transfer with its idempotency key, which a single request carries in its header."""

    idempotency_key: Annotated[
        str, Field(min_length=1, max_length=KEY_LENGTH_MAX, examples=["order-1001"]), AfterValidator(check_key)
    ]


class BatchRequest(RequestModel):
    transfers: Annotated[list[BatchItem], Field(min_length=1, max_length=ITEMS_MAX)]


class BatchShape(RequestModel):
    """A batch with items that are not validated yet. Each is validated on its own, so that only a bad item fails."""

    transfers: Annotated[list[Any], Field(min_length=1, max_length=ITEMS_MAX)]


class BatchResult(BaseModel):
    """The result of one item: 202 queued, 200 final, or 422 with the problem that a single request would get."""

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
    response_description="the result of each item, in order",
    openapi_extra=json_body(BatchRequest),
    responses=problem_responses(*BATCH_PROBLEMS),
)
async def post_batch(request: Request) -> Json:
    """Queue up to 1000 transfers. Results come in the order of the items. Each item succeeds or fails on its own.

    A client's key moves money out of its own wallet only.
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
    submissions = [(index, item) for index, item in enumerate(items) if isinstance(item, Submission)]
    stored = await store_within_limits(shared, caller, [submission for _, submission in submissions], len(items))
    results = {index: result for (index, _), result in zip(submissions, stored, strict=True)}
    rendered = [render_item(request, caller, item, results.get(index)) async for index, item in in_slices(enumerate(items))]
    return Json({"results": rendered})


async def read_items(shared: Services, caller: Caller, body: bytes) -> list[Submission | Problem]:
    """Return each item as a submission, or as the problem that refuses it.

    Raises Problem when the body is no batch, or when the owner's earlier batches have taken too long.
    """
    shards = await shared.intake.shards()
    try:
        async with shared.batch_turns.turn(caller.owner):
            shape = validate(BatchShape, parse_object(body))
            return [read_item(item, shared.settings, caller, shards) async for item in in_slices(shape.transfers)]
    except Unavailable:
        raise busy() from None  # no turn came in time: earlier batches of the owner took them


async def in_slices(items: Iterable[Item]) -> AsyncIterator[Item]:
    """Yield the items. After each SLICE_S, other tasks of the event loop run first."""
    until = time.monotonic() + SLICE_S
    for item in items:
        yield item
        if time.monotonic() > until:
            await asyncio.sleep(0)
            until = time.monotonic() + SLICE_S


def read_item(fields: object, settings: Settings, caller: Caller, shards: int) -> Submission | Problem:
    """Return the item as a submission, or as the problem that refuses it."""
    try:
        item = validate(BatchItem, fields, settings)
        return build_transfer(item, item.idempotency_key, caller, shards)
    except Problem as problem:
        return problem


def render_item(request: Request, caller: Caller, item: Submission | Problem, result: SubmitResult | None) -> dict[str, object]:
    """Return the item as BatchResult describes it. `result` is the intake's for a submission; a problem has none."""
    if isinstance(item, Problem):
        return render_item_problem(request, item)
    assert result is not None
    try:
        transfer, _ = transfer_of_result(item, result, wallet_pointers(item))
    except Problem as problem:
        return render_item_problem(request, problem)
    return {"status": 202 if transfer.status == "queued" else 200, "transfer": render_transfer(transfer, caller)}


def render_item_problem(request: Request, problem: Problem) -> dict[str, object]:
    rendered = render_problem(problem, request.scope["path"], request.state.request_id)
    return {"status": KINDS[problem.code].status, "problem": rendered}
