"""The errors that calls raise. A rejected transfer is a result; it becomes an error only by `raise_for_rejection()`.

TellerError
├── ApiError               the API refused: code, status, detail, errors, request_id
│   ├── ValidationFailed   ├── Unauthorized   ├── RateLimited (retry_after)
│   ├── KeyReused          ├── Forbidden      ├── Overloaded (retry_after)
│   ├── Conflict           ├── NotFound       └── Unavailable (retry_after)
├── OutcomeUnknown         repeat the request with the same key
├── ConnectionFailed       nothing was changed
├── UnexpectedAnswer       the answer has not the form that this version of the client knows
├── NotFinal               wait() has ended before the transfer's outcome was final
├── SignatureError         not signed with one of these secrets
└── Rejected               the ledger refused the transfer: InsufficientFunds, BalanceLimitExceeded, HoldClosed, …
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from teller_client.models import FieldError, Transfer


class TellerError(Exception):
    """The base of all errors of this package, except ValueError and TypeError for an argument: then nothing was sent."""


class ApiError(TellerError):
    """The API refused the request. Nothing was changed, unless the class says otherwise.

    `code` is stable and listed at GET /problems. It is `http_STATUS` where the answer is no problem document, as those of proxies
    are. `request_id` is that of the answer's X-Request-Id.
    """

    def __init__(
        self,
        *,
        code: str,
        status: int,
        detail: str,
        errors: list[FieldError] | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
        problem: Mapping[str, Any] | None = None,
    ) -> None:
        self.code = code
        self.status = status
        self.detail = detail
        self.errors = errors or []
        self.request_id = request_id
        self.retry_after = retry_after
        self.problem = problem or {}
        super().__init__(self._message())

    def _message(self) -> str:
        fields = "".join(f"; {error.pointer}: {error.detail}" for error in self.errors)
        return f"{self.status} {self.code}: {self.detail}{fields} (request {self.request_id})"


class ValidationFailed(ApiError):
    """422: `errors` names each field that is not valid, by JSON pointer. The idempotency key is still free."""


class KeyReused(ApiError):
    """422: the idempotency key belongs to another request. Nothing happened."""


class Unauthorized(ApiError):
    """401: the API key is not known, or was revoked."""


class Forbidden(ApiError):
    """403: the API key may not do this."""


class NotFound(ApiError):
    """404: there is no such thing, or it belongs to another caller."""


class Conflict(ApiError):
    """409: the state of the thing forbids the request."""


class RateLimited(ApiError):
    """429: too many requests. Nothing was stored. `retry_after` is in seconds."""


class Overloaded(ApiError):
    """503 `backlog_full`: too many transfers are waiting. Nothing was stored. `retry_after` is in seconds."""


class Unavailable(ApiError):
    """408, 500, 502, 503 or 504 of a request that changes nothing. `retry_after` is in seconds."""


class OutcomeUnknown(TellerError):
    """No answer says whether the request was carried out. It may have been. The last fault is the `__cause__`.

    Make the same call again, with the same arguments and the same `key`: at most one of all attempts is ever carried out. `key` is
    None for a request that has no key; look whether it was carried out before you repeat it.
    """

    def __init__(self, method: str, path: str, key: str | None, body: bytes | None) -> None:
        self.method = method
        self.path = path
        self.key = key
        self.body = body
        advice = f"repeat it with the same key, {key!r}" if key else "look whether it was, before you repeat it: it has no key"
        super().__init__(f"{method} {path}: no answer says whether it was carried out; {advice}")


class ConnectionFailed(TellerError):
    """The API was not reached, or a request that changes nothing got no readable answer. The last fault is the `__cause__`."""


class UnexpectedAnswer(TellerError):
    """An answer says that the request was carried out, and lacks what this version of the client needs to show it."""


class NotFinal(TellerError):
    """The time of wait() has passed. `transfer` is as it was last seen; it stays queued and needs no repetition."""

    def __init__(self, transfer: Transfer) -> None:
        self.transfer = transfer
        super().__init__(f"transfer {transfer.id} is still {transfer.status}")


class SignatureError(TellerError):
    """The webhook is not signed with one of the secrets, or its time is too far from now."""


class Rejected(TellerError):
    """The ledger rejected the transfer, for ever. No money moved. A new attempt needs a new key."""

    def __init__(self, transfer: Transfer) -> None:
        self.transfer = transfer
        self.code = str(transfer.failure.code) if transfer.failure else ""
        self.detail = transfer.failure.detail if transfer.failure else ""
        super().__init__(f"transfer {transfer.id} was rejected: {self.code}: {self.detail}")


class InsufficientFunds(Rejected):
    """The source wallet had less available than the amount."""


class BalanceLimitExceeded(Rejected):
    """A balance would have passed 2^53 - 1."""


class RejectedInternally(Rejected):
    """A worker gave the transfer up after failing on it again and again."""


class DeadlinePassed(Rejected):
    """The transfer waited longer than its `apply_within_s`."""


class HoldClosed(Rejected):
    """Nothing remained of the hold."""


class HoldExceeded(Rejected):
    """Less than the amount remained of the hold."""


class ReversalExceeded(Rejected):
    """Less than the amount was left to reverse."""


class WalletClosed(Rejected):
    """A wallet of the transfer is closed."""


class WalletFrozen(Rejected):
    """A wallet of the transfer is frozen on this side."""


class WalletHasHolds(Rejected):
    """The wallet to close had open holds."""


class WalletNotEmpty(Rejected):
    """The wallet to close had money that its closure did not sweep."""


class DebitLimitExceeded(Rejected):
    """The amount was greater than the source wallet's limit of one debit."""


class DailyLimitExceeded(Rejected):
    """The source wallet's debits of the UTC day would have passed their limit."""


class MonthlyLimitExceeded(Rejected):
    """The source wallet's debits of the UTC month would have passed their limit."""


TEMPORARY = (ConnectionFailed, RateLimited, Overloaded, Unavailable)  # a later attempt may do better

REJECTIONS: Mapping[str, type[Rejected]] = {  # by failure.code; a later version's codes are plain Rejected
    "insufficient_funds": InsufficientFunds,
    "balance_limit_exceeded": BalanceLimitExceeded,
    "internal": RejectedInternally,
    "deadline_passed": DeadlinePassed,
    "hold_closed": HoldClosed,
    "hold_exceeded": HoldExceeded,
    "reversal_exceeded": ReversalExceeded,
    "wallet_closed": WalletClosed,
    "wallet_frozen": WalletFrozen,
    "wallet_has_holds": WalletHasHolds,
    "wallet_not_empty": WalletNotEmpty,
    "debit_limit_exceeded": DebitLimitExceeded,
    "daily_limit_exceeded": DailyLimitExceeded,
    "monthly_limit_exceeded": MonthlyLimitExceeded,
}

BY_CODE: Mapping[str, type[ApiError]] = {
    "validation_failed": ValidationFailed,
    "idempotency_key_reused": KeyReused,
    "backlog_full": Overloaded,
}
BY_STATUS: Mapping[int, type[ApiError]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    408: Unavailable,
    409: Conflict,
    429: RateLimited,
    500: Unavailable,
    502: Unavailable,
    503: Unavailable,
    504: Unavailable,
}


def api_error(
    status: int, problem: Mapping[str, Any], *, request_id: str | None = None, retry_after: float | None = None
) -> ApiError:
    """Return the error of this status and this problem document, which is empty where the answer holds none."""
    from teller_client.models import FieldError  # noqa: PLC0415 - models.py imports this module

    code = problem.get("code")
    code = code if isinstance(code, str) else f"http_{status}"
    detail = problem.get("detail")
    errors = problem.get("errors")
    kind = BY_CODE.get(code) or BY_STATUS.get(status) or ApiError
    return kind(
        code=code,
        status=status,
        detail=detail if isinstance(detail, str) else "the answer is no problem document",
        errors=[FieldError.from_dict(each) for each in errors] if isinstance(errors, list) else None,
        request_id=problem.get("request_id", request_id),
        retry_after=retry_after,
        problem=problem,
    )
