"""Is the process alive, may traffic be sent to it, what do its problems mean: asked without a key."""

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import WithJsonSchema

from api.openapi import problem_responses
from api.problems import KINDS, Problem
from core.db import Database
from core.doorbell import Doorbell
from core.errors import Unavailable
from core.migrate import names

STANDBY = "the server that DATABASE_URL leads to is a standby"

router = APIRouter(tags=["around"])

ProblemCode = Annotated[str, WithJsonSchema({"type": "string", "enum": sorted(KINDS)})]


@dataclass(frozen=True, slots=True)
class Condition:
    """What of the database decides whether a 202 would be true."""

    standby: bool
    writable: bool
    durable: bool
    migrated_before: bool


@dataclass(frozen=True, slots=True)
class Migration:
    name: str


@router.head("/healthz", include_in_schema=False)
@router.get("/healthz", summary="Is the process alive?", responses=problem_responses("invalid_parameter"))
async def get_health() -> dict[str, str]:
    """The process runs. No I/O."""
    return {"status": "ok"}


@router.head("/readyz", include_in_schema=False)
@router.get("/readyz", summary="May traffic be sent?", responses=problem_responses("invalid_parameter", "unavailable"))
async def get_readiness(request: Request) -> dict[str, Any]:
    """The database is writable, durable, and migrated as far as this version knows, no less and no further. Redis is reported but
    not required: the sweeper works without it.
    """
    database: Database = request.app.state.database
    checks, words = await examine(database)
    failed = [name for name, passed in checks.items() if not passed]
    if failed:
        reason = f" ({words})" if words else ""
        raise Problem("unavailable", f"not ready: {', '.join(failed)}{reason}")
    doorbell: Doorbell = request.app.state.doorbell
    redis = await asyncio.to_thread(doorbell.is_reachable)
    return {"status": "ready", "checks": {**checks, "redis_reachable": redis}}


async def check_database(database: Database) -> dict[str, bool]:
    """Return what the database must be and whether it is."""
    checks, _ = await examine(database)
    return checks


async def examine(database: Database) -> tuple[dict[str, bool], str | None]:
    """Return the checks and, where their names do not say enough, why one fails."""
    try:
        await database.check_session()
        [condition] = await database.fetch("check_database", {}, Condition)
        applied = await database.fetch("list_migrations", {}, Migration) if condition.migrated_before else []
    except Unavailable:
        if database.refusal:
            return {"database_answers": True, "database_session": False}, database.refusal
        return {"database_answers": False}, None
    known, done = set(names()), {migration.name for migration in applied}
    checks = {
        "database_answers": True,
        "database_writable": condition.writable,
        "database_durable": condition.durable,
        "database_migrated": known <= done,
        "database_not_newer": done <= known,
    }
    return checks, STANDBY if condition.standby else None


@router.get("/problems", summary="List problem codes", responses=problem_responses("invalid_parameter"))
async def list_problems() -> dict[str, Any]:
    """Every code that a problem may have."""
    return {"data": [describe(code) for code in KINDS]}


@router.get("/problems/{code}", summary="Explain a problem code", responses=problem_responses("invalid_parameter", "not_found"))
async def get_problem(code: ProblemCode) -> dict[str, Any]:
    """What a code means and what to do about it."""
    if code not in KINDS:
        raise Problem("not_found")
    return describe(code)


def describe(code: str) -> dict[str, Any]:
    kind = KINDS[code]
    return {"type": f"/problems/{code}", "code": code, "status": kind.status, "title": kind.title, "explanation": kind.explanation}
