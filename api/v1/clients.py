"""Clients. The API makes each client together with its wallet."""

import json
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel
from starlette.responses import JSONResponse

from api.callers import CallerDep, OperatorDep
from api.http import idempotency
from api.http.body import read_object
from api.http.fields import ExternalId, Metadata, Name, Time
from api.http.headers import optional_key
from api.http.openapi import CREATE_PROBLEMS, FIND_PROBLEMS, KEY, LIST_PROBLEMS, LOCATION, REPLAYED, json_body, problem_responses
from api.http.pagination import LIMIT_DEFAULT, Cursor, Limit, Page, Pages
from api.http.parameters import PrintableFilter, path_id
from api.http.problems import Problem, existing_or_404
from api.http.validation import RequestModel, validate
from api.services import services
from api.v1.wallets import ClientId, WalletView, render_wallet
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
async def post_client(request: Request, caller: OperatorDep) -> Any:
    """Make a client and its wallet. With an Idempotency-Key header the request may be repeated. For operators."""
    key = optional_key(request)
    new = build_client(validate(ClientRequest, await read_object(request)), key)
    client, replayed = await services(request).database.run(lambda connection: insert_or_find(connection, new))
    headers = {"Location": f"/v1/clients/{ids.text(Prefix.CLIENT, client.id)}"}
    if replayed:
        headers["Idempotent-Replayed"] = "true"
    return JSONResponse(render_client(client), 201, headers)


@router.get(
    "/v1/clients", summary="List clients", response_model=ClientPage, responses=problem_responses(*LIST_PROBLEMS, "forbidden")
)
async def list_clients(
    request: Request,
    caller: OperatorDep,
    external_id: Annotated[PrintableFilter | None, Query(description="only the one with this external_id")] = None,
    limit: Limit = LIMIT_DEFAULT,
    cursor: Cursor = None,
) -> Any:
    """Clients, newest first. For operators."""
    pages = Pages.of("clients", caller.owner, external_id=external_id)
    list_page = partial(clients.list_page, services(request).database, external_id=external_id)
    return await pages.by_id(cursor, limit, list_page, render_client)


@router.get(
    "/v1/clients/{client_id}",
    summary="Look a client up",
    response_model=ClientView,
    responses=problem_responses(*FIND_PROBLEMS),
)
async def get_client(request: Request, caller: CallerDep, client_id: ClientId) -> Any:
    """A client with its wallet, both as of one instant. A client's key opens its own client only."""
    id = path_id(request, Prefix.CLIENT, "client_id")
    client = await clients.find(services(request).database, id) if caller.sees_client(id) else None
    return render_client(existing_or_404(client))


def build_client(body: ClientRequest, key: str | None) -> NewClient:
    fields = {"name": body.name, "external_id": body.external_id, "metadata": body.metadata}
    return NewClient(
        id=ids.mint(),
        wallet_id=ids.mint(),
        name=body.name,
        external_id=body.external_id,
        metadata=json.dumps(body.metadata),
        currency=CURRENCY,
        idempotency_key=key,
        fingerprint=idempotency.fingerprint("client", fields) if key else None,
    )


async def insert_or_find(connection: AsyncConnection, new: NewClient) -> tuple[Client, bool]:
    """Return the client, and whether an earlier request made it. Raises Problem; then nothing was stored."""
    inserted = await clients.insert(connection, new)
    if inserted is not None:
        return inserted, False
    again = await clients.find_on(connection, new.id)
    if again is not None:
        await fence(connection)
        return again, False  # an earlier run of this function stored it, then lost its connection
    found = await clients.find_by_key(connection, new.idempotency_key) if new.idempotency_key else None
    if found is None and new.external_id and await clients.find_by_external_id(connection, new.external_id):
        raise Problem("external_id_taken")
    if found is None or not idempotency.is_repetition(new, of=found):
        raise Problem("idempotency_key_reused")
    await fence(connection)
    return found, True


def render_client(client: Client) -> dict[str, object]:
    """Return the client as ClientView describes it."""
    return {
        "id": ids.text(Prefix.CLIENT, client.id),
        "name": client.name,
        "external_id": client.external_id,
        "metadata": client.metadata,
        "created_at": rfc3339(client.created_at),
        "wallet": render_wallet(client.wallet),
    }
