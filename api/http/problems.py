"""A problem is the answer to a request that is not served: an RFC 9457 document with a code.

Problems belong to HTTP. Refusals belong to the ledger and are data: core/ledger/refusals.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse

from core import log, metrics

MEDIA_TYPE = "application/problem+json"


class ProblemKind(NamedTuple):
    """A problem code of the contract: its status, its title, and what a caller should do about it."""

    status: int
    title: str
    explanation: str


KINDS: Mapping[str, ProblemKind] = {
    "invalid_json": ProblemKind(
        400,
        "The body is not valid JSON",
        "Send one JSON object in UTF-8, without byte order mark, NaN, Infinity or trailing data, nested at most 8 deep.",
    ),
    "duplicate_key": ProblemKind(400, "A key occurs twice in an object", "Send each key of an object once."),
    "idempotency_key_missing": ProblemKind(
        400,
        "The Idempotency-Key header is missing",
        "Send a key that you make up for this request, and the same one whenever you repeat it.",
    ),
    "idempotency_key_invalid": ProblemKind(
        400,
        "The Idempotency-Key header is not valid",
        "Send one such header of 1 to 255 visible ASCII characters without spaces, bare or in double quotes.",
    ),
    "malformed_request": ProblemKind(
        400,
        "The request is not valid HTTP",
        "Send HTTP/1.1 with one Host header and one length (RFC 9112). Nothing of the request was looked at.",
    ),
    "invalid_parameter": ProblemKind(
        400,
        "A query parameter is not valid",
        "Send only the parameters of this path, each at most once, within its limits.",
    ),
    "invalid_cursor": ProblemKind(
        400,
        "The cursor is not valid",
        "Send a next_cursor as it was given, with the list and the filters that it was given for.",
    ),
    "unauthorized": ProblemKind(
        401,
        "The request is not authenticated",
        "Add the header `Authorization: Bearer <key>` exactly once, with a key that is known and not revoked.",
    ),
    "forbidden": ProblemKind(403, "The key may not do this", "Use a key of a role that may."),
    "not_found": ProblemKind(
        404,
        "There is nothing here",
        "Check the path and the id. What belongs to another caller is not found either.",
    ),
    "method_not_allowed": ProblemKind(405, "The method is not allowed here", "Use one of the methods in the Allow header."),
    "request_timeout": ProblemKind(
        408,
        "The request did not arrive in time",
        "Nothing was stored. Send the whole request within a few seconds, on a new connection.",
    ),
    "external_id_taken": ProblemKind(
        409,
        "Another client has this external_id",
        "Look that client up by its external_id, or choose another one.",
    ),
    "wallet_exists": ProblemKind(
        409,
        "The client has a wallet of this currency",
        "Nothing was stored. A client has one wallet a currency; GET the client to see it.",
    ),
    "endpoint_disabled": ProblemKind(
        409,
        "The webhook endpoint is disabled or deleted",
        "Nothing was made due. Enable the endpoint first; what was for a deleted one, read from /v1/events.",
    ),
    "too_many_endpoints": ProblemKind(
        409,
        "You have as many webhook endpoints as a client may have",
        "Nothing was stored. Change one of yours, or delete it.",
    ),
    "not_a_hold": ProblemKind(
        409,
        "The transfer is not a hold",
        "Nothing was stored. Capture and release take the id of a transfer of type hold.",
    ),
    "not_reversible": ProblemKind(
        409,
        "The transfer cannot be reversed",
        "Nothing was stored. An applied deposit, withdrawal, transfer or capture can be reversed; release a hold instead.",
    ),
    "not_cancelable": ProblemKind(
        409,
        "The transfer cannot be canceled",
        "Nothing was changed. Its outcome is final, or it is the release of an expired hold: `transfer` shows it as it is.",
    ),
    "wallet_closed": ProblemKind(
        409,
        "The wallet is closed",
        "Nothing was changed. A closed wallet stays as it is, for ever: neither a freeze nor a limit has a meaning there.",
    ),
    "body_too_large": ProblemKind(413, "The body is too large", "Send at most 16 KiB, or 1 MiB in a batch."),
    "unsupported_media_type": ProblemKind(
        415,
        "The media type is not supported",
        "Send application/json in UTF-8, without Content-Encoding.",
    ),
    "validation_failed": ProblemKind(
        422,
        "The request is not valid",
        "Each of errors points to a field and says what is wrong with it. Nothing was stored; the idempotency key is still free.",
    ),
    "idempotency_key_reused": ProblemKind(
        422,
        "The idempotency key belongs to another request",
        "Nothing happened. Use a new key for a new request; repeat a request without any change.",
    ),
    "headers_too_large": ProblemKind(
        431,
        "The headers are too large",
        "Send at most 64 KiB of request line and headers, 200 header fields, and 64 KiB of chunk sizes, extensions and trailers.",
    ),
    "internal_error": ProblemKind(
        500,
        "Something went wrong",
        "The outcome is unknown: repeat the request with the same idempotency key.",
    ),
    "rate_limited": ProblemKind(
        429,
        "Too many requests",
        "Nothing was stored. Repeat the request with the same idempotency key after Retry-After seconds.",
    ),
    "backlog_full": ProblemKind(
        503,
        "Too many transfers are waiting",
        "Nothing was stored. Repeat the request with the same idempotency key after Retry-After seconds.",
    ),
    "unavailable": ProblemKind(
        503,
        "The service is not available",
        "The outcome is unknown: repeat the request with the same idempotency key after Retry-After seconds.",
    ),
}

COUNTED = metrics.counters("teller_problems_total", "Requests answered with a problem", "code", KINDS)

FAULTS = frozenset({"internal_error", "unavailable"})  # of Teller; all others are the caller's, or intended refusals of overload

RETRY_AFTER_S = 1
ERRORS_MAX = 20  # in one document: a body of 1 MiB may hold 100 000 errors, which made a response of 9.5 MB
INSTANCE_MAX = 2000  # characters of the path that the document repeats; the longest path of this API has 100

logger = log.get(__name__)

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field, or with one query parameter: its place, a code of the contract, and words without its value.

    The place of a field is a JSON pointer (RFC 6901), that of a parameter its name behind a question mark.
    """

    pointer: str
    code: str
    detail: str


class Problem(Exception):
    """Any code below a route may raise it. api/http/failures.py answers the request with it.

    `transfer` is the transfer that the problem is about, as this caller may see it: a member of the document.
    """

    def __init__(
        self,
        code: str,
        detail: str | None = None,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        transfer: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail
        self.errors = errors
        self.headers = dict(headers or {})
        self.transfer = transfer


def existing_or_404(row: Row | None) -> Row:
    """Return the row. Raises Problem "not_found" when there is none."""
    if row is None:
        raise Problem("not_found")
    return row


def invalid(errors: Sequence[FieldError], found: int | None = None) -> Problem:
    """Return the problem of a body that breaks rules. It lists ERRORS_MAX errors; `found` says how many there are in all."""
    found = found or len(errors)
    detail = "1 field is not valid" if found == 1 else f"{found} fields are not valid"
    if found > ERRORS_MAX:
        detail += f"; the first {ERRORS_MAX} are listed"
    return Problem("validation_failed", detail, errors=errors[:ERRORS_MAX])


def invalid_parameters(errors: Sequence[FieldError]) -> Problem:
    """Return the problem of a query string that breaks rules. `detail` is the one error, or the places of several."""
    if len(errors) == 1:
        detail = f"{errors[0].pointer.removeprefix('?') or 'a query parameter'} {errors[0].detail}"
    else:
        detail = f"{len(errors)} query parameters are not valid: {', '.join(error.pointer.removeprefix('?') for error in errors)}"
    return Problem("invalid_parameter", detail, errors=errors[:ERRORS_MAX])


def render_problem(problem: Problem, instance: str, request_id: str) -> dict[str, object]:
    """Return the problem document. `instance` is the path of the request."""
    kind = KINDS[problem.code]
    fields: dict[str, object] = {
        "type": f"/problems/{problem.code}",
        "title": kind.title,
        "status": kind.status,
        "code": problem.code,
        "detail": problem.detail or kind.explanation,
        "instance": instance[:INSTANCE_MAX],
        "request_id": request_id,
    }
    if problem.errors:
        fields["errors"] = [{"pointer": error.pointer, "code": error.code, "detail": error.detail} for error in problem.errors]
    if problem.transfer is not None:
        fields["transfer"] = problem.transfer
    return fields


def count_problem(problem: Problem) -> None:
    """Count a problem that is being answered, and log it: faults as warnings, all others at DEBUG, or they would fill a disk."""
    COUNTED[problem.code].inc()
    write = logger.warning if problem.code in FAULTS else logger.debug
    write("problem answered", code=problem.code, status=KINDS[problem.code].status)


def problem_response(request: Request, problem: Problem) -> JSONResponse:
    """Return the response to this request that ends in this problem. Counts and logs it."""
    count_problem(problem)
    kind = KINDS[problem.code]
    headers = dict(problem.headers)
    if kind.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if kind.status == 503:
        headers.setdefault("Retry-After", str(RETRY_AFTER_S))
    request_id = request.state.request_id
    return JSONResponse(render_problem(problem, request.scope["path"], request_id), kind.status, headers, media_type=MEDIA_TYPE)
