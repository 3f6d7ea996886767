"""Clients: each is made with its one wallet."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel
from starlette.responses import JSONResponse

from api.callers import Known, Operator
from api.http import idempotency
from api.http.body import read_object
from api.http.fields import ExternalId, Metadata, Name, RequestModel, validate
from api.http.openapi import CREATE_PROBLEMS, FIND_PROBLEMS, KEY, LIST_PROBLEMS, LOCATION, REPLAYED, json_body, problem_responses
from api.http.pagination import LIMIT_DEFAULT, Cursor, Limit, Page, Pages
from api.http.parameters import PrintableFilter, optional_key, path_id
from api.http.problems import Problem
from api.http.times import Time
from api.services import services
from api.v1.wallets import ClientId, WalletView, show_wallet
from core import clients, ids
from core.clients import Client, NewClient
from core.ids import Prefix
from core.ledger.money import CURRENCY
from core.postgres.connections import AsyncConnection
from core.postgres.queries import fence
from core.times import rfc3339


class ClientRequest(RequestModel):
    name: Name
    external_id: ExternalId | None = None
    metadata: Metadata = {}


class ClientView(BaseModel):
    id: ClientId
    name: str
    external_id: str | None
    metadata: dict[str, str]
    created_at: Time
    wallet: WalletView


class ClientPage(Page[ClientView]):
    pass


router = APIRouter(tags=["clients"])


@router.post(
    "/v1/clients",
    summary="Make a client with its wallet",
    status_code=201,
    response_model=ClientView,
    response_description="made, now or by an earlier request with this key",
    openapi_extra={"parameters": [KEY], **json_body(ClientRequest)},
    responses={201: {"headers": {**LOCATION, **REPLAYED}}, **problem_responses(*CREATE_PROBLEMS)},
)
async def post_client(request: Request, caller: Operator) -> Any:
    """Make a client and its wallet. With an Idempotency-Key header it may be repeated. For operators."""
    key = optional_key(request)
    asked = validate(ClientRequest, await read_object(request))
    new = new_client(asked, key)
    client, replayed = await services(request).database.run(lambda connection: insert_or_find(connection, new))
    headers = {"Location": f"/v1/clients/{ids.text(Prefix.CLIENT, client.id)}"}
    if replayed:
        headers["Idempotent-Replayed"] = "true"
    return JSONResponse(show(client), 201, headers)


@router.get(
    "/v1/clients", summary="List clients", response_model=ClientPage, responses=problem_responses(*LIST_PROBLEMS, "forbidden")
)
async def list_clients(
    request: Request,
    caller: Operator,
    external_id: Annotated[PrintableFilter | None, Query(description="only the one with this external_id")] = None,
    limit: Limit = LIMIT_DEFAULT,
    cursor: Cursor = None,
) -> Any:
    """Clients, newest first. For operators."""
    pages = Pages.of("clients", caller.owner, external_id=external_id)
    before = pages.id_before(cursor)
    rows = await clients.list_page(services(request).database, external_id=external_id, before=before, limit=limit + 1)
    return pages.page(rows, limit, lambda row: row.id.bytes, show)


@router.get(
    "/v1/clients/{client_id}",
    summary="Look a client up",
    response_model=ClientView,
    responses=problem_responses(*FIND_PROBLEMS),
)
async def get_client(request: Request, caller: Known, client_id: ClientId) -> Any:
    """A client with its wallet, of one instant. A client's key opens its own alone."""
    id = path_id(request, Prefix.CLIENT, "client_id")
    client = await clients.find(services(request).database, id) if caller.sees_client(id) else None
    if client is None:
        raise Problem("not_found")
    return show(client)


def new_client(asked: ClientRequest, key: str | None) -> NewClient:
    fields = {"name": asked.name, "external_id": asked.external_id, "metadata": asked.metadata}
    return NewClient(
        id=ids.mint(),
        wallet_id=ids.mint(),
        name=asked.name,
        external_id=asked.external_id,
        metadata=json.dumps(asked.metadata),
        currency=CURRENCY,
        idempotency_key=key,
        fingerprint=idempotency.fingerprint("client", fields) if key else None,
    )


async def insert_or_find(connection: AsyncConnection, new: NewClient) -> tuple[Client, bool]:
    """Return the client that was made, and whether it was made by an earlier request. Raises Problem; then nothing was stored."""
    inserted = await clients.insert(connection, new)
    if inserted is not None:
        return inserted, False
    again = await clients.find_here(connection, new.id)
    if again is not None:
        await fence(connection)
        return again, False  # stored by a first try, whose connection was lost
    found = await clients.find_by_key(connection, new.idempotency_key) if new.idempotency_key else None
    if found is None and new.external_id and await clients.find_by_external_id(connection, new.external_id):
        raise Problem("external_id_taken")
    if found is None or not idempotency.is_repetition(new, of=found):
        raise Problem("idempotency_key_reused")
    await fence(connection)
    return found, True


def show(client: Client) -> dict[str, object]:
    """Return the client as ClientView describes it."""
    return {
        "id": ids.text(Prefix.CLIENT, client.id),
        "name": client.name,
        "external_id": client.external_id,
        "metadata": client.metadata,
        "created_at": rfc3339(client.created_at),
        "wallet": show_wallet(client.wallet),
    }
