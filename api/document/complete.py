"""The whole document, from what FastAPI makes of the routes."""

from collections.abc import Mapping, Sequence
from copy import deepcopy

from pydantic import BaseModel

from api.document.about import describe_whole
from api.document.answers import describe_answers, share_problems
from api.document.examples import add_examples
from api.document.names import name_operations, name_schemas
from api.document.nodes import SCHEMAS, Json, operations
from api.document.schemas import tidy
from api.document.webhooks import add_webhooks
from api.http.openapi import FIELD_ERROR_SCHEMA, PROBLEM_SCHEMA, reference


def complete(document: Json, bodies: Sequence[type[BaseModel]]) -> Json:
    """Return the document with all that FastAPI does not know. `bodies` are the models that `json_body` refers to.

    Raises ValueError where two operations, or two schemas, would have one name.
    """
    add_bodies(document, bodies)
    drop_fastapis_own(document)
    name_operations(document)
    name_schemas(document)
    add_problem(document)
    tidy(document)
    describe_answers(document)
    share_problems(document)
    add_webhooks(document)
    describe_whole(document)
    add_examples(document)
    return document


def add_bodies(document: Json, bodies: Sequence[type[BaseModel]]) -> None:
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for model in bodies:
        schema = model.model_json_schema(ref_template=SCHEMAS + "{model}")
        schemas.update(schema.pop("$defs", {}))
        schemas[model.__name__] = schema


def drop_fastapis_own(document: Json) -> None:
    """Leave out the 422 that FastAPI adds. Teller answers bad parameters with 400 and a problem document."""
    for _, _, operation in operations(document):
        operation["responses"] = {status: one for status, one in operation["responses"].items() if not is_fastapis_own(one)}
    for unused in ("HTTPValidationError", "ValidationError"):
        document["components"]["schemas"].pop(unused, None)


def is_fastapis_own(response: Mapping[str, Json]) -> bool:
    schema = response.get("content", {}).get("application/json", {}).get("schema", {})
    return bool(schema.get("$ref", "").endswith("/HTTPValidationError"))


def add_problem(document: Json) -> None:
    """Add the problem document, which also says why an item of a batch was refused."""
    schemas = document["components"]["schemas"]
    schemas |= deepcopy({"Problem": PROBLEM_SCHEMA, "FieldError": FIELD_ERROR_SCHEMA})
    schemas["TransferBatchResult"]["properties"]["problem"] = reference("Problem")
