"""GET /problems: every code of an answer, with its meaning. Callers need no key."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import WithJsonSchema
from pydantic_core import to_json
from starlette.responses import Response

from api.http import codes
from api.http.openapi import problem_responses
from api.http.problems import KINDS, Problem

ALL_CODES = sorted({*KINDS, *(code for section in codes.SECTIONS.values() for code in section)})
ProblemCode = Annotated[str, WithJsonSchema({"type": "string", "enum": ALL_CODES})]

router = APIRouter(tags=["system"])


@router.get(
    "/problems",
    summary="List problem codes",
    response_model=dict[str, Any],
    responses=problem_responses("invalid_parameter"),
)
async def list_problems() -> Response:
    """Every code of an answer: those of problems in `data`, all others in `codes`, each with the fields that hold it."""
    return Response(LIST, media_type="application/json")


@router.get(
    "/problems/{code}",
    summary="Explain a code",
    response_model=dict[str, Any],
    responses=problem_responses("invalid_parameter", "not_found"),
)
async def get_problem(code: ProblemCode) -> Response:
    """What a code means, and what the caller should do."""
    if code not in BY_CODE:
        raise Problem("not_found")
    return Response(BY_CODE[code], media_type="application/json")


def describe_problem(code: str) -> dict[str, Any]:
    """Return what the page says of the code of a problem. `codes.explain` does so for all other codes."""
    kind = KINDS[code]
    return {"type": f"/problems/{code}", "code": code, "status": kind.status, "title": kind.title, "explanation": kind.explanation}


# The bodies, made once at import: they depend on the code only. One code may be that of a problem and that of a refusal.
LIST = to_json({"data": [describe_problem(code) for code in KINDS], "codes": codes.explain_all()})
BY_CODE = {code: to_json(codes.explain(code)) for section in codes.SECTIONS.values() for code in section}
BY_CODE |= {code: to_json({**(codes.explain(code) or {}), **describe_problem(code)}) for code in KINDS}
