"""Overview: is it well, what waits, what needs a person."""

from collections.abc import Awaitable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from console.api import Api, Refused
from console.views.transfers import parties_of
from console.visit import View, Visit, together
from console.words import CHECKS, duration

UNAVAILABLE = 503
RECENT = 20  # transfers of which the share of rejected ones is told; more would cost the API milliseconds at each poll
SHOWN = 8
ENDPOINTS_MAX = 100
SLOW_AFTER_S = 10.0  # normally a transfer waits for milliseconds. A guess
FEED_LATE_AFTER_S = 60.0  # a guess: no statement of Teller takes so long
NEEDED = ("worker", "sweeper", "deliverer")  # the API is there, or there would be no answer


@dataclass(frozen=True)
class Concern:
    """Something that needs a person: what it is, what follows from it, and where more is told."""

    text: str
    what_follows: str
    path: str


class NotReady(Exception):
    """The API refused a read because it cannot serve now; `ready` is what it says of itself, as `readiness` returns it."""

    def __init__(self, ready: Mapping[str, Any]) -> None:
        super().__init__(ready["reason"])
        self.ready = ready


def or_readiness(title: str, view: View) -> View:
    """Make a view that shows the readiness alone while the API cannot serve. The page goes on asking, so it shows the end of it."""

    async def either(visit: Visit) -> Response:
        try:
            return await view(visit)
        except NotReady as not_ready:
            return visit.page("notready.html", title=title, part=f"live-{title.lower()}", ready=not_ready.ready)

    return either


async def show_overview(visit: Visit) -> Response:
    """Everything at a glance."""
    ready, queue, processes, database, recent, endpoints = await visit.shared.shares.get(
        visit.login.key, "overview", lambda: read_all(visit.api)
    )
    visit.shared.history.add(queue)
    shown = recent["data"][:SHOWN]
    return visit.page(
        "overview.html",
        ready=ready,
        queue=queue,
        database=database,
        running=count_by_kind(processes["processes"]),
        recent=shown,
        outcomes=outcomes(recent["data"]),
        parties=await parties_of(visit, shown),
        disabled=sum(one["status"] == "disabled" for one in endpoints["data"]),
        endpoints=len(endpoints["data"]),
        concerns=[
            *concerns(ready, queue, processes["processes"], database),
            *about_transfers(recent["data"]),
            *about_endpoints(endpoints["data"]),
        ],
        waiting=visit.shared.history.waiting(),
        oldest=visit.shared.history.oldest(),
    )


async def read_all(api: Api) -> list[Any]:
    return await with_readiness(
        api,
        api.get("/v1/ops/queue"),
        api.get("/v1/ops/processes"),
        api.get("/v1/ops/database"),
        api.get("/v1/transfers", limit=RECENT),
        api.get("/v1/webhook-endpoints", limit=ENDPOINTS_MAX),
    )


async def with_readiness(api: Api, *reads: Awaitable[Any]) -> list[Any]:
    """Return the readiness and what the reads return. Raises NotReady where the API says that it cannot serve one of them."""
    try:
        return await together(readiness(api), *reads)
    except Refused as refused:
        if refused.status != UNAVAILABLE:
            raise
        raise NotReady(await readiness(api)) from None


async def readiness(api: Api) -> Mapping[str, Any]:
    """Return what the API says of itself: `ready`, its checks, and the reason where it is not ready."""
    try:
        answer = await api.get("/readyz")
    except Refused as refused:
        failed = dict.fromkeys((name for name in CHECKS if name in refused.detail), False)
        return {"ready": False, "checks": failed, "reason": refused.detail}
    return {"ready": True, "checks": answer["checks"], "reason": ""}


def count_by_kind(processes: list[Mapping[str, Any]]) -> Mapping[str, int]:
    return {kind: sum(one["kind"] == kind for one in processes) for kind in ("api", *NEEDED)}


def outcomes(transfers: list[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return how many of these transfers were applied and rejected, and for which reasons."""
    codes = [one["failure"]["code"] for one in transfers if one["failure"]]
    return {
        "of": len(transfers),
        "applied": sum(one["status"] == "applied" for one in transfers),
        "rejected": len(codes),
        "codes": {code: codes.count(code) for code in sorted(set(codes), key=codes.count, reverse=True)},
        "since": transfers[-1]["created_at"] if transfers else None,
    }


def concerns(
    ready: Mapping[str, Any], queue: Mapping[str, Any], processes: list[Mapping[str, Any]], database: Mapping[str, Any]
) -> Iterator[Concern]:
    """Yield what of the system needs a person, the most urgent first."""
    yield from about_readiness(ready)
    yield from about_work(queue, count_by_kind(processes))
    yield from about_database(database)


def about_transfers(recent: list[Mapping[str, Any]]) -> Iterator[Concern]:
    if faults := sum(bool(one["failure"]) and one["failure"]["code"] == "internal" for one in recent):
        yield Concern(
            f"{faults} of the last {len(recent)} transfers were refused because of an internal fault.",
            "The workers' logs say which. Nothing was moved.",
            "/transfers?status=rejected",
        )


def about_endpoints(endpoints: list[Mapping[str, Any]]) -> Iterator[Concern]:
    for one in endpoints:
        if one["status"] == "disabled" and one["disabled_reason"] != "requested":
            yield Concern("A webhook endpoint was disabled.", f"{one['url']} receives nothing now.", f"/webhooks/{one['id']}")


def about_readiness(ready: Mapping[str, Any]) -> Iterator[Concern]:
    if not ready["ready"]:
        yield Concern("The API is not ready.", f"It says: {ready['reason']}", "/health")
    if not all(ready["checks"].get(name, True) for name in ("redis_reachable", "redis_takes_doorbells")):
        yield Concern("Redis takes no messages.", "Transfers are applied some seconds later. None is lost.", "/health")


def about_work(queue: Mapping[str, Any], running: Mapping[str, int]) -> Iterator[Concern]:
    for kind in NEEDED:
        if not running[kind]:
            yield Concern(f"No {kind} is running.", without(kind, running), "/queue")
    if (waits := queue["oldest_seconds"] or 0) > SLOW_AFTER_S:
        yield Concern(f"A transfer has waited for {duration(waits)}.", "Normally each waits for less than a second.", "/queue")
    if (late := queue["due_oldest_seconds"] or 0) > SLOW_AFTER_S:
        yield Concern(f"A scheduled transfer is late by {duration(late)}.", "The sweeper starts these.", "/queue")


def about_database(database: Mapping[str, Any]) -> Iterator[Concern]:
    audit = database["last_audit"]
    if audit and not audit["ok"]:
        yield Concern("The last audit of the ledger failed.", f"It found {audit['failures']:,} violations.", "/health")
    if database["blocked"]:
        yield Concern(f"{len(database['blocked'])} sessions of the database wait for others.", "The queue shows which.", "/queue")
    if (horizon := database["feed"]["horizon_seconds"]) > FEED_LATE_AFTER_S:
        yield Concern(f"Events are late by {duration(horizon)}.", "A transaction of the database has not ended.", "/health")


def without(kind: str, running: Mapping[str, int]) -> str:
    """Return what follows when no process of this kind runs."""
    if kind == "worker" and running["sweeper"]:
        return "The sweeper applies transfers in its place, some seconds late. None is lost."
    return WITHOUT[kind]


overview = or_readiness("Overview", show_overview)

WITHOUT = {
    "worker": "Transfers are accepted and wait until one starts. None is lost.",
    "sweeper": "Scheduled transfers and the ends of holds wait until one starts.",
    "deliverer": "Webhooks wait until one starts. None is lost.",
}
