"""What routes say of themselves in the OpenAPI document: parameters, headers, bodies, problems. api/document completes it."""

from typing import Any

from pydantic import BaseModel

from api.http.idempotency import KEY_PATTERN
from api.http.problems import ERRORS_MAX, KINDS, MEDIA_TYPE

REFERENCES = "#/components/schemas/{model}"

KEY_SCHEMA = {"type": "string", "pattern": KEY_PATTERN}

KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "made up by the caller for this request; a repetition with the same key gets the same resource",
    "schema": KEY_SCHEMA,
    "example": "order-1001",
}
REQUIRED_KEY = {**KEY, "required": True}

PREFER = {
    "name": "Prefer",
    "in": "header",
    "description": "wait=N: answer when the outcome is final, or after N seconds, at most 30 (RFC 7240); anything else is ignored",
    "required": False,
    "schema": {"type": "string"},
    "example": "wait=10",
}

PREVIEW = {
    "name": "preview",
    "in": "query",
    "description": "true: answer what would become of the transfer now, and store nothing. The key is ignored then",
    "required": False,
    "schema": {"type": "boolean", "default": False},
}

LOCATION = {"Location": {"schema": {"type": "string"}, "description": "where the resource is"}}
WAITED = {"Preference-Applied": {"schema": {"type": "string"}, "description": "only with Prefer: wait"}}
REPLAYED = {"Idempotent-Replayed": {"schema": {"const": "true"}, "description": "only when the key was used before"}}
RETRY_AFTER = {"Retry-After": {"schema": {"type": "string"}, "description": "seconds"}}
CHALLENGE = {"WWW-Authenticate": {"schema": {"const": "Bearer"}, "description": "how to authenticate"}}
PROBLEM_HEADERS = {401: CHALLENGE, 429: RETRY_AFTER, 503: RETRY_AFTER}


PROTOCOL_PROBLEMS = ("malformed_request", "request_timeout", "headers_too_large")  # of api/http/protocol.py, on any route


def reference(model: str) -> dict[str, str]:
    return {"$ref": REFERENCES.format(model=model)}


def problem_responses(*codes: str) -> dict[int | str, dict[str, Any]]:
    """Return the responses of a route that may answer with these problems, or with those of any request."""
    by_status: dict[int, list[str]] = {}
    for code in dict.fromkeys((*codes, *PROTOCOL_PROBLEMS)):
        by_status.setdefault(KINDS[code].status, []).append(code)
    return {
        status: {
            "description": ", ".join(f"`{code}`" for code in of_status),
            "content": {MEDIA_TYPE: {"schema": reference("Problem")}},
            **({"headers": PROBLEM_HEADERS[status]} if status in PROBLEM_HEADERS else {}),
        }
        for status, of_status in by_status.items()
    }


# The problems of a route, by its kind. What is not a GET is forbidden to viewers; a GET that is for some roles adds "forbidden".
COMMON_PROBLEMS = ("invalid_parameter", "unauthorized", "internal_error", "unavailable", "rate_limited")
FIND_PROBLEMS = (*COMMON_PROBLEMS, "not_found")
LIST_PROBLEMS = (*COMMON_PROBLEMS, "invalid_cursor")
BODY_PROBLEMS = ("forbidden", "invalid_json", "duplicate_key", "body_too_large", "unsupported_media_type", "validation_failed")
POST_PROBLEMS = (*COMMON_PROBLEMS, *BODY_PROBLEMS, "idempotency_key_invalid", "idempotency_key_reused")
BATCH_PROBLEMS = (*COMMON_PROBLEMS, *BODY_PROBLEMS, "idempotency_key_invalid", "backlog_full")
CREATE_PROBLEMS = (*POST_PROBLEMS, "forbidden", "external_id_taken")
MONEY_PROBLEMS = (*POST_PROBLEMS, "backlog_full", "idempotency_key_missing")
CHILD_PROBLEMS = (*MONEY_PROBLEMS, "forbidden", "not_found")  # of a verb that names an earlier transfer in its path


def json_body(*models: type[BaseModel]) -> dict[str, Any]:
    """Return the OpenAPI description of a body that the route reads by itself, and that is one of these models."""
    references = [reference(model.__name__) for model in models]
    schema = references[0] if len(references) == 1 else {"anyOf": references}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


PROBLEM_SCHEMA = {
    "type": "object",
    "description": "RFC 9457. GET /problems explains each code.",
    "required": ["type", "title", "status", "code", "detail", "instance", "request_id"],
    "properties": {
        "type": {"type": "string", "examples": ["/problems/validation_failed"]},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "code": {"type": "string", "enum": sorted(KINDS)},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "maxItems": ERRORS_MAX,
            "items": reference("FieldError"),
        },
        "transfer": {**reference("Transfer"), "description": "only of `not_cancelable`: the transfer as it is"},
    },
}

FIELD_ERROR_SCHEMA = {
    "type": "object",
    "description": "What is wrong with one field: a JSON pointer (RFC 6901) and a code that GET /problems explains.",
    "required": ["pointer", "code", "detail"],
    "properties": {name: {"type": "string"} for name in ("pointer", "code", "detail")},
}
