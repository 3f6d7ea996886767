"""The names of the document: of operations, by method and path, and of schemas, by the class that describes them.

Both follow rules, so that a new route and a new model have a name at once. A table holds what no rule says.
"""

import re
from collections.abc import Mapping, Sequence

from api.document.nodes import SCHEMAS, Json, operations, replaced

OPERATIONS: Mapping[str, str] = {  # all others by `operation_id`
    "post /v1/transfers/batch": "createTransferBatch",
    "post /v1/transfers/{transfer_id}/capture": "captureHold",
    "post /v1/transfers/{transfer_id}/release": "releaseHold",
    "delete /v1/keys/{key_id}": "revokeKey",
    "get /healthz": "getHealth",
    "get /readyz": "getReadiness",
    "get /problems": "listProblems",
}

# Of a method whose path names a resource. A POST makes one of the resources that its path names.
VERBS: Mapping[str, str] = {"get": "get", "post": "create", "patch": "update", "put": "replace", "delete": "delete"}
ACTIONS = ("search",)  # last steps of a GET that say by themselves what is done

MODELS: Mapping[str, str] = {  # all others by `wire_name`
    "AttemptView": "DeliveryAttempt",
    "BatchRequest": "TransferBatchCreate",
    "BatchResult": "TransferBatchResult",
    "BatchView": "TransferBatch",
    "LimitChanges": "LimitsUpdate",
    "NewSecretView": "WebhookSecretWithSecret",
    "RedeliverRequest": "RedeliveryCreate",
    "Refusal": "RejectionCode",
    "SecretView": "WebhookSecret",
    "SignedEndpointView": "WebhookEndpointWithSecret",
    "WalletEntryPage": "EntryPage",
    "WalletEntryView": "Entry",
}

# Of a class to the schema, the first that fits. What is made and changed is named after its noun, so that the three stand together.
RULES: Sequence[tuple[str, str]] = (
    (r"Page_(\w+)View_", r"\1Page"),
    (r"New(\w+)View", r"\1WithSecret"),
    (r"(\w+)View", r"\1"),
    (r"New(\w+)", r"\1Create"),
    (r"(\w+)Request", r"\1Create"),
    (r"(\w+)Changes", r"\1Update"),
)


def name_operations(document: Json) -> None:
    """Give each operation its operationId. Raises ValueError where two would have the same."""
    seen: dict[str, str] = {}
    for method, path, operation in operations(document):
        route = f"{method} {path}"
        lists = any(parameter.get("name") == "limit" for parameter in operation.get("parameters", ()))
        name = OPERATIONS.get(route) or operation_id(method, path, lists=lists)
        if name in seen:
            raise ValueError(
                f"'{seen[name]}' and '{route}' are both {name}: name one of them in OPERATIONS of api/document/names.py"
            )
        seen[name] = route
        operation["operationId"] = name


def operation_id(method: str, path: str, *, lists: bool) -> str:
    """Return the operationId: a verb and the nouns of the path, such as `listWalletEntries`. `lists`: it takes a `limit`."""
    steps = path.removeprefix("/v1").strip("/").split("/")
    nouns = [
        singular(step) if following.startswith("{") else step
        for step, following in zip(steps, [*steps[1:], ""], strict=True)
        if not step.startswith("{")
    ]
    last = steps[-1]
    if method == "get" and last in ACTIONS:
        return camel(last, *nouns[:-1])
    if method == "post" and not last.endswith("s"):  # a step that is no plural says what is done
        verb, *rest = last.split("-")
        return camel(verb, *nouns[:-1], *rest)
    if method == "post":
        return camel(VERBS[method], *nouns[:-1], singular(last))
    return camel("list" if lists and last.endswith("s") else VERBS[method], *nouns)


def singular(noun: str) -> str:
    return re.sub("ies$", "y", noun) if noun.endswith("ies") else noun.removesuffix("s")


def camel(*names: str) -> str:
    first, *rest = (word for name in names for word in re.split("[-_]", name))
    return first + "".join(word.capitalize() for word in rest)


def name_schemas(document: Json) -> None:
    """Give each schema its name on the wire. Raises ValueError where two would have the same."""
    names: dict[str, str] = {}
    for model in document["components"]["schemas"]:
        name = wire_name(model)
        if name in names.values():
            raise ValueError(f"{model} and another class are both {name}: name one of them in MODELS of api/document/names.py")
        names[model] = name
    references = {SCHEMAS + model: SCHEMAS + name for model, name in names.items()}

    def renamed(node: Json) -> Json:
        given = node.get("$ref")
        return {**node, "$ref": references.get(given, given)} if isinstance(given, str) else node

    document["components"]["schemas"] = {names[model]: schema for model, schema in document["components"]["schemas"].items()}
    document.update(replaced(document, renamed))


def wire_name(model: str) -> str:
    """Return the name of the schema that this class describes: `Transfer` of TransferView, `TransferCreate` of NewTransfer."""
    if model in MODELS:
        return MODELS[model]
    found = next((re.sub(pattern, name, model) for pattern, name in RULES if re.fullmatch(pattern, model)), model)
    return re.sub("^Endpoint", "WebhookEndpoint", found)
