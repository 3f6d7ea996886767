"""teller keys: API keys."""

from typing import Annotated

from cyclopts import Parameter

from cli import output
from cli.clients import ROWS, Limit
from cli.confirm import confirm
from cli.exits import WELL, Cannot
from cli.lookups import client_of
from cli.options import DEFAULTS, Common
from cli.session import Json, session


def make(
    *,
    client: Annotated[str | None, Parameter(help="a key bound to this client, by id or external id, and its wallets")] = None,
    operator: Annotated[bool, Parameter(negative="", help="a key that may do everything, made beside the database")] = False,
    viewer: Annotated[bool, Parameter(negative="", help="a key that reads everything, and moves and changes nothing")] = False,
    name: Annotated[str | None, Parameter(help="what it is for; shown wherever the key is named")] = None,
    common: Common = DEFAULTS,
) -> int:
    """Make a key and print it, this once.

    A key of a client or a viewer is made over the API. An operator's is made beside the database alone: that of DATABASE_URL, or of
    the system that runs in this folder.

    After a lost answer look at `teller keys list`, and revoke the key that was never used.
    """
    if sum((client is not None, operator, viewer)) != 1:
        raise Cannot("say whose key it is: --client, --operator or --viewer")
    if operator:
        return made_beside(name, common)
    named = {"name": name} if name is not None else {}
    with session(common) as api:
        if client is not None:
            path, body = f"/v1/clients/{client_of(api, client)['id']}/keys", named
        else:
            path, body = "/v1/keys", {"role": "viewer", **named}
        made = api.teller.request("POST", path, body)
    if common.json:
        output.json_document(made)
    else:
        output.fields({"key id": made["id"], "of": holder(made), "name": made.get("name"), "key": made["key"]})
        output.line("store the key now: no later answer shows it")
    return WELL


def made_beside(name: str | None, common: Common) -> int:
    if common.json:
        raise Cannot("an operator's key is printed as text alone")
    from cli.database import db

    return db("keys", "make", "--operator", *(("--name", name) if name is not None else ()))


def list_(
    *,
    client: Annotated[str | None, Parameter(help="only those of this client, by id or external id")] = None,
    limit: Limit = ROWS,
    common: Common = DEFAULTS,
) -> int:
    """List keys, newest first, the revoked ones too."""
    with session(common) as api:
        path = "/v1/keys" if client is None else f"/v1/clients/{client_of(api, client)['id']}/keys"
        page = api.page(path, limit)
    if common.json:
        output.json_document(page)
        return WELL
    rows = [(row["id"], row.get("name"), row["hint"], holder(row), *map(output.instant, times(row))) for row in page["data"]]
    output.table(("KEY", "NAME", "HINT", "OF", "MADE", "LAST USED", "REVOKED"), rows, none="no keys")
    return WELL


def times(key: Json) -> tuple[str | None, ...]:
    return key["created_at"], key["last_used_at"], key["revoked_at"]


def holder(key: Json) -> str:
    return str(key.get("client_id") or key.get("role"))


def revoke(
    key: Annotated[str, Parameter(help="its id, key_…")],
    /,
    *,
    yes: Annotated[bool, Parameter(name=["--yes", "-y"], negative="", help="do it without asking")] = False,
    common: Common = DEFAULTS,
) -> int:
    """Revoke a key for ever. Within 5 seconds it opens nothing any more. May be repeated."""
    with session(common) as api:
        confirm(f"Revoke the key {key} for ever", api, yes=yes)
        api.teller.keys.revoke(key)
    if not common.json:
        output.line(f"revoked {key}; within 5 seconds it opens nothing any more")
    return WELL
