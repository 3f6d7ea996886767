"""Keys of clients. An operator makes and revokes them; a key is shown once. `python -m core keys` makes operators' keys."""

from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse, Response

from api.callers import OperatorDep
from api.http.fields import Time
from api.http.openapi import BODY_PROBLEMS, FIND_PROBLEMS, LIST_PROBLEMS, problem_responses
from api.http.pagination import LIMIT_DEFAULT, Cursor, Limit, Page, Pages
from api.http.parameters import path_id
from api.http.problems import Problem, existing_or_404
from api.http.validation import require_no_fields
from api.services import services
from api.v1.wallets import ClientId, KeyId
from core import clients, ids, keys
from core.ids import Prefix
from core.keys import Key
from core.times import rfc3339


class KeyView(BaseModel):
    """A client's key, without the key itself."""

    id: KeyId
    client_id: ClientId
    hint: str = Field(description="the first 8 hexadecimal digits of the key's SHA-256: `printf %s KEY | sha256sum`")
    created_at: Time
    last_used_at: Time | None = Field(description="to the minute")
    revoked_at: Time | None


class NewKeyView(KeyView):
    """A key that has just been made."""

    key: str = Field(description="shown this once: only its SHA-256 is kept", pattern="^tlr_[A-Za-z0-9_-]{43}$")


class KeyPage(Page[KeyView]):
    pass


router = APIRouter(tags=["keys"])


@router.post(
    "/v1/clients/{client_id}/keys",
    summary="Make a key for a client",
    status_code=201,
    response_model=NewKeyView,
    response_description="made",
    responses=problem_responses(*FIND_PROBLEMS, "forbidden", *BODY_PROBLEMS),
)
async def post_key(request: Request, caller: OperatorDep, client_id: ClientId) -> Any:
    """Make a key that is bound to the client and its wallets. The answer shows it; no later answer does. For operators.

    A repeated request makes another key. When an answer was lost, revoke the key that was never used.
    """
    key, stored = keys.new_key(path_id(request, Prefix.CLIENT, "client_id"))
    await require_no_fields(request)
    made = existing_or_404(await services(request).database.run(lambda connection: keys.insert(connection, stored)))
    return JSONResponse({**render_key(made), "key": key}, 201, {"Cache-Control": "no-store"})


@router.get(
    "/v1/clients/{client_id}/keys",
    summary="List a client's keys",
    response_model=KeyPage,
    responses=problem_responses(*LIST_PROBLEMS, "forbidden", "not_found"),
)
async def list_keys(
    request: Request, caller: OperatorDep, client_id: ClientId, limit: Limit = LIMIT_DEFAULT, cursor: Cursor = None
) -> Any:
    """The client's keys, newest first, including revoked ones. For operators."""
    database, id = services(request).database, path_id(request, Prefix.CLIENT, "client_id")
    existing_or_404(await clients.find(database, id))
    pages = Pages.of("keys", caller.owner, client_id=id)
    return await pages.by_id(cursor, limit, partial(keys.list_page, database, id), render_key)


@router.delete(
    "/v1/keys/{key_id}",
    summary="Revoke a key",
    status_code=204,
    response_description="revoked, now or before",
    responses=problem_responses(*FIND_PROBLEMS, "forbidden", *BODY_PROBLEMS),
)
async def delete_key(request: Request, caller: OperatorDep, key_id: KeyId) -> Response:
    """Revoke a key of a client or an operator, for ever. Every API process refuses it at most 5 seconds later. For operators.

    The key stays in its list. Revoking it again changes nothing and has the same answer.
    """
    id = path_id(request, Prefix.KEY, "key_id")
    await require_no_fields(request)
    if not await keys.revoke(services(request).database, id):
        raise Problem("not_found")
    return Response(status_code=204)


def render_key(key: Key) -> dict[str, object]:
    """Return a client's key as KeyView describes it."""
    assert key.client_id is not None
    return {
        "id": ids.text(Prefix.KEY, key.id),
        "client_id": ids.text(Prefix.CLIENT, key.client_id),
        "hint": key.hint,
        "created_at": rfc3339(key.created_at),
        "last_used_at": rfc3339(key.last_used_at) if key.last_used_at else None,
        "revoked_at": rfc3339(key.revoked_at) if key.revoked_at else None,
    }
