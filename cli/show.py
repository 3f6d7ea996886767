"""teller show: a thing with what belongs to it; of a transfer the story of its money."""

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated

from cyclopts import Parameter

from cli import output
from cli.amounts import money_in
from cli.clients import show as show_client
from cli.events import show_event
from cli.exits import WELL, Cannot
from cli.find import in_words, transfer_table
from cli.lookups import client_of, named, owner_of, transfer_of, wallet_of
from cli.money import figures
from cli.options import DEFAULTS, Common
from cli.queue import seconds
from cli.session import Json, Session, is_id, session
from cli.wallets import show as show_wallet
from cli.webhooks import delivery_table, show_endpoint

ROWS = 5


def show(
    thing: Annotated[str, Parameter(help="an id; or a transfer's reference or idempotency key, or a client's external id")],
    /,
    *,
    common: Common = DEFAULTS,
) -> int:
    """Show a thing and what belongs to it.

    Of a transfer: what became of its money and when, why it waits or was rejected, and whether its webhooks arrived.
    """
    with session(common) as api:
        prefix = thing[:3]
        shown = SHOWN.get(prefix if is_id(thing, prefix) else "")
        if shown is not None:
            shown(api, thing, common)
        elif thing and api.found("/v1/clients", external_id=thing):
            show_client_and_transfers(api, thing, common)
        else:
            show_transfer(api, thing, common)
    return WELL


def show_transfer(api: Session, text: str, common: Common) -> None:
    transfer = transfer_of(api, text)
    if common.json:
        output.json_document(transfer)
        return
    output.fields(facts(api, transfer))
    output.line()
    output.table(("TIME", "WHAT"), sorted(timeline(api, transfer)))
    deliveries = api.found(f"/v1/transfers/{transfer['id']}/deliveries", limit=ROWS)
    output.line()
    delivery_table(deliveries, none="no webhook is about it")


def facts(api: Session, transfer: Json) -> Mapping[str, object]:
    """Return what a transfer says of itself, by name."""
    currency = transfer["currency"]
    failure = transfer["failure"]
    why = f"{failure['code']}: {failure['detail']}{figures(failure, currency)}" if failure else waiting(transfer)
    entries = {entry["wallet_id"]: entry for entry in transfer["entries"]}
    sides = {side: place(api, transfer[f"{name}_wallet_id"]) for side, name in (("from", "source"), ("to", "destination"))}
    return {
        "transfer": transfer["id"],
        "type": transfer["type"],
        "amount": money_in(transfer["amount"], currency),
        "status": transfer["status"],
        "because": why,
        **({} if transfer.get("debits") or transfer.get("credits") else sides),
        **{f"{side} ": lines_in_words(transfer, side) for side in ("debits", "credits")},
        "balances after": "; ".join(f"{id} {money_in(each['balance_after'], currency)}" for id, each in entries.items()),
        "hold": hold_in_words(transfer),
        "reversed": money_in(transfer["reversed_amount"], currency) if transfer["reversed_amount"] else None,
        "about": transfer["parent_id"],
        "reference": transfer["reference"],
        "metadata": output.words(transfer["metadata"]),
        "idempotency key": transfer.get("idempotency_key"),
        "submitted by": transfer.get("submitted_by"),
        "shard": transfer.get("shard"),
    }


def waiting(transfer: Json) -> str | None:
    """Return why a transfer is not final yet."""
    if transfer["status"] == "scheduled":
        return f"it is due at {output.instant(transfer['scheduled_for'])}"
    if transfer["status"] != "queued":
        return None
    queue = transfer.get("queue")
    if not queue:
        return "it waits for a worker"
    return (
        f"{queue['ahead']} are before it in shard {transfer['shard']}, and the first there has waited for"
        f" {seconds(queue['oldest_seconds'])}; `teller queue` shows the process that applies them"
    )


def place(api: Session, wallet_id: str | None) -> str:
    from teller_client import ApiError

    if wallet_id is None:
        return "outside"
    try:
        return named(owner_of(api, api.get(f"/v1/wallets/{wallet_id}")), wallet_id)
    except ApiError:
        return wallet_id


def lines_in_words(transfer: Json, side: str) -> str | None:
    lines = transfer.get(side)
    return ", ".join(f"{line['wallet_id']} {money_in(line['amount'], transfer['currency'])}" for line in lines) if lines else None


def hold_in_words(transfer: Json) -> str | None:
    hold = transfer.get("hold")
    if not hold:
        return None
    remains, captured, released = (
        money_in(hold[f"{name}_amount"], transfer["currency"]) for name in ("remaining", "captured", "released")
    )
    ends = output.instant(hold["expires_at"])
    return f"{hold['status']}: {remains} remains, {captured} captured, {released} released; it ends {ends}"


def timeline(api: Session, transfer: Json) -> Iterator[tuple[str, str]]:
    """Yield what happened to it, and with it, with the time of each."""
    yield moment(transfer["created_at"], "accepted, and stored durably")
    if transfer["finished_at"]:
        yield moment(transfer["finished_at"], transfer["status"])
    if transfer["apply_by"] and not transfer["finished_at"]:
        yield moment(transfer["apply_by"], "after this time it is rejected")
    for later in api.rows("/v1/transfers", parent_id=transfer["id"]):
        amount = money_in(later["amount"], later["currency"])
        yield moment(later["finished_at"] or later["created_at"], f"{later['type']} {later['id']} of {amount}: {later['status']}")


def moment(time: str, what: str) -> tuple[str, str]:
    return f"{time[:23].replace('T', ' ')}Z", what


def show_client_and_transfers(api: Session, text: str, common: Common) -> None:
    client = client_of(api, text)
    show_client(client, common)
    if not common.json:
        output.line()
        latest = [row for wallet in client["wallets"] for row in api.found("/v1/transfers", ROWS, wallet_id=wallet["id"])]
        transfer_table(sorted(latest, key=lambda row: str(row["created_at"]), reverse=True)[:ROWS])


def show_wallet_and_transfers(api: Session, text: str, common: Common) -> None:
    wallet = wallet_of(api, text)
    show_wallet(api, wallet, common)
    if not common.json:
        output.line()
        transfer_table(api.found("/v1/transfers", ROWS, wallet_id=wallet["id"]))


def show_any_event(api: Session, text: str, common: Common) -> None:
    show_event(api.get(f"/v1/events/{text}"), common)


def show_any_endpoint(api: Session, text: str, common: Common) -> None:
    show_endpoint(api.get(f"/v1/webhook-endpoints/{text}"), common)
    if not common.json:
        output.line()
        delivery_table(api.found(f"/v1/webhook-endpoints/{text}/deliveries", ROWS), none="nothing was sent to it")


def show_found(api: Session, text: str, common: Common) -> None:
    """Show a key or a delivery: only the search knows them by their id."""
    kind = {"key": "keys", "dlv": "deliveries"}[text[:3]]
    found = api.get("/v1/search", q=text)[kind]
    if not found:
        raise Cannot(f"there is no {text}")
    if common.json:
        output.json_document(found[0])
    elif kind == "deliveries":
        delivery_table(found)
    else:
        output.line(f"{text}  {in_words(kind, found[0])}")


SHOWN: Mapping[str, Callable[[Session, str, Common], None]] = {
    "trf": show_transfer,
    "cli": show_client_and_transfers,
    "wal": show_wallet_and_transfers,
    "evt": show_any_event,
    "whk": show_any_endpoint,
    "key": show_found,
    "dlv": show_found,
}
