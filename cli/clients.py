"""teller clients: make, get, list, correct."""

from typing import Annotated

from cyclopts import Parameter

from cli import output
from cli.amounts import money
from cli.exits import WELL, Cannot
from cli.lookups import client_of
from cli.options import DEFAULTS, Common
from cli.session import Json, pairs, session

Client = Annotated[str, Parameter(help="the client's id or external id")]
Reason = Annotated[str, Parameter(help="why; the history of changes shows it")]
Limit = Annotated[int, Parameter(name="--limit", help="how many at most (default: 20)")]
Metadata = Annotated[tuple[str, ...], Parameter(name="--metadata", consume_multiple=False, negative="", help="NAME=VALUE")]

ROWS = 20


def create(
    *,
    name: Annotated[str, Parameter(help="the name of the client")],
    external_id: Annotated[str | None, Parameter(help="your own id of it; the same call again returns the same client")] = None,
    metadata: Metadata = (),
    currency: Annotated[str | None, Parameter(help="of its first wallet (default: USD)")] = None,
    idempotency_key: Annotated[str | None, Parameter(help="to repeat a call without an external id")] = None,
    common: Common = DEFAULTS,
) -> int:
    """Make a client with its first wallet.

    With --external-id the same call again returns the same client, so it may be repeated. Without one a fresh idempotency key is
    printed before the call.
    """
    key = idempotency_key or (None if external_id else announced())
    with session(common) as api:
        made = api.teller.clients.create(name=name, external_id=external_id, metadata=pairs(metadata), currency=currency, key=key)
        show(made.to_dict(), common)
    return WELL


def announced() -> str:
    from teller_client import new_key

    key = new_key()
    output.note(f"idempotency key {key}")
    return key


def get(client: Client, /, *, common: Common = DEFAULTS) -> int:
    """Show a client and its wallets."""
    with session(common) as api:
        show(client_of(api, client), common)
    return WELL


def list_(
    *,
    external_id: Annotated[str | None, Parameter(help="only the one with this external id")] = None,
    name: Annotated[str | None, Parameter(help="only those whose name begins so, in any case")] = None,
    limit: Limit = ROWS,
    common: Common = DEFAULTS,
) -> int:
    """List clients, newest first."""
    with session(common) as api:
        page = api.page("/v1/clients", limit, external_id=external_id, name=name)
    if common.json:
        output.json_document(page)
    else:
        table(page["data"])
    return WELL


def update(
    client: Client,
    /,
    *,
    reason: Reason,
    name: Annotated[str | None, Parameter(help="the new name")] = None,
    external_id: Annotated[str | None, Parameter(help="the new external id; empty removes it")] = None,
    metadata: Annotated[
        tuple[str, ...], Parameter(name="--metadata", consume_multiple=False, negative="", help="NAME=VALUE; replaces all metadata")
    ] = (),
    common: Common = DEFAULTS,
) -> int:
    """Correct a client's name, external id or metadata. What it was stays in its changes."""
    changes: Json = {} if name is None else {"name": name}
    changes |= {} if external_id is None else {"external_id": external_id or None}
    changes |= {"metadata": pairs(metadata)} if metadata else {}
    if not changes:
        raise Cannot("say what changes: --name, --external-id or --metadata")
    with session(common) as api:
        id = client_of(api, client)["id"]
        show(api.teller.request("PATCH", f"/v1/clients/{id}", {**changes, "reason": reason}), common)
    return WELL


def changes(client: Client, /, *, limit: Limit = ROWS, common: Common = DEFAULTS) -> int:
    """Show what was corrected of a client, newest first."""
    with session(common) as api:
        page = api.page(f"/v1/clients/{client_of(api, client)['id']}/changes", limit)
    if common.json:
        output.json_document(page)
    else:
        rows = [(output.instant(row["changed_at"]), row["key_id"], row["reason"], difference(row)) for row in page["data"]]
        output.table(("CHANGED", "BY KEY", "REASON", "WHAT"), rows, none="nothing was changed")
    return WELL


def difference(change: Json) -> str:
    """Return what a change did: each field that is another one now."""
    before, after = change["before"], change["after"]
    return "; ".join(f"{name}: {before.get(name)} -> {value}" for name, value in after.items() if before.get(name) != value)


def show(client: Json, common: Common) -> None:
    if common.json:
        output.json_document(client)
        return
    output.fields(
        {
            "client": client["id"],
            "name": client["name"],
            "external id": client["external_id"],
            "metadata": output.words(client["metadata"]),
            "made": output.instant(client["created_at"]),
        }
    )
    for wallet in client["wallets"]:
        output.line(f"wallet  {wallet['id']}  {balance(wallet)}")


def balance(wallet: Json) -> str:
    """Return what a wallet holds, in words."""
    minor_unit, currency = wallet["minor_unit"], wallet["currency"]
    held = f", {money(wallet['held'], minor_unit)} held" if wallet["held"] else ""
    status = "" if wallet["status"] == "active" else f", {wallet['status']}"
    return f"{money(wallet['balance'], minor_unit, currency)}{held}{status}"


def table(clients: list[Json]) -> None:
    rows = [
        (row["id"], row["name"], row["external_id"], row["wallet"]["id"], " + ".join(map(balance, row["wallets"])))
        for row in clients
    ]
    output.table(("CLIENT", "NAME", "EXTERNAL ID", "FIRST WALLET", "BALANCE"), rows, right=("BALANCE",), none="no clients")
