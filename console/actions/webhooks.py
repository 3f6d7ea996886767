"""Actions on webhooks: deliver again, enable, disable, and a new secret."""

import re

from console.actions.action import Action, Field, Partly, Question, Secret, Wrong
from console.api import Away, Refused
from console.visit import Form, Visit

ROUNDS_MAX = 20  # requests of one confirmation, each of which makes up to 1000 deliveries due
THE_REST = "Press the button again for the rest."
TIME = re.compile(r"\d{4}-\d\d-\d\d")


async def ask_redeliver(visit: Visit, id: str) -> Question:  # noqa: ARG001 - the API has no route for one delivery
    back = safe_back(visit)
    words = (
        "The same event is sent again now, with the same id. Its attempts start from the first.",
        "Each press sends it once more: pressed twice, the receiver may get it twice.",
    )
    return Question(words, back)


async def redeliver(visit: Visit, id: str, form: Form, key: str) -> str:  # noqa: ARG001 - the API has no key for it
    made = await visit.api.send("POST", f"/v1/deliveries/{id}/redeliver")
    return f"/transfers/{made['transfer_id']}" if made["transfer_id"] else f"/webhooks/{made['endpoint_id']}"


def safe_back(visit: Visit) -> str:
    """Return the page that the form was opened from, as far as its address is one of the console's."""
    return "/webhooks" if not (about := visit.query.get("of", "")) or not about.isascii() else path_of(about)


def path_of(id: str) -> str:
    return f"/transfers/{id}" if id.startswith("trf_") else f"/webhooks/{id}"


async def ask_redeliver_missed(visit: Visit, id: str) -> Question:
    found = await visit.api.get(f"/v1/webhook-endpoints/{id}")
    back = f"/webhooks/{id}"
    if found["status"] == "disabled":
        return Question((), back, blocked="This endpoint is disabled. Enable it first.")
    since = (found["disabled_at"] or found["created_at"])[:10]
    field = Field("since", "Since (day, UTC)", "time", since, "Deliveries that were made on this day or later.", length_max=10)
    return Question((f"All failed and canceled deliveries to {found['url']} are sent again.",), back, (field,))


async def redeliver_missed(visit: Visit, id: str, form: Form, key: str) -> str:  # noqa: ARG001 - as `redeliver`
    day = form.get("since", "")
    if not TIME.fullmatch(day):
        raise Wrong("since", "Write a day as 2026-11-29.")
    due = 0
    for _ in range(ROUNDS_MAX):
        try:
            made = await visit.api.send("POST", f"/v1/webhook-endpoints/{id}/redeliver", {"since": f"{day}T00:00:00Z"})
        except (Away, Refused):
            if not due:
                raise
            raise Partly(f"{due:,} deliveries are due now. Then the API stopped answering. {THE_REST}") from None
        due += made["count"]
        if not made["has_more"]:
            return f"/webhooks/{id}"
    raise Partly(f"{due:,} deliveries are due now, and more were missed; the API does not count them. {THE_REST}")


async def ask_enable(visit: Visit, id: str) -> Question:
    found = await visit.api.get(f"/v1/webhook-endpoints/{id}")
    words = (f"{found['url']} receives events again from now on.", "What it missed is not sent by this: deliver that afterwards.")
    return Question(words, f"/webhooks/{id}")


async def enable(visit: Visit, id: str, form: Form, key: str) -> str:  # noqa: ARG001 - a repetition changes nothing
    await visit.api.send("PATCH", f"/v1/webhook-endpoints/{id}", {"status": "enabled"})
    return f"/webhooks/{id}"


async def ask_disable(visit: Visit, id: str) -> Question:
    found = await visit.api.get(f"/v1/webhook-endpoints/{id}")
    return Question((f"{found['url']} receives nothing from now on. Deliveries that wait are canceled.",), f"/webhooks/{id}")


async def disable(visit: Visit, id: str, form: Form, key: str) -> str:  # noqa: ARG001 - a repetition changes nothing
    await visit.api.send("PATCH", f"/v1/webhook-endpoints/{id}", {"status": "disabled"})
    return f"/webhooks/{id}"


async def ask_rotate(visit: Visit, id: str) -> Question:
    found = await visit.api.get(f"/v1/webhook-endpoints/{id}")
    words = (
        f"Events to {found['url']} are signed with a new secret, which the next page shows once.",
        "The secret of now signs too for 24 hours, older ones no longer.",
    )
    return Question(words, f"/webhooks/{id}")


async def rotate(visit: Visit, id: str, form: Form, key: str) -> Secret:  # noqa: ARG001 - the API's rotation has no key
    made = await visit.api.send("POST", f"/v1/webhook-endpoints/{id}/rotate-secret")
    return Secret("New secret", made["secret"], f"Give it to the receiver at {made['url']}.", f"/webhooks/{id}")


ACTIONS = {
    "redeliver": Action("Deliver again", "Deliver now", "The delivery is due now.", ask_redeliver, redeliver, "dlv", once=False),
    "redeliver-missed": Action(
        "Deliver again what was missed",
        "Deliver all",
        "The missed deliveries are due now.",
        ask_redeliver_missed,
        redeliver_missed,
        "whk",
    ),
    "enable": Action("Enable an endpoint", "Enable", "The endpoint is enabled.", ask_enable, enable, "whk"),
    "disable": Action("Disable an endpoint", "Disable", "The endpoint is disabled.", ask_disable, disable, "whk", dangerous=True),
    "rotate-secret": Action("Make a new secret", "Make a new secret", "", ask_rotate, rotate, "whk", once=False),
}
