"""From submissions to answers: they are stored within the caller's limits, and the answer waits for an outcome if it is to."""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID

from fastapi import Request

from api.admission.auth import Caller
from api.http import idempotency
from api.http.failures import busy
from api.http.json_response import Json
from api.http.problems import FieldError, Problem, invalid
from api.intake.intake import Accepted, Existing, OtherCurrency, SubmitResult, UnknownWallets
from api.services import Services, services
from api.v1.transfers import RETRY_AFTER_S
from core import ids
from core.errors import Busy
from core.ids import Prefix
from core.postgres import deadline
from core.render import render_transfer
from core.transfers import Submission, Transfer, just_queued


async def store_within_limits(
    shared: Services, caller: Caller, submissions: Sequence[Submission], tokens: int
) -> list[SubmitResult]:
    """Store the submissions, unless a limit is reached. Return the result of each, in order. Takes `tokens` from the key's rate.

    Raises Problem when a limit is reached, unless every submission is a repetition: their transfers are returned. Raises
    Unavailable.
    """
    deadline.answer_by()  # the request's deadline counts from here, and covers the time in which the gate asks Redis
    gate = shared.gate
    if submissions:
        waits = any(map(may_wait, submissions))
        problem = await gate.reserve(caller, len(submissions), tokens, waits=waits)
    else:
        problem = await gate.charge(caller, tokens)
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
        kept = sum(map(takes_place, submissions, results))
    except Busy:
        kept = 0
        raise
    else:
        return results
    finally:
        shared.gate.settle(caller, len(submissions), kept)


def may_wait(submission: Submission) -> bool:
    """Return whether the transfer may have a row in the table `due`: until its time, or as an open hold."""
    return submission.type == "hold" or (submission.terms is not None and submission.terms.scheduled_for is not None)


def takes_place(submission: Submission, result: SubmitResult) -> bool:
    """Return whether the submission was stored in the queue: not in the table `due`, in which it has no place in the queue yet."""
    if not isinstance(result, Accepted):
        return False
    return submission.terms is None or not submission.terms.is_scheduled(result.created_at)


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
    if isinstance(result, OtherCurrency):
        raise invalid([FieldError("/currency", "currency_mismatch", "a wallet of the transfer has another currency")])
    raise Problem("idempotency_key_reused")


async def transfer_response(request: Request, transfer: Transfer, caller: Caller, *, replayed: bool) -> Json:
    """Return 202 with a queued transfer, 200 with a final one. With `Prefer: wait` the transfer may become final here."""
    transfer, headers = await services(request).long_poll.wait_as_preferred(request, transfer)
    headers["Location"] = f"/v1/transfers/{ids.text(Prefix.TRANSFER, transfer.id)}"
    if replayed:
        headers["Idempotent-Replayed"] = "true"
    if transfer.status == "queued":
        headers["Retry-After"] = str(retry_after_s(transfer))
        return Json(render_transfer(transfer, caller), 202, headers)
    return Json(render_transfer(transfer, caller), 200, headers)


def retry_after_s(transfer: Transfer) -> int:
    """Return after how many seconds a queued transfer may be final: a scheduled one not before its time."""
    if transfer.scheduled_for is None:
        return RETRY_AFTER_S
    return max(RETRY_AFTER_S, math.ceil((transfer.scheduled_for - datetime.now(UTC)).total_seconds()))
