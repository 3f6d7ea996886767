"""The OpenAPI document says what is there, and what is there is as it says."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from api.document.about import TAGS
from api.document.names import name_operations, name_schemas, operation_id, wire_name
from api.http.text import FIND_UNPRINTABLE
from api.v1.verbs import VERBS
from core.version import VERSION
from tests.caller import Answer, Caller, new_key
from tests.hooks import fan_out_at
from tests.http.bad_inputs import BAD_KEYS
from tests.system import System

Schema = dict[str, Any]

# Every route, and the problems that a caller of it must be ready for.
ANY = {"malformed_request", "request_timeout", "headers_too_large"}
READ = ANY | {"invalid_parameter", "unauthorized", "internal_error", "unavailable", "rate_limited"}
BODY = {"forbidden", "invalid_json", "duplicate_key", "body_too_large", "unsupported_media_type", "validation_failed"}
BATCH = READ | BODY | {"idempotency_key_invalid"}
MONEY = BATCH | {"backlog_full"} | {"idempotency_key_missing", "idempotency_key_reused"}
OPERATORS = {"forbidden"}
CHILD = MONEY | {"not_found", "forbidden"}
ROUTES: dict[tuple[str, str], set[str]] = {
    ("post", "/v1/clients"): BATCH | OPERATORS | {"external_id_taken", "idempotency_key_reused"},
    ("get", "/v1/clients"): READ | OPERATORS | {"invalid_cursor"},
    ("get", "/v1/clients/{client_id}"): READ | {"not_found"},
    ("patch", "/v1/clients/{client_id}"): READ | BODY | OPERATORS | {"not_found", "external_id_taken"},
    ("get", "/v1/clients/{client_id}/changes"): READ | OPERATORS | {"not_found", "invalid_cursor"},
    ("post", "/v1/clients/{client_id}/wallets"): BATCH | OPERATORS | {"not_found", "wallet_exists", "idempotency_key_reused"},
    ("post", "/v1/clients/{client_id}/keys"): READ | BODY | OPERATORS | {"not_found"},
    ("get", "/v1/clients/{client_id}/keys"): READ | OPERATORS | {"not_found", "invalid_cursor"},
    ("post", "/v1/keys"): READ | BODY | OPERATORS,
    ("get", "/v1/keys"): READ | OPERATORS | {"invalid_cursor"},
    ("delete", "/v1/keys/{key_id}"): READ | BODY | OPERATORS | {"not_found"},
    ("get", "/v1/wallets/{wallet_id}"): READ | {"not_found"},
    ("get", "/v1/wallets/{wallet_id}/entries"): READ | {"not_found", "invalid_cursor"},
    ("get", "/v1/wallets/{wallet_id}/statement"): READ | {"not_found", "invalid_cursor"},
    ("get", "/v1/wallets/{wallet_id}/balance"): READ | {"not_found"},
    ("get", "/v1/wallets/{wallet_id}/holds"): READ | {"not_found", "invalid_cursor"},
    ("patch", "/v1/wallets/{wallet_id}"): READ | BODY | OPERATORS | {"not_found", "wallet_closed"},
    ("get", "/v1/wallets/{wallet_id}/changes"): READ | OPERATORS | {"not_found", "invalid_cursor"},
    ("post", "/v1/wallets/{wallet_id}/close"): CHILD,
    ("post", "/v1/deposits"): MONEY | OPERATORS,
    ("post", "/v1/withdrawals"): MONEY | OPERATORS,
    ("post", "/v1/transfers"): MONEY,
    ("post", "/v1/holds"): MONEY,
    ("post", "/v1/transfers/{transfer_id}/capture"): CHILD | {"not_a_hold"},
    ("post", "/v1/transfers/{transfer_id}/release"): CHILD | {"not_a_hold"},
    ("post", "/v1/transfers/{transfer_id}/reverse"): CHILD | {"not_reversible"},
    ("post", "/v1/transfers/{transfer_id}/cancel"): READ | BODY | {"not_found", "forbidden", "not_cancelable"},
    ("post", "/v1/transfers/batch"): BATCH | {"backlog_full"},
    ("get", "/v1/transfers"): READ | {"invalid_cursor"},
    ("get", "/v1/transfers/{transfer_id}"): READ | {"not_found"},
    ("get", "/v1/search"): READ | OPERATORS,
    ("get", "/v1/events"): READ | {"invalid_cursor"},
    ("get", "/v1/events/{event_id}"): READ | {"not_found"},
    ("post", "/v1/webhook-endpoints"): READ | BODY | {"too_many_endpoints"},
    ("get", "/v1/webhook-endpoints"): READ | {"invalid_cursor"},
    ("get", "/v1/webhook-endpoints/{endpoint_id}"): READ | {"not_found"},
    ("patch", "/v1/webhook-endpoints/{endpoint_id}"): READ | BODY | {"not_found"},
    ("delete", "/v1/webhook-endpoints/{endpoint_id}"): READ | BODY | {"not_found"},
    ("post", "/v1/webhook-endpoints/{endpoint_id}/rotate-secret"): READ | BODY | {"not_found"},
    ("get", "/v1/webhook-secret"): READ | OPERATORS | {"not_found"},
    ("post", "/v1/webhook-secret/rotate"): READ | BODY,
    ("get", "/v1/webhook-endpoints/{endpoint_id}/deliveries"): READ | {"not_found", "invalid_cursor"},
    ("get", "/v1/transfers/{transfer_id}/deliveries"): READ | {"not_found", "invalid_cursor"},
    ("post", "/v1/webhook-endpoints/{endpoint_id}/redeliver"): READ | BODY | {"not_found", "endpoint_disabled"},
    ("post", "/v1/deliveries/{delivery_id}/redeliver"): READ | BODY | {"not_found", "endpoint_disabled"},
    ("get", "/v1/ops/queue"): READ | OPERATORS,
    ("get", "/v1/ops/processes"): READ | OPERATORS,
    ("get", "/v1/ops/database"): READ | OPERATORS,
    ("get", "/v1/ops/settings"): READ | OPERATORS,
    ("get", "/healthz"): ANY | {"invalid_parameter"},
    ("get", "/readyz"): ANY | {"invalid_parameter", "unavailable"},
    ("get", "/metrics"): ANY | {"invalid_parameter", "unauthorized"},
    ("get", "/problems"): ANY | {"invalid_parameter"},
    ("get", "/problems/{code}"): ANY | {"invalid_parameter", "not_found"},
}


Route = tuple[str, str]

# What a reader of generated code meets: a method for each operation, and a class for each schema.
OPERATIONS: dict[Route, str] = {
    ("post", "/v1/clients"): "createClient",
    ("get", "/v1/clients"): "listClients",
    ("get", "/v1/clients/{client_id}"): "getClient",
    ("patch", "/v1/clients/{client_id}"): "updateClient",
    ("get", "/v1/clients/{client_id}/changes"): "listClientChanges",
    ("post", "/v1/clients/{client_id}/wallets"): "createClientWallet",
    ("post", "/v1/clients/{client_id}/keys"): "createClientKey",
    ("get", "/v1/clients/{client_id}/keys"): "listClientKeys",
    ("post", "/v1/keys"): "createKey",
    ("get", "/v1/keys"): "listKeys",
    ("delete", "/v1/keys/{key_id}"): "revokeKey",
    ("get", "/v1/wallets/{wallet_id}"): "getWallet",
    ("patch", "/v1/wallets/{wallet_id}"): "updateWallet",
    ("get", "/v1/wallets/{wallet_id}/changes"): "listWalletChanges",
    ("get", "/v1/wallets/{wallet_id}/entries"): "listWalletEntries",
    ("get", "/v1/wallets/{wallet_id}/holds"): "listWalletHolds",
    ("get", "/v1/wallets/{wallet_id}/statement"): "getWalletStatement",
    ("get", "/v1/wallets/{wallet_id}/balance"): "getWalletBalance",
    ("post", "/v1/deposits"): "createDeposit",
    ("post", "/v1/withdrawals"): "createWithdrawal",
    ("post", "/v1/transfers"): "createTransfer",
    ("get", "/v1/transfers"): "listTransfers",
    ("get", "/v1/search"): "search",
    ("post", "/v1/holds"): "createHold",
    ("post", "/v1/transfers/{transfer_id}/capture"): "captureHold",
    ("post", "/v1/transfers/{transfer_id}/release"): "releaseHold",
    ("post", "/v1/transfers/{transfer_id}/reverse"): "reverseTransfer",
    ("post", "/v1/wallets/{wallet_id}/close"): "closeWallet",
    ("post", "/v1/transfers/batch"): "createTransferBatch",
    ("get", "/v1/transfers/{transfer_id}"): "getTransfer",
    ("post", "/v1/transfers/{transfer_id}/cancel"): "cancelTransfer",
    ("get", "/v1/events"): "listEvents",
    ("get", "/v1/events/{event_id}"): "getEvent",
    ("post", "/v1/webhook-endpoints"): "createWebhookEndpoint",
    ("get", "/v1/webhook-endpoints"): "listWebhookEndpoints",
    ("get", "/v1/webhook-endpoints/{endpoint_id}"): "getWebhookEndpoint",
    ("patch", "/v1/webhook-endpoints/{endpoint_id}"): "updateWebhookEndpoint",
    ("delete", "/v1/webhook-endpoints/{endpoint_id}"): "deleteWebhookEndpoint",
    ("post", "/v1/webhook-endpoints/{endpoint_id}/rotate-secret"): "rotateWebhookEndpointSecret",
    ("get", "/v1/webhook-secret"): "getWebhookSecret",
    ("post", "/v1/webhook-secret/rotate"): "rotateWebhookSecret",
    ("get", "/v1/transfers/{transfer_id}/deliveries"): "listTransferDeliveries",
    ("get", "/v1/webhook-endpoints/{endpoint_id}/deliveries"): "listWebhookEndpointDeliveries",
    ("post", "/v1/deliveries/{delivery_id}/redeliver"): "redeliverDelivery",
    ("post", "/v1/webhook-endpoints/{endpoint_id}/redeliver"): "redeliverWebhookEndpoint",
    ("get", "/v1/ops/queue"): "getOpsQueue",
    ("get", "/v1/ops/processes"): "getOpsProcesses",
    ("get", "/v1/ops/database"): "getOpsDatabase",
    ("get", "/v1/ops/settings"): "getOpsSettings",
    ("get", "/healthz"): "getHealth",
    ("get", "/readyz"): "getReadiness",
    ("get", "/problems"): "listProblems",
    ("get", "/problems/{code}"): "getProblem",
    ("get", "/metrics"): "getMetrics",
}
SCHEMAS = (
    "AllKeysPage Audit Balance Blocked CaptureCreate CaptureItem Client ClientChange ClientChangePage ClientCreate "
    "ClientKeyCreate ClientPage ClientUpdate ClosureCreate ConfiguredKey Connections Database Delivery "
    "DeliveryAttempt DeliveryPage DeliveryStatus DepositCreate DepositItem Entry EntryPage Event EventPage EventType "
    "ExplainedCode Failure Feed FieldError Freeze Hold HoldCreate HoldItem HoldStatus Holder Key KeyCreate KeyPage "
    "KeyRole KeyWithSecret Limits LimitsUpdate Line LineCreate Metadata MultiLegCreate MultiLegItem Preview "
    "PreviewBasis Problem ProblemCode Process ProcessKind Processes Queue QueuePlace Redelivered RedeliveryCreate "
    "RejectionCode ReleaseCreate ReleaseItem ReleaseReason ReversalCreate ReversalItem Rules RulesStatus Search Setting "
    "Settings Shard Statement Told Transfer TransferBatch TransferBatchCreate TransferBatchResult TransferCreate "
    "TransferEntry TransferEvent TransferEventType TransferItem TransferPage TransferStatus TransferType Usage Wallet WalletChange "
    "WalletChangePage WalletCreate WalletStatus WalletUpdate WebhookEndpoint WebhookEndpointCreate "
    "WebhookEndpointDisabledReason WebhookEndpointEvent WebhookEndpointPage WebhookEndpointStatus "
    "WebhookEndpointUpdate WebhookEndpointWithSecret WebhookSecret WebhookSecretWithSecret WholeReversalCreate "
    "WholeReversalItem WithdrawalCreate WithdrawalItem "
)

NAMES = (
    "The document has these names, and the table in this test has others. A name follows from method and path, or from the class:"
    " api/document/names.py says how, and holds the exceptions. Write a name that reads well in generated code into the table."
)


@pytest.fixture
def document(caller: Caller) -> Schema:
    answer = caller.get("/openapi.json")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    body: Schema = answer.body
    return body


def test_the_document_is_openapi_3_1(document: Schema) -> None:
    assert re.fullmatch(r"3\.1\.\d+", document["openapi"])
    assert document["info"]["title"] == "Teller"
    assert document["info"]["version"]


def test_the_document_lists_exactly_the_routes_that_there_are(document: Schema) -> None:
    assert {(method, path) for path, methods in document["paths"].items() for method in methods} == set(ROUTES)


def test_each_operation_has_the_name_that_the_table_says(document: Schema) -> None:
    found = {(method, path): operation["operationId"] for method, path, operation in operations(document)}

    assert found == OPERATIONS, NAMES


def test_each_schema_has_a_name_that_the_table_says(document: Schema) -> None:
    assert sorted(document["components"]["schemas"]) == sorted(SCHEMAS.split()), NAMES


def test_names_are_those_of_the_wire_and_not_of_python(document: Schema) -> None:
    names = [operation["operationId"] for _, _, operation in operations(document)]
    webhooks = [one["post"]["operationId"] for one in document["webhooks"].values()]

    assert [name for name in [*names, *webhooks] if not re.fullmatch(r"[a-z]+([A-Z][a-z]+)*", name)] == [], NAMES
    assert len({*names, *webhooks}) == len(names) + len(webhooks)
    schemas = document["components"]["schemas"]
    assert [
        name for name in schemas if not re.fullmatch(r"([A-Z][a-z]+)+", name) or re.search("View|New|Request|Changes$", name)
    ] == [], NAMES


@pytest.mark.parametrize(
    ("method", "path", "lists", "name"),
    [
        ("get", "/v1/search", False, "search"),
        ("get", "/v1/ops/processes", False, "getOpsProcesses"),
        ("get", "/v1/clients/{client_id}/changes", True, "listClientChanges"),
        ("patch", "/v1/clients/{client_id}", False, "updateClient"),
        ("post", "/v1/keys", False, "createKey"),
        ("get", "/v1/wallets/{wallet_id}/statement", True, "getWalletStatement"),
        ("get", "/v1/deliveries/{delivery_id}", False, "getDelivery"),
        ("post", "/v1/webhook-endpoints/{endpoint_id}/rotate-secret", False, "rotateWebhookEndpointSecret"),
    ],
)
def test_a_new_route_has_a_name_at_once(method: str, path: str, lists: bool, name: str) -> None:
    assert operation_id(method, path, lists=lists) == name


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("SearchView", "Search"),
        ("ClientChanges", "ClientUpdate"),
        ("ClientChangeView", "ClientChange"),
        ("Page_ClientChangeView_", "ClientChangePage"),
        ("KeyRequest", "KeyCreate"),
        ("NewThing", "ThingCreate"),
        ("NewKeyView", "KeyWithSecret"),
        ("EndpointTestView", "WebhookEndpointTest"),
    ],
)
def test_a_new_model_has_a_name_at_once(model: str, name: str) -> None:
    assert wire_name(model) == name


def test_two_operations_or_two_schemas_of_one_name_are_refused_with_what_to_do() -> None:
    two: Schema = {"paths": {"/v1/things": {"post": {}}, "/things": {"post": {}}}}
    with pytest.raises(
        ValueError, match="'post /v1/things' and 'post /things' are both createThing: name one of them in OPERATIONS"
    ):
        name_operations(two)
    with pytest.raises(ValueError, match="NewThing and another class are both ThingCreate: name one of them in MODELS"):
        name_schemas({"components": {"schemas": {"ThingRequest": {}, "NewThing": {}}}})


def test_enumerations_have_names_and_are_referred_to(document: Schema) -> None:
    schemas = document["components"]["schemas"]
    named = {name for name, schema in schemas.items() if "enum" in schema}
    inline = [node for name, schema in schemas.items() if name not in named for node in objects(schema) if "enum" in node]

    assert {
        "TransferStatus",
        "TransferType",
        "EventType",
        "DeliveryStatus",
        "WalletStatus",
        "RejectionCode",
        "ProblemCode",
    } <= named
    assert inline == [node for node in objects(document["paths"]) if "enum" in node] == []
    assert schemas["Transfer"]["properties"]["status"]["$ref"].endswith("/TransferStatus")
    [filter] = [one["schema"] for one in document["paths"]["/v1/transfers"]["get"]["parameters"] if one["name"] == "status"]
    assert filter == {"$ref": "#/components/schemas/TransferStatus"}


def test_no_parameter_is_null(document: Schema) -> None:
    parameters = [parameter for _, _, operation in operations(document) for parameter in operation.get("parameters", ())]

    assert parameters
    assert [one["name"] for one in parameters if any(node.get("type") == "null" for node in objects(one["schema"]))] == []


def test_a_request_whose_path_says_all_has_no_body(document: Schema) -> None:
    with_body = {operation["operationId"] for _, _, operation in operations(document) if "requestBody" in operation}

    assert not {name for name in with_body if name.startswith(("get", "list", "delete", "revoke"))}
    assert not with_body & {
        "cancelTransfer",
        "rotateWebhookEndpointSecret",
        "rotateWebhookSecret",
        "redeliverDelivery",
    }
    bodies = {one["operationId"]: one["requestBody"] for _, _, one in operations(document) if "requestBody" in one}
    assert {name for name, body in bodies.items() if not body["required"]} == {"createClientKey"}  # a key needs no name


def test_integers_that_may_not_fit_32_bits_say_so(document: Schema) -> None:
    schemas = document["components"]["schemas"]

    for schema, field in (("Transfer", "amount"), ("Wallet", "balance"), ("Wallet", "version"), ("DepositCreate", "amount")):
        assert schemas[schema]["properties"][field]["format"] == "int64"
    [limit] = [p["schema"] for p in document["paths"]["/v1/clients"]["get"]["parameters"] if p["name"] == "limit"]
    assert "format" not in limit


def test_an_item_of_a_batch_has_a_transfer_or_a_problem(document: Schema) -> None:
    fields = document["components"]["schemas"]["TransferBatchResult"]["properties"]

    assert (fields["transfer"]["$ref"], fields["problem"]["$ref"]) == (
        "#/components/schemas/Transfer",
        "#/components/schemas/Problem",
    )


def test_webhooks_are_described_with_their_payloads_and_headers(document: Schema) -> None:
    schemas = document["components"]["schemas"]
    of_transfers = ["transfer.applied", "transfer.rejected", "transfer.canceled"]

    assert list(document["webhooks"]) == schemas["EventType"]["enum"] == [*of_transfers, "webhook_endpoint.disabled"]
    for type, item in document["webhooks"].items():
        assert [one["name"] for one in item["post"]["parameters"]] == ["webhook-id", "webhook-timestamp", "webhook-signature"]
        payload = item["post"]["requestBody"]["content"]["application/json"]["schema"]
        assert payload == {"$ref": f"#/components/schemas/{'TransferEvent' if type in of_transfers else 'WebhookEndpointEvent'}"}
    assert schemas["Event"]["oneOf"] == [
        {"$ref": f"#/components/schemas/{name}"} for name in ("TransferEvent", "WebhookEndpointEvent")
    ]


def test_the_document_says_what_the_api_is(document: Schema) -> None:
    assert document["info"]["version"] == VERSION
    assert document["info"]["x-api-version"] == "v1"
    assert document["info"]["license"] == {"name": "MIT", "identifier": "MIT"}
    assert document["servers"] == [{"url": "/"}]


def test_each_tag_says_what_it_holds_and_all_stand_in_the_order_of_reading(document: Schema) -> None:
    tags = [tag["name"] for tag in document["tags"]]
    without = [tag["name"] for tag in document["tags"] if not tag.get("description", "").endswith(".")]

    assert without == [], "write a sentence about each into TAGS of api/document/about.py, where a reader should meet it"
    assert {operation["tags"][0] for _, _, operation in operations(document)} == set(tags)
    assert tags == [tag for tag in TAGS if tag in tags]
    assert (tags[0], tags[-1]) == ("clients", "system")


@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
def test_a_route_is_listed_with_exactly_its_problems(document: Schema, route: tuple[str, str]) -> None:
    method, path = route
    responses = document["paths"][path][method]["responses"]

    described = {code for response in responses.values() for code in codes_of(response)}

    assert described == ROUTES[route]
    assert described <= set(document["components"]["schemas"]["ProblemCode"]["enum"])


def codes_of(response: Schema) -> list[str]:
    """Return the codes of problems that an operation lists under a status."""
    return re.findall(r"`(\w+)`", response["description"]) if "$ref" in response else []


def test_the_problems_of_a_status_are_one_answer_with_an_example_of_each(caller: Caller, document: Schema) -> None:
    kinds = {row["code"]: row for row in caller.get("/problems").body["data"]}
    shared = document["components"]["responses"]

    assert len(shared) == 10
    for response in shared.values():
        content = response["content"]["application/problem+json"]
        assert list(content["examples"]) == re.findall(r"`(\w+)`", response["description"])
        for code, example in content["examples"].items():
            assert faults(document, content["schema"], example["value"]) == []
            assert {key: example["value"][key] for key in ("type", "code", "status", "title")} == {
                key: kinds[code][key] for key in ("type", "code", "status", "title")
            }
    codes = [code for response in shared.values() for code in response["content"]["application/problem+json"]["examples"]]
    assert sorted([*codes, "method_not_allowed"]) == sorted(kinds)  # of no operation


def test_every_listed_problem_has_the_status_that_it_is_listed_under(caller: Caller, document: Schema) -> None:
    statuses = {row["code"]: str(row["status"]) for row in caller.get("/problems").body["data"]}
    transport = ("408", "413", "415", "431")

    for _, path, operation in operations(document):
        for status, response in operation["responses"].items():
            for code in codes_of(response):
                assert statuses[code] == status or (status == "default" and statuses[code] in transport), (path, code)


def operations(document: Schema) -> Iterator[tuple[str, str, Schema]]:
    """Yield method, path and description of each operation."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def objects(value: object) -> Iterator[Schema]:
    """Yield each object of a tree."""
    if isinstance(value, dict):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from objects(item)


def references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for item in value.values():
            yield from references(item)
    if isinstance(value, list):
        for item in value:
            yield from references(item)


def resolve(document: Schema, reference: str) -> Schema:
    assert reference.startswith("#/"), reference
    found: Any = document
    for step in reference[2:].split("/"):
        found = found[step]
    return dict(found)


def test_every_reference_resolves(document: Schema) -> None:
    found = set(references(document))

    assert found
    for reference in found:
        assert resolve(document, reference)


def test_every_schema_is_used(document: Schema) -> None:
    used = {reference.rpartition("/")[2] for reference in references(document)}

    assert set(document["components"]["schemas"]) | set(document["components"]["responses"]) == used


def test_limits_are_written_in_json_schemas_own_words(document: Schema) -> None:
    [limit] = [p["schema"] for p in document["paths"]["/v1/clients"]["get"]["parameters"] if p["name"] == "limit"]
    amount = document["components"]["schemas"]["DepositCreate"]["properties"]["amount"]
    name = document["components"]["schemas"]["ClientCreate"]["properties"]["name"]

    assert (limit["minimum"], limit["maximum"], limit["default"]) == (1, 100, 20)
    assert (amount["type"], amount["minimum"], amount["maximum"]) == ("integer", 1, 2**53 - 1)
    assert (name["minLength"], name["maxLength"]) == (1, 200)


def test_the_documents_patterns_are_the_rules(document: Schema) -> None:
    [key] = [p["schema"] for p in document["paths"]["/v1/deposits"]["post"]["parameters"] if p["name"] == "Idempotency-Key"]
    name = document["components"]["schemas"]["ClientCreate"]["properties"]["name"]

    assert all(re.fullmatch(key["pattern"], good) for good in ("a", "!", "k" * 255, '"a"', '"\\\\"', 'a"b', f'"{"k" * 255}"'))
    assert not any(re.fullmatch(key["pattern"], bad) for bad in BAD_KEYS.values())
    texts = [chr(code) for code in range(0x20000) if not 0xD800 <= code <= 0xDFFF]
    assert [text for text in texts if re.fullmatch(name["pattern"], text)] == [text for text in texts if not FIND_UNPRINTABLE(text)]


def test_requests_refuse_unknown_fields_in_the_document_too(document: Schema) -> None:
    schemas = document["components"]["schemas"]
    items = [
        option["$ref"].rpartition("/")[2] for option in schemas["TransferBatchCreate"]["properties"]["transfers"]["items"]["anyOf"]
    ]
    verbs = [wire_name(model.__name__) for verb in VERBS.values() for model in verb.models]
    assert len(items) == len(verbs) - 1  # a wallet is closed on its own
    for model in (
        "RedeliveryCreate",
        "ClientUpdate",
        "ClientKeyCreate",
        "KeyCreate",
        "WalletUpdate",
        "LimitsUpdate",
        "WebhookEndpointCreate",
        "WebhookEndpointUpdate",
        "ClientCreate",
        *verbs,
        *items,
    ):
        assert schemas[model]["additionalProperties"] is False, model


def test_the_idempotency_key_is_required_for_money_alone(document: Schema) -> None:
    required = {
        path: parameter["required"]
        for path, methods in document["paths"].items()
        for parameter in methods.get("post", {}).get("parameters", [])
        if parameter["name"] == "Idempotency-Key"
    }

    money = ("/v1/deposits", "/v1/withdrawals", "/v1/transfers", "/v1/holds", "/v1/wallets/{wallet_id}/close")
    children = tuple(f"/v1/transfers/{{transfer_id}}/{verb}" for verb in ("capture", "release", "reverse"))
    made = {"/v1/clients": False, "/v1/clients/{client_id}/wallets": False}
    assert required == {**made, **dict.fromkeys((*money, *children), True)}


def test_only_what_is_under_v1_needs_a_key(document: Schema) -> None:
    scheme = document["components"]["securitySchemes"]["bearerAuth"]
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    for _, path, operation in operations(document):
        assert operation["security"] == ([{"bearerAuth": []}] if path.startswith("/v1/") else [])


TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,), "array": (list,), "string": (str,), "integer": (int,), "number": (int, float),
    "boolean": (bool,), "null": (type(None),),
}  # fmt: skip

MEETS: dict[str, Callable[[Any, Any], bool]] = {
    "enum": lambda options, value: value in options,
    "const": lambda constant, value: value == constant,
    "pattern": lambda pattern, value: re.search(pattern, value) is not None,
}


def faults(document: Schema, schema: Schema, value: Any, at: str = "") -> list[str]:
    """Return where the value breaks the schema, as far as our schemas go. A key that the schema does not name is a fault."""
    if "$ref" in schema:
        return faults(document, resolve(document, schema["$ref"]), value, at)
    if options := schema.get("anyOf") or schema.get("oneOf"):
        return [] if any(not faults(document, option, value, at) for option in options) else [f"{at}: none of the options"]
    if "type" in schema and type(value) not in TYPES[schema["type"]]:
        return [f"{at}: not {schema['type']}"]
    found = [f"{at}: not {key}" for key in ("enum", "const", "pattern") if key in schema and not MEETS[key](schema[key], value)]
    if isinstance(value, list):
        return found + [
            fault for n, item in enumerate(value) for fault in faults(document, schema.get("items", {}), item, f"{at}/{n}")
        ]
    if isinstance(value, dict):
        return found + faults_of_object(document, schema, value, at)
    return found


def faults_of_object(document: Schema, schema: Schema, value: dict[str, Any], at: str) -> list[str]:
    found = [f"{at}/{name}: missing" for name in schema.get("required", []) if name not in value]
    others = schema.get("additionalProperties", False)
    for name, item in value.items():
        described = schema.get("properties", {}).get(name, others)
        if described is False:
            found.append(f"{at}/{name}: not described")
        elif described is not True:
            found += faults(document, described, item, f"{at}/{name}")
    return found


def check(document: Schema, method: str, path: str, answer: Answer) -> None:
    """Check an answer against what the document says of this route."""
    responses = document["paths"][path][method]["responses"]
    response = responses.get(str(answer.status), responses["default"])
    response = resolve(document, response["$ref"]) if "$ref" in response else response
    content = response["content"][answer.headers["content-type"]]
    assert faults(document, content["schema"], answer.body) == []
    for name in response.get("headers", {}):
        if name not in ("Idempotent-Replayed", "Preference-Applied"):
            assert name.lower() in answer.headers


def test_real_answers_are_as_the_document_says(caller: Caller, document: Schema) -> None:
    deposit_key = new_key()
    made = caller.post("/v1/clients", {"name": "Ada", "external_id": new_key(), "metadata": {"a": "b"}})
    wallet, other = made.body["wallet"]["id"], caller.new_wallet()
    accepted = caller.deposit(wallet, 5, deposit_key, reference="r")
    caller.wait_final(accepted.body["id"])
    rejected = caller.wait_final(caller.transfer(wallet, other, 6).body["id"])
    caller.wait_final(caller.transfer(wallet, other, 5).body["id"])

    check(document, "post", "/v1/clients", made)
    check(document, "get", "/v1/clients/{client_id}", caller.get(f"/v1/clients/{made.body['id']}"))
    check(document, "get", "/v1/clients", caller.get("/v1/clients?limit=2"))
    yen = caller.post(f"/v1/clients/{made.body['id']}/wallets", {"currency": "JPY"})
    check(document, "post", "/v1/clients/{client_id}/wallets", yen)
    renamed = caller.change_client(made.body["id"], name="Eve")
    check(document, "patch", "/v1/clients/{client_id}", renamed)
    check(document, "get", "/v1/clients/{client_id}/changes", caller.get(f"/v1/clients/{made.body['id']}/changes"))
    check(document, "post", "/v1/keys", caller.post("/v1/keys", {"role": "viewer", "name": "support"}))
    check(document, "get", "/v1/keys", caller.get("/v1/keys?limit=2"))
    for path in ("/v1/ops/queue", "/v1/ops/processes", "/v1/ops/database", "/v1/ops/settings"):
        check(document, "get", path, caller.get(path))
    keys = f"/v1/clients/{made.body['id']}/keys"
    key = caller.request("POST", keys)
    check(document, "post", "/v1/clients/{client_id}/keys", key)
    check(document, "get", "/v1/clients/{client_id}/keys", caller.get(keys))
    assert "204" in document["paths"]["/v1/keys/{key_id}"]["delete"]["responses"]
    assert caller.request("DELETE", f"/v1/keys/{key.body['id']}").status == 204
    check(document, "get", "/v1/wallets/{wallet_id}", caller.get(f"/v1/wallets/{wallet}"))
    check(document, "get", "/v1/wallets/{wallet_id}/entries", caller.get(f"/v1/wallets/{wallet}/entries?limit=1"))
    span = "from=2026-01-01T00:00:00Z&to=2026-12-31T00:00:00Z"
    check(document, "get", "/v1/wallets/{wallet_id}/entries", caller.get(f"/v1/wallets/{wallet}/entries?{span}"))
    check(document, "get", "/v1/wallets/{wallet_id}/statement", caller.get(f"/v1/wallets/{wallet}/statement?{span}&limit=1"))
    check(document, "get", "/v1/wallets/{wallet_id}/statement", caller.get(f"/v1/wallets/{wallet}/statement"))
    check(document, "get", "/v1/wallets/{wallet_id}/balance", caller.get(f"/v1/wallets/{wallet}/balance?at=2026-01-01T00:00:00Z"))
    assert "text/csv" in document["paths"]["/v1/wallets/{wallet_id}/statement"]["get"]["responses"]["200"]["content"]
    check(document, "post", "/v1/deposits", accepted)
    check(document, "post", "/v1/deposits", caller.deposit(wallet, 5, deposit_key, reference="r"))
    check(document, "post", "/v1/transfers", caller.transfer(wallet, other, 1))
    check(document, "get", "/v1/transfers/{transfer_id}", caller.get(f"/v1/transfers/{rejected['id']}"))
    check(document, "get", "/v1/transfers", caller.get(f"/v1/transfers?wallet_id={wallet}"))
    check(document, "get", "/v1/events", caller.get("/v1/events?limit=2"))
    check(document, "get", "/v1/events/{event_id}", caller.get(f"/v1/events/evt_{rejected['id'].removeprefix('trf_')}"))
    check(document, "get", "/healthz", caller.get("/healthz"))
    check(document, "get", "/readyz", caller.get("/readyz"))
    check(document, "get", "/metrics", caller.get("/metrics"))
    check(document, "get", "/problems", caller.get("/problems"))
    check(document, "get", "/problems/{code}", caller.get("/problems/not_found"))


def test_real_answers_about_each_verb_are_as_the_document_says(caller: Caller, document: Schema) -> None:
    wallet, other = caller.new_wallet(100), caller.new_wallet()
    hold = caller.applied(caller.hold(wallet, other, 50))["id"]
    reservation, payout = caller.hold(wallet, other, 5), caller.hold(wallet, None, 1)
    captured = caller.capture(hold, amount=5)
    child = "/v1/transfers/{transfer_id}"
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    scheduled = caller.withdraw(wallet, 1, scheduled_for=tomorrow, apply_within_s=60)

    check(document, "post", "/v1/withdrawals", caller.withdraw(wallet, 1))
    check(document, "post", "/v1/withdrawals", scheduled)
    check(document, "post", "/v1/holds", reservation)
    check(document, "post", "/v1/holds", payout)
    check(document, "get", child, caller.get(f"/v1/transfers/{hold}"))
    check(document, "get", "/v1/wallets/{wallet_id}/holds", caller.get(f"/v1/wallets/{wallet}/holds?limit=1"))
    check(document, "post", f"{child}/capture", captured)
    check(document, "post", f"{child}/release", caller.release(hold, amount=5))
    check(document, "post", f"{child}/reverse", caller.reverse(caller.applied(captured)["id"], up_to=True))
    check(document, "get", "/v1/transfers", caller.get(f"/v1/transfers?parent_id={hold}&type=release"))
    check(document, "post", f"{child}/cancel", caller.cancel(scheduled.body["id"]))
    check(document, "post", f"{child}/cancel", caller.cancel(hold))
    check(document, "post", f"{child}/capture", caller.capture(captured.body["id"]))
    check(document, "post", f"{child}/reverse", caller.reverse(hold))
    batch = [
        {"idempotency_key": new_key(), "type": "capture", "parent_id": hold, "amount": 1},
        {"idempotency_key": new_key(), "type": "reversal", "parent_id": hold},
    ]
    check(document, "post", "/v1/transfers/batch", caller.post("/v1/transfers/batch", {"transfers": batch}))


def test_real_answers_about_rules_are_as_the_document_says(caller: Caller, document: Schema) -> None:
    wallet, heir = caller.new_wallet(100), caller.new_wallet()
    path = "/v1/wallets/{wallet_id}"

    check(document, "get", path, caller.get(f"/v1/wallets/{wallet}"))
    check(document, "patch", path, caller.change_wallet(wallet, frozen="all", limits={"debit_max": 5}))
    check(document, "patch", path, caller.change_wallet(wallet, frozen=None, limits={"debit_max": None, "balance_max": 500}))
    check(document, "patch", path, caller.change_wallet(wallet))
    closure = caller.close_wallet(wallet, sweep_to_wallet_id=heir)
    check(document, "post", f"{path}/close", closure)
    check(document, "get", "/v1/transfers/{transfer_id}", caller.get(f"/v1/transfers/{caller.applied(closure)['id']}"))
    check(document, "get", path, caller.get(f"/v1/wallets/{wallet}"))
    check(document, "patch", path, caller.change_wallet(wallet, frozen="all"))
    check(document, "get", f"{path}/changes", caller.get(f"/v1/wallets/{wallet}/changes?limit=2"))
    check(document, "get", "/problems/{code}", caller.get("/problems/wallet_closed"))


def test_real_previews_are_as_the_document_says(caller: Caller, document: Schema) -> None:
    wallet = caller.new_wallet(100)
    view = {"$ref": "#/components/schemas/Preview"}
    content = document["paths"]["/v1/withdrawals"]["post"]["responses"]["200"]["content"]["application/json"]
    assert view in content["schema"]["anyOf"]

    for amount in (5, 101):
        answer = caller.post("/v1/withdrawals?preview=true", {"wallet_id": wallet, "amount": amount})
        assert (answer.status, faults(document, view, answer.body)) == (200, [])
    for path, methods in document["paths"].items():
        named = [parameter["name"] for parameter in methods.get("post", {}).get("parameters", [])]
        assert ("preview" in named) == ("Prefer" in named), path


def test_real_answers_about_webhooks_are_as_the_document_says(caller: Caller, document: Schema, shared_system: System) -> None:
    made = caller.post("/v1/webhook-endpoints", {"url": "https://example.com/hook", "description": "d"})
    path = f"/v1/webhook-endpoints/{made.body['id']}"

    check(document, "post", "/v1/webhook-endpoints", made)
    check(document, "get", "/v1/webhook-endpoints", caller.get("/v1/webhook-endpoints?limit=1"))
    check(document, "get", "/v1/webhook-endpoints/{endpoint_id}", caller.get(path))
    check(document, "patch", "/v1/webhook-endpoints/{endpoint_id}", caller.request("PATCH", path, {"status": "disabled"}))
    check(document, "post", "/v1/webhook-endpoints/{endpoint_id}/rotate-secret", caller.request("POST", f"{path}/rotate-secret"))
    check(document, "post", "/v1/webhook-secret/rotate", caller.request("POST", "/v1/webhook-secret/rotate"))
    check(document, "get", "/v1/webhook-secret", caller.get("/v1/webhook-secret"))
    check(document, "post", "/v1/webhook-endpoints", caller.post("/v1/webhook-endpoints", {"url": "x"}))
    moved = caller.wait_final(caller.deposit(caller.new_wallet(), 1, callback_url="https://example.com/hook").body["id"])
    check(document, "get", "/v1/transfers/{transfer_id}", caller.get(f"/v1/transfers/{moved['id']}"))
    fan_out_at(shared_system.database_url)
    trail = caller.get(f"/v1/transfers/{moved['id']}/deliveries?limit=100")
    [callback] = [row for row in trail.body["data"] if row["callback_url"]]
    again = caller.request("POST", f"/v1/deliveries/{callback['id']}/redeliver")
    assert again.status == 202
    check(document, "get", "/v1/transfers/{transfer_id}/deliveries", trail)
    check(document, "post", "/v1/deliveries/{delivery_id}/redeliver", again)
    check(document, "get", "/v1/webhook-endpoints/{endpoint_id}/deliveries", caller.get(f"{path}/deliveries"))
    refused = caller.post(f"{path}/redeliver", {"since": "2026-01-31T09:30:00Z"})
    assert refused.code == "endpoint_disabled"
    check(document, "post", "/v1/webhook-endpoints/{endpoint_id}/redeliver", refused)
    caller.request("PATCH", path, {"status": "enabled"})
    missed = caller.post(f"{path}/redeliver", {"since": "2026-01-31T09:30:00Z"})
    assert missed.status == 202
    check(document, "post", "/v1/webhook-endpoints/{endpoint_id}/redeliver", missed)
    check(document, "delete", "/v1/webhook-endpoints/{endpoint_id}", caller.request("DELETE", "/v1/webhook-endpoints/x"))


def test_real_problems_are_as_the_document_says(caller: Caller, document: Schema) -> None:
    check(document, "post", "/v1/clients", caller.post("/v1/clients", {"name": 5, "x": 1}))
    check(document, "post", "/v1/clients", caller.post("/v1/clients", b"{"))
    check(document, "post", "/v1/clients", caller.post("/v1/clients", b" " * 20_000))
    check(document, "post", "/v1/deposits", caller.post("/v1/deposits", {}))
    check(document, "post", "/v1/transfers", caller.post("/v1/transfers", {}, key=new_key()))
    check(document, "get", "/v1/transfers", caller.get("/v1/transfers?cursor=x"))
    check(document, "get", "/v1/wallets/{wallet_id}", caller.get("/v1/wallets/x"))
    check(document, "get", "/v1/wallets/{wallet_id}", caller.get("/v1/wallets/x", headers={"Authorization": "x"}))
    check(document, "get", "/problems/{code}", caller.get("/problems/x"))


def test_the_docs_load_nothing_from_anywhere_else(caller: Caller) -> None:
    page = caller.get("/docs")

    assert page.status == 200
    assert page.headers["content-type"].startswith("text/html")
    loaded = re.findall(r"""(?:src|href)\s*=\s*["']([^"']+)["']""", page.body) + re.findall(
        r"""url:\s*["']([^"']+)["']""", page.body
    )
    assert "/openapi.json" in loaded
    assert len(loaded) >= 4  # style, script, icon, document
    assert "//" not in re.sub(r"(?m)^\s*//.*$", "", "\n".join(loaded))
    for url in loaded:
        assert url.startswith("/"), url
    assert not re.search(r"https?://", re.sub(r"<!--.*?-->", "", page.body, flags=re.DOTALL))


def test_what_the_docs_load_is_served_by_the_api_itself(caller: Caller) -> None:
    page = caller.get("/docs").body
    loaded = re.findall(r"""(?:src|href)\s*=\s*["']([^"']+)["']""", page)

    for url in loaded:
        if not url.endswith(".png"):  # the caller reads text
            answer = caller.get(url)
            assert answer.status == 200, url
            assert len(answer.body) > 1000
            assert "@import" not in answer.body or url.endswith(".js")
    assert any(url.endswith(".js") for url in loaded)
    assert any(url.endswith(".css") for url in loaded)
