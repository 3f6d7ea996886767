"""The table of kinds: for each type of transfer its wallets, whether a client's key may submit it, and its refusals.

The schema's CHECKs, the enums of the HTTP API and the labels of the metrics repeat parts of it. tests/integration/test_kinds.py
compares them with this table, so a kind that is missing in one of them fails a test.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple, get_args

from core.ledger.refusals import Refusal

Type = Literal["deposit", "withdrawal", "transfer", "hold", "capture", "release", "reversal", "closure"]

# Of every type: queued first, then for ever one of the others. A scheduled transfer is stored as queued.
Status = Literal["queued", "applied", "rejected", "canceled"]
STATUSES: tuple[Status, ...] = get_args(Status)

Side = Literal["client", "external"]  # a wallet's kind: a client's money, or money outside of Teller

# How an amount is found that is open until the transfer is applied: all that is left of its parent, as much as the debited wallet
# has available, or the smaller of the two. The amount given is then the most that it may be.
Fit = Literal["rest", "funds", "rest_and_funds"]


class Kind(NamedTuple):
    """What is the same for all transfers of a type.

    `sides` are the pairs of kinds that its source and its destination may have; callers are shown an external wallet as null.
    `client_may_submit`: a client's key may submit this type, within the rights that its route checks; an operator's key may submit
    every type. `refusals` are the reasons that can reject it.
    """

    sides: frozenset[tuple[Side, Side]]
    client_may_submit: bool
    refusals: frozenset[Refusal]

    @property
    def sources(self) -> frozenset[Side]:
        return frozenset(source for source, _ in self.sides)

    @property
    def destinations(self) -> frozenset[Side]:
        return frozenset(destination for _, destination in self.sides)


PAID_IN: tuple[Side, Side] = ("external", "client")
PAID_OUT: tuple[Side, Side] = ("client", "external")
BETWEEN: tuple[Side, Side] = ("client", "client")

ANY_TYPE = frozenset({Refusal.DEADLINE_PASSED, Refusal.WALLET_CLOSED, Refusal.INTERNAL})
DEBIT_LIMITS = frozenset({Refusal.DEBIT_LIMIT_EXCEEDED, Refusal.DAILY_LIMIT_EXCEEDED, Refusal.MONTHLY_LIMIT_EXCEEDED})

KINDS: Mapping[Type, Kind] = {
    "deposit": Kind(
        sides=frozenset({PAID_IN}),
        client_may_submit=False,
        refusals=ANY_TYPE | {Refusal.WALLET_FROZEN, Refusal.BALANCE_LIMIT_EXCEEDED},
    ),
    "withdrawal": Kind(
        sides=frozenset({PAID_OUT}),
        client_may_submit=False,
        refusals=ANY_TYPE | DEBIT_LIMITS | {Refusal.WALLET_FROZEN, Refusal.INSUFFICIENT_FUNDS, Refusal.BALANCE_LIMIT_EXCEEDED},
    ),
    "transfer": Kind(
        sides=frozenset({BETWEEN}),
        client_may_submit=True,
        refusals=ANY_TYPE | DEBIT_LIMITS | {Refusal.WALLET_FROZEN, Refusal.INSUFFICIENT_FUNDS, Refusal.BALANCE_LIMIT_EXCEEDED},
    ),
    "hold": Kind(
        sides=frozenset({BETWEEN, PAID_OUT}),
        client_may_submit=True,
        refusals=ANY_TYPE | DEBIT_LIMITS | {Refusal.WALLET_FROZEN, Refusal.INSUFFICIENT_FUNDS},
    ),
    "capture": Kind(
        sides=frozenset({BETWEEN, PAID_OUT}),
        client_may_submit=True,
        refusals=ANY_TYPE | {Refusal.WALLET_FROZEN, Refusal.HOLD_CLOSED, Refusal.HOLD_EXCEEDED, Refusal.BALANCE_LIMIT_EXCEEDED},
    ),
    "release": Kind(
        sides=frozenset({BETWEEN, PAID_OUT}),
        client_may_submit=True,
        refusals=ANY_TYPE | {Refusal.HOLD_CLOSED, Refusal.HOLD_EXCEEDED},
    ),
    "reversal": Kind(
        sides=frozenset({BETWEEN, PAID_IN, PAID_OUT}),
        client_may_submit=True,
        refusals=ANY_TYPE
        | {Refusal.WALLET_FROZEN, Refusal.REVERSAL_EXCEEDED, Refusal.INSUFFICIENT_FUNDS, Refusal.BALANCE_LIMIT_EXCEEDED},
    ),
    "closure": Kind(
        sides=frozenset({BETWEEN, PAID_OUT}),
        client_may_submit=False,
        refusals=ANY_TYPE
        | {Refusal.WALLET_FROZEN, Refusal.WALLET_HAS_HOLDS, Refusal.WALLET_NOT_EMPTY, Refusal.BALANCE_LIMIT_EXCEEDED},
    ),
}

# The types of which an applied transfer may be reversed: those that moved money, without reversals themselves.
REVERSIBLE: frozenset[Type] = frozenset({"deposit", "withdrawal", "transfer", "capture"})
