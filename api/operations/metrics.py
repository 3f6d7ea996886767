"""GET /metrics for Prometheus: the counters of all API processes, and what the database and Redis show at the scrape."""

import asyncio
import hmac
from typing import NamedTuple

from fastapi import APIRouter, Request
from prometheus_client.metrics_core import Metric
from starlette.responses import Response

from api.admission.auth import bearer_key
from api.admission.readiness import Readiness
from api.http.openapi import problem_responses
from api.http.problems import Problem
from api.intake.gauges import Horizon, OpenTransactions
from api.services import services
from core import exposition, keys
from core.errors import Unavailable
from core.postgres.pool import Database
from core.redis.probe import State

HORIZON_HELP = "For how long one open transaction has kept later events back"

router = APIRouter(tags=["system"])


class ShardQueue(NamedTuple):
    """The queued transfers of a shard: their number and the age of the oldest. `due_s`: how late its longest due work is."""

    shard: int
    transfers: int
    oldest_s: float
    due_s: float


@router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    response_class=Response,
    responses={
        200: {"description": "in Prometheus' text format", "content": {exposition.CONTENT_TYPE: {"schema": {"type": "string"}}}},
        **problem_responses("invalid_parameter", "unauthorized"),
    },
)
async def get_metrics(request: Request) -> Response:
    """All counters of this API, and its queue as it is now. A key is needed only when TELLER_METRICS_KEY is set."""
    check_metrics_key(request)
    shared = services(request)
    shared.gauges.update()
    redis = await asyncio.to_thread(shared.redis_probe.check)
    measured = [
        backlog_limit_metric(shared.settings.backlog_max),
        redis_metric(redis),
        *await database_metrics(shared.readiness, shared.database, shared.gauges.horizon),
    ]
    return Response(await asyncio.to_thread(exposition.text, measured), media_type=exposition.CONTENT_TYPE)


def check_metrics_key(request: Request) -> None:
    """Without TELLER_METRICS_KEY, allow every caller. Raises Problem "unauthorized" when the request's key is another one."""
    wanted = services(request).settings.metrics_key
    if wanted and not hmac.compare_digest(keys.digest(bearer_key(request)), keys.digest(wanted)):
        raise Problem("unauthorized", "This is not the key that TELLER_METRICS_KEY sets for this path.")


async def database_metrics(readiness: Readiness, database: Database, horizon: Horizon) -> list[Metric]:
    """Return readiness, and what the database shows. When it does not answer, readiness says so; no error is raised."""
    checks, _ = await readiness.check()
    queues: list[ShardQueue] = []
    ages: list[Metric] = []
    if checks.get("database_migrated"):
        try:
            queues = await database.fetch("queue/measure", {}, ShardQueue)
            [seen] = await database.fetch("events/measure_horizon", {}, OpenTransactions)
            ages = [exposition.level("teller_feed_horizon_age_seconds", HORIZON_HELP, horizon.age_s(seen))]
        except Unavailable:
            checks["database_answers"] = False
    return [
        *ages,
        exposition.family("teller_ready", "What readiness checks: 1 when it is as it must be", "check", checks),
        exposition.family(
            "teller_queue_transfers", "Transfers that wait", "shard", {str(queue.shard): queue.transfers for queue in queues}
        ),
        exposition.family(
            "teller_queue_oldest_seconds",
            "For how long the next transfer has waited",
            "shard",
            {str(queue.shard): queue.oldest_s for queue in queues},
        ),
        exposition.family(
            "teller_due_oldest_seconds",
            "For how long scheduled transfers and ends of holds have waited past their time for the sweeper",
            "shard",
            {str(queue.shard): queue.due_s for queue in queues},
        ),
    ]


def redis_metric(state: State) -> Metric:
    checks = {"reachable": float(state.is_reachable), "takes_doorbells": float(state.takes_doorbells)}
    return exposition.family("teller_redis", "What readiness reports of Redis: 1 when it is as it should be", "check", checks)


def backlog_limit_metric(backlog_max: int) -> Metric:
    return exposition.level("teller_backlog_limit_transfers", "How many may wait before requests are refused", backlog_max)
