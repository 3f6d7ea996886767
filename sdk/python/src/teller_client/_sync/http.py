"""Sends requests until an answer says what became of them."""

from __future__ import annotations

import json
import logging
import platform
import time
import uuid
from collections.abc import Callable
from typing import Any, NamedTuple

import httpx

from teller_client._request import WAIT_MAX_S, Attempt, Request
from teller_client._retry import LEARNT_NOTHING, REPEATED_STATUSES, Limits, is_refusal, pause_s, retry_after_of
from teller_client._shims import SyncHttpxClient, sync_sleep
from teller_client._version import __version__
from teller_client.errors import ApiError, ConnectionFailed, OutcomeUnknown, TellerError, api_error

USER_AGENT = f"teller-python/{__version__} (python {platform.python_version()}; httpx {httpx.__version__})"
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
LOG = logging.getLogger("teller_client")
SHORTEST_S = 1.0  # of an attempt after the first, at the end of the time for all
IDLE_S = 30.0  # of a connection that is used again; the API keeps idle ones for 75 s


class Unreadable(TellerError):
    """An answer that says "done" and is no JSON: a proxy or a portal has sent it."""


class Outcome(NamedTuple):
    """Of one attempt: the answer's JSON, or the fault. `may_have_happened`: the fault does not exclude that it was carried out."""

    answer: Any = None
    fault: Exception | None = None
    may_have_happened: bool = False
    is_temporary: bool = False
    retry_after: float | None = None
    status: int | None = None


class SyncHttp:
    """One API and one key. Holds connections; close it."""

    def __init__(
        self,
        url: str,
        key: str,
        limits: Limits,
        on_request: Callable[[Attempt], None] | None,
        client: SyncHttpxClient | None,
    ) -> None:
        self.limits = limits
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {key}", "User-Agent": USER_AGENT, "Accept": "application/json"}
        self._on_request = on_request
        self._client = client or SyncHttpxClient(
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=20, keepalive_expiry=IDLE_S),
        )

    def close(self) -> None:
        self._client.close()

    def send(self, request: Request, *, within_s: float | None = None) -> Any:
        """Return the answer's JSON, None for an answer without a body. Raises the errors that errors.py lists.

        Temporary faults are followed by another attempt, for at most `within_s` seconds. With 0 there is one attempt.
        """
        until = time.monotonic() + (self.limits.retry_within_s if within_s is None else within_s)
        may_have_happened = False
        attempt = 1
        while True:
            outcome = self._attempt(request, attempt, until)
            if outcome.fault is None:
                return outcome.answer
            pause = pause_s(self.limits, attempt, outcome.retry_after)
            repeats = request.is_repeatable or not outcome.may_have_happened
            if not (outcome.is_temporary and repeats and time.monotonic() + pause < until):
                raise error_of(request, outcome, may_have_happened=may_have_happened)
            may_have_happened |= outcome.may_have_happened
            attempt += 1
            sync_sleep(pause)

    def _attempt(self, request: Request, attempt: int, until: float) -> Outcome:
        began = time.monotonic()
        request_id = uuid.uuid4().hex
        left_s = until - began
        wait_s = wait_of(request, left_s, self.limits)
        longest_s = self.limits.read_timeout_s + wait_s
        if attempt > 1:
            longest_s = min(longest_s, max(left_s, SHORTEST_S))
        outcome = self._try(request, headers_of(request, request_id, wait_s), longest_s)
        error = str(outcome.fault) or type(outcome.fault).__name__ if outcome.fault else None
        taken_s = time.monotonic() - began
        self._report(Attempt(request.method, request.path, attempt, outcome.status, taken_s, request_id, error))
        return outcome

    def _try(self, request: Request, headers: dict[str, str], longest_s: float) -> Outcome:
        until = time.monotonic() + longest_s
        content = bytearray()
        try:
            with self._client.stream(
                request.method,
                self._url + request.path,
                params=request.query or None,
                content=request.body,
                headers=self._headers | headers,
                timeout=httpx.Timeout(longest_s, connect=min(longest_s, self.limits.connect_timeout_s), pool=None),
                follow_redirects=False,  # one would take the key to another address
            ) as response:
                for part in response.iter_bytes():
                    content += part
                    if time.monotonic() > until:  # httpx's time-out is for each part
                        raise httpx.ReadTimeout("the answer took too long")
        except NOT_SENT as fault:
            return Outcome(fault=fault, is_temporary=True)
        except (httpx.TransportError, httpx.DecodingError) as fault:
            return Outcome(fault=fault, may_have_happened=True, is_temporary=True)
        return outcome_of(response, bytes(content))

    def _report(self, attempt: Attempt) -> None:
        """Tell the hook. Its errors are logged: raised, they would hide what became of the request."""
        try:
            if self._on_request:
                self._on_request(attempt)
        except Exception:
            LOG.exception("on_request failed")


def wait_of(request: Request, left_s: float, limits: Limits) -> int:
    """Return for how many seconds the API may wait: not longer than there is time for its answer."""
    return int(max(0, min(request.wait_s, WAIT_MAX_S, left_s - limits.read_timeout_s)))


def headers_of(request: Request, request_id: str, wait_s: int) -> dict[str, str]:
    headers = {"X-Request-Id": request_id}
    if request.body is not None:
        headers["Content-Type"] = "application/json"
    if request.key is not None:
        headers["Idempotency-Key"] = request.key
    if wait_s:
        headers["Prefer"] = f"wait={wait_s}"
    return headers


def outcome_of(response: httpx.Response, content: bytes) -> Outcome:
    status = response.status_code
    parsed = parse(content)
    if response.is_success:
        if parsed is None and status != 204:
            fault = Unreadable(f"the answer with status {status} is no JSON")
            return Outcome(fault=fault, may_have_happened=True, is_temporary=True, status=status)
        return Outcome(answer=parsed, status=status)
    problem = parsed if isinstance(parsed, dict) else {}
    retry_after = retry_after_of(response.headers)
    error = api_error(status, problem, request_id=response.headers.get("x-request-id"), retry_after=retry_after)
    is_temporary = status in REPEATED_STATUSES
    may_have_happened = is_temporary and not is_refusal(status, problem.get("code"))
    return Outcome(None, error, may_have_happened, is_temporary, retry_after, status)


def parse(content: bytes) -> Any:
    """Return the JSON, None where it is none."""
    try:
        return json.loads(content)
    except ValueError:
        return None


def error_of(request: Request, outcome: Outcome, *, may_have_happened: bool) -> Exception:
    """Return what the caller is told at the end. `may_have_happened` is about the attempts before the last one."""
    learnt_nothing = outcome.status is None or outcome.status in LEARNT_NOTHING
    unknown = outcome.may_have_happened or (may_have_happened and learnt_nothing)
    if unknown and not request.changes_nothing:
        error: TellerError = OutcomeUnknown(request.method, request.path, request.key, request.body)
    elif isinstance(outcome.fault, ApiError):
        return outcome.fault
    else:
        error = ConnectionFailed(f"{request.method} {request.path}: {outcome.fault or type(outcome.fault).__name__}")
    error.__cause__ = outcome.fault
    return error
