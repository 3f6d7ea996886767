"""The routes that submit a transfer, one a verb: the API checks and stores it; a worker decides and applies it."""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, Request

from api.callers import authenticate, learn_unless_seen
from api.http.body import read_object
from api.http.headers import preferred_wait_s, required_key
from api.http.json_response import Json
from api.http.openapi import (
    CHILD_PROBLEMS,
    LOCATION,
    MONEY_PROBLEMS,
    PREFER,
    PREVIEW,
    REPLAYED,
    REQUIRED_KEY,
    RETRY_AFTER,
    WAITED,
    json_body,
    problem_responses,
)
from api.http.parameters import wants_preview
from api.http.problems import Problem
from api.http.validation import validate
from api.intake.intake import Accepted
from api.services import services
from api.v1.accept import store_within_limits, transfer_of_result, transfer_response
from api.v1.legs import Asked
from api.v1.preview import UNUSED_KEY, PreviewView, preview_within_limits
from api.v1.queued import queued_response
from api.v1.transfers import TransferId, TransferView, WalletId, transfer_or_404
from api.v1.verbs import VERBS, Verb, build
from api.v1.wallets import client_wallet_or_404
from core.ledger.kinds import Type

Endpoint = Callable[..., Awaitable[Json]]

MONEY_HEADERS = {**LOCATION, **REPLAYED, **WAITED}
MONEY_RESPONSES: dict[int | str, dict[str, Any]] = {
    202: {"headers": {**MONEY_HEADERS, **RETRY_AFTER}},
    200: {
        "model": TransferView | PreviewView,
        "description": "its outcome is final; or, with `preview=true`, what it would be",
        "headers": MONEY_HEADERS,
    },
}

router = APIRouter(tags=["transfers"])


def route(path: str, type: Type, summary: str, *problems: str) -> Callable[[Endpoint], Endpoint]:
    """Return the decorator of the endpoint that submits this verb."""
    return router.post(
        path,
        summary=summary,
        status_code=202,
        response_model=TransferView,
        response_description="queued, or scheduled",
        openapi_extra={"parameters": [REQUIRED_KEY, PREFER, PREVIEW], **json_body(*VERBS[type].models)},
        responses={**MONEY_RESPONSES, **problem_responses(*problems)},
    )


@route("/v1/deposits", "deposit", "Deposit into a wallet", *MONEY_PROBLEMS, "forbidden")
async def post_deposit(request: Request) -> Json:
    """Queue a deposit into a client's wallet. For operators."""
    return await submit(request, VERBS["deposit"])


@route("/v1/withdrawals", "withdrawal", "Withdraw from a wallet", *MONEY_PROBLEMS, "forbidden")
async def post_withdrawal(request: Request) -> Json:
    """Queue a withdrawal from a client's wallet to outside Teller. For operators."""
    return await submit(request, VERBS["withdrawal"])


@route("/v1/transfers", "transfer", "Transfer between wallets", *MONEY_PROBLEMS)
async def post_transfer(request: Request) -> Json:
    """Queue a transfer from one client's wallet to another's. A client's key moves money out of its own wallets only."""
    return await submit(request, VERBS["transfer"])


@route("/v1/holds", "hold", "Hold money", *MONEY_PROBLEMS)
async def post_hold(request: Request) -> Json:
    """Queue a hold: it reserves money of a wallet for a payee. A client's key holds money of its own wallets only.

    `applied` means that the money is reserved. It stays in the source's balance, is no longer available there, and waits for
    captures, releases, or the end of the hold.
    """
    return await submit(request, VERBS["hold"])


@route("/v1/transfers/{transfer_id}/capture", "capture", "Capture a hold", *CHILD_PROBLEMS, "not_a_hold")
async def post_capture(request: Request, transfer_id: TransferId) -> Json:
    """Queue a capture of a hold: its payee gets the amount. For operators, and for the payee's key.

    A hold may be captured several times. What is left stays held, unless the capture is `final`.
    """
    return await submit(request, VERBS["capture"])


@route("/v1/transfers/{transfer_id}/release", "release", "Release a hold", *CHILD_PROBLEMS, "not_a_hold")
async def post_release(request: Request, transfer_id: TransferId) -> Json:
    """Queue a release of a hold, whole or in part: the amount is available to its source again.

    For operators, and for the payee's key: the payer waits for the hold's end.
    """
    return await submit(request, VERBS["release"])


@route("/v1/transfers/{transfer_id}/reverse", "reversal", "Reverse a transfer", *CHILD_PROBLEMS, "not_reversible")
async def post_reversal(request: Request, transfer_id: TransferId) -> Json:
    """Queue a reversal of an applied deposit, withdrawal, transfer or capture, whole or in part.

    All reversals of a transfer together never pass its amount. A client's key reverses transfers and captures into its own wallets.
    """
    return await submit(request, VERBS["reversal"])


@route("/v1/wallets/{wallet_id}/close", "closure", "Close a wallet", *CHILD_PROBLEMS)
async def post_closure(request: Request, wallet_id: WalletId) -> Json:
    """Queue the closure of a wallet, for ever. What was sent out of it before is applied first. For operators.

    It is rejected while the wallet has open holds, or money that it does not sweep. After it is applied, whatever would touch the
    wallet is rejected with `wallet_closed`.
    """
    return await submit(request, VERBS["closure"])


async def submit(request: Request, verb: Verb) -> Json:
    """Store the request as a submission of this verb, and answer with its transfer. Raises Problem; then nothing is stored.

    With `preview=true` nothing is stored in any case, and no key is read.
    """
    shared = services(request)
    caller = await authenticate(request)
    try:
        parent = await transfer_or_404(request, caller) if verb.names_parent else None
        wallet = await client_wallet_or_404(request, caller) if verb.names_wallet else None
        verb.admit(caller, parent)
        previews = wants_preview(request)
        key = UNUSED_KEY if previews else required_key(request)
        fields = await read_object(request)
        new = validate(verb.model_of(fields, caller, parent), fields, shared.settings)
        if verb.from_own:
            await learn_unless_seen(request, caller, *([wallet] for wallet in verb.sources_of(new)))
        submission = build(verb, new, Asked(caller, key, await shared.intake.shards(), parent, wallet))
    except Problem as problem:
        raise await shared.gate.charge_for(caller, problem) from None
    if previews:
        return await preview_within_limits(shared, caller, submission, verb.pointers(submission))
    [result] = await store_within_limits(shared, caller, [submission], 1)
    if isinstance(result, Accepted) and submission.terms is None and preferred_wait_s(request) is None:
        return queued_response(submission, result.created_at, caller)
    transfer, replayed = transfer_of_result(submission, result, verb.pointers(submission))
    return await transfer_response(request, transfer, caller, replayed=replayed)
