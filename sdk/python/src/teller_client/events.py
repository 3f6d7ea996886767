"""Events: a transfer became final, or a webhook endpoint was disabled. Each has an id, which never changes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias, get_args

from teller_client._decode import Model
from teller_client.models import TransferEvent, TransferEventType, WebhookEndpointEvent, WebhookEndpointEventType


@dataclass(frozen=True, kw_only=True)
class UnknownEvent(Model):
    """An event of a type that is newer than this version of the client. `data` is its JSON."""

    id: str
    type: str
    timestamp: datetime
    data: dict[str, Any]
    extra: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)


Event: TypeAlias = TransferEvent | WebhookEndpointEvent | UnknownEvent

KINDS: Mapping[str, type[Event]] = {
    **dict.fromkeys(get_args(TransferEventType), TransferEvent),
    **dict.fromkeys(get_args(WebhookEndpointEventType), WebhookEndpointEvent),
}


def parse_event(raw: Any) -> Event:
    """Return the event of this JSON object: UnknownEvent for a type that this version does not know."""
    type = raw.get("type") if isinstance(raw, dict) else None
    return KINDS.get(type if isinstance(type, str) else "", UnknownEvent).from_dict(raw)
