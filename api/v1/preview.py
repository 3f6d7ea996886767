"""`?preview=true` on a POST that moves money: what would become of the transfer now. Nothing is stored.

The door checks the request as if it were submitted. Then core/preview.py decides it on one snapshot.
"""

from collections.abc import Mapping
from uuid import UUID

from pydantic import BaseModel, Field

from api.admission.auth import Caller
from api.http.json_response import Json
from api.intake.intake import KeyOfAnotherKind, explain_omitted
from api.services import Services
from api.v1.accept import transfer_of_result
from api.v1.transfers import TransferView
from core import preview
from core.postgres import deadline
from core.postgres.connections import AsyncConnection
from core.preview import Preview
from core.render import render_transfer
from core.transfers import Submission

UNUSED_KEY = "preview without a key"  # it has spaces, which no caller's key has: no transfer has it


class PreviewBasis(BaseModel):
    """What a preview rests on: the transfers of the shard that are queued, and so are applied before this one."""

    queued_ahead: int
    complete: bool = Field(description="false: more are queued than a preview looks at")


class PreviewView(TransferView):
    """What a transfer would become now. It is not stored: it has no id, and nothing of it can be asked for later."""

    id: None  # type: ignore[assignment]  # of TransferView it is a text
    preview: PreviewBasis


async def preview_within_limits(shared: Services, caller: Caller, submission: Submission, pointers: Mapping[UUID, str]) -> Json:
    """Answer what would become of the submission. Takes a token from the key's rate, as storing it would.

    `pointers` says which field names which wallet. Raises Problem, and Unavailable.
    """
    deadline.answer_by()  # the request's deadline counts from here, and covers the time in which the gate asks Redis
    if problem := await shared.gate.charge(caller, 1):
        raise problem
    found = await shared.database.run(lambda connection: preview_on(connection, submission, pointers))
    basis = {"queued_ahead": found.queued_ahead, "complete": found.complete}
    key = None if submission.idempotency_key == UNUSED_KEY else submission.idempotency_key
    return Json({**render_transfer(found.transfer, caller), "id": None, "idempotency_key": key, "preview": basis}, 200)


async def preview_on(connection: AsyncConnection, submission: Submission, pointers: Mapping[UUID, str]) -> Preview:
    """Return the preview, of one snapshot. Raises Problem where the submission would not be stored."""
    async with connection.transaction():
        await preview.begin_snapshot(connection)
        explained = (await explain_omitted(connection, [submission]))[submission.id]
        if not isinstance(explained, KeyOfAnotherKind):
            transfer_of_result(submission, explained, pointers)  # raises: a wallet is missing, or is of another kind
        return await preview.preview(connection, submission)
