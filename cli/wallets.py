"""teller wallets: look, freeze, limit, close."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from cyclopts import Parameter

from cli import output
from cli.amounts import minor_units, money, money_in
from cli.clients import ROWS, Client, Limit, Reason
from cli.exits import WELL, Cannot
from cli.lookups import client_of, named, owner_of, wallet_of
from cli.money import Movement, Wallet, carry_out, name_of
from cli.options import DEFAULTS, PAYMENT_DEFAULTS, Common, Payment
from cli.session import Json, Session, session
from cli.statement_csv import print_csv
from cli.times import month_of, time_of

Currency = Annotated[str | None, Parameter(name="--currency", help="which wallet of a client with several")]
Since = Annotated[str | None, Parameter(name="--since", help="from then on: RFC 3339, a day, or a span before now such as 1h")]
Until = Annotated[str | None, Parameter(name="--until", help="before then (default: now)")]
Csv = Annotated[bool, Parameter(name="--csv", negative="", help="print the period as CSV, oldest first, between its two balances")]
Side = Literal["debits", "credits", "all"]


def create(client: Client, currency: Annotated[str, Parameter(help="such as EUR")], /, *, common: Common = DEFAULTS) -> int:
    """Make another wallet of a client: it has one a currency. May be repeated: the same call returns the same wallet."""
    with session(common) as api:
        owner = client_of(api, client)
        made = api.teller.wallets.create(owner["id"], currency=currency, key=f"wallet:{owner['id']}:{currency}")
        show(api, made.to_dict(), common)
    return WELL


def get(wallet: Wallet, /, *, currency: Currency = None, common: Common = DEFAULTS) -> int:
    """Show a wallet: its balance, what is held of it, what is available, what it allows."""
    with session(common) as api:
        show(api, wallet_of(api, wallet, currency), common)
    return WELL


def entries(
    wallet: Wallet,
    /,
    *,
    since: Since = None,
    until: Until = None,
    csv: Csv = False,
    limit: Limit = ROWS,
    currency: Currency = None,
    common: Common = DEFAULTS,
) -> int:
    """Show what came into a wallet and went out, newest first, with the balance after each. With --csv all of the period."""
    with session(common) as api:
        found = wallet_of(api, wallet, currency)
        if csv:
            if since is None:
                raise Cannot("--csv is of a period: say its beginning with --since")
            return print_csv(api.target, found["id"], time_of(since), end(until))
        begins, ends = (None if text is None else time_of(text) for text in (since, until))
        page = api.page(f"/v1/wallets/{found['id']}/entries", limit, **{"from": begins, "to": ends})
    if common.json:
        output.json_document(page)
    else:
        entry_table(page["data"], found)
    return WELL


def statement(
    wallet: Wallet,
    /,
    *,
    month: Annotated[str | None, Parameter(name="--month", help="such as 2026-11, in UTC")] = None,
    since: Since = None,
    until: Until = None,
    csv: Csv = False,
    currency: Currency = None,
    common: Common = DEFAULTS,
) -> int:
    """Show the entries of a month, or of a period of up to 366 days, oldest first, between the balances before and after."""
    begins, ends = period(month, since, until)
    with session(common) as api:
        found = wallet_of(api, wallet, currency)
        if csv:
            return print_csv(api.target, found["id"], begins, ends)
        whole = whole_statement(api, found["id"], begins, ends)
        if common.json:
            output.json_document(whole)
        else:
            show_statement(named(owner_of(api, found), found["id"]), whole)
    return WELL


def period(month: str | None, since: str | None, until: str | None) -> tuple[datetime, datetime]:
    """Return the bounds of a period. Raises Cannot for none, and for two."""
    if month is not None and (since is not None or until is not None):
        raise Cannot("say --month, or --since and --until")
    if month is not None:
        return month_of(month)
    if since is None:
        raise Cannot("say which period: --month 2026-11, or --since and --until")
    return time_of(since), end(until)


def end(until: str | None) -> datetime:
    return datetime.now(UTC) if until is None else time_of(until)


def whole_statement(api: Session, wallet_id: str, begins: datetime, ends: datetime) -> Json:
    """Return the statement with all of its entries."""
    whole: Json = api.get(f"/v1/wallets/{wallet_id}/statement", **{"from": begins, "to": ends}, limit=100)
    while whole["next_cursor"]:
        page = api.get(f"/v1/wallets/{wallet_id}/statement", **{"from": begins, "to": ends}, limit=100, cursor=whole["next_cursor"])
        whole = {**whole, "data": [*whole["data"], *page["data"]], "next_cursor": page["next_cursor"]}
    return whole


def balance(
    wallet: Wallet,
    /,
    *,
    at: Annotated[str, Parameter(name="--at", help="RFC 3339, a day, or a span before now")],
    currency: Currency = None,
    common: Common = DEFAULTS,
) -> int:
    """Show a wallet's balance just before a time."""
    with session(common) as api:
        found = wallet_of(api, wallet, currency)
        then = api.get(f"/v1/wallets/{found['id']}/balance", at=time_of(at))
    if common.json:
        output.json_document(then)
    else:
        output.line(f"{money(then['balance'], found['minor_unit'], found['currency'])} just before {output.instant(then['at'])}")
    return WELL


def holds(wallet: Wallet, /, *, limit: Limit = ROWS, currency: Currency = None, common: Common = DEFAULTS) -> int:
    """Show the open holds of a wallet's money, newest first."""
    with session(common) as api:
        found = wallet_of(api, wallet, currency)
        page = api.page(f"/v1/wallets/{found['id']}/holds", limit)
    if common.json:
        output.json_document(page)
        return WELL
    rows = [
        (
            row["id"],
            money_in(row["hold"]["remaining_amount"], row["currency"]),
            row["destination_wallet_id"] or "outside",
            output.instant(row["hold"]["expires_at"]),
            row["reference"],
        )
        for row in page["data"]
    ]
    output.table(("HOLD", "REMAINS", "FOR", "EXPIRES", "REFERENCE"), rows, right=("REMAINS",), none="no open holds")
    return WELL


def freeze(
    wallet: Wallet,
    side: Annotated[Side, Parameter(help="money out of it, into it, or both")] = "all",
    /,
    *,
    reason: Reason,
    currency: Currency = None,
    common: Common = DEFAULTS,
) -> int:
    """Stop money out of a wallet, into it, or both. From the answer on no worker applies anything against it. May be repeated."""
    return changed(common, wallet, currency, {"frozen": side, "reason": reason})


def unfreeze(wallet: Wallet, /, *, reason: Reason, currency: Currency = None, common: Common = DEFAULTS) -> int:
    """End a freeze. May be repeated."""
    return changed(common, wallet, currency, {"frozen": None, "reason": reason})


def limit(
    wallet: Wallet,
    /,
    *,
    reason: Reason,
    balance_max: Annotated[str | None, Parameter(help="the most that it may hold; `none` removes a limit")] = None,
    debit_max: Annotated[str | None, Parameter(help="of one transfer, withdrawal or hold")] = None,
    debits_per_day_max: Annotated[str | None, Parameter(help="of a UTC day")] = None,
    debits_per_month_max: Annotated[str | None, Parameter(help="of a UTC month")] = None,
    cents: Annotated[bool, Parameter(negative="", help="limits are integers of minor units")] = False,
    currency: Currency = None,
    common: Common = DEFAULTS,
) -> int:
    """Set or remove a wallet's limits. What is left out stays as it is. May be repeated."""
    given = {
        "balance_max": balance_max,
        "debit_max": debit_max,
        "debits_per_day_max": debits_per_day_max,
        "debits_per_month_max": debits_per_month_max,
    }
    wanted = {name: text for name, text in given.items() if text is not None}
    if not wanted:
        raise Cannot(f"say which limit: {', '.join('--' + name.replace('_', '-') for name in given)}")
    with session(common) as api:
        found = wallet_of(api, wallet, currency)
        of = (found["minor_unit"], found["currency"])
        limits = {name: None if text == "none" else minor_units(text, *of, cents=cents) for name, text in wanted.items()}
    return changed(common, found["id"], None, {"limits": limits, "reason": reason})


def changed(common: Common, wallet: str, currency: str | None, changes: Json) -> int:
    with session(common) as api:
        id = wallet_of(api, wallet, currency)["id"]
        show(api, api.teller.request("PATCH", f"/v1/wallets/{id}", changes), common)
    return WELL


def changes(wallet: Wallet, /, *, limit: Limit = ROWS, currency: Currency = None, common: Common = DEFAULTS) -> int:
    """Show what was changed of what a wallet allows, newest first."""
    with session(common) as api:
        page = api.page(f"/v1/wallets/{wallet_of(api, wallet, currency)['id']}/changes", limit)
    if common.json:
        output.json_document(page)
        return WELL
    rows = [
        (output.instant(row["changed_at"]), row["key_id"], row["reason"], rules(row["before"]), rules(row["after"]))
        for row in page["data"]
    ]
    output.table(("CHANGED", "BY KEY", "REASON", "BEFORE", "AFTER"), rows, none="nothing was changed")
    return WELL


def rules(rules: Json) -> str:
    """Return in words what a wallet allowed."""
    limits = [f"{name} {value}" for name, value in rules["limits"].items() if value is not None]
    frozen = [f"frozen {rules['frozen']}"] if rules["frozen"] else []
    return ", ".join([rules["status"], *frozen, *limits])


def close(
    wallet: Wallet,
    /,
    *,
    sweep_to: Annotated[str | None, Parameter(help="the wallet that gets what is left")] = None,
    sweep_outside: Annotated[bool, Parameter(negative="", help="what is left goes outside")] = False,
    payment: Payment = PAYMENT_DEFAULTS,
    common: Common = DEFAULTS,
) -> int:
    """Close a wallet for ever. It is rejected while the wallet has open holds, or money that this does not sweep."""
    with session(common) as api:
        found = wallet_of(api, wallet, payment.currency)
        heir = None if sweep_to is None else wallet_of(api, sweep_to, found["currency"])
        where = f", and move what is left to {name_of(api, heir)}" if heir else ""
        words = f"Close for ever the wallet of {name_of(api, found)}{where}{', and pay out what is left' if sweep_outside else ''}"
        fields = {"sweep_to_wallet_id": heir["id"] if heir else None, "sweep_outside": sweep_outside or None}
        movement = Movement(words, f"/v1/wallets/{found['id']}/close", {**fields, "currency": found["currency"]})
        return carry_out(api, common, payment, movement)


def show(api: Session, wallet: Json, common: Common) -> None:
    if common.json:
        output.json_document(wallet)
        return
    of = (wallet["minor_unit"], wallet["currency"])
    limits = {name.replace("_", " "): money(value, *of) for name, value in wallet["limits"].items() if value is not None}
    output.fields(
        {
            "wallet": wallet["id"],
            "of": named(owner_of(api, wallet), wallet.get("client_id") or "outside"),
            "balance": money(wallet["balance"], *of),
            "held": money(wallet["held"], *of) if wallet["held"] else None,
            "available": money(wallet["available"], *of),
            "status": f"{wallet['status']} ({wallet['frozen']})" if wallet["frozen"] else wallet["status"],
            **limits,
            "entries": wallet["version"],
            "made": output.instant(wallet["created_at"]),
        }
    )


def entry_table(rows: list[Json], wallet: Json) -> None:
    minor_unit = wallet["minor_unit"]
    cells = [
        (
            output.instant(row["created_at"]),
            row["version"],
            row["type"],
            signed(row["amount"], minor_unit),
            money(row["balance_after"], minor_unit),
            row["counterparty_wallet_id"] or "outside, or several",
            row["reference"],
            row["transfer_id"],
        )
        for row in rows
    ]
    headers = ("TIME", "NO", "TYPE", wallet["currency"], "BALANCE", "OTHER SIDE", "REFERENCE", "TRANSFER")
    output.table(headers, cells, right=("NO", wallet["currency"], "BALANCE"), none="no entries")


def signed(amount: int, minor_unit: int) -> str:
    return f"{'+' if amount > 0 else ''}{money(amount, minor_unit)}"


def show_statement(of: str, statement: Json) -> None:
    minor_unit, currency = statement["minor_unit"], statement["currency"]
    output.line(f"statement of {of}: {output.instant(statement['from'])} to {output.instant(statement['to'])}")
    output.line(f"opening balance {money(statement['opening_balance'], minor_unit, currency)}")
    entry_table(statement["data"], {"minor_unit": minor_unit, "currency": currency})
    came, went = (money(statement[name], minor_unit, currency) for name in ("total_credits", "total_debits"))
    closing = money(statement["closing_balance"], minor_unit, currency)
    standing = "" if statement["final"] else " (the period is not over: entries may be added)"
    output.line(f"closing balance {closing}: {came} came in, {went} went out{standing}")
