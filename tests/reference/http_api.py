"""docs/reference/http-api.md, from the OpenAPI document."""

import inspect
import json
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from api.app import create_api, describe
from core.settings import Settings
from tests.reference.markdown import code, codes, document, table, wrapped

Json: TypeAlias = Mapping[str, Any]

ABOUT = (
    "Every operation, its parameters, the fields of its body, its answers and its problems. A running API shows the"
    " same at `/docs`, and as an OpenAPI document at `/openapi.json`. [Problems](problems.md) explains the codes."
)
ACCESS = (
    "Operations under `/v1` need `Authorization: Bearer` and a key; the others need none, but for `/metrics` where its key is set."
)
SENT = "Requests to webhook endpoints and callback URLs, one a type of event. The guide to webhooks says how to check a signature."
NOWHERE = "postgresql://127.0.0.1/"  # nothing connects before the API is started

LIMITS = {
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minimum": "at least {}",
    "exclusiveMinimum": "more than {}",
    "maximum": "at most {}",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "maxProperties": "at most {} members",
    "pattern": "matches `{}`",
    "default": "default `{}`",
}


def page() -> str:
    api = describe(create_api(Settings.model_validate({"DATABASE_URL": NOWHERE})))
    shared = api["components"]["responses"]
    operations = [(path, method, whole(one, shared)) for path, methods in api["paths"].items() for method, one in methods.items()]
    tags = {tag["name"]: tag["description"] for tag in api["tags"]}
    return document(
        "HTTP API",
        ABOUT,
        wrapped(ACCESS),
        *(
            part
            for tag, text in tags.items()
            for part in group(tag, text, [one for one in operations if one[2].get("tags", [""])[0] == tag])
        ),
        "## What Teller sends",
        SENT,
        *(part for type, item in api["webhooks"].items() for part in section(type, "post", item["post"])),
        "## Bodies",
        "The objects of requests and answers.",
        *(part for name, schema in sorted(api["components"]["schemas"].items()) for part in model(name, schema)),
    )


def whole(operation: Json, shared: Mapping[str, Json]) -> Json:
    """Return the operation with its shared answers in the place of references, each with the operation's own description."""
    responses = {
        status: {**shared[one["$ref"].rpartition("/")[2]], "description": one["description"]} if "$ref" in one else one
        for status, one in operation["responses"].items()
    }
    return {**operation, "responses": responses}


def group(tag: str, text: str, operations: list[tuple[str, str, Json]]) -> Iterator[str]:
    """Yield the heading of a tag and what describes its operations, each given as path, method and OpenAPI object."""
    yield f"## {tag.replace('_', ' ').capitalize()}"
    yield text
    for path, method, operation in operations:
        yield from section(path, method, operation)


def section(path: str, method: str, operation: Json) -> Iterator[str]:
    yield f"### {method.upper()} {path}"
    description = inspect.cleandoc(operation.get("description") or "")
    yield f"{code(operation['operationId'])}: {operation['summary']}. {description}".strip()
    if parameters := operation.get("parameters"):
        yield table(("parameter", "in", "required", "value", "meaning"), [parameter(one) for one in parameters])
    if body := operation.get("requestBody"):
        yield f"Body{'' if body.get('required') else ', which may be left out'}: {value(content_of(body))}."
    yield table(("answer", "body", "meaning"), answers(operation["responses"]))


def parameter(one: Json) -> tuple[str, ...]:
    schema = one["schema"]
    return (
        code(one["name"]),
        one["in"],
        yes(one.get("required")),
        value(schema),
        one.get("description") or schema.get("description", ""),
    )


def answers(responses: Mapping[str, Json]) -> Iterator[tuple[str, str, str]]:
    for status, response in sorted(responses.items()):
        headers = f"; headers: {codes(response['headers'])}" if "headers" in response else ""
        yield code(status), value(content_of(response)), f"{response['description']}{headers}"


def content_of(described: Json) -> Json:
    """Return the schema of a body, of its first media type; empty where there is no body."""
    content: Json = next(iter(described.get("content", {}).values()), {})
    schema: Json = content.get("schema", {})
    return schema


def model(name: str, schema: Json) -> Iterator[str]:
    yield f"### {name}"
    yield inspect.cleandoc(schema.get("description", ""))
    required = schema.get("required", ())
    fields = schema.get("properties", {}).items()
    if fields:
        yield table(
            ("field", "required", "value", "meaning"),
            [(code(field), yes(field in required), value(one), one.get("description", "")) for field, one in fields],
        )
    else:
        yield value(schema)


def value(schema: Json) -> str:
    """Return in words what a schema allows."""
    return ", ".join(filter(None, [kind(schema), *limits(schema)]))


def kind(schema: Json) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if alternatives := schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf"):
        return " or ".join(value(one) for one in alternatives)
    if "const" in schema:
        return code(json.dumps(schema["const"]))
    if "enum" in schema:
        return " or ".join(code(json.dumps(one)) for one in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {value(schema.get('items', {})) or 'anything'}"
    if schema.get("type") == "object" and isinstance(schema.get("additionalProperties"), Mapping):
        return f"object of {value(schema['additionalProperties'])}"
    return " ".join(filter(None, [schema.get("type", ""), f"({schema['format']})" if "format" in schema else ""]))


def limits(schema: Json) -> Iterator[str]:
    for name, words in LIMITS.items():
        if schema.get(name) is not None:
            yield words.format(json.dumps(schema[name]) if name == "default" else schema[name])


def yes(given: object) -> str:
    return "yes" if given else ""
