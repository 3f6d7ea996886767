"""What operators watch: the queue with the processes, health with the database, and keys."""

from starlette.responses import Response

from console.views.overview import concerns, count_by_kind, or_readiness, with_readiness, without
from console.visit import Visit, together

KEYS = 100


async def queue(visit: Visit) -> Response:
    """What waits, by line, and which processes work."""
    waiting, processes, database = await together(
        visit.api.get("/v1/ops/queue"), visit.api.get("/v1/ops/processes"), visit.api.get("/v1/ops/database")
    )
    visit.shared.history.add(waiting)
    return visit.page(
        "queue.html",
        queue=waiting,
        shards=sorted(waiting["shards"], key=lambda one: one["oldest_seconds"], reverse=True),
        processes=processes["processes"],
        running=(running := count_by_kind(processes["processes"])),
        no_worker="" if running["worker"] else without("worker", running),
        blocked=database["blocked"],
        waiting=visit.shared.history.waiting(),
        oldest=visit.shared.history.oldest(),
    )


async def show_health(visit: Visit) -> Response:
    """Whether all is well, and of what the system consists."""
    ready, waiting, processes, database, configured = await with_readiness(
        visit.api,
        visit.api.get("/v1/ops/queue"),
        visit.api.get("/v1/ops/processes"),
        visit.api.get("/v1/ops/database"),
        visit.api.get("/v1/ops/settings"),
    )
    found = processes["processes"]
    return visit.page(
        "health.html",
        ready=ready,
        database=database,
        configured=configured,
        running=count_by_kind(found),
        concerns=list(concerns(ready, waiting, found, database)),
    )


health = or_readiness("Health", show_health)


async def keys(visit: Visit) -> Response:
    """All keys, newest first, and what was done in this console."""
    page = await visit.api.get("/v1/keys", limit=KEYS, cursor=visit.query.get("cursor"))
    return visit.page("keys.html", page=page, deeds=visit.shared.journal.newest())
