"""The one table of kinds: what each type of transfer moves between, what a client's key may do, and why one is refused.

The schema's CHECKs, the enums of the HTTP API and the labels of the metrics repeat parts of it: tests/integration/test_kinds.py
compares them with this table, so that a kind that is missing in one place fails there.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple, get_args

from core.ledger.refusals import Refusal

Type = Literal["deposit", "transfer"]

Status = Literal["queued", "applied", "rejected"]  # of every type: queued once, then one of the others for good
STATUSES: tuple[Status, ...] = get_args(Status)

Side = Literal["client", "external"]  # what a wallet stands for: a client's money, or the world outside


class Kind(NamedTuple):
    """What is fixed for all transfers of a type.

    `source` and `destination` say which kind of wallet is debited and credited; callers are shown an external wallet as null.
    `client_may_submit` says whether a client's key may, and then out of its own wallet alone; an operator's
    key may submit every type. `refusals` are the reasons that can reject one.
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
