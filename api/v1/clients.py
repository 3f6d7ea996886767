"""Clients, their history and their wallets: one a currency. The API makes each client together with its first wallet."""

import json
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import MISSING, BaseModel, Field
from starlette.responses import JSONResponse

from api.callers import CallerDep, OperatorDep, ReaderDep
from api.http import idempotency
from api.http.body import read_object
from api.http.fields import ExternalId, Metadata, Name, NewCurrency, Reason, Time
from api.http.headers import optional_key
from api.http.openapi import (
    BODY_PROBLEMS,
    CREATE_PROBLEMS,
    FIND_PROBLEMS,
    KEY,
    LIST_PROBLEMS,
    LOCATION,
    POST_PROBLEMS,
    REPLAYED,
    json_body,
    problem_responses,
)
from api.http.pagination import LIMIT_DEFAULT, Cursor, Limit, Page, Pages
from api.http.parameters import NameFilter, PrintableFilter, path_id
from api.http.problems import FieldError, Problem, existing_or_404, invalid
from api.http.validation import RequestModel, validate
from api.services import services
from api.v1.wallets import ClientId, KeyId, WalletView, key_id_of, list_history, render_wallet
from core import clients, ids, wallets
from core.clients import Client, ExternalIdTaken, NewClient
from core.currencies import USD
from core.ids import Prefix
from core.postgres.connections import AsyncConnection
from core.postgres.queries import fence
from core.times import rfc3339
from core.wallets import NewWallet, Wallet


class ClientRequest(RequestModel):
    name: Name
    external_id: ExternalId | None = None
    metadata: Metadata = {}
    currency: NewCurrency = Field(default=USD, description="of its first wallet")


class WalletRequest(RequestModel):
    currency: NewCurrency


class ClientView(BaseModel):
    id: ClientId
    name: str
    external_id: str | None
    metadata: dict[str, str]
    created_at: Time
    wallet: WalletView = Field(description="its first, which was made with it")
    wallets: list[WalletView] = Field(description="one a currency, in the order in which they were made")


class ClientPage(Page[ClientView]):
    pass


class ClientChanges(RequestModel):
    """What is absent stays as it is."""

    name: Name | MISSING = MISSING
    external_id: ExternalId | MISSING | None = Field(
        default=MISSING, description="null removes it; another client may have it then"
    )
    metadata: Metadata | MISSING = Field(default=MISSING, description="replaces all that was there")
    reason: Reason


class ToldView(BaseModel):
    """What of a client can change, as it was."""

    name: str
    external_id: str | None
    metadata: dict[str, str]


class ClientChangeView(BaseModel):
    """One change of a client."""

    changed_at: Time
    key_id: KeyId | None = Field(description="the API key that asked for it; null for the configured key")
    before: ToldView
    after: ToldView
    reason: str = Field(description="as it was given")


class ClientChangePage(Page[ClientChangeView]):
    pass


router = APIRouter(tags=["clients"])


@router.post(
    "/v1/clients",
    summary="Make a client with its first wallet",
    status_code=201,
    response_model=ClientView,
    response_description="made, now or by an earlier request with this key",
    openapi_extra={"parameters": [KEY], **json_body(ClientRequest)},
    responses={201: {"headers": {**LOCATION, **REPLAYED}}, **problem_responses(*CREATE_PROBLEMS)},
)
async def post_client(request: Request, caller: OperatorDep) -> Any:
    """Make a client and its first wallet. With an Idempotency-Key header the request may be repeated. For operators."""
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
async def list_clients(  # noqa: PLR0917  # FastAPI passes them by name
    request: Request,
    caller: ReaderDep,
    name: Annotated[NameFilter | None, Query(description="only those whose names begin so, in any case")] = None,
    external_id: Annotated[PrintableFilter | None, Query(description="only the one with this external_id")] = None,
    limit: Limit = LIMIT_DEFAULT,
    cursor: Cursor = None,
) -> Any:
    """Clients, newest first; with `name` in the order of their names. For operators and viewers."""
    database = services(request).database
    pages = Pages.of("clients", caller.owner, name=name, external_id=external_id)
    if name is not None and external_id is None:
        found = await clients.list_by_name(database, name, after=pages.name_after(cursor), limit=limit + 1)
        return pages.page(found, limit, lambda client: client.id.bytes + client.name.encode(), render_client)
    list_page = partial(clients.list_page, database, external_id=external_id, name=name)
    return await pages.by_id(cursor, limit, list_page, render_client)


@router.get(
    "/v1/clients/{client_id}",
    summary="Look a client up",
    response_model=ClientView,
    responses=problem_responses(*FIND_PROBLEMS),
)
async def get_client(request: Request, caller: CallerDep, client_id: ClientId) -> Any:
    """A client with its wallets, all as of one instant. A client's key opens its own client only."""
    id = path_id(request, Prefix.CLIENT, "client_id")
    client = await clients.find(services(request).database, id) if caller.sees_client(id) else None
    return render_client(existing_or_404(client))


@router.patch(
    "/v1/clients/{client_id}",
    summary="Change a client",
    response_model=ClientView,
    openapi_extra=json_body(ClientChanges),
    responses=problem_responses(*FIND_PROBLEMS, *BODY_PROBLEMS, "forbidden", "external_id_taken"),
)
async def patch_client(request: Request, caller: OperatorDep, client_id: ClientId) -> Any:
    """Change a client's name, external_id or metadata. For operators.

    Its history keeps what was there before. A repetition changes nothing and has the same answer.
    """
    id = path_id(request, Prefix.CLIENT, "client_id")
    body = validate(ClientChanges, await read_object(request))
    changes = body.model_dump(exclude={"reason"})  # without what is MISSING
    if not changes:
        raise invalid([FieldError("/name", "required", "is required, or external_id or metadata")])
    change = partial(clients.change, id=id, changes=changes, key_id=key_id_of(caller), reason=body.reason)
    try:
        return render_client(existing_or_404(await services(request).database.run(change)))
    except ExternalIdTaken:
        raise Problem("external_id_taken") from None


@router.get(
    "/v1/clients/{client_id}/changes",
    summary="List a client's changes",
    response_model=ClientChangePage,
    responses=problem_responses(*LIST_PROBLEMS, "not_found", "forbidden"),
)
async def list_client_changes(
    request: Request, caller: ReaderDep, client_id: ClientId, limit: Limit = LIMIT_DEFAULT, cursor: Cursor = None
) -> Any:
    """The changes of the client, newest first. For operators and viewers."""
    database, id = services(request).database, path_id(request, Prefix.CLIENT, "client_id")
    existing_or_404(await clients.find(database, id))
    pages = Pages.of("client-changes", caller.owner, client_id=id)
    return await list_history(pages, cursor, limit, partial(clients.list_changes, database, id), render_told)


@router.post(
    "/v1/clients/{client_id}/wallets",
    summary="Make another wallet of a client",
    status_code=201,
    response_model=WalletView,
    response_description="made, now or by an earlier request with this key",
    openapi_extra={"parameters": [KEY], **json_body(WalletRequest)},
    responses={
        201: {"headers": {**LOCATION, **REPLAYED}},
        **problem_responses(*POST_PROBLEMS, "forbidden", "not_found", "wallet_exists"),
    },
)
async def post_wallet(request: Request, caller: OperatorDep, client_id: ClientId) -> Any:
    """Make a wallet of the client in another currency. A client has one wallet a currency. For operators.

    With an Idempotency-Key header the request may be repeated. The client's keys may use the wallet from the answer on.
    """
    id, key = path_id(request, Prefix.CLIENT, "client_id"), optional_key(request)
    new = build_wallet(id, validate(WalletRequest, await read_object(request)), key)
    wallet, replayed = await services(request).database.run(lambda connection: insert_or_find_wallet(connection, new))
    headers = {"Location": f"/v1/wallets/{ids.text(Prefix.WALLET, wallet.id)}"}
    if replayed:
        headers["Idempotent-Replayed"] = "true"
    return JSONResponse(render_wallet(wallet), 201, headers)


def build_client(body: ClientRequest, key: str | None) -> NewClient:
    # USD is left out, as it was before a client could name a currency: keys of those days still fit.
    currency = None if body.currency == USD else body.currency
    fields = {"name": body.name, "external_id": body.external_id, "metadata": body.metadata, "currency": currency}
    return NewClient(
        id=ids.mint(),
        wallet_id=ids.mint(),
        name=body.name,
        external_id=body.external_id,
        metadata=json.dumps(body.metadata),
        currency=body.currency,
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


def build_wallet(client_id: UUID, body: WalletRequest, key: str | None) -> NewWallet:
    fields = {"client_id": client_id, "currency": body.currency}
    return NewWallet(
        id=ids.mint(),
        client_id=client_id,
        currency=body.currency,
        idempotency_key=key,
        fingerprint=idempotency.fingerprint("wallet", fields) if key else None,
    )


async def insert_or_find_wallet(connection: AsyncConnection, new: NewWallet) -> tuple[Wallet, bool]:
    """Return the wallet, and whether an earlier request made it. Raises Problem; then nothing was stored."""
    inserted = await wallets.insert(connection, new)
    stored = await wallets.find_on(connection, new.id)
    if stored is not None:
        if not inserted:
            await fence(connection)  # an earlier run of this function stored it, then lost its connection
        return stored, False
    client = await clients.find_on(connection, new.client_id)
    keyed = await wallets.find_by_key(connection, new.idempotency_key) if new.idempotency_key else None
    if keyed is not None and idempotency.is_repetition(new, of=keyed):
        await fence(connection)
        return keyed.wallet, True
    if keyed is not None:
        raise Problem("idempotency_key_reused")
    if any(wallet.currency == new.currency for wallet in existing_or_404(client).wallets):
        raise Problem("wallet_exists")
    raise Problem("idempotency_key_reused")


def render_client(client: Client) -> dict[str, object]:
    """Return the client as ClientView describes it."""
    return {
        "id": ids.text(Prefix.CLIENT, client.id),
        "name": client.name,
        "external_id": client.external_id,
        "metadata": client.metadata,
        "created_at": rfc3339(client.created_at),
        "wallet": render_wallet(client.wallet),
        "wallets": [render_wallet(wallet) for wallet in client.wallets],
    }


def render_told(told: Mapping[str, Any]) -> dict[str, object]:
    return {name: told[name] for name in ("name", "external_id", "metadata")}
