"""What an action is: a question in words with its fields, and what the API is asked for when it is confirmed."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from console.api import Json
from console.visit import Form, Visit

Subject = str


@dataclass(frozen=True)
class Field:
    """One field of a form. A field of money is written in units of the currency, such as 10.50."""

    name: str
    label: str
    kind: Literal["text", "money", "choice", "time"] = "text"
    value: str = ""
    hint: str = ""
    required: bool = True
    choices: Mapping[str, str] | None = None
    length_max: int = 200


@dataclass(frozen=True)
class Question:
    """What the person confirms. With `blocked` it cannot be done, and that says why. `hidden` comes back with the form."""

    sentences: tuple[str, ...]
    back: str
    fields: tuple[Field, ...] = ()
    blocked: str = ""
    hidden: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Movement:
    """A request that moves or reserves money. The API takes an idempotency key with it, and can preview it."""

    path: str
    body: Json


@dataclass(frozen=True)
class Secret:
    """Something that is shown this once."""

    title: str
    text: str
    advice: str
    back: str


class Wrong(ValueError):
    """A field has a value that cannot be sent; nothing was asked for."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field = field
        self.text = text


class Partly(Exception):
    """Some of it was done; the text says how much, and what is left. Pressing the button again does the rest."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


Ask = Callable[[Visit, Subject], Awaitable[Question]]
Do = Callable[[Visit, Subject, Form, str], Awaitable[str | Secret]]  # returns the path to go on to, or what is shown once
Plan = Callable[[Visit, Subject, Form], Awaitable[Movement]]


@dataclass(frozen=True)
class Action:
    """`ask` is what the form says, `do` sends the request with the form's idempotency key. `prefix` is of the subject's id.

    With a `plan` it moves or reserves money: the form shows what would happen before anything is done, and it is done once.
    """

    title: str
    button: str
    done: str
    ask: Ask
    do: Do
    prefix: str = ""
    dangerous: bool = False
    once: bool = True  # False: the API does it again when it is asked again
    plan: Plan | None = None
