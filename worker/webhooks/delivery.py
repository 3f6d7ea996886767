"""A claimed delivery, as it is made of its row; and the protocol between the deliverer and the store of deliveries."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from core import events, ids, render
from core.events import AnyEvent
from core.ids import Prefix
from worker.webhooks.fairness import SlotLimits
from worker.webhooks.send import Attempt


@dataclass(frozen=True, slots=True)
class Delivery:
    """A claimed delivery. `owner` is the caller that it belongs to, `receiver` an endpoint of the owner or a callback's host."""

    id: UUID
    owner: str
    receiver: str
    url: str
    event_id: str
    body: bytes
    signing_secrets: Sequence[str]
    failures: int  # failed attempts since the delivery was made due
    claimed_until: datetime


class Unsendable(NamedTuple):
    """A claimed delivery that cannot be sent: its endpoint is disabled or deleted, or, with an error, its event has no JSON."""

    id: UUID
    owner: str
    endpoint_id: UUID | None
    error: Exception | None = None


class Deliveries(Protocol):
    """A store of deliveries. All methods raise Unavailable when the store does not answer. Tests have one in memory."""

    @property
    def goes_on(self) -> bool:
        """Whether there are receivers that the last claim did not look at. The next claims look at them."""

    async def claim(self, slots: SlotLimits) -> Sequence[Delivery]:
        """Claim the longest due deliveries of each receiver that `slots` chooses, as many as it allows.

        No other deliverer gets them until the claim lapses. A claim lasts longer than an attempt.
        """

    async def mark(self, delivery: Delivery, attempt: Attempt, retry_in_s: float | None) -> None:
        """Store the result of an attempt, and when the next one is due: None after a success, or when no attempt is left.

        Does nothing when the claim has lapsed and another deliverer has claimed the delivery since.
        """


class ReceiverView(NamedTuple):
    """What a receiver may see: a client's receiver the entries of one wallet, an operator's receiver those of all wallets.

    A transfer has one currency, and a client one wallet of it.
    """

    owner: str
    wallet_id: UUID | None

    def sees_wallet(self, id: UUID) -> bool:
        return self.owner == "operator" or id == self.wallet_id


def claimed_of(
    *,
    delivery_id: UUID,
    receiver_owner: str,
    receiver: str,
    endpoint_id: UUID | None,
    failures: int,
    claimed_until: datetime,
    url: str | None,
    wallet_id: UUID | None,
    secret: str | None,
    old_secret: str | None,
    event_id: UUID,
    **event_columns: Any,
) -> Delivery | Unsendable:
    """Return the claimed delivery of a row, which holds its event too. An event that cannot be rendered harms no other delivery."""
    if url is None:
        return Unsendable(delivery_id, receiver_owner, endpoint_id)
    try:
        body = body_of(events.from_row(event_id=event_id, **event_columns), ReceiverView(receiver_owner, wallet_id))
    except Exception as error:  # noqa: BLE001  # the store logs it
        return Unsendable(delivery_id, receiver_owner, endpoint_id, error)
    return Delivery(
        id=delivery_id,
        owner=receiver_owner,
        receiver=receiver,
        url=url,
        event_id=ids.text(Prefix.EVENT, event_id),
        body=body,
        signing_secrets=[each for each in (secret, old_secret) if each],
        failures=failures,
        claimed_until=claimed_until,
    )


def body_of(event: AnyEvent, view: ReceiverView) -> bytes:
    """Return the event as the receiver may see it. An event never changes, so each attempt renders the same bytes."""
    shown = render.render_event(event, view)
    return json.dumps({name: shown[name] for name in ("type", "timestamp", "data")}, separators=(",", ":")).encode()
