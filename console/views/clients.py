"""Clients: the list by name, and one client with its wallets, transfers and keys."""

from starlette.responses import Response

from console.views.ids import need
from console.views.transfers import parties_of
from console.visit import Visit, together

ROWS = 50
TRANSFERS = 20
KEYS = 20
CHANGES = 10


async def clients(visit: Visit) -> Response:
    """Clients, newest first, or those whose names begin as asked for."""
    name = visit.query.get("name", "").strip() or None
    page = await visit.api.get("/v1/clients", limit=ROWS, name=name, cursor=visit.query.get("cursor"))
    for one in page["data"]:
        visit.shared.names.remember(one, [wallet["id"] for wallet in one["wallets"]])
    return visit.page("clients.html", page=page, name=name or "")


async def client(visit: Visit) -> Response:
    """One client."""
    id = need("cli", visit)
    found, page, keys, changes = await together(
        visit.api.get(f"/v1/clients/{id}"),
        visit.api.get("/v1/transfers", client_id=id, limit=TRANSFERS),
        visit.api.get(f"/v1/clients/{id}/keys", limit=KEYS),
        visit.api.get(f"/v1/clients/{id}/changes", limit=CHANGES),
    )
    visit.shared.names.remember(found, [wallet["id"] for wallet in found["wallets"]])
    return visit.page(
        "client.html",
        client=found,
        page=page,
        keys=keys["data"],
        changes=changes["data"],
        parties=await parties_of(visit, page["data"]),
    )
