"""What the document says of answers: the problems of all operations are shared, one a status, each with an example of every code.

What can befall any request before a route has it is `default`: four statuses that every client treats alike.
"""

import re
from collections.abc import Mapping
from http import HTTPStatus

from api.document.nodes import Json, operations, referred
from api.http.openapi import PROBLEM_HEADERS, reference
from api.http.problems import KINDS, MEDIA_TYPE, FieldError, Problem, render_problem

FASTAPIS_OWN = "Successful Response"

TRANSPORT = (408, 413, 415, 431)
DEFAULT = "RequestNotRead"

NAMES: Mapping[int, str] = {
    422: "Unprocessable"
}  # all others by their phrase in RFC 9110; this one's differs between versions of it

ERRORS = (FieldError("/amount", "amount_not_positive", "amount must be at least 1"),)


def describe_answers(document: Json) -> None:
    """Say what an answer is where its route does not."""
    for _, _, operation in operations(document):
        for response in operation["responses"].values():
            if response["description"] == FASTAPIS_OWN:
                [schema, *_] = [referred(media["schema"]) for media in response.get("content", {}).values()] or [None]
                response["description"] = said(schema or "")


def said(schema: str) -> str:
    """Return what an answer of this schema is, in words."""
    if schema.endswith("Page"):
        return "a page of the list"
    words = " ".join(re.findall("[A-Z][a-z]+", schema.removesuffix("WithSecret"))).lower()
    return f"the {words or 'answer'}"


def share_problems(document: Json) -> None:
    """Replace the problems of each operation by references. The description of a reference lists the operation's own codes."""
    for _, _, operation in operations(document):
        problems = {int(status): one for status, one in operation["responses"].items() if MEDIA_TYPE in one.get("content", {})}
        kept = {status: one for status, one in operation["responses"].items() if MEDIA_TYPE not in one.get("content", {})}
        of_route = {str(status): refer(name_of(status), one) for status, one in sorted(problems.items()) if status not in TRANSPORT}
        of_any = [problems[status]["description"] for status in TRANSPORT if status in problems]
        operation["responses"] = {**kept, **of_route, "default": refer(DEFAULT, {"description": ", ".join(of_any)})}
    statuses = sorted({kind.status for kind in KINDS.values()} - set(TRANSPORT))
    used = {one["$ref"] for _, _, operation in operations(document) for one in operation["responses"].values() if "$ref" in one}
    shared = {name_of(status): answer(status) for status in statuses} | {DEFAULT: answer(*TRANSPORT)}
    document["components"]["responses"] = {name: one for name, one in shared.items() if REFERENCES.format(name) in used}


REFERENCES = "#/components/responses/{}"


def refer(name: str, response: Json) -> Json:
    """Return a reference that keeps the description, as OpenAPI 3.1 allows."""
    return {"$ref": REFERENCES.format(name), "description": response["description"]}


def name_of(status: int) -> str:
    return NAMES.get(status) or "".join(word.capitalize() for word in HTTPStatus(status).phrase.split())


def answer(*statuses: int) -> Json:
    """Return the answer with all problems of these statuses."""
    codes = [code for code, kind in KINDS.items() if kind.status in statuses]
    headers = {name: header for status in statuses for name, header in PROBLEM_HEADERS.get(status, {}).items()}
    return {
        "description": ", ".join(f"`{code}`" for code in codes),
        **({"headers": headers} if headers else {}),
        "content": {MEDIA_TYPE: {"schema": reference("Problem"), "examples": {code: example(code) for code in codes}}},
    }


def example(code: str) -> Json:
    """Return a problem of this code as it is answered."""
    problem = Problem(code, errors=ERRORS if code == "validation_failed" else ())
    return {"summary": KINDS[code].title, "value": render_problem(problem, "/v1/transfers", "1f9a5c1f0e8a4a06b6f2f3f0f9a1b2c3")}
