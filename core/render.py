"""Transfers, events and endpoints as JSON, for HTTP answers and webhooks.

A client is shown the entries of its own wallets, an operator those of all. Only the owner of a transfer is shown its callback URL.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

from core import ids
from core.events import AnyEvent, EndpointEvent, type_of
from core.ids import Prefix
from core.ledger.kinds import REVERSIBLE
from core.ledger.refusals import Refusal
from core.times import rfc3339
from core.transfers import ATTACHED, StatusFilter, Transfer, attached_values
from core.webhooks import endpoints
from core.webhooks.endpoints import Endpoint

FAILURE_DETAILS: Mapping[str, str] = {
    Refusal.DEADLINE_PASSED: "no worker took the transfer up within the time that was given for it",
    Refusal.WALLET_CLOSED: "a wallet that it would have touched is closed",
    Refusal.WALLET_FROZEN: "a wallet that it would have touched is frozen for this",
    Refusal.HOLD_CLOSED: "the hold was not applied, has nothing left, or had expired when the capture was accepted",
    Refusal.HOLD_EXCEEDED: "the hold had less left than the amount",
    Refusal.REVERSAL_EXCEEDED: "less than the amount was left to reverse",
    Refusal.WALLET_HAS_HOLDS: "the wallet has open holds: capture or release them first",
    Refusal.WALLET_NOT_EMPTY: "the wallet is not empty, and the closure does not say where its balance goes",
    Refusal.DEBIT_LIMIT_EXCEEDED: "the amount passes the debited wallet's limit of a single debit",
    Refusal.DAILY_LIMIT_EXCEEDED: "the amount passes what is left of the debited wallet's limit of this UTC day",
    Refusal.MONTHLY_LIMIT_EXCEEDED: "the amount passes what is left of the debited wallet's limit of this UTC month",
    Refusal.INSUFFICIENT_FUNDS: "the source wallet held less than the amount",
    Refusal.BALANCE_LIMIT_EXCEEDED: "a wallet's balance would have passed its limit",
    Refusal.INTERNAL: "the transfer could not be applied and was given up on; it changed nothing",
}


class Viewer(Protocol):
    """The caller or receiver that the JSON is for. `owner` is "operator" for all operators together, or the client's id.

    An operator is shown how each transfer was submitted and in which shard it is; a client only how its own were.
    """

    @property
    def owner(self) -> str: ...

    def sees_wallet(self, id: UUID) -> bool: ...


def render_transfer(transfer: Transfer, viewer: Viewer) -> dict[str, object]:
    """Return the transfer without what this viewer may not see."""
    rendered = render_all(transfer, viewer)
    return {**rendered, **render_legs(transfer, viewer)} if transfer.is_multi_leg else rendered


def render_all(transfer: Transfer, viewer: Viewer) -> dict[str, object]:
    """Return the transfer as one that moves its amount from its source to its destination.

    `queue` is null here: a GET of one queued transfer fills it in.
    """
    shows_origin = viewer.owner in {transfer.owner, "operator"}
    return {
        "id": ids.text(Prefix.TRANSFER, transfer.id),
        "type": transfer.type,
        "status": shown_status(transfer) if transfer.scheduled_for else transfer.status,
        "source_wallet_id": render_wallet_id(transfer.source),
        "destination_wallet_id": render_wallet_id(transfer.destination),
        "amount": transfer.total,
        "currency": transfer.currency,
        **dict(zip(ATTACHED, attached_values(transfer), strict=True)),
        "callback_url": transfer.callback_url if transfer.owner == viewer.owner else None,
        "failure": render_failure(transfer, viewer),
        "entries": [
            {
                "wallet_id": ids.text(Prefix.WALLET, entry.wallet_id),
                "version": entry.version,
                "amount": entry.amount,
                "balance_after": entry.balance_after,
            }
            for entry in transfer.entries
            if viewer.sees_wallet(entry.wallet_id)
        ],
        "created_at": rfc3339(transfer.created_at),
        "finished_at": render_time(transfer.finished_at),
        "parent_id": ids.text(Prefix.TRANSFER, transfer.parent) if transfer.parent else None,
        "debits": None,
        "credits": None,
        "scheduled_for": render_time(transfer.scheduled_for),
        "apply_by": render_time(transfer.apply_by),
        "reversed_amount": (transfer.returned or 0) if transfer.type in REVERSIBLE else 0,
        "hold": render_hold(transfer) if transfer.type == "hold" and transfer.status == "applied" else None,
        "reason": ("expired" if transfer.is_expiry else "requested") if transfer.type == "release" else None,
        "idempotency_key": transfer.idempotency_key if shows_origin and not transfer.is_expiry else None,
        "submitted_by": transfer.submitted_by if shows_origin else None,
        "shard": transfer.shard if viewer.owner == "operator" else None,
        "queue": None,
    }


def render_legs(transfer: Transfer, viewer: Viewer) -> dict[str, object]:
    """Return what a transfer with several debits or credits shows otherwise. A client sees its own lines alone, and their amount.

    It shows no source and no destination: which wallet stands first says nothing, and may be another client's.
    """
    lines = [(wallet_id, amount) for wallet_id, amount in transfer.lines or () if viewer.sees_wallet(wallet_id)]
    debits = [(wallet_id, -amount) for wallet_id, amount in lines if amount < 0]
    credits = [(wallet_id, amount) for wallet_id, amount in lines if amount > 0]
    amount = max(sum(amount for _, amount in side) for side in (debits, credits))
    return {
        "source_wallet_id": None,
        "destination_wallet_id": None,
        "amount": amount,
        "debits": [{"wallet_id": ids.text(Prefix.WALLET, wallet_id), "amount": amount} for wallet_id, amount in debits],
        "credits": [{"wallet_id": ids.text(Prefix.WALLET, wallet_id), "amount": amount} for wallet_id, amount in credits],
        "reversed_amount": amount if transfer.returned else 0,
    }


def shown_status(transfer: Transfer) -> StatusFilter:
    """Return the status as callers see it: a queued transfer is `scheduled` until its time."""
    if transfer.status == "queued" and transfer.scheduled_for and transfer.scheduled_for > datetime.now(UTC):
        return "scheduled"
    return transfer.status


def render_hold(hold: Transfer) -> dict[str, object]:
    """Return what became of an applied hold, as far as its captures and releases are applied."""
    return {
        "status": "open" if hold.remaining else "closed",
        "remaining_amount": hold.remaining,
        "captured_amount": hold.captured or 0,
        "released_amount": hold.returned or 0,
        "expires_at": render_time(hold.expires_at),
    }


def render_wallet_id(id: UUID) -> str | None:
    """Return the id of a client's wallet. None for an external wallet: callers are not shown the ids of these."""
    return None if ids.is_external_wallet(id) else ids.text(Prefix.WALLET, id)


def render_time(moment: datetime | None) -> str | None:
    return rfc3339(moment) if moment else None


def render_event(event: AnyEvent, viewer: Viewer) -> dict[str, object]:
    """Return the event without what this viewer may not see. The caller checks the owner of an endpoint's event."""
    if isinstance(event, EndpointEvent):
        return {
            "id": ids.text(Prefix.EVENT, event.id),
            "type": "webhook_endpoint.disabled",
            "timestamp": rfc3339(event.created_at),
            "data": render_endpoint(endpoints.from_json(event.endpoint)),
        }
    assert event.transfer.finished_at is not None
    return {
        "id": ids.text(Prefix.EVENT, event.transfer.id),
        "type": type_of(event.transfer),
        "timestamp": rfc3339(event.transfer.finished_at),
        "data": render_transfer(event.transfer, viewer),
    }


def render_endpoint(endpoint: Endpoint) -> dict[str, object]:
    """Return the endpoint without its secrets."""
    return {
        "id": ids.text(Prefix.ENDPOINT, endpoint.id),
        "url": endpoint.url,
        "events": list(endpoint.events),
        "description": endpoint.description,
        "status": endpoint.status,
        "disabled_reason": endpoint.disabled_reason,
        "disabled_at": render_time(endpoint.disabled_at),
        "created_at": rfc3339(endpoint.created_at),
        "old_secret_expires_at": render_time(endpoint.old_secret_expires_at),
    }


def render_failure(transfer: Transfer, viewer: Viewer) -> dict[str, object] | None:
    """Return why the transfer was rejected. The figures are shown to a viewer that sees all wallets that it would have debited."""
    if not transfer.failure_code:
        return None
    sees_figures = all(viewer.sees_wallet(id) for id in transfer.debited)
    return {
        "code": transfer.failure_code,
        "detail": FAILURE_DETAILS[transfer.failure_code],
        "available": transfer.available if sees_figures else None,
        "needed": transfer.needed if sees_figures else None,
    }
