"""Webhooks: the operators' endpoints, and one endpoint with its deliveries and their attempts."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from console.views.ids import need
from console.visit import Visit, together

ROWS = 50
ENDPOINTS = 100
RECENT = 20  # deliveries by which an endpoint's success is told
RECENT_FOR_S = 10.0  # 100 endpoints are 100 reads, and the page asks again every two seconds
DELIVERY_STATUSES = ("pending", "delivered", "failed", "canceled")


async def endpoints(visit: Visit) -> Response:
    """The endpoints, each with how its last deliveries went."""
    page = await visit.api.get("/v1/webhook-endpoints", limit=ENDPOINTS)
    recent = await together(*(recent_of(visit, one["id"]) for one in page["data"]))
    rows = [(one, success(deliveries["data"])) for one, deliveries in zip(page["data"], recent, strict=True)]
    return visit.page("webhooks.html", rows=rows)


async def recent_of(visit: Visit, id: str) -> Any:
    """Return the endpoint's newest deliveries, as they were up to RECENT_FOR_S ago."""
    path = f"/v1/webhook-endpoints/{id}/deliveries"
    return await visit.shared.shares.get(
        visit.login.key, path, lambda: visit.api.get(path, limit=RECENT), fresh_s=RECENT_FOR_S, many=True
    )


def success(deliveries: list[Mapping[str, Any]]) -> Mapping[str, int]:
    return {"of": len(deliveries)} | {status: sum(one["status"] == status for one in deliveries) for status in DELIVERY_STATUSES}


async def endpoint(visit: Visit) -> Response:
    """One endpoint and its deliveries, newest first."""
    id = need("whk", visit)
    wanted = visit.query.get("status", "")
    status = wanted if wanted in DELIVERY_STATUSES else None
    found, page = await together(
        visit.api.get(f"/v1/webhook-endpoints/{id}"),
        visit.api.get(f"/v1/webhook-endpoints/{id}/deliveries", limit=ROWS, status=status, cursor=visit.query.get("cursor")),
    )
    return visit.page("webhook.html", endpoint=found, page=page, status=status or "", statuses=DELIVERY_STATUSES)
