"""POST /v1/deposits and /v1/transfers: checked, stored, answered; a worker does the rest."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar
from uuid import UUID

from fastapi import APIRouter, Request

from api.admission.auth import Caller
from api.callers import admit, admit_operator
from api.http import idempotency
from api.http.body import read_object
from api.http.failures import busy
from api.http.fields import ParsedWalletId, validate
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
from api.http.parameters import refuse_parameters, required_key
from api.http.problems import FieldError, Problem, invalid
from api.intake.intake import Accepted, Answer, Existing, UnknownWallets
from api.services import Services, services
from api.v1.transfers import ASKED, RETRY_AFTER_S, MoneyRequest, TransferView
from core import ids
from core.errors import Busy
from core.ids import Prefix
from core.ledger.kinds import Type
from core.ledger.sharding import shard_of
from core.postgres import deadline
from core.render import show
from core.settings import Settings
from core.transfers import Submission, Transfer, just_queued


class NewDeposit(MoneyRequest):
    """Money that comes in from outside, into a client's wallet."""

    wallet_id: ParsedWalletId


class NewTransfer(MoneyRequest):
    """Money that goes from one client's wallet to another's."""

    source_wallet_id: ParsedWalletId
    destination_wallet_id: ParsedWalletId


Money = TypeVar("Money", bound=MoneyRequest)

HEADERS = {**LOCATION, **REPLAYED, **WAITED}
ANSWERS: dict[int | str, dict[str, Any]] = {
    202: {"headers": {**HEADERS, **RETRY_AFTER}},
    200: {"model": TransferView, "description": "its outcome is final", "headers": HEADERS},
}

router = APIRouter(tags=["transfers"])


@router.post(
    "/v1/deposits",
    summary="Deposit into a wallet",
    status_code=202,
    response_model=TransferView,
    response_description="queued",
    openapi_extra={"parameters": [REQUIRED_KEY, PREFER], **json_body(NewDeposit)},
    responses={**ANSWERS, **problem_responses(*MONEY_PROBLEMS, "forbidden")},
)
async def post_deposit(request: Request) -> Json:
    """Queue a deposit into a client's wallet. For operators."""
    caller = await admit_operator(await admit(request))
    shared = services(request)
    try:
        key, new = await read_request(request, NewDeposit, shared.settings)
        submission = deposit_of(new, key, caller, await shared.intake.shards())
    except Problem as problem:
        raise await shared.gate.priced(caller, problem) from None
    [answer] = await store(shared, caller, [submission], 1)
    stored, replayed = accepted(submission, answer, {new.wallet_id: "/wallet_id"})
    return await respond(request, stored, caller, replayed=replayed)


@router.post(
    "/v1/transfers",
    summary="Transfer between wallets",
    status_code=202,
    response_model=TransferView,
    response_description="queued",
    openapi_extra={"parameters": [REQUIRED_KEY, PREFER], **json_body(NewTransfer)},
    responses={**ANSWERS, **problem_responses(*MONEY_PROBLEMS)},
)
async def post_transfer(request: Request) -> Json:
    """Queue a transfer from one client's wallet to another's. A client's key moves money out of its own wallet alone."""
    caller = await admit(request)
    shared = services(request)
    try:
        key, new = await read_request(request, NewTransfer, shared.settings)
        submission = transfer_of(new, key, caller, await shared.intake.shards())
    except Problem as problem:
        raise await shared.gate.priced(caller, problem) from None
    [answer] = await store(shared, caller, [submission], 1)
    stored, replayed = accepted(submission, answer, pointers(submission))
    return await respond(request, stored, caller, replayed=replayed)


async def read_request(request: Request, model: type[Money], settings: Settings) -> tuple[str, Money]:
    """Return what is asked for, and with which idempotency key. Raises Problem: nothing has been stored by then."""
    refuse_parameters(request)
    key = required_key(request)
    return key, validate(model, await read_object(request), settings)


async def store(shared: Services, caller: Caller, submissions: Sequence[Submission], tokens: int) -> list[Answer]:
    """Return what became of each submission, in order. The request costs so many tokens of the key's rate.

    Raises Problem when the caller must wait; what its keys stand for already is answered all the same. Raises Unavailable.
    """
    deadline.start_once()  # also the time in which the gate asks Redis counts
    gate = shared.gate
    problem = await (gate.reserve(caller, len(submissions), tokens) if submissions else gate.charge(caller, tokens))
    if problem is None:
        try:
            return await submit(shared, caller, submissions)
        except Busy:
            problem = busy()
    known = [existing for existing in await shared.intake.known(submissions) if existing]
    if len(known) < len(submissions) or not submissions:
        raise problem
    return [*known]


async def submit(shared: Services, caller: Caller, submissions: Sequence[Submission]) -> list[Answer]:
    """Submit what the gate has reserved places for, and give back those that are not needed. Raises Unavailable, and Busy."""
    kept = len(submissions)  # until it is known what was stored
    try:
        if any(submission.callback_url for submission in submissions):
            await shared.signers.prepare(caller.owner)
        answers = await shared.intake.submit(submissions)
        kept = sum(isinstance(answer, Accepted) for answer in answers)
    except Busy:
        kept = 0
        raise
    else:
        return answers
    finally:
        shared.gate.settle(caller, len(submissions), kept)


def deposit_of(new: NewDeposit, key: str, caller: Caller, shards: int) -> Submission:
    """Return what is to be stored for a deposit: it comes from the external wallet of the wallet's shard."""
    shard = shard_of(new.wallet_id, shards)
    return submission_of("deposit", ids.external_wallet(shard), new.wallet_id, shard, new, key=key, owner=caller.owner)


def transfer_of(new: NewTransfer, key: str, caller: Caller, shards: int) -> Submission:
    """Return what is to be stored for a transfer. Raises Problem when it goes from a wallet to itself.

    Out of a wallet that is not the caller's it goes from a wallet that does not exist: so it is answered by the same statements, in
    the same time and with the same words, and nobody learns which wallets there are.
    """
    source, destination = new.source_wallet_id, new.destination_wallet_id
    if source == destination:
        raise invalid([FieldError("/destination_wallet_id", "same_wallet", "source and destination are the same wallet")])
    submission = submission_of("transfer", source, destination, shard_of(source, shards), new, key=key, owner=caller.owner)
    return submission if caller.sees_wallet(source) else replace(submission, source=ids.mint())


def submission_of(
    type: Type, source: UUID, destination: UUID, shard: int, new: MoneyRequest, *, key: str, owner: str
) -> Submission:
    fields: dict[str, Any] = {"source": source, "destination": destination, **{name: getattr(new, name) for name in ASKED}}
    return Submission(
        id=ids.mint(),
        type=type,
        **fields,
        owner=owner,
        idempotency_key=key,
        fingerprint=idempotency.fingerprint(type, fields),
        shard=shard,
    )


def pointers(submission: Submission) -> Mapping[UUID, str]:
    return {submission.source: "/source_wallet_id", submission.destination: "/destination_wallet_id"}


def accepted(submission: Submission, answer: Answer, pointers: Mapping[UUID, str]) -> tuple[Transfer, bool]:
    """Return the transfer that the answer stands for, and whether an earlier request made it.

    Raises Problem when nothing was stored; `pointers` says which field named which wallet.
    """
    if isinstance(answer, Accepted):
        return just_queued(submission, answer.created_at), False
    if isinstance(answer, Existing) and idempotency.is_repetition(submission, of=answer.transfer):
        return answer.transfer, True
    if isinstance(answer, UnknownWallets):
        unknown = [at for id, at in pointers.items() if id in answer.ids]
        raise invalid([FieldError(at, "wallet_not_found", "there is no such wallet") for at in unknown])
    raise Problem("idempotency_key_reused")


async def respond(request: Request, transfer: Transfer, caller: Caller, *, replayed: bool) -> Json:
    """Answer 202 while the transfer is queued, 200 when its outcome is final: at once, or when the caller has waited for it."""
    transfer, headers = await services(request).waiting.as_preferred(request, transfer)
    headers["Location"] = f"/v1/transfers/{ids.text(Prefix.TRANSFER, transfer.id)}"
    if replayed:
        headers["Idempotent-Replayed"] = "true"
    if transfer.status == "queued":
        headers["Retry-After"] = str(RETRY_AFTER_S)
        return Json(show(transfer, caller), 202, headers)
    return Json(show(transfer, caller), 200, headers)
