"""Read a JSON body strictly: what is ambiguous, oversized or not quite JSON is refused before its fields are read."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Never

from starlette.requests import Request

from api.http.fields import RequestModel, validate
from api.http.problems import Problem

BODY_MAX = 16 * 1024
DEPTH_MAX = 8
DIGITS_MAX = 19  # more than any BIGINT has
TOO_LARGE = 10**DIGITS_MAX

# What is parsed in the event loop: 20 000 values take 10 ms, the 350 000 that 1 MiB may hold 150 to 300 ms. A batch of 1000 plain
# transfers has 9 000. More goes to one thread beside the loop. Python passes the interpreter on every 5 ms for each thread that
# wants it, so one thread costs other callers 5 ms and several would cost a multiple.
VALUES_AT_ONCE = 20_000
ASIDE = ThreadPoolExecutor(1, "parse")


async def read_object(request: Request, limit: int = BODY_MAX) -> dict[str, Any]:
    """Return the JSON object in the request's body. Raises Problem with the contract's code for anything else."""
    check_media_type(request)
    body = await read(request, limit)
    if not is_costly(body):
        return parse_object(body)
    return await asyncio.get_running_loop().run_in_executor(ASIDE, parse_object, body)


class Nothing(RequestModel):
    """The body of a verb that says all in its path."""


async def refuse_fields(request: Request) -> None:
    """Accept no body, or an empty object, from a verb that says all in its path (RFC 9112, section 6.3). Raises Problem."""
    if request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers:
        validate(Nothing, await read_object(request))


def check_media_type(request: Request) -> None:
    """Accept `application/json` alone, with charset utf-8 or none, not encoded in any way (RFC 9110, sections 8.3 and 8.4)."""
    types = request.headers.getlist("content-type")
    if len(types) != 1 or "content-encoding" in request.headers:
        raise Problem("unsupported_media_type")
    media_type, *parameters = (part.strip().lower() for part in types[0].split(";"))
    if media_type != "application/json" or not all(part in ("", "charset=utf-8", 'charset="utf-8"') for part in parameters):
        raise Problem("unsupported_media_type")


async def read(request: Request, limit: int) -> bytes:
    """Return the body; stop reading as soon as it is larger than `limit` bytes, whatever its header says."""
    body = b""
    while True:  # by hand: the generator that Starlette offers costs as much as parsing what it reads
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise Problem("invalid_json", "the body ended early")
        body += bytes(message.get("body", b""))
        if len(body) > limit:
            raise Problem("body_too_large", f"the body is larger than {limit} bytes", headers={"Connection": "close"})
        if not message.get("more_body", False):
            return body


def is_costly(body: bytes) -> bool:
    """Tell whether the body may hold very many values: counted by what stands between them, within strings too."""
    return len(body) > BODY_MAX and sum(body.count(mark) for mark in (b",", b"[", b"{")) > VALUES_AT_ONCE


def parse_object(body: bytes) -> dict[str, Any]:
    """Parse strict JSON (RFC 8259) into an object. Integers of any length are read; beyond a BIGINT as TOO_LARGE."""
    try:
        value = DECODER.decode(body.decode("utf-8"))
    except UnicodeDecodeError:
        raise Problem("invalid_json", "the body is not UTF-8") from None
    except RecursionError:
        raise Problem("invalid_json", "the body is nested too deep") from None
    except ValueError:
        raise Problem("invalid_json") from None
    if not isinstance(value, dict):
        raise Problem("invalid_json", "the body is not a JSON object")
    if is_deeper(value, DEPTH_MAX):
        raise Problem("invalid_json", f"the body is nested more than {DEPTH_MAX} deep")
    return value


def unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise Problem("duplicate_key")
    return fields


def refuse_constant(_: str) -> Never:
    raise ValueError("NaN and Infinity are not JSON")


def parse_integer(digits: str) -> int:
    # Python itself refuses 4 300 digits and more, with an error that would look like bad JSON.
    return int(digits) if len(digits) <= DIGITS_MAX else (-TOO_LARGE if digits[0] == "-" else TOO_LARGE)


def is_deeper(value: object, depth: int) -> bool:
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list):
        return False
    return depth == 0 or any(is_deeper(item, depth - 1) for item in value if item.__class__ in (dict, list))


DECODER = json.JSONDecoder(object_pairs_hook=unique_keys, parse_constant=refuse_constant, parse_int=parse_integer)
