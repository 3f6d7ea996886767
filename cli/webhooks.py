"""teller webhooks: endpoints and deliveries."""

from typing import Annotated

from cyclopts import Parameter

from cli import output
from cli.clients import ROWS, Limit
from cli.confirm import confirm
from cli.exits import WELL, Cannot
from cli.lookups import transfer_of
from cli.options import DEFAULTS, Common
from cli.session import Json, is_id, session
from cli.times import time_of

ENDPOINTS = "/v1/webhook-endpoints"
Endpoint = Annotated[str, Parameter(help="its id, whk_…")]


def list_(*, limit: Limit = ROWS, common: Common = DEFAULTS) -> int:
    """List your endpoints, newest first."""
    with session(common) as api:
        page = api.page(ENDPOINTS, limit)
    if common.json:
        output.json_document(page)
        return WELL
    rows = [(row["id"], row["url"], row["status"], row["disabled_reason"], ", ".join(row["events"])) for row in page["data"]]
    output.table(("ENDPOINT", "URL", "STATUS", "BECAUSE", "EVENTS"), rows, none="no endpoints")
    return WELL


def create(
    url: Annotated[str, Parameter(help="where the events are sent")],
    /,
    *,
    event: Annotated[tuple[str, ...], Parameter(consume_multiple=False, negative="", help="a type of event (default: all)")] = (),
    description: Annotated[str | None, Parameter(help="for people")] = None,
    common: Common = DEFAULTS,
) -> int:
    """Make an endpoint. Its secret, which signs what it is sent, is printed this once."""
    with session(common) as api:
        body = {"url": url, **({"events": list(event)} if event else {}), **({"description": description} if description else {})}
        made = api.teller.request("POST", ENDPOINTS, body)
    if common.json:
        output.json_document(made)
    else:
        show_endpoint(made, common)
        output.line("store the secret now: no later answer shows it")
    return WELL


def delete(
    endpoint: Endpoint,
    /,
    *,
    yes: Annotated[bool, Parameter(name=["--yes", "-y"], negative="", help="do it without asking")] = False,
    common: Common = DEFAULTS,
) -> int:
    """Delete an endpoint. What is not delivered yet is canceled."""
    with session(common) as api:
        found = api.get(f"{ENDPOINTS}/{endpoint}")
        confirm(f"Delete the endpoint {found['id']} at {found['url']}", api, yes=yes)
        api.teller.request("DELETE", f"{ENDPOINTS}/{endpoint}")
    if not common.json:
        output.line(f"deleted {endpoint}")
    return WELL


def deliveries(
    of: Annotated[str, Parameter(help="an endpoint's id; or a transfer's id, reference or idempotency key")],
    /,
    *,
    status: Annotated[str | None, Parameter(help="only those: pending, delivered, failed or canceled")] = None,
    limit: Limit = ROWS,
    common: Common = DEFAULTS,
) -> int:
    """Show the deliveries of an endpoint, or those of a transfer's event, newest first."""
    with session(common) as api:
        path = f"{ENDPOINTS}/{of}" if is_id(of, "whk") else f"/v1/transfers/{transfer_of(api, of)['id']}"
        page = api.page(f"{path}/deliveries", limit, status=status)
    if common.json:
        output.json_document(page)
    else:
        delivery_table(page["data"])
    return WELL


def redeliver(
    delivery: Annotated[str | None, Parameter(help="its id, dlv_…")] = None,
    /,
    *,
    endpoint: Annotated[str | None, Parameter(help="all that failed or were canceled of this endpoint; with --since")] = None,
    since: Annotated[str | None, Parameter(help="RFC 3339, a day, or a span before now such as 1h")] = None,
    common: Common = DEFAULTS,
) -> int:
    """Send a delivery again, or all failed and canceled ones of an endpoint since a time. The event and its id stay the same."""
    if (delivery is None) == (endpoint is None) or (endpoint is None) != (since is None):
        raise Cannot("say one delivery, or --endpoint with --since")
    with session(common) as api:
        if delivery is not None:
            one = api.teller.webhooks.redeliver(delivery).to_dict()
            answer, words = one, f"{one['id']} is {one['status']}"
        else:
            count = api.teller.webhook_endpoints.redeliver(str(endpoint), since=time_of(str(since)))
            answer, words = {"count": count}, f"{count} deliveries are due now"
    if common.json:
        output.json_document(answer)
    else:
        output.line(words)
    return WELL


def show_endpoint(endpoint: Json, common: Common) -> None:
    if common.json:
        output.json_document(endpoint)
        return
    output.fields(
        {
            "endpoint": endpoint["id"],
            "url": endpoint["url"],
            "status": endpoint["status"],
            "because": endpoint["disabled_reason"],
            "events": ", ".join(endpoint["events"]),
            "description": endpoint["description"],
            "made": output.instant(endpoint["created_at"]),
            "secret": endpoint.get("secret"),
        }
    )


def delivery_table(rows: list[Json], none: str = "no deliveries") -> None:
    cells = [
        (
            row["id"],
            row["endpoint_id"] or row["callback_url"] or "a callback URL",
            row["client_id"] or "operators",
            row["status"],
            len(row["attempts"]),
            last_attempt(row),
            output.instant(row["next_attempt_at"]),
        )
        for row in rows
    ]
    output.table(("DELIVERY", "TO", "OF", "STATUS", "ATTEMPTS", "LAST", "NEXT"), cells, right=("ATTEMPTS",), none=none)


def last_attempt(delivery: Json) -> str | None:
    if not delivery["attempts"]:
        return None
    last = delivery["attempts"][-1]
    return f"{last['status_code'] or last['error']} at {output.instant(last['started_at'])}"
