"""Search: whatever has an id, a key, a reference or a name. A single hit is opened at once."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from console.api import Refused
from console.views.transfers import parties_of
from console.visit import Visit, see_other

LENGTH_MAX = 255  # of what the API looks for
NOTHING: Mapping[str, list[Any]] = {
    kind: [] for kind in ("clients", "wallets", "transfers", "webhook_endpoints", "keys", "events", "deliveries")
}


async def search(visit: Visit) -> Response:
    """What was found, at most ten of each kind."""
    text = visit.query.get("q", "").strip()
    found = await look(visit, text) if 0 < len(text) <= LENGTH_MAX else NOTHING
    paths = list(addresses(found))
    if len(paths) == 1:
        return see_other(paths[0])
    parties = await parties_of(visit, found["transfers"])
    return visit.page("search.html", found=found, count=len(paths), search=text, parties=parties)


async def look(visit: Visit, text: str) -> Mapping[str, list[Any]]:
    try:
        answer: Mapping[str, list[Any]] = await visit.api.get("/v1/search", q=text)
    except Refused as refused:
        if refused.status == 400:  # a character that no text of Teller has
            return NOTHING
        raise
    return answer


def addresses(found: Mapping[str, list[Any]]) -> list[str]:
    """Return the page of each thing that was found, each page once."""
    paths = [
        *(f"/clients/{one['id']}" for one in found["clients"]),
        *(f"/wallets/{one['id']}" for one in found["wallets"]),
        *(f"/transfers/{one['id']}" for one in found["transfers"]),
        *(f"/webhooks/{one['id']}" for one in found["webhook_endpoints"]),
        *("/keys" for _ in found["keys"]),
        *(path_of_event(one) for one in found["events"]),
        *(path_of_delivery(one) for one in found["deliveries"]),
    ]
    return list(dict.fromkeys(paths))


def path_of_event(event: Mapping[str, Any]) -> str:
    about = event["data"]["id"]
    return f"/webhooks/{about}" if about.startswith("whk_") else f"/transfers/{about}"


def path_of_delivery(delivery: Mapping[str, Any]) -> str:
    return f"/transfers/{delivery['transfer_id']}" if delivery["transfer_id"] else f"/webhooks/{delivery['endpoint_id']}"
