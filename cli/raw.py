"""teller api: any request of the API."""

import json
from typing import Annotated

from cyclopts import Parameter

from cli import output
from cli.exits import WELL, Cannot
from cli.options import DEFAULTS, Common
from cli.session import Json, session

METHODS = ("GET", "POST", "PATCH", "DELETE")


def api(
    method: Annotated[str, Parameter(help="GET, POST, PATCH or DELETE")],
    path: Annotated[str, Parameter(help="such as /v1/transfers")],
    /,
    *given: Annotated[str, Parameter(help="NAME==VALUE for the query; NAME=TEXT and NAME:=JSON for the body")],
    idempotency_key: Annotated[str | None, Parameter(help="the key of a POST that moves money")] = None,
    common: Common = DEFAULTS,
) -> int:
    """Send any request of the API with the stored key, and print the answer's JSON.

    `teller api GET /v1/transfers limit==5`; `teller api POST /v1/clients name=Ada metadata:='{"plan": "gold"}'`.

    Money verbs need --idempotency-key. Nothing is asked before the call.
    """
    if method.upper() not in METHODS:
        raise Cannot(f"the method is one of {', '.join(METHODS)}")
    if not path.startswith("/"):
        raise Cannot("the path begins with /, such as /v1/transfers")
    query, body = parameters(given)
    with session(common) as opened:
        answer = opened.teller.request(method.upper(), path, body or None, query=query, key=idempotency_key)
    if answer is not None:
        output.json_document(answer)
    return WELL


def parameters(given: tuple[str, ...]) -> tuple[Json, Json]:
    """Return the query and the body that the texts say. Raises Cannot for a text that is none of the three forms."""
    query: Json = {}
    body: Json = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name.rstrip(":"):
            raise Cannot(f"{text!r} is none of NAME==VALUE, NAME=TEXT and NAME:=JSON")
        if name.endswith(":"):
            body[name.removesuffix(":")] = parsed(text, value)
        elif value.startswith("="):
            query[name] = value.removeprefix("=")
        else:
            body[name] = value
    return query, body


def parsed(text: str, value: str) -> object:
    try:
        return json.loads(value)
    except ValueError:
        raise Cannot(f"what follows := in {text!r} is no JSON") from None
