"""GET /v1/search: everything that has one exact text as its id, key, external id or reference, and clients by name."""

from collections.abc import Iterable
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from api.admission.auth import Caller
from api.callers import ReaderDep
from api.http.fields import NAME_LENGTH_MAX
from api.http.openapi import COMMON_PROBLEMS, problem_responses
from api.http.pagination import Identified
from api.http.parameters import PrintableFilter
from api.services import services
from api.v1.clients import ClientView, render_client
from api.v1.events import EventView
from api.v1.keys import KeyView, render_key
from api.v1.transfers import TransferView
from api.v1.wallets import WalletView, render_wallet
from api.v1.webhooks.deliveries import DeliveryView, renderer_for
from api.v1.webhooks.endpoints import EndpointView
from core import clients, events, ids, keys, transfer_lists, transfers, wallets
from core.clients import Client
from core.events import AnyEvent
from core.ids import Prefix
from core.keys import Key
from core.postgres.pool import Database
from core.render import render_endpoint, render_event, render_transfer
from core.transfers import Transfer
from core.wallets import Wallet
from core.webhooks import deliveries, endpoints
from core.webhooks.deliveries import Delivery
from core.webhooks.endpoints import Endpoint

FOUND_MAX = 10  # of each kind
TEXT_MAX = 255  # characters: no id, key, external id, reference or name is longer

Found = TypeVar("Found", bound=Identified)


class SearchView(BaseModel):
    """What was found, at most 10 of each kind."""

    clients: list[ClientView] = Field(description="by id, external id, idempotency key, or the beginning of their names")
    wallets: list[WalletView] = Field(description="by id, or by the idempotency key that made them")
    transfers: list[TransferView] = Field(description="by id, idempotency key of any owner, or reference: of these the newest")
    webhook_endpoints: list[EndpointView] = Field(description="of the operators and of clients, by id")
    keys: list[KeyView] = Field(description="by id")
    events: list[EventView] = Field(description="by id")
    deliveries: list[DeliveryView] = Field(description="to the operators and to clients, by id")


router = APIRouter(tags=["search"])


@router.get("/v1/search", summary="Search", response_model=SearchView, responses=problem_responses(*COMMON_PROBLEMS, "forbidden"))
async def search(
    request: Request,
    caller: ReaderDep,
    q: Annotated[
        PrintableFilter,
        Query(
            min_length=1,
            max_length=TEXT_MAX,
            description="an id of any kind, an idempotency key, an external id, a reference, or how a client's name begins",
        ),
    ],
) -> Any:
    """Find whatever has just this text: ids, idempotency keys, external ids and references match letter for letter.

    A client's name matches by its beginning, without regard to case. For operators.
    """
    database = services(request).database
    return {
        "clients": [render_client(one) for one in await find_clients(database, q)],
        "wallets": [render_wallet(one) for one in await find_wallets(database, q)],
        "transfers": [render_transfer(one, caller) for one in await find_transfers(database, q)],
        "webhook_endpoints": [render_endpoint(one) for one in await find_endpoints(database, q)],
        "keys": [render_key(one) for one in await find_keys(database, q)],
        "events": [render_event(one, caller) for one in await find_events(database, q, caller)],
        "deliveries": [renderer_for(caller)(one) for one in await find_deliveries(database, q)],
    }


async def find_clients(database: Database, text: str) -> list[Client]:
    id = id_of(Prefix.CLIENT, text)
    return first_of_each(
        [await clients.find(database, id)] if id else [],
        [await database.run(lambda connection: clients.find_by_external_id(connection, text))],
        [await database.run(lambda connection: clients.find_by_key(connection, text))],
        await clients.list_by_name(database, text, after=("", ids.FIRST), limit=FOUND_MAX) if len(text) <= NAME_LENGTH_MAX else [],
    )


async def find_wallets(database: Database, text: str) -> list[Wallet]:
    id = id_of(Prefix.WALLET, text)
    keyed = await database.run(lambda connection: wallets.find_by_key(connection, text))
    return first_of_each([await wallets.find(database, id)] if id else [], [keyed.wallet] if keyed else [])


async def find_transfers(database: Database, text: str) -> list[Transfer]:
    id = id_of(Prefix.TRANSFER, text)
    referred = await transfer_lists.list_page(database, reference=text, before=ids.LAST, limit=FOUND_MAX)
    return first_of_each(
        await transfers.find_all(database, [id]) if id else [],
        await transfer_lists.list_by_any_key(database, text, limit=FOUND_MAX),
        referred.rows,
    )


async def find_endpoints(database: Database, text: str) -> list[Endpoint]:
    id = id_of(Prefix.ENDPOINT, text)
    return first_of_each([await endpoints.find_endpoint(database, None, id)] if id else [])


async def find_keys(database: Database, text: str) -> list[Key]:
    id = id_of(Prefix.KEY, text)
    found = await keys.find_by_id(database, id) if id else None
    return [found] if found else []


async def find_events(database: Database, text: str, caller: Caller) -> list[AnyEvent]:
    id = id_of(Prefix.EVENT, text)
    found = await events.find(database, id, owner=caller.owner) if id else None
    return [found] if found else []


async def find_deliveries(database: Database, text: str) -> list[Delivery]:
    id = id_of(Prefix.DELIVERY, text)
    return first_of_each([await deliveries.find(database, None, id)] if id else [])


def id_of(prefix: Prefix, text: str) -> UUID | None:
    try:
        return ids.parse(prefix, text)
    except ids.UnknownId:
        return None


def first_of_each(*found: Iterable[Found | None]) -> list[Found]:
    """Return what was found in these ways, each once, in order: at most FOUND_MAX."""
    unique = {one.id: one for ways in found for one in ways if one is not None}
    return list(unique.values())[:FOUND_MAX]
