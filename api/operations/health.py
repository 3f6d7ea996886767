"""Is the process alive, may traffic be sent to it, what do its problems mean: asked without a key."""

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import WithJsonSchema
from pydantic_core import to_json
from starlette.responses import Response

from api.http import codes
from api.http.openapi import problem_responses
from api.http.problems import KINDS, Problem
from api.services import services
from core.admin.migrate import names
from core.errors import Unavailable
from core.postgres.pool import Database

STANDBY = "the server that DATABASE_URL leads to is a standby"

router = APIRouter(tags=["around"])

CODES = sorted({*KINDS, *(code for section in codes.SECTIONS.values() for code in section)})
ProblemCode = Annotated[str, WithJsonSchema({"type": "string", "enum": CODES})]


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


@router.get("/healthz", summary="Is the process alive?", responses=problem_responses("invalid_parameter"))
async def get_health() -> dict[str, str]:
    """The process runs. No I/O."""
    return {"status": "ok"}


@router.get("/readyz", summary="May traffic be sent?", responses=problem_responses("invalid_parameter", "unavailable"))
async def get_readiness(request: Request) -> dict[str, Any]:
    """The database is writable, durable, and migrated as far as this version knows, no less and no further. Redis is reported but
    not required: the sweeper works without it. `redis_fault` says why Redis does not take doorbells, null when it does.
    """
    shared = services(request)
    checks, words = await examine(shared.database)
    failed = [name for name, passed in checks.items() if not passed]
    if failed:
        reason = f" ({words})" if words else ""
        raise Problem("unavailable", f"not ready: {', '.join(failed)}{reason}")
    redis = await asyncio.to_thread(shared.redis_probe.check)
    return {
        "status": "ready",
        "checks": {**checks, "redis_reachable": redis.is_reachable, "redis_takes_doorbells": redis.takes_doorbells},
        "redis_fault": redis.fault and redis.fault.kind,
    }


async def check_database(database: Database) -> dict[str, bool]:
    """Return what the database must be and whether it is."""
    checks, _ = await examine(database)
    return checks


async def examine(database: Database) -> tuple[dict[str, bool], str | None]:
    """Return the checks and, where their names do not say enough, why one fails."""
    try:
        await database.check_session()
        [condition] = await database.fetch("session/check", {}, Condition)
        applied = await database.fetch("admin/list_migrations", {}, Migration) if condition.migrated_before else []
    except Unavailable:
        if database.refusal:
            return {"database_answers": True, "database_session": False}, database.refusal
        return {"database_answers": False}, None
    if not condition.writable:
        await database.connect_anew()  # no write comes while the API is not ready, so none would find out that the name has moved
    known, done = set(names()), {migration.name for migration in applied}
    checks = {
        "database_answers": True,
        "database_writable": condition.writable,
        "database_durable": condition.durable,
        "database_migrated": known <= done,
        "database_not_newer": done <= known,
    }
    return checks, STANDBY if condition.standby else None


@router.get(
    "/problems",
    summary="List problem codes",
    response_model=dict[str, Any],
    responses=problem_responses("invalid_parameter"),
)
async def list_problems() -> Response:
    """Every code that an answer may hold: those of problems in `data`, all others in `codes`, each with where it is found."""
    return Response(ALL, media_type="application/json")


@router.get(
    "/problems/{code}",
    summary="Explain a code",
    response_model=dict[str, Any],
    responses=problem_responses("invalid_parameter", "not_found"),
)
async def get_problem(code: ProblemCode) -> Response:
    """What a code means and what to do about it."""
    if code not in EACH:
        raise Problem("not_found")
    return Response(EACH[code], media_type="application/json")


def describe(code: str) -> dict[str, Any]:
    kind = KINDS[code]
    return {"type": f"/problems/{code}", "code": code, "status": kind.status, "title": kind.title, "explanation": kind.explanation}


# Made once: they never change.
ALL = to_json({"data": [describe(code) for code in KINDS], "codes": codes.explain_all()})
EACH = {code: to_json(codes.explain(code)) for section in codes.SECTIONS.values() for code in section}
EACH |= {code: to_json(describe(code)) for code in KINDS}
