"""From JSON to frozen dataclasses and back.

A newer API may send more than this version knows: an unknown field is kept in `extra`, and an unknown value of an enumeration stays
the text that it is.
"""

from __future__ import annotations

import dataclasses
import keyword
import types
import typing
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from functools import cache
from typing import Any, Literal, TypeVar, Union

from teller_client.errors import UnexpectedAnswer

Decode = Callable[[Any], Any]
M = TypeVar("M", bound="Model")

NO_ZONE = "a time needs a time zone: datetime.now(timezone.utc), for example"
ALWAYS_THERE = {"id", "type", "status", "code", "amount"}  # fields that all versions of the API send where an object has them


class Model:
    """What all results share. Subclasses are frozen dataclasses with a field `extra`."""

    @classmethod
    def from_dict(cls: type[M], raw: Any) -> M:
        """Return the object of this JSON object. A field that an older API does not send is None.

        Raises UnexpectedAnswer where a field is of another type, or one of ALWAYS_THERE is missing.
        """
        if not isinstance(raw, dict):
            raise UnexpectedAnswer(f"{cls.__name__}: an object was expected")
        decoders = decoders_of(cls)  # type: ignore[arg-type]  # a class is hashable
        given: dict[str, Any] = {}
        for name, (decode, has_no_default) in decoders.items():
            if name in raw:
                given[own_name(name)] = decoded(cls, name, decode, raw[name])
            elif name in ALWAYS_THERE:
                raise UnexpectedAnswer(f"{cls.__name__}: the answer has no {name}")
            elif has_no_default:
                given[own_name(name)] = None
        given["extra"] = {name: value for name, value in raw.items() if name not in decoders}
        return cls(**given)

    def to_dict(self) -> dict[str, Any]:
        """Return the object as the API has sent it: times as text, unknown fields included. Absent fields are null."""
        fields = [field.name for field in dataclasses.fields(self) if field.name != "extra"]  # type: ignore[arg-type]
        return {**{wire_name(name): encoded(getattr(self, name)) for name in fields}, **getattr(self, "extra", {})}


def own_name(name: str) -> str:
    """Return the name of the field of a dataclass: `from` is a word of Python, so that field is `from_`."""
    return f"{name}_" if keyword.iskeyword(name) else name


def wire_name(name: str) -> str:
    return name.removesuffix("_")


def decoded(cls: type[Model], name: str, decode: Decode, value: Any) -> Any:
    try:
        return decode(value)
    except (TypeError, ValueError):
        raise UnexpectedAnswer(f"{cls.__name__}: {name} has an unexpected form") from None


def encoded(value: Any) -> Any:
    if isinstance(value, Model):
        return value.to_dict()
    if isinstance(value, list):
        return [encoded(item) for item in value]
    return format_time(value) if isinstance(value, datetime) else value


@cache
def decoders_of(cls: type[Model]) -> Mapping[str, tuple[Decode, bool]]:
    """Return for each field, by its name in the API, how its JSON becomes a value, and whether it has no default."""
    hints = typing.get_type_hints(cls)
    return {
        wire_name(field.name): (
            decoder_of(hints[field.name]),
            field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING,
        )
        for field in dataclasses.fields(cls)  # type: ignore[arg-type]
        if field.name != "extra"
    }


def decoder_of(hint: Any) -> Decode:  # noqa: PLR0911 - a row for each kind of annotation
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in {Union, types.UnionType}:
        [inner] = [decoder_of(arg) for arg in args if arg is not type(None)]
        return lambda value: None if value is None else inner(value)
    if origin is list:
        item = decoder_of(args[0])
        return lambda value: [item(each) for each in expected(list, value)]
    if origin is Literal:
        return lambda value: expected(str, value)
    if hint is datetime:
        return parse_time
    if isinstance(hint, type) and issubclass(hint, Model):
        return hint.from_dict
    if origin is dict or hint is Any:
        return lambda value: value
    return lambda value: expected(hint, value)


def expected(kind: type, value: Any) -> Any:
    """Return the value. Raises TypeError when it is of another type. True is no int here."""
    if type(value) is not kind:
        raise TypeError
    return value


def parse_time(text: Any) -> datetime:
    """Return an RFC 3339 time, in UTC. Raises ValueError for one without an offset. Python 3.10 reads no "Z"."""
    time = datetime.fromisoformat(expected(str, text).replace("Z", "+00:00"))
    if time.tzinfo is None:
        raise ValueError(NO_ZONE)
    return time.astimezone(timezone.utc)


def format_time(time: datetime) -> str:
    """Return the time as the API writes it: UTC with microseconds and Z. Raises ValueError for one without an offset."""
    if time.tzinfo is None:
        raise ValueError(NO_ZONE)
    return time.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
