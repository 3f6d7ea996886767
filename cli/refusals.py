"""What an error of the SDK means to a person at a terminal, and which exit status it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cli.exits import CANNOT, UNKNOWN

ADVICE = {
    "unauthorized": "give another one in TELLER_KEY, or store it by `teller login`",
}


@dataclass(frozen=True)
class Described:
    """A line for people, the exit status, and the API's problem where there is one."""

    text: str
    status: int
    problem: Mapping[str, Any] | None = None


def described(error: Exception) -> Described | None:
    """Return what the error means; None for one that is no error of the SDK: its traceback has to be seen."""
    from teller_client import ApiError, ConnectionFailed, OutcomeUnknown, TellerError

    if isinstance(error, OutcomeUnknown):
        return Described(unknown(error.key), UNKNOWN)
    if isinstance(error, ApiError):
        return Described(refusal(error), CANNOT, error.problem)
    if isinstance(error, ConnectionFailed):
        return Described(f"Teller was not reached, and nothing was changed ({error.__cause__ or error})", CANNOT)
    return Described(str(error), CANNOT) if isinstance(error, TellerError) else None


def unknown(key: str | None) -> str:
    if key is None:
        return "no answer came: it may or may not be done. Look whether it is, before you repeat it"
    return f"no answer came: it may or may not be stored. Repeat the command with --idempotency-key {key}: the money moves once"


def refusal(error: Any) -> str:
    """Return the API's words, each wrong field with its place, the code, and the request's id for a search in the logs."""
    wrong = "".join(f"; {field.pointer}: {field.detail}" for field in error.errors)
    later = f"; try again in {error.retry_after:g} s" if error.retry_after else ""
    advice = f"; {ADVICE[error.code]}" if error.code in ADVICE else ""
    return f"{error.detail.rstrip('.')}{wrong}{later}{advice} ({error.code}, request {error.request_id})"
