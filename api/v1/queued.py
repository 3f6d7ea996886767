"""The answer to a plain request that was just stored. It is filled into a template, because nearly all of it is the same each time.

To make the transfer, to render it and to encode it as JSON takes three times as long. The template is what core/render.py makes of
the first transfer of a type, without its values. So each field that the contract gains is in it, and tests/unit/test_queued.py
compares both ways.
"""

from datetime import datetime
from functools import lru_cache

from pydantic_core import to_json

from api.admission.auth import Caller
from api.http.json_response import Json
from api.v1.transfers import RETRY_AFTER_S
from core import ids
from core.ids import Prefix
from core.ledger.kinds import Type
from core.render import render_transfer
from core.times import rfc3339
from core.transfers import ATTACHED, Submission, attached_values, just_queued

# The members that differ between two plain transfers of a type that were just queued. A wallet that is null is so in all of them.
PLAIN_TEXTS = ("id", "source_wallet_id", "destination_wallet_id", "currency", "created_at")  # without characters to escape
VALUES = ("amount", "idempotency_key", "submitted_by", "shard", *ATTACHED)

TEMPLATES: dict[Type, str] = {}

RETRY_AFTER = str(RETRY_AFTER_S)


def queued_response(submission: Submission, created_at: datetime, caller: Caller) -> Json:
    """Return 202 with the transfer that the caller's submission has become. The submission must have no terms."""
    id = ids.text(Prefix.TRANSFER, submission.id)
    template = TEMPLATES.get(submission.type) or make_template(submission, created_at, caller)
    document = template % {
        "id": id,
        "source_wallet_id": ids.text(Prefix.WALLET, submission.source),
        "destination_wallet_id": ids.text(Prefix.WALLET, submission.destination),
        "currency": submission.currency,
        "created_at": written(created_at),
        "idempotency_key": encoded(submission.idempotency_key),
        "submitted_by": encoded(submission.submitted_by),
        "shard": submission.shard if caller.owner == "operator" else "null",
        "amount": submission.amount,
        **dict(zip(ATTACHED, map(encoded, attached_values(submission)), strict=True)),
    }
    return Json(document.encode(), 202, {"Location": f"/v1/transfers/{id}", "Retry-After": RETRY_AFTER})


def make_template(submission: Submission, created_at: datetime, caller: Caller) -> str:
    """Return the document of such a transfer, with the name of each member that differs in place of its value. Keep it."""
    members = render_transfer(just_queued(submission, created_at), caller)
    places = ",".join(f'"{name}":{place_of(name, value)}' for name, value in members.items())
    return TEMPLATES.setdefault(submission.type, "{" + places + "}")


def place_of(name: str, value: object) -> str:
    """Return the place of a member's value: a name to fill in, or the value itself if it is always the same."""
    if name in PLAIN_TEXTS and value is not None:
        return f'"%({name})s"'
    return f"%({name})s" if name in VALUES else encoded(value).replace("%", "%%")


@lru_cache(8)
def written(time: datetime) -> str:
    """Return the text of a time of acceptance: the same one for all submissions that one INSERT has stored."""
    return rfc3339(time)


def encoded(value: object) -> str:
    """Return the value as JSON. Most requests leave out what they may: neither null nor an empty object needs the encoder."""
    if value is None:
        return "null"
    return "{}" if value == {} else to_json(value).decode()
