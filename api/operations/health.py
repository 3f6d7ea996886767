"""GET /healthz and /readyz: whether the process runs, and whether it can serve traffic. Callers need no key."""

import asyncio
from typing import Any

from fastapi import APIRouter, Request

from api.admission.readiness import Readiness
from api.http.openapi import problem_responses
from api.http.problems import Problem
from api.services import services
from core import log
from core.postgres import deadline

logger = log.get(__name__)

router = APIRouter(tags=["system"])


@router.get("/healthz", summary="Is the process alive?", responses=problem_responses("invalid_parameter"))
async def get_health() -> dict[str, str]:
    """The process runs. No I/O."""
    return {"status": "ok"}


@router.get("/readyz", summary="May traffic be sent?", responses=problem_responses("invalid_parameter", "unavailable"))
async def get_readiness(request: Request) -> dict[str, Any]:
    """Ready means: the database is writable and durable, answers commits, and has the migrations of this version, and of
    newer ones those alone that serve it.

    Redis is reported and not required, since the sweeper works without it. `redis_fault` says why Redis does not take doorbells;
    it is null when it does.
    """
    shared = services(request)
    checks, reason = await shared.readiness.check()
    failed = [name for name, passed in checks.items() if not passed]
    if failed:
        in_brackets = f" ({reason})" if reason else ""
        raise Problem("unavailable", f"not ready: {', '.join(failed)}{in_brackets}")
    redis = await asyncio.to_thread(shared.redis_probe.check)
    return {
        "status": "ready",
        "checks": {**checks, "redis_reachable": redis.is_reachable, "redis_takes_doorbells": redis.takes_doorbells},
        "redis_fault": redis.fault and redis.fault.kind,
    }


async def log_newer(readiness: Readiness) -> None:
    """Log at the start that a newer version has migrated the database. The process goes on, and is not ready."""
    deadline.start()
    checks, reason = await readiness.check()
    if not checks.get("database_not_newer", True):
        logger.error("the database is newer", reason=reason)
