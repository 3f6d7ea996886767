"""POST /v1/transfers/{transfer_id}/cancel: a scheduled or queued transfer that is not to be applied any more."""

from uuid import UUID

from fastapi import APIRouter, BackgroundTasks, Request

from api.callers import CallerDep
from api.http.json_response import Json
from api.http.openapi import BODY_PROBLEMS, FIND_PROBLEMS, problem_responses
from api.http.problems import Problem, existing_or_404
from api.http.validation import require_no_fields
from api.services import Services, services
from api.v1.transfers import TransferId, TransferView, transfer_or_404
from core import transfers
from core.render import render_transfer
from core.transfers import Canceled, Transfer

router = APIRouter(tags=["transfers"])


@router.post(
    "/v1/transfers/{transfer_id}/cancel",
    summary="Cancel a transfer",
    response_model=TransferView,
    response_description="canceled, now or before",
    responses=problem_responses(*FIND_PROBLEMS, *BODY_PROBLEMS, "forbidden", "not_cancelable"),
)
async def post_cancel(request: Request, after: BackgroundTasks, caller: CallerDep, transfer_id: TransferId) -> Json:
    """Cancel a scheduled or queued transfer, of any type. For the caller that submitted it, and for operators.

    After 200 it is never applied. The request has no key: to cancel again changes nothing.
    """
    transfer = await transfer_or_404(request, caller)
    if not caller.is_operator and transfer.owner != caller.owner:
        raise Problem("forbidden")
    await require_no_fields(request)
    shared = services(request)
    if problem := await shared.gate.charge(caller, 1):
        raise problem
    if transfer.status == "queued":
        transfer = await cancel(shared, transfer, after)
    if transfer.status != "canceled":
        raise Problem("not_cancelable", transfer=render_transfer(transfer, caller))
    return Json(render_transfer(transfer, caller), 200)


async def cancel(shared: Services, transfer: Transfer, after: BackgroundTasks) -> Transfer:
    """Return the transfer as it is after an attempt to cancel it. What canceled it is published after the response.

    A worker that came while the shard was locked has used its ring up, whether or not the attempt succeeded.
    """
    try:
        canceled = await transfers.cancel(shared.database, transfer.id)
    finally:
        shared.intake.ring_if_asked(transfer.shard)
    if canceled is not None:
        after.add_task(publish, shared, transfer.id, canceled)
    return existing_or_404(await shared.lookup.ask(transfer.id))


def publish(shared: Services, id: UUID, canceled: Canceled) -> None:
    """Wake the requests that wait for the transfer, and the deliverer. In a thread: Redis may keep it waiting."""
    shared.final_news.publish_final([id])
    if canceled.webhooks_due:
        shared.deliverer_doorbell.ring()
