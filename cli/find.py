"""teller find: from whatever is known to what it is."""

from typing import Annotated, Any

from cyclopts import Parameter

from cli import output
from cli.amounts import money_in
from cli.clients import table as client_table
from cli.exits import WELL, Cannot
from cli.options import DEFAULTS, Common
from cli.session import Json, session

KINDS = ("clients", "wallets", "transfers", "webhook_endpoints", "keys", "events", "deliveries")


def find(
    text: Annotated[str, Parameter(help="an id, idempotency key, external id or reference, or how a name begins")],
    /,
    *,
    common: Common = DEFAULTS,
) -> int:
    """Find a thing by what is known of it: exact matches, and clients whose name begins so. At most ten of each kind.

    Exits with 2 when nothing is found.
    """
    with session(common) as api:
        found: dict[str, list[Json]] = api.get("/v1/search", q=text)
    if common.json:
        output.json_document(found)
        return WELL
    kinds = {kind: found[kind] for kind in KINDS if found.get(kind)}
    if not kinds:
        raise Cannot(f"nothing has {text!r} as its id, idempotency key, external id or reference, and no name begins so")
    for number, (kind, rows) in enumerate(kinds.items()):
        if number:
            output.line()
        print_kind(kind, rows)
    return WELL


def print_kind(kind: str, rows: list[Json]) -> None:
    if kind == "clients":
        client_table(rows)
    elif kind == "transfers":
        transfer_table(rows)
    else:
        output.table((kind.replace("_", " ").upper(), "WHAT"), [(row["id"], in_words(kind, row)) for row in rows])


def in_words(kind: str, row: Json) -> Any:
    """Return a thing in one line."""
    if kind == "wallets":
        return f"{money_in(row['balance'], row['currency'])}, {row['status']}, of {row['client_id'] or 'outside'}"
    if kind == "webhook_endpoints":
        return f"{row['url']}, {row['status']}"
    if kind == "keys":
        of = row.get("client_id") or row.get("role")
        revoked = f", revoked {output.instant(row['revoked_at'])}" if row["revoked_at"] else ""
        return f"{row.get('name') or 'without a name'}, {of}{revoked}"
    if kind == "events":
        return f"{row['type']} at {output.instant(row['timestamp'])}: {row['data']['id']}"
    return f"{row['status']}: {row['event_id']} to {row['endpoint_id'] or row['callback_url']}"


def transfer_table(rows: list[Json]) -> None:
    cells = [
        (
            row["id"],
            output.instant(row["created_at"]),
            row["type"],
            money_in(row["amount"], row["currency"]),
            row["status"],
            row["failure"]["code"] if row["failure"] else row["reference"],
        )
        for row in rows
    ]
    headers = ("TRANSFER", "CREATED", "TYPE", "AMOUNT", "STATUS", "REFERENCE OR REASON")
    output.table(headers, cells, right=("AMOUNT",), none="no transfers")
