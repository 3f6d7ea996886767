"""The document as a tree of JSON: its objects, its schemas by reference, its operations."""

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from api.http.openapi import REFERENCES

Json: TypeAlias = dict[str, Any]

METHODS = ("get", "put", "post", "patch", "delete")
SCHEMAS = REFERENCES.format(model="")


def objects(node: Any) -> Iterator[Json]:
    """Yield each object of the tree, the outer ones first."""
    if isinstance(node, dict):
        yield node
        for item in list(node.values()):
            yield from objects(item)
    elif isinstance(node, list):
        for item in node:
            yield from objects(item)


def replaced(node: Any, change: Callable[[Json], Json]) -> Any:
    """Return the tree with each object as `change` returns it. `change` gets an object whose parts are changed already."""
    if isinstance(node, dict):
        return change({key: replaced(item, change) for key, item in node.items()})
    if isinstance(node, list):
        return [replaced(item, change) for item in node]
    return node


def operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    """Yield method, path and description of each operation."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method in METHODS:
                yield method, path, operation


def referred(schema: Json) -> str | None:
    """Return the name of the schema that this one refers to."""
    given = schema.get("$ref", "")
    return given.removeprefix(SCHEMAS) if given.startswith(SCHEMAS) else None


def is_null(schema: Json) -> bool:
    return schema.get("type") == "null"
