"""Actions that move money or reserve it: deposit, reverse, cancel, capture and release."""

from collections.abc import Mapping
from typing import Any

from console.actions.action import Action, Ask, Field, Movement, Plan, Question, Wrong
from console.api import Json
from console.views.ids import checked
from console.visit import Form, Visit
from console.words import REVERSIBLE, NoAmount, digits_of, minor_units, money

REFERENCE = Field("reference", "Reference", required=False, hint="What it is for, such as the number of an invoice.")


def amount_field(label: str, currency: str, value: str, hint: str = "") -> Field:
    return Field("amount", f"{label} ({currency})", "money", value, hint)


def amount_of(form: Form, currency: str) -> int:
    """Return the form's amount in minor units. Raises Wrong."""
    try:
        amount = minor_units(form.get("amount", ""), currency)
    except NoAmount as wrong:
        raise Wrong("amount", f"This {wrong}.") from None
    if amount == 0:
        raise Wrong("amount", "The amount is more than nothing.")
    return amount


def with_reference(form: Form, body: Json) -> Json:
    reference = form.get("reference", "").strip()
    return {**body, "reference": reference} if reference else body


def moving(title: str, button: str, done: str, prefix: str, *, ask: Ask, plan: Plan, dangerous: bool = False) -> Action:
    """Return an action that sends what `plan` returns, and goes on to the page of the transfer that was made."""

    async def send(visit: Visit, id: str, form: Form, key: str) -> str:
        movement = await plan(visit, id, form)
        made = await visit.api.send("POST", movement.path, movement.body, key=key)
        return f"/transfers/{checked('trf', made['id'])}"

    return Action(title, button, done, ask, send, prefix, dangerous, plan=plan)


async def names(visit: Visit, transfer: Mapping[str, Any]) -> tuple[str, str]:
    ids = [transfer["source_wallet_id"], transfer["destination_wallet_id"]]
    parties = await visit.shared.names.of(visit.api, ids, wait_s=1.0)
    source, destination = (parties[id].name for id in ids)
    return source, destination


def in_words(amount: int, currency: str) -> str:
    return f"{money(amount, currency)} {currency}"


async def ask_reverse(visit: Visit, id: str) -> Question:
    found = await visit.api.get(f"/v1/transfers/{id}")
    currency, back = found["currency"], f"/transfers/{id}"
    left = found["amount"] - found["reversed_amount"]
    if found["type"] not in REVERSIBLE or found["status"] != "applied":
        return Question((), back, blocked="Only an applied deposit, withdrawal, transfer or capture can be reversed.")
    if left <= 0:
        return Question((), back, blocked="All of it was given back already.")
    if found["debits"] is not None:
        whole = f"All of {in_words(left, currency)} goes back to where it came from, between all of its wallets."
        return Question((whole,), back, (REFERENCE,))
    source, destination = await names(visit, found)
    words = (
        f"Money goes back from {destination} to {source}: up to {in_words(left, currency)}.",
        f"It is a new transfer. If {destination} does not have the money, it is rejected and nothing is moved.",
    )
    return Question(words, back, (amount_field("Amount to give back", currency, plain(left, currency)), REFERENCE))


def plain(amount: int, currency: str) -> str:
    """Return an amount as a person writes it in a field."""
    return money(amount, currency).replace(",", "")


async def plan_reversal(visit: Visit, id: str, form: Form) -> Movement:
    found = await visit.api.get(f"/v1/transfers/{id}")
    body: Json = {"currency": found["currency"]}
    if found["debits"] is None:
        body["amount"] = amount_of(form, found["currency"])
    return Movement(f"/v1/transfers/{id}/reverse", with_reference(form, body))


async def ask_cancel(visit: Visit, id: str) -> Question:
    found = await visit.api.get(f"/v1/transfers/{id}")
    back = f"/transfers/{id}"
    if found["status"] not in {"queued", "scheduled"}:
        return Question((), back, blocked="Only a transfer that still waits can be canceled.")
    source, destination = await names(visit, found)
    words = (
        f"The {found['type']} of {in_words(found['amount'], found['currency'])} from {source} to {destination} will not happen.",
        "This cannot be taken back. To do it after all, a new transfer has to be sent.",
    )
    return Question(words, back)


async def cancel(visit: Visit, id: str, form: Form, key: str) -> str:  # noqa: ARG001 - to cancel twice changes nothing, and has no key
    await visit.api.send("POST", f"/v1/transfers/{id}/cancel")
    return f"/transfers/{id}"


async def ask_about_hold(visit: Visit, id: str, verb: str, words: str) -> Question:
    found = await visit.api.get(f"/v1/transfers/{id}")
    back = f"/transfers/{id}"
    if not found["hold"] or found["hold"]["status"] != "open":
        return Question((), back, blocked="Only a hold that is open can be captured or released.")
    source, destination = await names(visit, found)
    left, currency = found["hold"]["remaining_amount"], found["currency"]
    sentence = words.format(source=source, destination=destination, left=in_words(left, currency))
    return Question((sentence,), back, (amount_field(f"Amount to {verb}", currency, plain(left, currency)), REFERENCE))


async def ask_capture(visit: Visit, id: str) -> Question:
    return await ask_about_hold(
        visit, id, "capture", "{destination} gets the money that is held of {source}: up to {left}. What is left stays held."
    )


async def ask_release(visit: Visit, id: str) -> Question:
    return await ask_about_hold(
        visit, id, "release", "{source} may use the held money again: up to {left}. {destination} gets none of it."
    )


async def plan_capture(visit: Visit, id: str, form: Form) -> Movement:
    return await plan_use_of_hold(visit, id, "capture", form)


async def plan_release(visit: Visit, id: str, form: Form) -> Movement:
    return await plan_use_of_hold(visit, id, "release", form)


async def plan_use_of_hold(visit: Visit, id: str, verb: str, form: Form) -> Movement:
    currency = (await visit.api.get(f"/v1/transfers/{id}"))["currency"]
    body: Json = {"amount": amount_of(form, currency), "currency": currency}
    return Movement(f"/v1/transfers/{id}/{verb}", with_reference(form, body))


async def ask_deposit(visit: Visit, id: str) -> Question:
    found = await visit.api.get(f"/v1/wallets/{id}")
    owner = (await visit.shared.names.of(visit.api, [id], wait_s=1.0))[id]
    back, currency = f"/wallets/{id}", found["currency"]
    if found["status"] == "closed":
        return Question((), back, blocked="This wallet is closed.")
    words = (
        f"{owner.name} gets money from outside Teller. The balance is {in_words(found['balance'], currency)} now.",
        "Do this only for money that has arrived.",
    )
    return Question(words, back, (amount_field("Amount", currency, "", f"{digits_in_words(currency)}."), REFERENCE))


def digits_in_words(currency: str) -> str:
    digits = digits_of(currency)
    return f"With at most {digits} digits after the point, such as {money(1050, currency)}" if digits else "Whole units, such as 10"


async def plan_deposit(visit: Visit, id: str, form: Form) -> Movement:
    currency = (await visit.api.get(f"/v1/wallets/{id}"))["currency"]
    body: Json = {"wallet_id": id, "amount": amount_of(form, currency), "currency": currency}
    return Movement("/v1/deposits", with_reference(form, body))


ACTIONS = {
    "reverse": moving(
        "Reverse a transfer",
        "Give it back",
        "The reversal was accepted.",
        "trf",
        ask=ask_reverse,
        plan=plan_reversal,
        dangerous=True,
    ),
    "cancel": Action(
        "Cancel a transfer", "Cancel this transfer", "The transfer was canceled.", ask_cancel, cancel, "trf", dangerous=True
    ),
    "capture": moving("Capture a hold", "Capture", "The capture was accepted.", "trf", ask=ask_capture, plan=plan_capture),
    "release": moving("Release a hold", "Release", "The release was accepted.", "trf", ask=ask_release, plan=plan_release),
    "deposit": moving("Deposit", "Deposit", "The deposit was accepted.", "wal", ask=ask_deposit, plan=plan_deposit),
}
