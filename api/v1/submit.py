"""POST /v1/deposits and /v1/transfers: the API checks and stores them; a worker decides and applies them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar
from uuid import UUID

from fastapi import APIRouter, Request

from api.admission.auth import Caller
from api.callers import authenticate, require_operator
from api.http import idempotency
from api.http.body import read_object
from api.http.failures import busy
from api.http.fields import ParsedWalletId
from api.http.headers import required_key
from api.http.json_response import Json
from api.http.openapi import (
    LOCATION,
    MONEY_PROBLEMS,
    PREFER,
    REPLAYED,
    REQUIRED_KEY,
    RETRY_AFTER,
    WAITED,
    json_body,
    problem_responses,
)
from api.http.parameters import refuse_parameters
from api.http.problems import FieldError, Problem, invalid
from api.http.validation import validate
from api.intake.intake import Accepted, Existing, SubmitResult, UnknownWallets
from api.services import Services, services
from api.v1.transfers import REQUEST_FIELDS, RETRY_AFTER_S, MoneyRequest, TransferView
from core import ids
from core.errors import Busy
from core.ids import Prefix
from core.ledger.kinds import Type
from core.ledger.sharding import shard_of
from core.postgres import deadline
from core.render import render_transfer
from core.settings import Settings
from core.transfers import Submission, Transfer, just_queued


class NewDeposit(MoneyRequest):
    """Money from outside Teller for a client's wallet."""

    wallet_id: ParsedWalletId


class NewTransfer(MoneyRequest):
    """Money from one client's wallet for another client's wallet."""

    source_wallet_id: ParsedWalletId
    destination_wallet_id: ParsedWalletId


Money = TypeVar("Money", bound=MoneyRequest)

MONEY_HEADERS = {**LOCATION, **REPLAYED, **WAITED}
MONEY_RESPONSES: dict[int | str, dict[str, Any]] = {
    202: {"headers": {**MONEY_HEADERS, **RETRY_AFTER}},
    200: {"model": TransferView, "description": "its outcome is final", "headers": MONEY_HEADERS},
}

router = APIRouter(tags=["transfers"])


@router.post(
    "/v1/deposits",
    summary="Deposit into a wallet",
    status_code=202,
    response_model=TransferView,
    response_description="queued",
    openapi_extra={"parameters": [REQUIRED_KEY, PREFER], **json_body(NewDeposit)},
    responses={**MONEY_RESPONSES, **problem_responses(*MONEY_PROBLEMS, "forbidden")},
)
async def post_deposit(request: Request) -> Json:
    """Queue a deposit into a client's wallet. For operators."""
    caller = await require_operator(await authenticate(request))
    shared = services(request)
    try:
        key, new = await read_request(request, NewDeposit, shared.settings)
        submission = build_deposit(new, key, caller, await shared.intake.shards())
    except Problem as problem:
        raise await shared.gate.charge_for(caller, problem) from None
    [result] = await store_within_limits(shared, caller, [submission], 1)
    transfer, replayed = transfer_of_result(submission, result, {new.wallet_id: "/wallet_id"})
    return await transfer_response(request, transfer, caller, replayed=replayed)


@router.post(
    "/v1/transfers",
    summary="Transfer between wallets",
    status_code=202,
    response_model=TransferView,
    response_description="queued",
    openapi_extra={"parameters": [REQUIRED_KEY, PREFER], **json_body(NewTransfer)},
    responses={**MONEY_RESPONSES, **problem_responses(*MONEY_PROBLEMS)},
)
async def post_transfer(request: Request) -> Json:
    """Queue a transfer from one client's wallet to another's. A client's key moves money out of its own wallet only."""
    caller = await authenticate(request)
    shared = services(request)
    try:
        key, new = await read_request(request, NewTransfer, shared.settings)
        submission = build_transfer(new, key, caller, await shared.intake.shards())
    except Problem as problem:
        raise await shared.gate.charge_for(caller, problem) from None
    [result] = await store_within_limits(shared, caller, [submission], 1)
    transfer, replayed = transfer_of_result(submission, result, wallet_pointers(submission))
    return await transfer_response(request, transfer, caller, replayed=replayed)


async def read_request(request: Request, model: type[Money], settings: Settings) -> tuple[str, Money]:
    """Return the idempotency key and the validated body. Raises Problem; nothing is stored by then."""
    refuse_parameters(request)
    key = required_key(request)
    return key, validate(model, await read_object(request), settings)


async def store_within_limits(
    shared: Services, caller: Caller, submissions: Sequence[Submission], tokens: int
) -> list[SubmitResult]:
    """Store the submissions, unless a limit is reached. Return the result of each, in order. Takes `tokens` from the key's rate.

    Raises Problem when a limit is reached, unless every submission is a repetition: their transfers are returned. Raises
    Unavailable.
    """
    deadline.answer_by()  # the request's deadline counts from here, and covers the time in which the gate asks Redis
    gate = shared.gate
    problem = await (gate.reserve(caller, len(submissions), tokens) if submissions else gate.charge(caller, tokens))
    if problem is None:
        try:
            return await store_reserved(shared, caller, submissions)
        except Busy:
            problem = busy()
    existing = [transfer for transfer in await shared.intake.find_existing(submissions) if transfer]
    if len(existing) < len(submissions) or not submissions:
        raise problem
    return [*existing]


async def store_reserved(shared: Services, caller: Caller, submissions: Sequence[Submission]) -> list[SubmitResult]:
    """Store submissions with reserved places in the backlog. Give back the places of those that were not stored.

    Raises Unavailable and Busy.
    """
    kept = len(submissions)  # after an error some may be stored, so all places stay reserved until the next count
    try:
        if any(submission.callback_url for submission in submissions):
            await shared.secret_cache.ensure(caller.owner)
        results = await shared.intake.submit(submissions)
        kept = sum(isinstance(result, Accepted) for result in results)
    except Busy:
        kept = 0
        raise
    else:
        return results
    finally:
        shared.gate.settle(caller, len(submissions), kept)


def build_deposit(new: NewDeposit, key: str, caller: Caller, shards: int) -> Submission:
    """Return the submission of a deposit. Its source is the external wallet of the wallet's shard."""
    shard = shard_of(new.wallet_id, shards)
    return build_submission("deposit", ids.external_wallet(shard), new.wallet_id, shard, new, key=key, owner=caller.owner)


def build_transfer(new: NewTransfer, key: str, caller: Caller, shards: int) -> Submission:
    """Return the submission of a transfer. Raises Problem when source and destination are the same wallet.

    For a source that the caller does not own, the submission names a wallet that does not exist. Both cases then run the same
    statements and get the same answer in the same time, so the answer does not tell which wallets exist.
    """
    source, destination = new.source_wallet_id, new.destination_wallet_id
    if source == destination:
        raise invalid([FieldError("/destination_wallet_id", "same_wallet", "source and destination are the same wallet")])
    submission = build_submission("transfer", source, destination, shard_of(source, shards), new, key=key, owner=caller.owner)
    return submission if caller.sees_wallet(source) else replace(submission, source=ids.mint())


def build_submission(
    type: Type, source: UUID, destination: UUID, shard: int, new: MoneyRequest, *, key: str, owner: str
) -> Submission:
    fields: dict[str, Any] = {"source": source, "destination": destination, **{name: getattr(new, name) for name in REQUEST_FIELDS}}
    return Submission(
        id=ids.mint(),
        type=type,
        **fields,
        owner=owner,
        idempotency_key=key,
        fingerprint=idempotency.fingerprint(type, fields),
        shard=shard,
    )


def wallet_pointers(submission: Submission) -> Mapping[UUID, str]:
    """Return which field of the body names which wallet."""
    return {submission.source: "/source_wallet_id", submission.destination: "/destination_wallet_id"}


def transfer_of_result(submission: Submission, result: SubmitResult, pointers: Mapping[UUID, str]) -> tuple[Transfer, bool]:
    """Return the transfer of the result, and whether an earlier request made it.

    Raises Problem when nothing was stored; `pointers` says which field names which wallet.
    """
    if isinstance(result, Accepted):
        return just_queued(submission, result.created_at), False
    if isinstance(result, Existing) and idempotency.is_repetition(submission, of=result.transfer):
        return result.transfer, True
    if isinstance(result, UnknownWallets):
        unknown = [at for id, at in pointers.items() if id in result.ids]
        raise invalid([FieldError(at, "wallet_not_found", "there is no such wallet") for at in unknown])
    raise Problem("idempotency_key_reused")


async def transfer_response(request: Request, transfer: Transfer, caller: Caller, *, replayed: bool) -> Json:
    """Return 202 with a queued transfer, 200 with a final one. With `Prefer: wait` the transfer may become final here."""
    transfer, headers = await services(request).long_poll.wait_as_preferred(request, transfer)
    headers["Location"] = f"/v1/transfers/{ids.text(Prefix.TRANSFER, transfer.id)}"
    if replayed:
        headers["Idempotent-Replayed"] = "true"
    if transfer.status == "queued":
        headers["Retry-After"] = str(RETRY_AFTER_S)
        return Json(render_transfer(transfer, caller), 202, headers)
    return Json(render_transfer(transfer, caller), 200, headers)
