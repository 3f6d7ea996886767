"""Keys of clients: made by operators, shown once, revoked for ever. An operator's own are made by `python -m core keys`."""

from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse, Response

from api.callers import OperatorDep
from api.http.fields import Time, id_schema
from api.http.openapi import BODY_PROBLEMS, FIND_PROBLEMS, LIST_PROBLEMS, NO_BODY, problem_responses
from api.http.pagination import LIMIT_DEFAULT, Cursor, Limit, Page, Pages
from api.http.parameters import path_id
from api.http.problems import Problem
from api.http.validation import require_no_fields
from api.services import services
from api.v1.wallets import ClientId
from core import clients, ids, keys
from core.ids import Prefix
from core.keys import Key
from core.times import rfc3339

KeyId = Annotated[str, id_schema(Prefix.KEY)]


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
    openapi_extra=NO_BODY,
    responses=problem_responses(*FIND_PROBLEMS, "forbidden", *BODY_PROBLEMS),
)
async def post_key(request: Request, caller: OperatorDep, client_id: ClientId) -> Any:
    """Make a key that is bound to the client and its wallet, and show it, this once. For operators.

    A repetition makes another one: when the answer was lost, revoke the key that was never used.
    """
    key, kept = keys.new_key(path_id(request, Prefix.CLIENT, "client_id"))
    await require_no_fields(request)
    made = await services(request).database.run(lambda connection: keys.insert(connection, kept))
    if made is None:
        raise Problem("not_found")
    return JSONResponse({**show(made), "key": key}, 201, {"Cache-Control": "no-store"})


@router.get(
    "/v1/clients/{client_id}/keys",
    summary="List a client's keys",
    response_model=KeyPage,
    responses=problem_responses(*LIST_PROBLEMS, "forbidden", "not_found"),
)
async def list_keys(
    request: Request, caller: OperatorDep, client_id: ClientId, limit: Limit = LIMIT_DEFAULT, cursor: Cursor = None
) -> Any:
    """The client's keys, newest first, the revoked ones too. For operators."""
    id = path_id(request, Prefix.CLIENT, "client_id")
    if await clients.find(services(request).database, id) is None:
        raise Problem("not_found")
    pages = Pages.of("keys", caller.owner, client_id=id)
    rows = await keys.list_page(services(request).database, id, before=pages.id_before(cursor), limit=limit + 1)
    return pages.page(rows, limit, lambda row: row.id.bytes, show)


@router.delete(
    "/v1/keys/{key_id}",
    summary="Revoke a key",
    status_code=204,
    response_description="revoked, now or before",
    openapi_extra=NO_BODY,
    responses=problem_responses(*FIND_PROBLEMS, "forbidden", *BODY_PROBLEMS),
)
async def delete_key(request: Request, caller: OperatorDep, key_id: KeyId) -> Response:
    """Let a key open nothing any more: within 5 seconds, for ever, everywhere. For operators, whose own keys too are revoked so.

    It stays in its list, and revoking it again changes nothing and is answered alike.
    """
    id = path_id(request, Prefix.KEY, "key_id")
    await require_no_fields(request)
    if not await keys.revoke(services(request).database, id):
        raise Problem("not_found")
    return Response(status_code=204)


def show(key: Key) -> dict[str, object]:
    """Return the key of a client as KeyView describes it."""
    assert key.client_id is not None
    return {
        "id": ids.text(Prefix.KEY, key.id),
        "client_id": ids.text(Prefix.CLIENT, key.client_id),
        "hint": key.hint,
        "created_at": rfc3339(key.created_at),
        "last_used_at": rfc3339(key.last_used_at) if key.last_used_at else None,
        "revoked_at": rfc3339(key.revoked_at) if key.revoked_at else None,
    }
