"""Read a JSON body strictly: what is ambiguous, oversized or not quite JSON is refused before anybody looks at its fields."""

import json
from typing import Any, Never

from starlette.requests import Request

from api.fields import RequestModel, validate
from api.problems import Problem

BODY_MAX = 16 * 1024
DEPTH_MAX = 8
DIGITS_MAX = 19  # more than any BIGINT has
TOO_LARGE = 10**DIGITS_MAX


async def read_object(request: Request, limit: int = BODY_MAX) -> dict[str, Any]:
    """Return the JSON object in the request's body. Raises Problem with the contract's code for anything else."""
    check_media_type(request)
    return parse_object(await read(request, limit))


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
        return depth == 0 or any(is_deeper(item, depth - 1) for item in value.values())
    if isinstance(value, list):
        return depth == 0 or any(is_deeper(item, depth - 1) for item in value)
    return False


DECODER = json.JSONDecoder(object_pairs_hook=unique_keys, parse_constant=refuse_constant, parse_int=parse_integer)
