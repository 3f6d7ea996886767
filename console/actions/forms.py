"""The form of each action: shown with an idempotency key of its own, sent with it, and shown again with the same key on a fault."""

import asyncio
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from starlette.exceptions import HTTPException
from starlette.responses import Response

from console.actions import keys, money, wallets, webhooks
from console.actions.action import Action, Partly, Question, Secret, Wrong
from console.actions.preview import Forecast, forecast
from console.api import Away, OutcomeUnknown, Refused
from console.views.ids import checked
from console.visit import Form, Visit, new_key, read_own_form, see_other
from core import log

ACTIONS: Mapping[str, Action] = {**money.ACTIONS, **wallets.ACTIONS, **webhooks.ACTIONS, **keys.ACTIONS}
KEY = re.compile(r"console-[0-9a-f]{32}")
ASK_WITHIN_S = 1.0  # of a form that is shown again: the person has waited for an API that may not answer
PREVIEW = "preview"  # the name of the button that asks what would happen
SHOWN = "shown"  # a hidden field: the digest of the values of which the form has shown what would happen
EARLIER = "unknown"  # a hidden field: this form was sent before, and how that ended is not known
OWN = frozenset({"csrf", "key", PREVIEW, SHOWN, EARLIER})  # fields of each form; the others are values

UNKNOWN = "The API did not say whether this was done."
ONCE = "Press the button again: the request is the same one, and is done once at most."
UNCHANGED = "Press the button again: what was done already stays as it is."
TWICE = "Pressed again, it may be done twice. Look first at the page that you came from."
UNKNOWN_AND_BLOCKED = f"{UNKNOWN} This form cannot be sent again. Look at the page that you came from."
SENT_BEFORE = "This form was sent before, and how that ended is not known: it may have been done. Look first at the page about it."
AWAY = "The API does not answer. Nothing was done. Try again in a moment."
AWAY_AGAIN = "The API does not answer. This attempt did nothing; the one before may have been done. Try again in a moment."
LOOK_FIRST = "Nothing was done yet. Look at what would happen with these values, then press the button again."

logger = log.get(__name__)


@dataclass(frozen=True)
class Asked:
    """A form: of which action about what, with its idempotency key, and what the person wrote."""

    visit: Visit
    action: Action
    subject: str
    key: str
    form: Form

    @property
    def values(self) -> Form:
        return {name: text for name, text in self.form.items() if name not in OWN}

    @property
    def digest(self) -> str:
        """Of this form's values."""
        return hashlib.sha256(json.dumps([self.key, sorted(self.values.items())]).encode()).hexdigest()[:32]

    @property
    def was_forecast(self) -> bool:
        """Whether the person was shown what would happen with just these values."""
        return self.form.get(SHOWN) == self.digest

    @property
    def was_sent(self) -> bool:
        return EARLIER in self.form


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
    key = visit.query.get("key", "")  # of a form whose login had ended when it was sent
    if KEY.fullmatch(key):
        return await first_page(Asked(visit, action, subject, key, {EARLIER: "1"}))
    return await first_page(Asked(visit, action, subject, new_key(), {}))


async def first_page(asked: Asked) -> Response:
    """Show the form, and what would happen if it was confirmed as it is."""
    question = await asked.action.ask(asked.visit, asked.subject)
    values = {field.name: field.value for field in question.fields}
    asked = replace(asked, form={**asked.form, **question.hidden, **values})
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
    looks = bool(action.plan) and (PREVIEW in form or not asked.was_forecast)
    try:
        return await (look(asked, {} if PREVIEW in form else {"": LOOK_FIRST}) if looks else carry_out(asked, name))
    except Wrong as wrong:
        return await again(asked, {wrong.field: wrong.text}, 422)
    except Partly as partly:
        report(visit, name, subject, "partly")
        return await again(asked, {"": partly.text}, 200)
    except Refused as refused:
        if refused.status in {401, 404}:
            raise
        if not looks:
            report(visit, name, subject, refused.code or "refused")
        return await again(asked, told(refused), refused.status)
    except OutcomeUnknown:
        report(visit, name, subject, "unknown")
        return await again(replace(asked, form={**asked.form, EARLIER: "1"}), {"": unknown(action)}, 502)
    except Away:
        return await again(asked, {"": AWAY_AGAIN if asked.was_sent else AWAY}, 503)


def unknown(action: Action) -> str:
    return f"{UNKNOWN} {ONCE if action.plan else UNCHANGED if action.once else TWICE}"


async def look(asked: Asked, problems: Mapping[str, str]) -> Response:
    """Show what would happen with the form's values. Nothing is done."""
    return await again(asked, problems, 200, await forecast(asked.visit, asked.action, asked.subject, asked.values))


async def carry_out(asked: Asked, name: str) -> Response:
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
    names = {field.name for field in question.fields}
    hidden = {name: text for name, text in asked.values.items() if name not in names}
    kept = {SHOWN: asked.digest} if expected else {name: asked.form[name] for name in (SHOWN,) if name in asked.form}
    kept |= {EARLIER: "1"} if asked.was_sent else {}
    return asked.visit.page(
        "action.html",
        status,
        action=asked.action,
        question=question,
        key=asked.key,
        given=asked.values,
        hidden={**hidden, **kept},
        problems=problems or {},
        notices=notices(asked, question, problems or {}),
        expected=expected,
        acts_first=not asked.action.plan or bool(expected) or asked.was_forecast,
    )


def notices(asked: Asked, question: Question, problems: Mapping[str, str]) -> list[str]:
    """Return what stands above the form. A form that cannot be sent again invites to nothing."""
    text = problems.get("", "")
    if question.blocked:
        return [UNKNOWN_AND_BLOCKED] if asked.was_sent else [text] if text and text != LOOK_FIRST else []
    is_told = text.startswith(UNKNOWN) or text == AWAY_AGAIN
    return [*([SENT_BEFORE] if asked.was_sent and not is_told else []), *([text] if text else [])]


def told(refused: Refused) -> Mapping[str, str]:
    """Return what the API says is wrong, by the field of the form; what belongs to none is under the empty name."""
    fields = {error.get("pointer", "").rpartition("/")[2]: error.get("detail", "") for error in refused.problem.get("errors", [])}
    return {"": refused.detail} | {name: text for name, text in fields.items() if name and text}
