"""What would happen if a form was confirmed now: the API's preview of the same request, which stores nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from console.actions.action import Action
from console.api import Away, OutcomeUnknown
from console.names import Party
from console.visit import Form, Visit
from console.words import TYPES, money, why


@dataclass(frozen=True)
class Line:
    """A wallet, its balance now, and its balance after the movement, in minor units."""

    party: Party
    before: int
    amount: int
    after: int


@dataclass(frozen=True)
class Forecast:
    """`what` is the movement with its amount. With `refused` nothing would be moved, for that reason.

    `ahead` transfers come first; not `complete`: or more.
    """

    what: str
    currency: str
    refused: str
    lines: Sequence[Line]
    ahead: int
    complete: bool


async def forecast(visit: Visit, action: Action, subject: str, form: Form) -> Forecast | None:
    """Return what would become of the form now; None for an action that moves nothing. Raises Wrong, Refused and Away."""
    if action.plan is None:
        return None
    movement = await action.plan(visit, subject, form)
    try:
        found = await visit.api.send("POST", f"{movement.path}?preview=true", movement.body)
    except OutcomeUnknown:
        raise Away from None  # a preview changes nothing
    ids = [found["source_wallet_id"], *(entry["wallet_id"] for entry in found["entries"])]
    parties = await visit.shared.names.of(visit.api, ids, wait_s=1.0)
    return Forecast(
        f"{TYPES.get(found['type'], found['type'])}: {money(found['amount'], found['currency'])} {found['currency']}",
        found["currency"],
        why(found, parties[found["source_wallet_id"]].name) if found["failure"] else "",
        [line(entry, parties) for entry in found["entries"]],
        found["preview"]["queued_ahead"],
        found["preview"]["complete"],
    )


def line(entry: Mapping[str, Any], parties: Mapping[str | None, Party]) -> Line:
    amount, after = entry["amount"], entry["balance_after"]
    return Line(parties[entry["wallet_id"]], after - amount, amount, after)
