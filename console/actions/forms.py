"""The form of each action: shown with an idempotency key of its own, sent with it, and shown again with the same key on a fault."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.responses import Response

from console.actions import keys, money, wallets, webhooks
from console.actions.action import Action, Question, Secret, Wrong
from console.actions.preview import Forecast, forecast
from console.api import Away, OutcomeUnknown, Refused
from console.views.ids import checked
from console.visit import Form, Visit, new_key, read_own_form, see_other
from core import log

ACTIONS: Mapping[str, Action] = {**money.ACTIONS, **wallets.ACTIONS, **webhooks.ACTIONS, **keys.ACTIONS}
KEY = re.compile(r"console-[0-9a-f]{32}")
ASK_WITHIN_S = 1.0  # of a form that is shown again: the person has waited for an API that may not answer
PREVIEW = "preview"  # the name of the button that asks what would happen

UNKNOWN = (
    "The API did not say whether this was done. Press the button again: the request is the same one, and is done once at most."
)
UNKNOWN_TWICE = "The API did not say whether this was done, and it would do it again. Look first at the page that you came from."
AWAY = "The API does not answer. Nothing was done. Try again in a moment."

logger = log.get(__name__)


@dataclass(frozen=True)
class Asked:
    """A form: of which action about what, with its idempotency key, and what the person wrote."""

    visit: Visit
    action: Action
    subject: str
    key: str
    form: Form


async def show_action(visit: Visit) -> Response:
    """Show the form, or do what it says."""
    name = str(visit.request.path_params["action"])
    action = ACTIONS.get(name)
    subject = str(visit.request.path_params.get("id", ""))
    if action is None or bool(action.prefix) != bool(subject):
        raise HTTPException(404)
    if subject:
        checked(action.prefix, subject)
    visit.need_operator()
    if visit.request.method == "POST":
        return await confirm(visit, name, action, subject)
    return await first_page(Asked(visit, action, subject, new_key(), {}))


async def first_page(asked: Asked) -> Response:
    """Show the form, and what would happen if it was confirmed as it is."""
    question = await asked.action.ask(asked.visit, asked.subject)
    values = {field.name: field.value for field in question.fields}
    try:
        expected = None if question.blocked else await forecast(asked.visit, asked.action, asked.subject, values)
    except (Wrong, Refused, Away):  # the form has to be filled in first, or the person reads what is wrong after confirming it
        expected = None
    return form_page(asked, question, expected=expected)


async def confirm(visit: Visit, name: str, action: Action, subject: str) -> Response:
    form = await read_own_form(visit)
    key = form.get("key", "")
    if not KEY.fullmatch(key):
        raise HTTPException(403)
    asked = Asked(visit, action, subject, key, {field: text for field, text in form.items() if field != PREVIEW})
    try:
        return await carry_out(asked, name, previews=PREVIEW in form)
    except Wrong as wrong:
        return await again(asked, {wrong.field: wrong.text}, 422)
    except Refused as refused:
        if refused.status in {401, 404}:
            raise
        report(visit, name, subject, refused.code or "refused")
        return await again(asked, told(refused), refused.status)
    except OutcomeUnknown:
        report(visit, name, subject, "unknown")
        return await again(asked, {"": UNKNOWN if action.once else UNKNOWN_TWICE}, 502)
    except Away:
        return await again(asked, {"": AWAY}, 503)


async def carry_out(asked: Asked, name: str, *, previews: bool) -> Response:
    """Do what the form says, or show what would happen."""
    if previews and asked.action.plan:
        return await again(asked, {}, 200, await forecast(asked.visit, asked.action, asked.subject, asked.form))
    outcome = await asked.action.do(asked.visit, asked.subject, asked.form, asked.key)
    report(asked.visit, name, asked.subject, "done")
    if isinstance(outcome, Secret):
        return asked.visit.page("secret.html", secret=outcome)
    return see_other(outcome, did=name)


def report(visit: Visit, name: str, subject: str, outcome: str) -> None:
    """Log what a person did in the console, and keep it for the page of keys. The API's own log has the request."""
    visit.shared.journal.add(visit.login.person, ACTIONS[name].title, subject, outcome)
    logger.info("action", action=name, subject=subject, person=visit.login.person, outcome=outcome)


async def again(asked: Asked, problems: Mapping[str, str], status: int, expected: Forecast | None = None) -> Response:
    """Show the form with what the person wrote, what is wrong with it or would happen, and the same key.

    While the API does not answer, the form has no fields, and keeps what the person wrote.
    """
    try:
        async with asyncio.timeout(ASK_WITHIN_S):
            question = await asked.action.ask(asked.visit, asked.subject)
    except (Refused, Away, TimeoutError):
        question = Question(("What you wrote is kept. The API does not answer, so it is not shown.",), "/")
    return form_page(asked, question, problems, status, expected)


def form_page(
    asked: Asked,
    question: Question,
    problems: Mapping[str, str] | None = None,
    status: int = 200,
    expected: Forecast | None = None,
) -> Response:
    given = {"key": asked.key, "given": asked.form, "problems": problems or {}, "expected": expected}
    return asked.visit.page("action.html", status, action=asked.action, question=question, **given)


def told(refused: Refused) -> Mapping[str, str]:
    """Return what the API says is wrong, by the field of the form; what belongs to none is under the empty name."""
    fields = {error.get("pointer", "").rpartition("/")[2]: error.get("detail", "") for error in refused.problem.get("errors", [])}
    return {"": refused.detail} | {name: text for name, text in fields.items() if name and text}
