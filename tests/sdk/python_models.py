"""Writes the models of the Python SDK from the OpenAPI document: frozen dataclasses of answers, TypedDicts of batch items."""

import keyword
import re
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

Json = Mapping[str, Any]

BEHAVIOUR = {"Transfer": "TransferBehaviour", "Problem": "ProblemBehaviour"}  # of _behaviour.py
WITHOUT_CLASS = ("Event", "TransferBatch")  # events.py and the clients have their own
PAGE = {"data", "has_more", "next_cursor"}
BATCH = "/v1/transfers/batch"
SCALARS = {"string": "str", "integer": "int", "boolean": "bool", "number": "float"}
WIDTH = 120

HEAD = '''"""The objects of the API's answers, and the items of batches.

Written from the OpenAPI document by `python -m tests.sdk.generate`: do not edit.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeAlias, TypedDict

from teller_client._behaviour import ProblemBehaviour, TransferBehaviour
from teller_client._decode import Model
'''


def models(document: Json) -> str:
    """Return the text of models.py. Its names are those of the document."""
    return Writer(document).text()


class Writer:
    def __init__(self, document: Json) -> None:
        self._document = document
        self._schemas: Json = document["components"]["schemas"]
        self._aliases: dict[str, str] = {}
        self._classes: dict[str, str] = {}

    def text(self) -> str:
        for root in ("Problem", *self._answers()):
            self._add(root)
        items = [self._item(option["$ref"].rpartition("/")[2]) for option in self._options()]
        aliases = [f"{name}: TypeAlias = {value}" for name, value in sorted(self._aliases.items())]
        union = f"BatchItem: TypeAlias = {' | '.join(sorted(items))}"
        return "\n\n".join([HEAD, *aliases, *(text for _, text in sorted(self._classes.items())), union]) + "\n"

    def _answers(self) -> Iterator[str]:
        """Yield the names of the schemas of successful answers under /v1."""
        for path, methods in self._document["paths"].items():
            for operation in methods.values() if path.startswith("/v1/") else ():
                for status, response in operation["responses"].items():
                    if status.startswith("2"):
                        yield from references(response.get("content", {}))

    def _options(self) -> Any:
        """Return the schemas of a batch's items."""
        body = self._document["paths"][BATCH]["post"]["requestBody"]["content"]["application/json"]["schema"]["$ref"]
        items = self._schemas[body.rpartition("/")[2]]["properties"]["transfers"]["items"]
        return items.get("anyOf") or items["oneOf"]

    def _add(self, name: str) -> str:
        """Write the schema of this name, and what it refers to. Return its name."""
        schema = self._schemas[name]
        if "enum" in schema:
            self._aliases[name] = literal(schema["enum"])
        elif set(schema.get("properties", {})) == PAGE or name in WITHOUT_CLASS:
            for other in references(schema):
                self._add(other)
        elif name not in self._classes:
            self._classes[name] = ""  # a schema may refer to itself
            self._classes[name] = self._model(name, schema)
        return name

    def _model(self, name: str, schema: Json) -> str:
        required = schema.get("required", ())
        fields = [self._field(name, field, each, field in required) for field, each in schema["properties"].items()]
        lines = [
            "@dataclass(frozen=True, kw_only=True)",
            f"class {name}({BEHAVIOUR.get(name, 'Model')}):",
            *docstring(schema.get("description", f"{spaced(name)}.")),
            *(line for field in fields for line in field),
            "    extra: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)",
        ]
        return "\n".join(lines) + "\n"

    def _field(self, owner: str, name: str, schema: Json, is_required: bool) -> list[str]:
        hint = self._hint(f"{owner}.{name}", schema)
        if hint == "Any" or hint.endswith("| None"):
            default = " = None"
        elif hint.startswith("list["):
            default = " = field(default_factory=list)"
        elif hint.startswith("dict["):
            default = " = field(default_factory=dict)"
        else:
            hint, default = (hint, "") if is_required else (f"{hint} | None", " = None")
        own = f"{name}_" if keyword.iskeyword(name) else name  # _decode.py takes the underscore away
        return [*comment(schema.get("description", "")), f"    {own}: {hint}{default}"]

    def _item(self, name: str) -> str:
        """Write a batch's item of this schema as a TypedDict."""
        schema = self._schemas[name]
        required = set(schema["required"])
        fields = {True: [], False: []}  # type: dict[bool, list[str]]
        for field, each in schema["properties"].items():
            lines = [*comment(each.get("description", "")), f"    {field}: {self._item_hint(name, field, each)}"]
            fields[field in required] += lines
        base = f"{name}Required"
        self._classes[name] = "\n".join(
            [
                f"class _{base}(TypedDict):",
                *fields[True],
                "\n",
                f"class {name}(_{base}, total=False):",
                *docstring(schema.get("description", f"{spaced(name)}.")),
                *fields[False],
                "",
            ]
        )
        return name

    def _item_hint(self, name: str, field: str, schema: Json) -> str:
        if values := values_of(schema):
            return literal(values)
        if "$ref" in schema.get("items", {}):
            return f"list[{self._item(schema['items']['$ref'].rpartition('/')[2])}]"  # a part of an item is given too
        hint = self._hint(f"{name}.{field}", schema)
        return hint.replace("datetime", "datetime | str")

    def _hint(self, place: str, schema: Json) -> str:
        """Return the annotation. An object or an enumeration without a name gets one of its own."""
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            named = self._schemas[name]
            if named.get("type") == "object" and "properties" not in named:
                return self._object(place, named)
            self._add(name)
            return "Any" if name in WITHOUT_CLASS else name  # events.parse_event reads an event
        if values := values_of(schema):
            return self._enumeration(name_of(place), literal(values))
        if options := schema.get("anyOf") or schema.get("oneOf"):
            return self._union(place, options)
        if schema.get("type") == "array":
            return f"list[{self._hint(place, schema['items'])}]"
        if schema.get("type") == "object":
            return self._object(place, schema)
        if schema.get("format") == "date-time":
            return "datetime"
        return SCALARS.get(schema.get("type", ""), "Any")  # null alone too: a later version may have a value there

    def _enumeration(self, name: str, values: str) -> str:
        """Return the name of the enumeration with these values: one that is there already, or the given one."""
        for other, theirs in self._aliases.items():
            if theirs == values:
                return other
        self._aliases[name] = values
        return name

    def _union(self, place: str, options: list[Json]) -> str:
        others = [each for each in options if each.get("type") != "null"]
        if len(others) == 1:
            hint = self._hint(place, others[0])
        elif values := values_of({"anyOf": others}):
            hint = self._enumeration(name_of(place), literal(values))
        else:
            return "Any"
        return f"{hint} | None" if len(others) < len(options) else hint

    def _object(self, place: str, schema: Json) -> str:
        if "properties" in schema:
            name = name_of(place)
            self._classes[name] = self._model(name, schema)
            return name
        values = schema.get("additionalProperties")
        return f"dict[str, {self._hint(place, values)}]" if isinstance(values, dict) else "dict[str, Any]"


def values_of(schema: Json) -> list[str]:
    """Return the values of an enumeration, also of one in several parts. Empty for anything else."""
    if options := schema.get("anyOf"):
        parts = [values_of(option) for option in options]
        return [value for part in parts for value in part] if all(parts) else []
    return list(schema.get("enum", [schema["const"]] if "const" in schema else []))


def references(node: Any) -> Iterator[str]:
    """Yield the names of the schemas that the node refers to, in their order."""
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"].rpartition("/")[2]
        for item in node.values():
            yield from references(item)
    elif isinstance(node, list):
        for item in node:
            yield from references(item)


def name_of(place: str) -> str:
    owner, _, field = place.partition(".")
    return owner + "".join(part.capitalize() for part in field.split("_"))


def literal(values: list[Any]) -> str:
    return f"Literal[{', '.join(repr(value) for value in values)}]"


def spaced(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).capitalize()


def docstring(text: str) -> list[str]:
    paragraphs = [textwrap.wrap(part, WIDTH) for part in text.split("\n\n")]
    lines = [line for paragraph in paragraphs for line in (*paragraph, "")][:-1]
    if len(lines) == 1:
        return [f'    """{lines[0]}"""', ""]
    return [f'    """{lines[0]}', *(f"    {line}".rstrip() for line in lines[1:]), '    """', ""]


def comment(text: str) -> list[str]:
    return [f"    # {line}" for line in textwrap.wrap(text, WIDTH)]
