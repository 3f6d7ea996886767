"""The examples of the OpenAPI document work: each request is sent to a running system, and each answer is like its example."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import pytest

from api.document import examples
from tests.caller import Answer, Caller, new_key
from tests.hooks import fan_out_at
from tests.http.test_openapi import Schema, faults, operations
from tests.sdk.document import openapi
from tests.system import System

World: TypeAlias = Mapping[str, str]  # ids of this test by the ids of the examples

DOCUMENT = openapi()
OPERATIONS = {operation["operationId"]: (method, path, operation) for method, path, operation in operations(DOCUMENT)}

TO_DO = (
    "The example differs from what a running system takes or answers. api/document/examples.py makes examples: give the schema a"
    " sample there, or the operation its changes."
)


def given(media: Schema) -> list[Any]:
    """Return the examples of a body."""
    return [media["example"]] if "example" in media else [one["value"] for one in media["examples"].values()]


def medias(operation: Schema) -> list[Schema]:
    """Return all bodies of an operation: of its request, and of its answers that are no problems."""
    described = [operation.get("requestBody", {}), *operation["responses"].values()]
    return [media for one in described for media in one.get("content", {}).values()]


@pytest.mark.parametrize("name", OPERATIONS)
def test_each_body_has_an_example_that_fits_its_schema(name: str) -> None:
    _, _, operation = OPERATIONS[name]
    found = medias(operation)

    assert found or "204" in operation["responses"]
    for media in found:
        assert given(media)
        assert [fault for one in given(media) for fault in faults(DOCUMENT, media["schema"], one)] == [], TO_DO
    for parameter in operation.get("parameters", ()):
        assert "example" in parameter or not parameter["required"]


def test_each_webhook_has_an_example_that_fits_its_schema_and_its_type() -> None:
    for type, item in DOCUMENT["webhooks"].items():
        [media] = item["post"]["requestBody"]["content"].values()
        assert faults(DOCUMENT, media["schema"], media["example"]) == []
        assert media["example"]["type"] == type
        assert type.endswith(media["example"]["data"]["status"])


def test_no_sample_is_left_over() -> None:
    schemas = DOCUMENT["components"]["schemas"]

    assert {*examples.SAMPLES, *examples.REQUESTS} <= set(schemas)
    assert {*examples.VERBS, *examples.OBJECTS, *examples.ANSWERS} <= set(OPERATIONS)
    for name, sample in examples.SAMPLES.items():
        assert set(sample) <= set(schemas[name]["properties"]), name


def new_world(caller: Caller) -> dict[str, str]:
    """Make Ada with 50.00, Bob and a shop."""
    ada = caller.new_client("Ada", external_id=new_key())
    made = caller.applied(caller.deposit(ada["wallet"]["id"], examples.PAID_IN, reference="invoice 42"))
    return {
        examples.ADA: ada["id"],
        examples.ADAS_WALLET: ada["wallet"]["id"],
        examples.BOBS_WALLET: caller.new_wallet(),
        examples.SHOPS_WALLET: caller.new_wallet(),
        examples.EARLIER: made["id"],
    }


def pay(caller: Caller, world: World) -> dict[str, str]:
    """Let Ada pay Bob. Return the payment and its event."""
    paid = caller.applied(caller.transfer(world[examples.ADAS_WALLET], world[examples.BOBS_WALLET], 1050, reference="lunch"))["id"]
    return {examples.TRANSFER: paid, examples.EVENT: paid.replace("trf", "evt")}


def hold(caller: Caller, world: World) -> dict[str, str]:
    held = caller.applied(caller.hold(world[examples.ADAS_WALLET], world[examples.BOBS_WALLET], 1050))
    return {examples.EARLIER: held["id"]}


def schedule(caller: Caller, world: World) -> dict[str, str]:
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    later = caller.transfer(world[examples.ADAS_WALLET], world[examples.BOBS_WALLET], 1050, scheduled_for=tomorrow)
    return {examples.TRANSFER: later.body["id"]}


def reversible(caller: Caller, world: World) -> dict[str, str]:
    return {examples.EARLIER: pay(caller, world)[examples.TRANSFER]}


def freeze(caller: Caller, world: World) -> dict[str, str]:
    caller.change_wallet(world[examples.ADAS_WALLET], frozen="debits", reason="court order 17/26")
    return {}


def empty(caller: Caller, world: World) -> dict[str, str]:
    return {examples.ADAS_WALLET: caller.new_wallet()}


def nothing(caller: Caller, world: World) -> dict[str, str]:
    return {}


# What has to happen before an operation does what its example shows; before all others, Ada pays Bob.
BEFORE = {
    **dict.fromkeys(("createClient", "createWithdrawal", "createTransfer", "createHold", "closeWallet"), nothing),
    **dict.fromkeys(("captureHold", "releaseHold", "listWalletHolds"), hold),
    "createDeposit": empty,
    "createTransferBatch": nothing,
    "cancelTransfer": schedule,
    "reverseTransfer": reversible,
    "listWalletChanges": freeze,
}
OF_HOOKS = re.compile("Webhook|Deliver")
OF_KEYS = re.compile("Key")


def receive(caller: Caller, world: World, system: System) -> dict[str, str]:
    """Make an endpoint, and a delivery of the payment to it."""
    made = caller.post(
        "/v1/webhook-endpoints", {"url": "https://example.com/hook", "events": ["transfer.applied", "transfer.rejected"]}
    )
    caller.request("POST", "/v1/webhook-secret/rotate")
    paid = pay(caller, world)
    fan_out_at(system.database_url)
    trail = caller.get(f"/v1/transfers/{paid[examples.TRANSFER]}/deliveries?limit=100").body["data"]
    [delivery] = [one["id"] for one in trail if one["endpoint_id"] == made.body["id"]]
    return {**paid, examples.IDS["whk"]: made.body["id"], examples.IDS["dlv"]: delivery}


def in_world(value: Any, world: World) -> Any:
    """Return the example with ids of this world, and with keys and external ids that are new."""
    text = json.dumps(value)
    for example, ours in world.items():
        text = text.replace(example, ours)
    return {**json.loads(text), **fresh(value)} if isinstance(value, dict) else json.loads(text)


def fresh(body: Mapping[str, Any]) -> dict[str, Any]:
    return {"external_id": new_key()} if "external_id" in body else {}


def call(caller: Caller, name: str, world: World, body: Any, headers: Mapping[str, str]) -> Answer:
    """Send the request of this operation as its examples give it."""
    method, path, operation = OPERATIONS[name]
    given = {one["name"]: one["example"] for one in operation.get("parameters", ()) if one["required"]}
    filled = path.format_map({key: world.get(str(value), value) for key, value in given.items()})
    query = "&".join(
        f"{one['name']}={one['example']}" for one in operation.get("parameters", ()) if one["in"] == "query" and one["required"]
    )
    key = new_key() if any(one["name"] == "Idempotency-Key" for one in operation.get("parameters", ())) else None
    return caller.request(method.upper(), f"{filled}?{query}" if query else filled, body, key=key, headers=headers)


def skeleton(value: Any) -> Any:
    """Return the value with one item of each list, and with texts and numbers as their types."""
    if isinstance(value, dict):
        return {key: skeleton(item) for key, item in value.items()}
    if isinstance(value, list):
        return [skeleton(value[0])] if value else []
    return None if value is None else type(value).__name__


def differences(example: Any, real: Any, at: str = "") -> list[str]:
    """Return where two skeletons differ. null and an empty list are like anything that may be there."""
    if isinstance(example, dict) and isinstance(real, dict):
        missing = [f"{at}/{key}" for key in example.keys() ^ real.keys()]
        return missing + [
            found for key in example.keys() & real.keys() for found in differences(example[key], real[key], f"{at}/{key}")
        ]
    if isinstance(example, list) and isinstance(real, list):
        return differences(example[0], real[0], f"{at}/0") if example and real else []
    return [] if example is None or real is None or example == real else [f"{at}: {example} and {real}"]


def expected(operation: Schema, answer: Answer) -> list[Any]:
    content = operation["responses"][str(answer.status)].get("content", {})
    return given(content[answer.headers["content-type"]]) if content else []


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_example_is_taken_and_the_answer_is_like_its_example(name: str, caller: Caller, shared_system: System) -> None:
    _, _, operation = OPERATIONS[name]
    bodies = [one for media in operation.get("requestBody", {}).get("content", {}).values() for one in given(media)]
    for body in bodies or [None]:
        world = new_world(caller)
        if OF_HOOKS.search(name):
            world |= receive(caller, world, shared_system)
        else:
            world |= BEFORE.get(name, pay)(caller, world)
        if OF_KEYS.search(name):
            key = caller.request("POST", f"/v1/clients/{world[examples.ADA]}/keys")
            world[examples.IDS["key"]] = key.body["id"]
        answer = call(caller, name, world, body and in_world(body, world), {})
        assert 200 <= answer.status < 300, (TO_DO, body, answer)
        for example in expected(operation, answer)[:1]:
            assert differences(skeleton(example), skeleton(answer.body)) == [], TO_DO


PRIVATE = {"idempotency_key", "submitted_by", "shard", "queue"}  # they differ from one run to the next
OUTSIDE = "wal_"  # an external wallet, whose balance all tests change
VALUES = re.compile(r"^(cli|wal|trf|evt|key|whk|dlv)_[0-9a-z]{26}$|^\d{4}-\d\d-\d\dT[\d:.]+Z$")
MONEY = [
    name
    for name, (method, path, operation) in OPERATIONS.items()
    if any(one["name"] == "preview" for one in operation.get("parameters", ()))
]


def plain(value: Any, names: World) -> Any:
    """Return the value with ids as the example has them, with no times, and with entries in one order.

    `names` are all ids of this world, which external wallets do not belong to.
    """
    if isinstance(value, dict):
        found = {key: plain(item, names) for key, item in value.items() if key not in PRIVATE}
        return {key: found[key] for key in ("wallet_id", "amount")} if found.get("wallet_id") == OUTSIDE else found
    if isinstance(value, list):
        return sorted((plain(item, names) for item in value), key=str)
    if isinstance(value, str) and VALUES.match(value):
        return names.get(value, "time" if value[0] == "2" else value[:4])
    return value


@pytest.mark.parametrize("name", MONEY)
def test_what_moves_money_is_answered_with_the_values_of_the_example(name: str, caller: Caller) -> None:
    _, _, operation = OPERATIONS[name]
    [body, *_] = given(operation["requestBody"]["content"]["application/json"])
    for headers, status in (({"Prefer": "wait=20"}, 200), ({}, 202)):
        world = new_world(caller)
        world |= BEFORE.get(name, pay)(caller, world)
        answer = call(caller, name, world, in_world(body, world), headers)
        names = {ours: example for example, ours in world.items()}
        names |= {answer.body["id"]: examples.TRANSFER}
        example = given(operation["responses"][str(status)]["content"]["application/json"])[0]

        assert answer.status == status
        assert plain(answer.body, names) == plain(example, {id: id for id in (*world, examples.TRANSFER)}), TO_DO


def test_a_preview_is_like_its_example(caller: Caller) -> None:
    world = new_world(caller)
    body = in_world(examples.REQUESTS["TransferCreate"], world)
    [_, example] = given(OPERATIONS["createTransfer"][2]["responses"]["200"]["content"]["application/json"])
    answer = caller.post("/v1/transfers?preview=true", body)

    names = {ours: example for example, ours in world.items()}
    assert plain(answer.body, names) == plain(example, {id: id for id in world})


def test_a_month_is_answered_with_the_values_of_the_example(caller: Caller) -> None:
    """The statement, and its CSV, of a month in which Ada got 50.00 and paid 10.50: that of today, not that of the example."""
    world = new_world(caller)
    world |= pay(caller, world)
    year = datetime.now(UTC).year
    span = f"from={year}-01-01T00:00:00Z&to={year + 1}-01-01T00:00:00Z"
    path = f"/v1/wallets/{world[examples.ADAS_WALLET]}/statement?{span}"
    content = OPERATIONS["getWalletStatement"][2]["responses"]["200"]["content"]
    names = {ours: example for example, ours in world.items()}
    of_example = {id: id for id in world}

    page = caller.get(path).body
    text = caller.get(path, headers={"Accept": "text/csv"}).body

    assert plain(page, names) == {**plain(content["application/json"]["example"], of_example), "final": False}
    for ours, example in names.items():
        text = text.replace(ours, example)
    times = re.compile(r"^\S{27},", re.MULTILINE)
    assert times.sub("", text) == times.sub("", content["text/csv"]["example"])
