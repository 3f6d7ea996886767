"""GET /healthz and /readyz: whether the process runs, and whether it can serve traffic. Callers need no key."""

import asyncio
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request

from api.http.openapi import problem_responses
from api.http.problems import Problem
from api.services import services
from core import log
from core.admin.migrate import migration_names, newer
from core.errors import Unavailable
from core.postgres import deadline
from core.postgres.pool import Database

STANDBY = "the server that DATABASE_URL leads to is a standby"

logger = log.get(__name__)

router = APIRouter(tags=["system"])


@dataclass(frozen=True, slots=True)
class DatabaseState:
    """What the database must be for the API to promise durability with a 202."""

    standby: bool
    writable: bool
    durable: bool
    has_migrations: bool


@dataclass(frozen=True, slots=True)
class AppliedMigration:
    name: str


@router.get("/healthz", summary="Is the process alive?", responses=problem_responses("invalid_parameter"))
async def get_health() -> dict[str, str]:
    """The process runs. No I/O."""
    return {"status": "ok"}


@router.get("/readyz", summary="May traffic be sent?", responses=problem_responses("invalid_parameter", "unavailable"))
async def get_readiness(request: Request) -> dict[str, Any]:
    """Ready means: the database is writable and durable, and has exactly the migrations of this version.

    Redis is reported and not required, since the sweeper works without it. `redis_fault` says why Redis does not take doorbells;
    it is null when it does.
    """
    shared = services(request)
    checks, reason = await check_with_reason(shared.database)
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


async def log_newer(database: Database) -> None:
    """Log at the start that a newer version has migrated the database. The process goes on, and is not ready."""
    deadline.start()
    checks, reason = await check_with_reason(database)
    if not checks.get("database_not_newer", True):
        logger.error("the database is newer", reason=reason)


async def check_database(database: Database) -> dict[str, bool]:
    """Return the checks of the database by name, and whether each passes."""
    checks, _ = await check_with_reason(database)
    return checks


async def check_with_reason(database: Database) -> tuple[dict[str, bool], str | None]:
    """Return the checks, and the reason of a failed one when its name does not say enough."""
    try:
        await database.check_session()
        [state] = await database.fetch("session/check", {}, DatabaseState)
        applied = await database.fetch("admin/list_migrations", {}, AppliedMigration) if state.has_migrations else []
    except Unavailable:
        if database.refusal:
            return {"database_answers": True, "database_session": False}, database.refusal
        return {"database_answers": False}, None
    if not state.writable:
        # After a failover the host's name leads to another server, and these connections lead to the old one. A write that fails
        # would reconnect too, but none arrives while the API is not ready.
        await database.connect_anew()
    known, done = set(migration_names()), {migration.name for migration in applied}
    checks = {
        "database_answers": True,
        "database_writable": state.writable,
        "database_durable": state.durable,
        "database_migrated": known <= done,
        "database_not_newer": done <= known,
    }
    return checks, STANDBY if state.standby else newer(done)
