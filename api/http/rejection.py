"""The answer to a request that the protocol rejects before the application has it, or has all of it: a problem document.

It is an ASGI application of its own, so that it takes its turn among the answers of its connection.
docs/concepts/state-tables.md draws the states of a connection.
"""

import asyncio
import json
from typing import Any

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from api.http.problems import KINDS, MEDIA_TYPE, Problem, count_problem, render_problem
from api.http.request_id import new_id, sent_id
from core import log


class Rejected(Exception):
    """Stops the parser: the request has been rejected."""


def rejection_cycle(connection: HttpToolsProtocol) -> RequestResponseCycle:
    """Return a cycle for the connection's last answer. It reads no body, and the connection closes after it."""
    connection.scope = {"method": "GET", "headers": [], **(connection.scope or {})}
    cycle = RequestResponseCycle(
        scope=connection.scope,
        transport=connection.transport,
        flow=connection.flow,
        logger=connection.logger,
        access_logger=connection.access_logger,
        access_log=False,
        default_headers=connection.server_state.default_headers,
        message_event=asyncio.Event(),
        expect_100_continue=False,
        keep_alive=False,
        on_response=connection.on_response_complete,
    )
    cycle.more_body = False
    return cycle


def rejection_app(  # uvicorn's ASGI types are private, hence Any
    code: str, rejected: RequestResponseCycle | None, transport: asyncio.Transport, linger_s: float
) -> Any:
    """Return an application that answers with this problem, then leaves the connection half open until the caller has read it.

    A close over unread bytes is a reset, and a reset may destroy the answer. `rejected` is the cycle of the request, and None when
    its head was not complete. After `linger_s` seconds the connection is aborted.
    """
    problem = Problem(code)
    path = rejected.scope["path"] if rejected else "/"
    id = (sent_id({"headers": rejected.scope["headers"]}) if rejected else None) or new_id()
    body = json.dumps(render_problem(problem, path, id.decode()), separators=(",", ":")).encode()
    headers = [
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"x-request-id", id),
    ]

    async def reject(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001
        log.REQUEST_ID.set(id.decode())
        count_problem(problem)
        await send({"type": "http.response.start", "status": KINDS[code].status, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": True})
        if transport.is_closing():
            return
        transport.write_eof()
        try:
            async with asyncio.timeout(linger_s):
                await receive()
        except TimeoutError:
            transport.abort()

    return reject
