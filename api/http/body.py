"""Read a JSON body strictly: an ambiguous, oversized or malformed body is refused before its fields are validated."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Never

from starlette.requests import Request

from api.http.headers import values_of
from api.http.problems import Problem

JSON = "application/json"
BODY_MAX = 16 * 1024
DEPTH_MAX = 8
NESTED = frozenset({dict, list})  # the types of values that hold others
DIGITS_MAX = 19  # of an integer; the largest BIGINT has 19
TOO_LARGE = 10**DIGITS_MAX

# Values that the event loop parses by itself: 20 000 take 10 ms; the 350 000 that 1 MiB may hold take 150 to 300 ms. A batch of
# 1000 plain transfers has 9 000. A body with more goes to one thread. CPython switches threads every 5 ms, so one thread delays
# other callers by 5 ms, and several would delay them by a multiple.
VALUES_AT_ONCE = 20_000
PARSER_THREAD = ThreadPoolExecutor(1, "parse")


async def read_object(request: Request, limit: int = BODY_MAX) -> dict[str, Any]:
    """Return the JSON object in the request's body. Raises Problem with the contract's code for anything else."""
    check_media_type(request)
    body = await read_body(request, limit)
    if not is_costly(body):
        return parse_object(body)
    return await asyncio.get_running_loop().run_in_executor(PARSER_THREAD, parse_object, body)


async def read_optional_object(request: Request) -> dict[str, Any]:
    """As read_object, and an empty object where the request has no body (RFC 9112, section 6.3)."""
    if request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers:
        return await read_object(request)
    return {}


def check_media_type(request: Request) -> None:
    """Accept `application/json` alone, with charset utf-8 or none, without Content-Encoding (RFC 9110, sections 8.3 and 8.4)."""
    types = values_of(b"content-type", request)
    if len(types) != 1 or values_of(b"content-encoding", request):
        raise Problem("unsupported_media_type")
    if types[0] == JSON:
        return
    media_type, *parameters = (part.strip().lower() for part in types[0].split(";"))
    if media_type != JSON or not all(part in ("", "charset=utf-8", 'charset="utf-8"') for part in parameters):
        raise Problem("unsupported_media_type")


async def read_body(request: Request, limit: int) -> bytes:
    """Return the body. Raises Problem as soon as more than `limit` bytes have arrived, whatever Content-Length says."""
    body = b""
    while True:  # not request.stream(): Starlette's generator costs as much as parsing the body
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise Problem("invalid_json", "the body ended early")
        body += bytes(message.get("body", b""))
        if len(body) > limit:
            raise Problem("body_too_large", f"the body is larger than {limit} bytes", headers={"Connection": "close"})
        if not message.get("more_body", False):
            return body


def is_costly(body: bytes) -> bool:
    """Return whether the body may hold more than VALUES_AT_ONCE values. Separators are counted, also those inside strings."""
    return len(body) > BODY_MAX and sum(body.count(mark) for mark in (b",", b"[", b"{")) > VALUES_AT_ONCE


def parse_object(body: bytes) -> dict[str, Any]:
    """Parse strict JSON (RFC 8259) into an object. An integer of more than DIGITS_MAX digits becomes TOO_LARGE."""
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
    # int() raises ValueError for more than 4 300 digits; that would be answered as bad JSON.
    return int(digits) if len(digits) <= DIGITS_MAX else (-TOO_LARGE if digits[0] == "-" else TOO_LARGE)


def is_deeper(value: object, depth: int) -> bool:
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list):
        return False
    if depth and NESTED.isdisjoint(map(type, value)):
        return False
    return depth == 0 or any(is_deeper(item, depth - 1) for item in value if item.__class__ in NESTED)


DECODER = json.JSONDecoder(object_pairs_hook=unique_keys, parse_constant=refuse_constant, parse_int=parse_integer)
