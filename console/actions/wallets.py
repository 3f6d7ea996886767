"""Actions on clients and wallets: rename, limit, freeze, unfreeze and close."""

from console.actions.action import Action, Field, Movement, Question, Wrong
from console.actions.money import REFERENCE, amount_of, in_words, moving, plain, with_reference
from console.api import Json
from console.visit import Form, Visit
from console.words import FROZEN, LIMITS

REASON = Field("reason", "Reason", hint="It is kept in the history with your key.")


async def ask_freeze(visit: Visit, id: str) -> Question:
    found = await visit.api.get(f"/v1/wallets/{id}")
    owner = (await visit.shared.names.of(visit.api, [id], wait_s=1.0))[id]
    back = f"/wallets/{id}"
    if found["status"] == "closed":
        return Question((), back, blocked="This wallet is closed.")
    words = (f"{owner.name}'s wallet is stopped at once. What waits for it is rejected, until the freeze is ended.",)
    return Question(words, back, (Field("frozen", "What stops", "choice", "all", choices=FROZEN), REASON))


async def freeze(visit: Visit, id: str, form: Form, key: str) -> str:  # noqa: ARG001 - a repetition changes nothing, and has no key
    changes = {"frozen": form.get("frozen", ""), "reason": form.get("reason", "").strip()}
    await visit.api.send("PATCH", f"/v1/wallets/{id}", changes)
    return f"/wallets/{id}"


async def ask_unfreeze(visit: Visit, id: str) -> Question:
    found = await visit.api.get(f"/v1/wallets/{id}")
    owner = (await visit.shared.names.of(visit.api, [id], wait_s=1.0))[id]
    if not found["frozen"] or found["status"] == "closed":
        return Question((), f"/wallets/{id}", blocked="This wallet is not frozen.")
    return Question((f"Money may move into and out of {owner.name}'s wallet again.",), f"/wallets/{id}", (REASON,))


async def unfreeze(visit: Visit, id: str, form: Form, key: str) -> str:  # noqa: ARG001 - as `freeze`
    await visit.api.send("PATCH", f"/v1/wallets/{id}", {"frozen": None, "reason": form.get("reason", "").strip()})
    return f"/wallets/{id}"


async def ask_close(visit: Visit, id: str) -> Question:
    found = await visit.api.get(f"/v1/wallets/{id}")
    owner = (await visit.shared.names.of(visit.api, [id], wait_s=1.0))[id]
    back = f"/wallets/{id}"
    if found["status"] == "closed":
        return Question((), back, blocked="This wallet is closed already.")
    if found["held"]:
        return Question((), back, blocked="This wallet has open holds. Capture or release them first.")
    balance = in_words(found["balance"], found["currency"])
    words = [f"{owner.name}'s wallet is closed for ever. After that nothing moves into it or out of it."]
    words += [f"Its balance of {balance} goes where you say."] if found["balance"] else []
    heir = Field(
        "sweep_to_wallet_id",
        "Wallet that gets the balance",
        hint="Leave it empty to pay the balance out of Teller.",
        required=False,
    )
    return Question(tuple(words), back, (heir, REFERENCE) if found["balance"] else (REFERENCE,))


async def plan_closure(visit: Visit, id: str, form: Form) -> Movement:  # noqa: ARG001 - the form says all
    """A closure whose form had no field for an heir sweeps nothing: it is rejected if money has come in since."""
    body: Json = {}
    if (heir := form.get("sweep_to_wallet_id")) is not None:
        body = {"sweep_to_wallet_id": heir.strip()} if heir.strip() else {"sweep_outside": True}
    return Movement(f"/v1/wallets/{id}/close", with_reference(form, body))


async def ask_limits(visit: Visit, id: str) -> Question:
    found = await visit.api.get(f"/v1/wallets/{id}")
    owner = (await visit.shared.names.of(visit.api, [id], wait_s=1.0))[id]
    back, currency = f"/wallets/{id}", found["currency"]
    if found["status"] == "closed":
        return Question((), back, blocked="This wallet is closed.")
    words = (
        f"The limits of {owner.name}'s wallet. They hold at once, also for what waits already.",
        "A field that is empty is no limit. Days and months are those of UTC.",
    )
    shown = {name: "" if (limit := found["limits"][name]) is None else plain(limit, currency) for name in LIMITS}
    fields = [Field(name, f"{label} ({currency})", "money", shown[name], required=False) for name, label in LIMITS.items()]
    return Question(words, back, (*fields, REASON), hidden={was(name): text for name, text in shown.items()})


def was(name: str) -> str:
    """Return the name of the hidden field with what the form has shown."""
    return f"was_{name}"


async def set_limits(visit: Visit, id: str, form: Form, key: str) -> str:  # noqa: ARG001 - as `freeze`
    """Only what the person has changed is sent: another person may have set the other limits since."""
    currency = (await visit.api.get(f"/v1/wallets/{id}"))["currency"]
    limits = {name: limit_of(form, name, currency) for name in LIMITS if form.get(name, "").strip() != form.get(was(name))}
    if not limits:
        raise Wrong("", "No limit was changed in this form. Nothing was done.")
    await visit.api.send("PATCH", f"/v1/wallets/{id}", {"limits": limits, "reason": form.get("reason", "").strip()})
    return f"/wallets/{id}"


def limit_of(form: Form, name: str, currency: str) -> int | None:
    """Return the form's limit in minor units, None for none. Raises Wrong."""
    text = form.get(name, "").strip()
    try:
        return amount_of({"amount": text}, currency) if text else None
    except Wrong as wrong:
        raise Wrong(name, wrong.text) from None


async def ask_rename(visit: Visit, id: str) -> Question:
    found = await visit.api.get(f"/v1/clients/{id}")
    fields = (
        Field("name", "Name", value=found["name"]),
        Field("external_id", "External id", value=found["external_id"] or "", required=False, length_max=100),
        REASON,
    )
    return Question(("The history keeps what was there before.",), f"/clients/{id}", fields)


async def rename(visit: Visit, id: str, form: Form, key: str) -> str:  # noqa: ARG001 - as `freeze`
    changes: Json = {"name": form.get("name", "").strip(), "external_id": form.get("external_id", "").strip() or None}
    changed = await visit.api.send("PATCH", f"/v1/clients/{id}", {**changes, "reason": form.get("reason", "").strip()})
    visit.shared.names.remember(changed, [wallet["id"] for wallet in changed["wallets"]])
    return f"/clients/{id}"


ACTIONS = {
    "freeze": Action("Freeze a wallet", "Freeze", "The wallet is frozen.", ask_freeze, freeze, "wal", dangerous=True),
    "unfreeze": Action("End a freeze", "End the freeze", "The freeze has ended.", ask_unfreeze, unfreeze, "wal"),
    "limits": Action("Limit a wallet", "Set the limits", "The limits were set.", ask_limits, set_limits, "wal"),
    "close": moving(
        "Close a wallet",
        "Close for ever",
        "The closure was accepted.",
        "wal",
        ask=ask_close,
        plan=plan_closure,
        dangerous=True,
    ),
    "rename": Action("Change a client", "Change", "The client was changed.", ask_rename, rename, "cli"),
}
