"""The reasons for which the ledger rejects a transfer."""

from enum import StrEnum


class Refusal(StrEnum):
    """The reasons, in order of precedence: a command with several reasons against it is refused for the first."""

    DEADLINE_PASSED = "deadline_passed"  # the drain that took it up began after the time by which it was to be applied
    WALLET_CLOSED = "wallet_closed"
    WALLET_FROZEN = "wallet_frozen"
    HOLD_CLOSED = "hold_closed"
    HOLD_EXCEEDED = "hold_exceeded"
    REVERSAL_EXCEEDED = "reversal_exceeded"
    WALLET_HAS_HOLDS = "wallet_has_holds"  # this and the next one refuse a closure
    WALLET_NOT_EMPTY = "wallet_not_empty"
    DEBIT_LIMIT_EXCEEDED = "debit_limit_exceeded"
    DAILY_LIMIT_EXCEEDED = "daily_limit_exceeded"
    MONTHLY_LIMIT_EXCEEDED = "monthly_limit_exceeded"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    BALANCE_LIMIT_EXCEEDED = "balance_limit_exceeded"
    INTERNAL = "internal"  # decided by the worker: the transfer failed again and again on its own
