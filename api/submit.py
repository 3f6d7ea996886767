"""POST /v1/deposits and /v1/transfers: checked, stored, answered; a worker does the rest. Thin: they carry the load."""

from collections.abc import Mapping
from typing import TypeVar
from uuid import UUID

from fastapi import Request

from api.answer import Json
from api.auth import Caller, admit_operator
from api.body import read_object
from api.fields import Amount, Currency, Metadata, Reference, RequestModel, WalletId, validate
from api.intake import Accepted, Answer, Existing, Intake, UnknownWallets
from api.parameters import refuse_parameters, required_key
from api.problems import FieldError, Problem, invalid
from api.transfers import RETRY_AFTER_S, show
from api.urls import Url, refuse_forbidden
from core import idempotency, ids
from core.ids import Prefix
from core.money import CURRENCY
from core.sharding import shard_of
from core.transfers import Submission, Transfer, Type


class MoneyRequest(RequestModel):
    amount: Amount
    currency: Currency = CURRENCY
    reference: Reference | None = None
    metadata: Metadata = {}
    callback_url: Url | None = None


class NewDeposit(MoneyRequest):
    """Money that comes in from outside, into a client's wallet."""

    wallet_id: WalletId


class NewTransfer(MoneyRequest):
    """Money that goes from one client's wallet to another's."""

    source_wallet_id: WalletId
    destination_wallet_id: WalletId


Money = TypeVar("Money", bound=MoneyRequest)


async def post_deposit(request: Request) -> Json:
    """Queue a deposit into a client's wallet."""
    caller, key, new = await read_request(request, NewDeposit)
    intake: Intake = request.app.state.intake
    submission = deposit_of(new, key, caller, await intake.shards())
    stored, replayed = accepted(submission, await intake.submit(submission), {new.wallet_id: "/wallet_id"})
    return respond(stored, replayed=replayed)


async def post_transfer(request: Request) -> Json:
    """Queue a transfer from one client's wallet to another's."""
    caller, key, new = await read_request(request, NewTransfer)
    intake: Intake = request.app.state.intake
    submission = transfer_of(new, key, caller, await intake.shards())
    stored, replayed = accepted(submission, await intake.submit(submission), pointers(new))
    return respond(stored, replayed=replayed)


async def read_request(request: Request, model: type[Money]) -> tuple[Caller, str, Money]:
    """Return who asks, with which idempotency key, for what. Raises Problem: nothing has been stored by then."""
    caller = await admit_operator(request)
    refuse_parameters(request)
    key = required_key(request)
    new = validate(model, await read_object(request))
    refuse_forbidden(new.callback_url, "/callback_url", allow_private=request.app.state.webhooks_allow_private)
    return caller, key, new


def deposit_of(new: NewDeposit, key: str, caller: Caller, shards: int) -> Submission:
    """Return what is to be stored for a deposit: it comes from the external wallet of the wallet's shard."""
    shard = shard_of(new.wallet_id, shards)
    return submission_of("deposit", ids.external_wallet(shard), new.wallet_id, shard, new, key=key, owner=caller.owner)


def transfer_of(new: NewTransfer, key: str, caller: Caller, shards: int) -> Submission:
    """Return what is to be stored for a transfer. Raises Problem when it goes from a wallet to itself."""
    source, destination = new.source_wallet_id, new.destination_wallet_id
    if source == destination:
        raise invalid([FieldError("/destination_wallet_id", "same_wallet", "source and destination are the same wallet")])
    return submission_of("transfer", source, destination, shard_of(source, shards), new, key=key, owner=caller.owner)


def submission_of(
    type: Type, source: UUID, destination: UUID, shard: int, new: MoneyRequest, *, key: str, owner: str
) -> Submission:
    fields = {
        "source": source,
        "destination": destination,
        "amount": new.amount,
        "currency": new.currency,
        "reference": new.reference,
        "metadata": new.metadata,
        "callback_url": new.callback_url,
    }
    return Submission(
        id=ids.mint(),
        type=type,
        source=source,
        destination=destination,
        amount=new.amount,
        currency=new.currency,
        reference=new.reference,
        metadata=new.metadata,
        callback_url=new.callback_url,
        owner=owner,
        idempotency_key=key,
        fingerprint=idempotency.fingerprint(type, fields),
        shard=shard,
    )


def pointers(new: NewTransfer) -> Mapping[UUID, str]:
    return {new.source_wallet_id: "/source_wallet_id", new.destination_wallet_id: "/destination_wallet_id"}


def accepted(submission: Submission, answer: Answer, pointers: Mapping[UUID, str]) -> tuple[Transfer, bool]:
    """Return the transfer that the answer stands for, and whether an earlier request made it.

    Raises Problem when nothing was stored; `pointers` says which field named which wallet.
    """
    if isinstance(answer, Accepted):
        return queued(submission, answer), False
    if isinstance(answer, Existing) and answer.transfer.fingerprint == submission.fingerprint:
        return answer.transfer, True
    if isinstance(answer, UnknownWallets):
        unknown = [at for id, at in pointers.items() if id in answer.ids]
        raise invalid([FieldError(at, "wallet_not_found", "there is no such wallet") for at in unknown])
    raise Problem("idempotency_key_reused")


def queued(submission: Submission, accepted: Accepted) -> Transfer:
    """Return the transfer that has just been stored."""
    return Transfer(
        id=submission.id,
        type=submission.type,
        status="queued",
        failure_code=None,
        source=submission.source,
        destination=submission.destination,
        amount=submission.amount,
        currency=submission.currency,
        reference=submission.reference,
        metadata=submission.metadata,
        callback_url=submission.callback_url,
        owner=submission.owner,
        idempotency_key=submission.idempotency_key,
        fingerprint=submission.fingerprint,
        created_at=accepted.created_at,
        finished_at=None,
        entries=[],
    )


def respond(transfer: Transfer, *, replayed: bool = False) -> Json:
    """Answer 202 while the transfer is queued, 200 when its outcome is final."""
    headers = {"Location": f"/v1/transfers/{ids.text(Prefix.TRANSFER, transfer.id)}"}
    if replayed:
        headers["Idempotent-Replayed"] = "true"
    if transfer.status == "queued":
        return Json(show(transfer), 202, {**headers, "Retry-After": str(RETRY_AFTER_S)})
    return Json(show(transfer), 200, headers)
