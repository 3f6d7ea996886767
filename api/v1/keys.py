"""Keys of clients and viewers: made and revoked by operators, shown once. `python -m core keys` makes operators' keys."""

from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import AfterValidator, BaseModel, Field
from starlette.responses import JSONResponse, Response

from api.admission.auth import CONFIGURED
from api.callers import OperatorDep, ReaderDep
from api.http.body import read_object, read_optional_object
from api.http.fields import Time, check_printable
from api.http.openapi import (
    BODY_PROBLEMS,
    COMMON_PROBLEMS,
    FIND_PROBLEMS,
    LIST_PROBLEMS,
    json_body,
    problem_responses,
)
from api.http.pagination import LIMIT_DEFAULT, Cursor, Limit, Page, Pages
from api.http.parameters import path_id
from api.http.problems import Problem, existing_or_404
from api.http.text import PRINTABLE
from api.http.validation import RequestModel, require_no_fields, validate
from api.services import services
from api.v1.wallets import ClientId, KeyId
from core import clients, ids, keys
from core.ids import Prefix
from core.keys import Key, NewKey, Role
from core.times import rfc3339

KeyName = Annotated[
    str,
    Field(min_length=1, max_length=100, examples=["the shop's backend"], json_schema_extra=PRINTABLE),
    AfterValidator(check_printable),
]


class ClientKeyRequest(RequestModel):
    name: KeyName | None = Field(default=None, description="for people: what the key is for")


class KeyRequest(RequestModel):
    role: Literal["viewer"] = Field(
        description="`viewer`: reads what an operator reads, and moves and changes nothing. Operators' keys are made by"
        " `python -m core keys make --operator`, clients' by `POST /v1/clients/{client_id}/keys`"
    )
    name: KeyName | None = Field(default=None, description="for people: what the key is for")


class KeyView(BaseModel):
    """A key, without the key itself."""

    id: KeyId
    role: Role
    client_id: ClientId | None = Field(description="whose key it is; null for a key of an operator or a viewer")
    name: str | None = Field(description="as it was given when the key was made")
    hint: str = Field(description="the first 8 hexadecimal digits of the key's SHA-256: `printf %s KEY | sha256sum`")
    created_at: Time
    last_used_at: Time | None = Field(description="to the minute")
    revoked_at: Time | None


class NewKeyView(KeyView):
    """A key that has just been made."""

    key: str = Field(description="shown this once: only its SHA-256 is kept", pattern="^tlr_[A-Za-z0-9_-]{43}$")


class KeyPage(Page[KeyView]):
    pass


class ConfiguredKeyView(BaseModel):
    """The operator's key of the settings. It has no id, and is replaced where the settings are."""

    role: Literal["operator"]
    name: Literal["configured"]
    hint: str


class AllKeysPage(KeyPage):
    configured: ConfiguredKeyView | None = Field(description="null where the settings have no key")


router = APIRouter(tags=["keys"])


@router.post(
    "/v1/clients/{client_id}/keys",
    summary="Make a key for a client",
    status_code=201,
    response_model=NewKeyView,
    response_description="made",
    openapi_extra={"requestBody": {**json_body(ClientKeyRequest)["requestBody"], "required": False}},
    responses=problem_responses(*FIND_PROBLEMS, "forbidden", *BODY_PROBLEMS),
)
async def post_key(request: Request, caller: OperatorDep, client_id: ClientId) -> Any:
    """Make a key that is bound to the client and its wallets. The answer shows it; no later answer does. For operators.

    A repeated request makes another key. When an answer was lost, revoke the key that was never used.
    """
    client_id_given = path_id(request, Prefix.CLIENT, "client_id")
    body = validate(ClientKeyRequest, await read_optional_object(request))
    return await make(request, *keys.new_key(client_id_given, name=body.name))


@router.post(
    "/v1/keys",
    summary="Make a key for a viewer",
    status_code=201,
    response_model=NewKeyView,
    response_description="made",
    openapi_extra=json_body(KeyRequest),
    responses=problem_responses(*COMMON_PROBLEMS, "forbidden", *BODY_PROBLEMS),
)
async def post_viewer_key(request: Request, caller: OperatorDep) -> Any:
    """Make a key that reads what an operator's key reads, and moves and changes nothing. For operators.

    The answer shows it; no later answer does. A repeated request makes another key. When an answer was lost, revoke the key that
    was never used.
    """
    body = validate(KeyRequest, await read_object(request))
    return await make(request, *keys.new_key(role=body.role, name=body.name))


@router.get(
    "/v1/keys",
    summary="List keys",
    response_model=AllKeysPage,
    responses=problem_responses(*LIST_PROBLEMS, "forbidden"),
)
async def list_all_keys(request: Request, caller: ReaderDep, limit: Limit = LIMIT_DEFAULT, cursor: Cursor = None) -> Any:
    """The keys of operators, viewers and clients, newest first, including revoked ones. For operators and viewers."""
    shared = services(request)
    page = await Pages.of("all-keys", caller.owner).by_id(cursor, limit, partial(keys.list_page, shared.database, None), render_key)
    return {**page, "configured": render_configured(shared.settings.operator_key)}


@router.get(
    "/v1/clients/{client_id}/keys",
    summary="List a client's keys",
    response_model=KeyPage,
    responses=problem_responses(*LIST_PROBLEMS, "forbidden", "not_found"),
)
async def list_keys(
    request: Request, caller: ReaderDep, client_id: ClientId, limit: Limit = LIMIT_DEFAULT, cursor: Cursor = None
) -> Any:
    """The client's keys, newest first, including revoked ones. For operators and viewers."""
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
    """Revoke a key, of any role, for ever. Every API process refuses it at most 5 seconds later. For operators.

    The key stays in its list. Revoking it again changes nothing and has the same answer.
    """
    id = path_id(request, Prefix.KEY, "key_id")
    await require_no_fields(request)
    if not await keys.revoke(services(request).database, id):
        raise Problem("not_found")
    return Response(status_code=204)


async def make(request: Request, key: str, stored: NewKey) -> JSONResponse:
    """Store the key and answer with it. Raises Problem "not_found" where its client does not exist."""
    made = existing_or_404(await services(request).database.run(lambda connection: keys.insert(connection, stored)))
    return JSONResponse({**render_key(made), "key": key}, 201, {"Cache-Control": "no-store"})


def render_configured(key: str | None) -> dict[str, object] | None:
    """Return the key of the settings as ConfiguredKeyView describes it."""
    return {"role": "operator", "name": CONFIGURED, "hint": keys.hint(key)} if key else None


def render_key(key: Key) -> dict[str, object]:
    """Return the key as KeyView describes it."""
    return {
        "id": ids.text(Prefix.KEY, key.id),
        "role": key.role,
        "client_id": ids.text(Prefix.CLIENT, key.client_id) if key.client_id else None,
        "name": key.name,
        "hint": key.hint,
        "created_at": rfc3339(key.created_at),
        "last_used_at": rfc3339(key.last_used_at) if key.last_used_at else None,
        "revoked_at": rfc3339(key.revoked_at) if key.revoked_at else None,
    }
