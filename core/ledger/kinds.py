"""The table of kinds: for each type of transfer its wallets, whether a client's key may submit it, and its refusals.

The schema's CHECKs, the enums of the HTTP API and the labels of the metrics repeat parts of it. tests/integration/test_kinds.py
compares them with this table, so a kind that is missing in one of them fails a test.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple, get_args

from core.ledger.refusals import Refusal

Type = Literal["deposit", "transfer"]

Status = Literal["queued", "applied", "rejected"]  # of every type: queued first, then for ever one of the others
STATUSES: tuple[Status, ...] = get_args(Status)

Side = Literal["client", "external"]  # a wallet's kind: a client's money, or money outside of Teller


class Kind(NamedTuple):
    """What is the same for all transfers of a type.

    `source` and `destination` are the kinds of the wallets that are debited and credited; callers are shown an external wallet as
    null. `client_may_submit`: a client's key may submit this type, from the client's own wallet only; an operator's key may
    submit every type. `refusals` are the reasons that can reject it.
    """

    source: Side
    destination: Side
    client_may_submit: bool
    refusals: frozenset[Refusal]


KINDS: Mapping[Type, Kind] = {
    "deposit": Kind(
        source="external",
        destination="client",
        client_may_submit=False,
        refusals=frozenset({Refusal.BALANCE_LIMIT_EXCEEDED, Refusal.INTERNAL}),
    ),
    "transfer": Kind(
        source="client",
        destination="client",
        client_may_submit=True,
        refusals=frozenset({Refusal.INSUFFICIENT_FUNDS, Refusal.BALANCE_LIMIT_EXCEEDED, Refusal.INTERNAL}),
    ),
}
