"""What moves money, or gives it back: deposit, withdraw, transfer, hold, capture, release, reverse, cancel.

Each prints its idempotency key before the call, so that the key outlives this process, and asks before it calls: at a terminal in
words, elsewhere by --yes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from cli import output
from cli.amounts import minor_unit_of, minor_units, money, money_in
from cli.confirm import confirm
from cli.exits import REJECTED, UNKNOWN, WELL, Cannot, Unknown
from cli.lookups import named, owner_of, transfer_of, wallet_of
from cli.options import DEFAULTS, PAYMENT_DEFAULTS, Common, Payment
from cli.session import Json, Session, is_id, pairs, session
from cli.times import instant_of

if TYPE_CHECKING:
    from teller_client import SyncTransfer

Wallet = Annotated[str, Parameter(help="the wallet's id, or its client's id or external id")]
Transfer = Annotated[str, Parameter(help="the transfer's id, reference or idempotency key")]
Amount = Annotated[str, Parameter(help="such as 10.50; with --cents 1050")]
Part = Annotated[str | None, Parameter(help="such as 10.50 (default: all that is left)")]
UpTo = Annotated[bool, Parameter(name="--up-to", negative="", help="as much of the amount as is available")]
When = Annotated[str | None, Parameter(name="--at", help="not before this time: RFC 3339, or a day, which begins at 00:00 UTC")]


@dataclass(frozen=True)
class Movement:
    """One call of a verb: in words, its path, its fields as the API names them."""

    words: str
    path: str
    fields: Mapping[str, Any]


@dataclass(frozen=True)
class FollowUp:
    """A verb that is about an earlier transfer: its name in the path, in words, its own fields."""

    name: str
    words: str
    fields: Mapping[str, Any]


def deposit(wallet: Wallet, amount: Amount, /, *, payment: Payment = PAYMENT_DEFAULTS, common: Common = DEFAULTS) -> int:
    """Bring money from outside into a wallet."""
    with session(common) as api:
        into = wallet_of(api, wallet, payment.currency)
        units = amount_in(into, amount, payment)
        words = f"Deposit {in_words(into, units)} from outside into {name_of(api, into)}"
        return carry_out(api, common, payment, Movement(words, "/v1/deposits", about(into, units) | {"wallet_id": into["id"]}))


def withdraw(
    wallet: Wallet,
    amount: Amount,
    /,
    *,
    up_to: UpTo = False,
    at: When = None,
    payment: Payment = PAYMENT_DEFAULTS,
    common: Common = DEFAULTS,
) -> int:
    """Take money out of a wallet to outside."""
    with session(common) as api:
        source = wallet_of(api, wallet, payment.currency)
        units = amount_in(source, amount, payment)
        words = f"Withdraw {in_words(source, units, up_to=up_to)} to outside from {name_of(api, source)}{later(at)}"
        fields = about(source, units) | {"wallet_id": source["id"], **optional(up_to=up_to, at=at)}
        return carry_out(api, common, payment, Movement(words, "/v1/withdrawals", fields))


def transfer(
    source: Wallet,
    destination: Wallet,
    amount: Amount,
    /,
    *,
    up_to: UpTo = False,
    at: When = None,
    payment: Payment = PAYMENT_DEFAULTS,
    common: Common = DEFAULTS,
) -> int:
    """Move money from one wallet to another, and wait for the outcome."""
    with session(common) as api:
        from_ = wallet_of(api, source, payment.currency)
        to = payee_of(api, destination, from_["currency"])
        units = amount_in(from_, amount, payment)
        words = f"Move {in_words(from_, units, up_to=up_to)} from {name_of(api, from_)} to {name_of(api, to)}{later(at)}"
        fields = about(from_, units) | both(from_, to) | optional(up_to=up_to, at=at)
        return carry_out(api, common, payment, Movement(words, "/v1/transfers", fields))


def hold(
    source: Wallet,
    destination: Annotated[str, Parameter(help="the payee's wallet, as for a transfer; `outside` for a later withdrawal")],
    amount: Amount,
    /,
    *,
    expires_in: Annotated[int | None, Parameter(name="--expires-in", help="seconds after which the rest is released")] = None,
    at: When = None,
    payment: Payment = PAYMENT_DEFAULTS,
    common: Common = DEFAULTS,
) -> int:
    """Reserve money of a wallet for a payee, until it is captured, released or expires."""
    with session(common) as api:
        from_ = wallet_of(api, source, payment.currency)
        to = None if destination == "outside" else payee_of(api, destination, from_["currency"])
        units = amount_in(from_, amount, payment)
        payee = name_of(api, to) if to else "outside"
        words = f"Hold {in_words(from_, units)} of {name_of(api, from_)} for {payee}{later(at)}"
        fields = about(from_, units) | both(from_, to) | optional(at=at)
        return carry_out(api, common, payment, Movement(words, "/v1/holds", fields | {"expires_in_s": expires_in}))


def capture(
    hold: Transfer,
    amount: Part = None,
    /,
    *,
    final: Annotated[bool, Parameter(name="--final", negative="", help="release what this leaves of the hold")] = False,
    payment: Payment = PAYMENT_DEFAULTS,
    common: Common = DEFAULTS,
) -> int:
    """Give the payee a hold's money, or a part of it."""
    return follow_up(common, payment, hold, amount, FollowUp("capture", "Give the payee", {"final": final or None}))


def release(hold: Transfer, amount: Part = None, /, *, payment: Payment = PAYMENT_DEFAULTS, common: Common = DEFAULTS) -> int:
    """Make a hold's money, or a part of it, available to its owner again."""
    return follow_up(common, payment, hold, amount, FollowUp("release", "Give back", {}))


def reverse(
    transfer: Transfer,
    amount: Part = None,
    /,
    *,
    up_to: UpTo = False,
    payment: Payment = PAYMENT_DEFAULTS,
    common: Common = DEFAULTS,
) -> int:
    """Send the money of an applied transfer back, or a part of it."""
    return follow_up(common, payment, transfer, amount, FollowUp("reverse", "Send back", {"up_to": up_to or None}))


def cancel(
    transfer: Transfer,
    /,
    *,
    yes: Annotated[bool, Parameter(name=["--yes", "-y"], negative="", help="do it without asking")] = False,
    common: Common = DEFAULTS,
) -> int:
    """Cancel a scheduled or queued transfer: it is then never applied. May be repeated."""
    with session(common) as api:
        found = transfer_of(api, transfer)
        confirm(f"Cancel {transfer_in_words(api, found)}", api, yes=yes)
        canceled = api.teller.transfers.cancel(found["id"])
        show(canceled.to_dict(), common)
        return WELL


def follow_up(common: Common, payment: Payment, text: str, amount: str | None, verb: FollowUp) -> int:
    """Carry out a verb that is about an earlier transfer."""
    with session(common) as api:
        earlier = transfer_of(api, text)
        currency = earlier["currency"]
        units = None if amount is None else units_of(earlier, amount, payment)
        how_much = "all that is left" if units is None else money_in(units, currency)
        about_it = {"amount": units, "currency": None if units is None else currency}
        movement = Movement(
            f"{verb.words} {how_much} of {transfer_in_words(api, earlier)}",
            f"/v1/transfers/{earlier['id']}/{verb.name}",
            {**verb.fields, **about_it},
        )
        return carry_out(api, common, payment, movement)


def carry_out(api: Session, common: Common, payment: Payment, movement: Movement) -> int:
    """Ask, print the key, submit, wait for the outcome, print it. Return the exit status that it means."""
    fields = {**movement.fields, **described(payment)}
    if payment.preview:
        return previewed(api, common, movement, fields)
    key = key_of(payment)
    confirm(movement.words, api, yes=payment.yes)
    output.note(f"idempotency key {key}")
    outcome = submitted(api, key, payment.wait, lambda: api.teller.submit(movement.path, key=key, **fields))
    show(outcome.to_dict(), common)
    return status_of(outcome.to_dict(), is_awaited=payment.wait > 0)


def submitted(api: Session, key: str, wait: float, send: "Callable[[], SyncTransfer]") -> "SyncTransfer":
    """Return the transfer when its outcome is final, or after `wait` seconds. Ctrl-C raises Unknown with what is known by then."""
    from teller_client import NotFinal

    stored: SyncTransfer | None = None
    try:
        stored = send()
        is_due = stored.status != "scheduled"
        return stored.wait(wait) if wait > 0 and is_due and not stored.is_final else stored
    except NotFinal as late:
        return api.teller.transfers.get(late.transfer.id)
    except KeyboardInterrupt:
        raise Unknown(interrupted(stored, key)) from None


def interrupted(stored: "SyncTransfer | None", key: str) -> str:
    if stored is None:
        return f"stopped before an answer came: it may or may not be stored. Repeat the command with --idempotency-key {key}"
    return (
        f"stopped: {stored.id} is stored and was {stored.status}. Look with: teller show {stored.id}; its idempotency key is {key}"
    )


def previewed(api: Session, common: Common, movement: Movement, fields: Mapping[str, Any]) -> int:
    """Print what would become of it now."""
    given = {name: value for name, value in fields.items() if value is not None}
    answer: Json = api.teller.request("POST", movement.path, given, query={"preview": True})
    if common.json:
        output.json_document(answer)
    else:
        output.line(f"{movement.words}: it would be {outcome_in_words(answer)} (nothing is stored)")
    return status_of(answer, is_awaited=False)


def key_of(payment: Payment) -> str:
    """Return the key that was given, or a fresh one. Two calls with the same arguments are two payments, so it is not derived."""
    from teller_client import new_key
    from teller_client.keys import checked_key

    if payment.idempotency_key is None:
        return new_key()
    try:
        return checked_key(payment.idempotency_key)
    except ValueError as error:
        raise Cannot(str(error)) from None


def described(payment: Payment) -> Json:
    return {
        "reference": payment.reference,
        "metadata": pairs(payment.metadata),
        "callback_url": payment.callback_url,
        "apply_within_s": payment.apply_within,
    }


def about(wallet: Json, units: int) -> Json:
    return {"amount": units, "currency": wallet["currency"]}


def both(source: Json, destination: Json | None) -> Json:
    ids = {"source_wallet_id": source["id"]}
    return ids | ({"destination_wallet_id": destination["id"]} if destination else {})


def optional(*, up_to: bool = False, at: str | None = None) -> Json:
    return {"up_to": up_to or None, "scheduled_for": None if at is None else instant_of(at)}


def payee_of(api: Session, text: str, currency: str) -> Json:
    """Return the wallet; only its id where the key may not see it: a client's key pays into wallets of others."""
    from teller_client import NotFound

    try:
        return wallet_of(api, text, currency)
    except NotFound:
        if is_id(text, "wal"):
            return {"id": text}
        raise


def amount_in(wallet: Json, text: str, payment: Payment) -> int:
    return minor_units(text, wallet["minor_unit"], wallet["currency"], cents=payment.cents)


def units_of(earlier: Json, text: str, payment: Payment) -> int:
    """Return the minor units of an amount in the currency of an earlier transfer."""
    minor_unit = minor_unit_of(earlier["currency"])
    if minor_unit is None and not payment.cents:
        raise Cannot(f"the decimals of {earlier['currency']} are not known here: say the amount in minor units, with --cents")
    return minor_units(text, minor_unit or 0, earlier["currency"], cents=payment.cents)


def in_words(wallet: Json, units: int, *, up_to: bool = False) -> str:
    return f"{'up to ' if up_to else ''}{money(units, wallet['minor_unit'], wallet['currency'])}"


def later(at: str | None) -> str:
    return f", not before {output.instant(instant_of(at).isoformat())}" if at else ""


def name_of(api: Session, wallet: Json) -> str:
    return named(owner_of(api, wallet), wallet["id"])


def transfer_in_words(api: Session, transfer: Json) -> str:
    """Return a transfer with the names of those whose money it is."""
    amount = money_in(transfer["amount"], transfer["currency"])
    source, destination = (place_in_words(api, transfer[f"{side}_wallet_id"]) for side in ("source", "destination"))
    return f"the {transfer['type']} {transfer['id']} of {amount} from {source} to {destination}"


def place_in_words(api: Session, wallet_id: str | None) -> str:
    from teller_client import ApiError

    if wallet_id is None:
        return "outside or several wallets"
    try:
        return name_of(api, api.get(f"/v1/wallets/{wallet_id}"))
    except ApiError:
        return wallet_id


def show(transfer: Json, common: Common) -> None:
    """Print the transfer. The exit status has to say what became of the money, also where the reader of the output has gone."""
    try:
        if common.json:
            output.json_document(transfer)
        else:
            output.line(f"{transfer['id']} {outcome_in_words(transfer)}")
    except BrokenPipeError:
        output.discard()


def outcome_in_words(transfer: Json) -> str:
    """Return the status, and what goes with it: the amount, the reason of a rejection, the time that it is scheduled for."""
    amount = money_in(transfer["amount"], transfer["currency"])
    if failure := transfer.get("failure"):
        return f"rejected: {failure['code']}: {failure['detail']}{figures(failure, transfer['currency'])}"
    if transfer["status"] == "scheduled":
        return f"scheduled: {transfer['type']} of {amount} at {output.instant(transfer['scheduled_for'])}"
    balances = ", ".join(
        f"{each['wallet_id']} now {money_in(each['balance_after'], transfer['currency'])}" for each in own(transfer)
    )
    return f"{transfer['status']}: {transfer['type']} of {amount}{f'; {balances}' if balances else ''}"


def figures(failure: Json, currency: str) -> str:
    """Return what was there and what was needed, where the API says it."""
    if failure.get("available") is None or failure.get("needed") is None:
        return ""
    return f" (available {money_in(failure['available'], currency)}, needed {money_in(failure['needed'], currency)})"


def own(transfer: Json) -> list[Json]:
    """Return the entries of clients' wallets: the balance of an external wallet tells a caller nothing."""
    sides = {transfer["source_wallet_id"], transfer["destination_wallet_id"]}
    sides |= {line["wallet_id"] for name in ("debits", "credits") for line in transfer.get(name) or []}
    return [entry for entry in transfer["entries"] if entry["wallet_id"] in sides]


def status_of(transfer: Json, *, is_awaited: bool) -> int:
    """Return the exit status. A transfer that is still queued is UNKNOWN to a caller that has waited for it."""
    if transfer["status"] in {"rejected", "canceled"}:
        return REJECTED
    return UNKNOWN if transfer["status"] == "queued" and is_awaited else WELL
