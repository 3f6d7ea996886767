"""The schemas of the document in the form that generators read well: enumerations by name, no null parameter, sizes of integers."""

from collections.abc import Iterator, Mapping
from typing import Any

from api.document.names import camel
from api.document.nodes import Json, is_null, objects, operations, referred, replaced
from api.http.openapi import reference

# The schemas after whose fields an enumeration is named, if they have it: the first of these, else the first in the document.
OWNERS = ("Transfer", "Wallet", "WebhookEndpoint", "Delivery", "Key")

ENUMERATIONS: Mapping[str, str] = {  # all others have the name of their owner and its field
    "GetProblemCode": "ExplainedCode",
    "TransferReason": "ReleaseReason",
    "WalletFrozen": "Freeze",
    "WebhookEndpointEvents": "EventType",
}

INT32_MAX = 2**31 - 1

UNIONS: Mapping[str, tuple[str, ...]] = {"Event": ("TransferEvent", "WebhookEndpointEvent")}


def tidy(document: Json) -> None:
    """Bring all schemas into that form."""
    drop_noise(document)
    for parameter in parameters(document):
        parameter["schema"] = without_null(parameter["schema"])
    name_metadata(document["components"]["schemas"])
    name_enumerations(document)
    name_unions(document)
    for node in objects([document["components"]["schemas"], document["paths"]]):
        if node.get("type") == "integer" and node.get("maximum", INT32_MAX + 1) > INT32_MAX:
            node["format"] = "int64"


def drop_noise(document: Json) -> None:
    """Leave out titles, which repeat names, and defaults of null, which say what `required` says.

    Generators would make classes of titles, and require fields that have a default.
    """
    for node in objects([document["components"]["schemas"], document["paths"]]):
        if isinstance(node.get("title"), str):
            del node["title"]
        if node.get("default", ...) is None:
            del node["default"]


def parameters(document: Json) -> Iterator[Json]:
    for _, _, operation in operations(document):
        yield from operation.get("parameters", ())


def without_null(schema: Json) -> Json:
    """Return the schema of a parameter, which is there or is not, and never null. What describes it describes the parameter."""
    if "anyOf" not in schema:
        return {key: value for key, value in schema.items() if key != "description"}
    options = [option for option in schema["anyOf"] if not is_null(option)]
    return options[0] if len(options) == 1 else {"anyOf": options}


def name_metadata(schemas: Json) -> None:
    """Describe metadata once, as requests may give it: a generator makes a class of each object that has no name."""
    holders = [schema["properties"] for schema in schemas.values() if "metadata" in schema.get("properties", {})]
    [limited, *_] = [fields["metadata"] for fields in holders if "maxProperties" in fields["metadata"]]
    for fields in holders:
        fields["metadata"] = reference("Metadata")
    limits = {key: item for key, item in limited.items() if key != "default"}
    schemas["Metadata"] = {"description": "Texts of the caller's, by keys of its own.", **limits}


def name_enumerations(document: Json) -> None:
    """Move each enumeration into a schema of its own. One with the same values as another is the same."""
    schemas = document["components"]["schemas"]
    named: dict[tuple[Any, ...], str] = {tuple(one["enum"]): name for name, one in schemas.items() if "enum" in one}
    owners = sorted(schemas, key=lambda name: OWNERS.index(name) if name in OWNERS else len(OWNERS))
    places = [(f"{owner}_{field}", fields, field) for owner in owners for fields, field in fields_of(schemas[owner])]
    places += [
        (f"{operation['operationId']}_{parameter['name']}", parameter, "schema")
        for _, _, operation in operations(document)
        for parameter in operation.get("parameters", ())
    ]
    for place, holder, field in places:
        holder[field] = with_names(holder[field], place, named)
    for values, name in named.items():
        schemas.setdefault(name, {"type": "string", "enum": list(values)})


def fields_of(schema: Json) -> Iterator[tuple[Json, str]]:
    for field in schema.get("properties", {}):
        yield schema["properties"], field


def with_names(schema: Json, place: str, named: dict[tuple[Any, ...], str]) -> Json:
    """Return the schema with references in place of its enumerations. Adds to `named` those that have no name yet."""
    values = tuple(values_of(schema))
    if len(values) > 1:
        name = pascal(place)
        found: Json = reference(named.setdefault(values, ENUMERATIONS.get(name, name)))
        if any(map(is_null, schema.get("anyOf", ()))):
            found = {"anyOf": [found, {"type": "null"}]}
        return {**found, **{key: item for key, item in schema.items() if key not in ("enum", "type", "anyOf")}}
    changed = dict(schema)
    for key in ("anyOf", "oneOf"):
        if key in schema:
            changed[key] = [with_names(option, place, named) for option in schema[key]]
    if "items" in schema:
        changed["items"] = with_names(schema["items"], place, named)
    return changed


def values_of(schema: Json) -> list[Any]:
    """Return the values of an enumeration, also of one in several parts. Empty for anything else."""
    options = [values_of(option) for option in schema.get("anyOf", ()) if not is_null(option)]
    if options:
        return [value for values in options for value in values] if all(options) else []
    return list(schema.get("enum", [schema["const"]] if "const" in schema else []))


def pascal(place: str) -> str:
    name = camel(place)
    return name[0].upper() + name[1:]


def name_unions(document: Json) -> None:
    """Move each choice of several schemas that has a name into a schema of that name."""
    names = {members: name for name, members in UNIONS.items()}

    def change(node: Json) -> Json:
        members = tuple(referred(option) or "" for option in node.get("anyOf", ()))
        if members not in names:
            return node
        return {**reference(names[members]), **{key: item for key, item in node.items() if key != "anyOf"}}

    document.update(replaced(document, change))
    for name, members in UNIONS.items():
        document["components"]["schemas"][name] = {"oneOf": [reference(member) for member in members]}
