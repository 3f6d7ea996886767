"""teller transfers: lists of them."""

from typing import Annotated, Literal

from cyclopts import Parameter

from cli import output
from cli.amounts import minor_unit_of, minor_units
from cli.clients import ROWS, Limit
from cli.exits import WELL, Cannot
from cli.find import transfer_table
from cli.lookups import client_of, wallet_of
from cli.options import DEFAULTS, Common
from cli.session import session
from cli.times import time_of

Status = Literal["queued", "applied", "rejected", "canceled", "scheduled"]
Type = Literal["deposit", "withdrawal", "transfer", "hold", "capture", "release", "reversal", "closure"]


def list_(
    *,
    wallet: Annotated[str | None, Parameter(help="of this wallet, or of the only wallet of this client")] = None,
    client: Annotated[str | None, Parameter(help="of any wallet of this client, by id or external id")] = None,
    status: Annotated[Status | None, Parameter(help="in this status")] = None,
    type: Annotated[Type | None, Parameter(help="of this type")] = None,
    reference: Annotated[str | None, Parameter(help="with this reference, letter for letter")] = None,
    amount: Annotated[str | None, Parameter(help="of just this amount, such as 10.50 of --currency")] = None,
    currency: Annotated[str, Parameter(help="of --amount (default: USD); transfers of all currencies are listed")] = "USD",
    since: Annotated[str | None, Parameter(help="created then or later: RFC 3339, a day, or a span before now such as 1h")] = None,
    until: Annotated[str | None, Parameter(help="created before then")] = None,
    limit: Limit = ROWS,
    common: Common = DEFAULTS,
) -> int:
    """List transfers, newest first, that match all filters."""
    with session(common) as api:
        query = {
            "wallet_id": wallet and wallet_of(api, wallet)["id"],
            "client_id": client and client_of(api, client)["id"],
            "status": status,
            "type": type,
            "reference": reference,
            "amount": amount and units(amount, currency),
            "created_from": since and time_of(since),
            "created_to": until and time_of(until),
        }
        page = api.page("/v1/transfers", limit, **query)
    if common.json:
        output.json_document(page)
    else:
        transfer_table(page["data"])
    return WELL


def units(amount: str, currency: str) -> int:
    minor_unit = minor_unit_of(currency)
    if minor_unit is None:
        raise Cannot(f"{currency} is no currency of ISO 4217 that has a minor unit")
    return minor_units(amount, minor_unit, currency)
