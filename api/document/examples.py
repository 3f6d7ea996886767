"""A whole example of each request and of each answer: Ada pays Bob 10.50 of her 50.00 for lunch.

A value comes from the sample of its schema, else from the sample of its field's name, else from its schema alone. So a new model
has an example at once. Where that one would mislead, the model gets a sample here. tests/http/test_examples.py sends the requests
to a running system and compares the answers.
"""

import re
from collections.abc import Mapping
from typing import Any

from api.document.nodes import Json, is_null, operations, referred
from api.http.openapi import reference
from core import ids
from core.exposition import CONTENT_TYPE
from core.ids import Prefix
from core.ledger.refusals import Refusal
from core.render import FAILURE_DETAILS

ADA, ADAS_WALLET = "cli_01kg9z5yd8e7a9v3n4m2x6w1q0", "wal_01kg9z5yd8e7a9v3n4m2x6w1q1"
BOBS_WALLET, SHOPS_WALLET = "wal_01kg9z6b3re0t8s5k7h2c4p9d1", "wal_01kg9z6n2ye4r1f6j8g3v5b7t1"
TRANSFER, EVENT = "trf_01kg9z7f6me2w9y4d1s8a3q5n7", "evt_01kg9z7f6me2w9y4d1s8a3q5n7"  # the event of this transfer
EARLIER = "trf_01kg9z6y4pe9x2t7c5v1b8m3h6"

IDS: Mapping[str, str] = {
    "cli": ADA,
    "wal": ADAS_WALLET,
    "trf": TRANSFER,
    "evt": EVENT,
    "key": "key_01kg9z82xge6p4n7r1t5y9w3k2",
    "whk": "whk_01kg9z8h5te3c8m1f6d2s7v4j9",
    "dlv": "dlv_01kg9z8w7be1h5q9x3k6g2n8r4",
}
OUTSIDE = ids.text(Prefix.WALLET, ids.external_wallet(7))  # operators alone see it
TIME, BEGIN, END = "2026-01-31T09:30:00.000000Z", "2026-01-01T00:00:00.000000Z", "2026-02-01T00:00:00.000000Z"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105  # of Standard Webhooks' own example

AMOUNT, PAID_IN, LEFT = 1050, 5000, 3950

FIELDS: Mapping[str, Any] = {  # by the name of a field or a parameter, wherever it is
    "amount": AMOUNT,
    "at": END,
    "available": LEFT,
    "balance": LEFT,
    "balance_after": LEFT,
    "client_id": ADA,
    "code": "insufficient_funds",
    "counterparty_wallet_id": BOBS_WALLET,
    "currency": "USD",
    "destination_wallet_id": BOBS_WALLET,
    "external_id": "u-17",
    "finished_at": TIME,
    "from": BEGIN,
    "hint": "9f86d081",
    "idempotency_key": "order-1001",
    "key": "tlr_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG",
    "minor_unit": 2,
    "name": "Ada",
    "reference": "lunch",
    "secret": SECRET,
    "source_wallet_id": ADAS_WALLET,
    "to": END,
    "transfer_id": TRANSFER,
    "url": "https://example.com/hook",
    "version": 2,
}


def entry(wallet: str, version: int, amount: int, balance: int) -> Json:
    return {"wallet_id": wallet, "version": version, "amount": amount, "balance_after": balance}


PAID: Json = {  # the entry of Ada's payment, as the list of her entries shows it
    "wallet_id": ADAS_WALLET,
    "version": 2,
    "transfer_id": TRANSFER,
    "type": "transfer",
    "amount": -AMOUNT,
    "balance_after": LEFT,
    "counterparty_wallet_id": BOBS_WALLET,
    "reference": "lunch",
    "created_at": TIME,
}
RECEIVED: Json = {
    **PAID,
    "version": 1,
    "transfer_id": EARLIER,
    "type": "deposit",
    "amount": PAID_IN,
    "balance_after": PAID_IN,
    "counterparty_wallet_id": None,
    "reference": "invoice 42",
}
NO_LIMITS: Json = dict.fromkeys(("balance_max", "debit_max", "debits_per_day_max", "debits_per_month_max"))
HOLD: Json = {
    "status": "open",
    "remaining_amount": AMOUNT,
    "captured_amount": 0,
    "released_amount": 0,
    "expires_at": "2026-02-07T09:30:00.000000Z",
}
DEBITED = entry(ADAS_WALLET, 2, -AMOUNT, LEFT)
CREDITED = entry(BOBS_WALLET, 1, AMOUNT, AMOUNT)

ADAS_KEY: Json = {"role": "client", "name": "web shop"}

SAMPLES: Mapping[str, Mapping[str, Any]] = {  # by schema: what of its fields differs from FIELDS
    "ClientChange": {
        "before": {"name": "Ada", "external_id": "u-17", "metadata": {}},
        "after": {"name": "Ada Lovelace", "external_id": "u-17", "metadata": {}},
        "reason": "married",
    },
    "Delivery": {"client_id": None, "status": "delivered", "endpoint_id": IDS["whk"], "callback_url": None},
    "DeliveryAttempt": {"number": 1, "duration_ms": 84, "status_code": 204},
    "Entry": PAID,
    "Hold": HOLD,
    "Key": ADAS_KEY,
    "KeyWithSecret": ADAS_KEY,
    "Line": {"wallet_id": ADAS_WALLET},
    "Preview": {"id": None, "finished_at": None, "type": "transfer", "status": "applied", "entries": [DEBITED, CREDITED]},
    "PreviewBasis": {"complete": True},
    "Statement": {
        "opening_balance": 0,
        "closing_balance": LEFT,
        "total_credits": PAID_IN,
        "total_debits": AMOUNT,
        "entry_count": 2,
        "final": True,
        "data": [RECEIVED, PAID],
    },
    "Transfer": {"type": "transfer", "status": "applied", "entries": [DEBITED, CREDITED]},
    "WalletChange": {
        "before": {"status": "active", "frozen": None, "limits": NO_LIMITS},
        "after": {"status": "active", "frozen": "debits", "limits": NO_LIMITS},
        "reason": "court order 17/26",
    },
    "WebhookEndpoint": {"events": ["transfer.applied", "transfer.rejected"]},
    "WebhookEndpointWithSecret": {"events": ["transfer.applied", "transfer.rejected"]},
}

# The bodies of requests, whole: what an example leaves out says as much as what it gives. All others are made.
REQUESTS: Mapping[str, Json] = {
    "CaptureCreate": {"amount": AMOUNT},
    "ClientCreate": {"name": "Ada", "external_id": "u-17"},
    "ClientKeyCreate": {"name": "web shop"},
    "ClientUpdate": {"name": "Ada Lovelace", "reason": "married"},
    "ClosureCreate": {"sweep_to_wallet_id": BOBS_WALLET},
    "DepositCreate": {"wallet_id": ADAS_WALLET, "amount": PAID_IN, "reference": "invoice 42"},
    "HoldCreate": {"source_wallet_id": ADAS_WALLET, "destination_wallet_id": BOBS_WALLET, "amount": AMOUNT},
    "KeyCreate": {"role": "viewer", "name": "support"},
    "MultiLegCreate": {
        "debits": [{"wallet_id": ADAS_WALLET, "amount": AMOUNT}],
        "credits": [{"wallet_id": BOBS_WALLET, "amount": AMOUNT - 50}, {"wallet_id": SHOPS_WALLET, "amount": 50}],
    },
    "RedeliveryCreate": {"since": "2026-01-31T09:30:00Z"},
    "ReleaseCreate": {"amount": AMOUNT},
    "ReversalCreate": {"amount": AMOUNT},
    "TransferBatchCreate": {
        "transfers": [
            {
                "idempotency_key": "order-1001",
                "source_wallet_id": ADAS_WALLET,
                "destination_wallet_id": BOBS_WALLET,
                "amount": AMOUNT,
                "reference": "lunch",
            },
            {
                "idempotency_key": "payin-7",
                "type": "deposit",
                "wallet_id": ADAS_WALLET,
                "amount": PAID_IN,
                "reference": "invoice 42",
            },
        ]
    },
    "TransferCreate": {
        "source_wallet_id": ADAS_WALLET,
        "destination_wallet_id": BOBS_WALLET,
        "amount": AMOUNT,
        "reference": "lunch",
    },
    "WalletCreate": {"currency": "EUR"},
    "WalletUpdate": {"frozen": "debits", "reason": "court order 17/26"},
    "WebhookEndpointCreate": {"url": "https://example.com/hook", "events": ["transfer.applied", "transfer.rejected"]},
    "WebhookEndpointUpdate": {"description": "orders"},
    "WholeReversalCreate": {"reference": "lunch, given back"},
    "WithdrawalCreate": {"wallet_id": ADAS_WALLET, "amount": AMOUNT},
}

QUEUED: Mapping[str, Any] = {"status": "queued", "entries": [], "finished_at": None, "failure": None, "hold": None}
QUEUED_BY: Mapping[str, Mapping[str, Any]] = {"closeWallet": {"amount": 0}}  # by operation: what it moves is not known yet
REJECTED: Mapping[str, Any] = {
    "status": "rejected",
    "entries": [],
    "failure": {
        "code": "insufficient_funds",
        "detail": FAILURE_DETAILS[Refusal.INSUFFICIENT_FUNDS],
        "available": AMOUNT - 100,
        "needed": AMOUNT,
    },
}
CANCELED: Mapping[str, Any] = {"status": "canceled", "entries": []}

EVENTS: Mapping[str, Mapping[str, Any]] = {  # by type: what of an event's data differs from its sample
    "transfer.rejected": REJECTED,
    "transfer.canceled": CANCELED,
    "webhook_endpoint.disabled": {"status": "disabled", "disabled_reason": "failing", "disabled_at": TIME},
}

VERBS: Mapping[str, Mapping[str, Any]] = {  # by operation: what of its transfer differs from Ada's payment
    "createDeposit": {
        "type": "deposit",
        "source_wallet_id": None,
        "destination_wallet_id": ADAS_WALLET,
        "amount": PAID_IN,
        "reference": "invoice 42",
        "entries": [entry(OUTSIDE, 1, -PAID_IN, -PAID_IN), entry(ADAS_WALLET, 1, PAID_IN, PAID_IN)],
    },
    "createWithdrawal": {
        "type": "withdrawal",
        "destination_wallet_id": None,
        "reference": None,
        "entries": [DEBITED, entry(OUTSIDE, 2, AMOUNT, -LEFT)],
    },
    "createHold": {
        "type": "hold",
        "reference": None,
        "entries": [],
        "hold": HOLD,
    },
    "captureHold": {"type": "capture", "reference": None, "parent_id": EARLIER},
    "releaseHold": {"type": "release", "reference": None, "parent_id": EARLIER, "entries": [], "reason": "requested"},
    "reverseTransfer": {
        "type": "reversal",
        "source_wallet_id": BOBS_WALLET,
        "destination_wallet_id": ADAS_WALLET,
        "reference": None,
        "parent_id": EARLIER,
        "entries": [entry(BOBS_WALLET, 2, -AMOUNT, 0), entry(ADAS_WALLET, 3, AMOUNT, PAID_IN)],
    },
    "closeWallet": {
        "type": "closure",
        "amount": PAID_IN,
        "reference": None,
        "entries": [entry(ADAS_WALLET, 2, -PAID_IN, 0), entry(BOBS_WALLET, 1, PAID_IN, PAID_IN)],
    },
    "cancelTransfer": {**CANCELED, "reference": None, "scheduled_for": END},
    "listWalletHolds": {"type": "hold", "entries": [], "hold": HOLD},
}

# By operation, as VERBS has it: what of the other objects in its answer differs from their samples.
NEW_WALLET: Mapping[str, Any] = {"balance": 0, "available": 0, "version": 0}
OBJECTS: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "createClient": {"Wallet": NEW_WALLET},
    "createKey": {"KeyWithSecret": {"role": "viewer", "client_id": None, "name": "support"}},
    "updateClient": {"Client": {"name": "Ada Lovelace"}},
    "createClientWallet": {"Wallet": {**NEW_WALLET, "currency": "EUR"}},
    "updateWallet": {"Wallet": {"status": "frozen", "frozen": "debits"}},
    "updateWebhookEndpoint": {"WebhookEndpoint": {"description": "orders"}},
    "redeliverDelivery": {"Delivery": {"status": "pending", "next_attempt_at": TIME, "finished_at": None}},
    "redeliverWebhookEndpoint": {"Redelivered": {"count": 12}},
}

ANSWERS: Mapping[str, Json] = {  # of operations whose answers have no schema
    "getHealth": {"status": "ok"},
    "getProblem": {
        "code": "insufficient_funds",
        "found_in": ["failure.code"],
        "explanation": "The source wallet had less available than the amount.",
    },
    "getReadiness": {
        "status": "ready",
        "checks": {
            "database_answers": True,
            "database_writable": True,
            "database_durable": True,
            "database_migrated": True,
            "database_not_newer": True,
            "database_commits": True,
            "redis_reachable": True,
            "redis_takes_doorbells": True,
        },
        "redis_fault": None,
    },
    "listProblems": {
        "data": [
            {
                "type": "/problems/unauthorized",
                "code": "unauthorized",
                "status": 401,
                "title": "The request is not authenticated",
                "explanation": "Send Authorization: Bearer and a key, once.",
            }
        ],
        "codes": [{"code": "required", "found_in": ["errors[].code"], "explanation": "The field is missing or empty."}],
    },
}

TEXTS: Mapping[str, str] = {  # by media type
    "text/csv": (
        "created_at,version,type,transfer_id,counterparty_wallet_id,reference,amount,balance_after\r\n"
        f"{BEGIN},0,opening,,,,,0\r\n"
        f"{TIME},1,deposit,{EARLIER},,invoice 42,{PAID_IN},{PAID_IN}\r\n"
        f"{TIME},2,transfer,{TRANSFER},{BOBS_WALLET},lunch,-{AMOUNT},{LEFT}\r\n"
        f"{END},2,closing,,,,,{LEFT}\r\n"
    ),
    CONTENT_TYPE: '# TYPE teller_queue_transfers gauge\nteller_queue_transfers{shard="7"} 2.0\n',
}


def add_examples(document: Json) -> None:
    """Give an example to each body, each answer, and each parameter without which a request is not whole."""
    schemas = document["components"]["schemas"]
    for _, _, operation in operations(document):
        name = operation["operationId"]
        maker = Maker(schemas, OBJECTS.get(name, {}))
        for parameter in operation.get("parameters", ()):
            if parameter["required"] and "example" not in parameter:
                parent = VERBS.get(name, {}).get("parent_id") if parameter["name"] == "transfer_id" else None
                parameter["example"] = parent or maker.value(parameter["schema"], parameter["name"])
        for media in operation.get("requestBody", {}).get("content", {}).values():
            give(media, {label: maker.request(option) for label, option in options_of(media["schema"])})
        for status, response in operation["responses"].items():
            for type, media in response.get("content", {}).items():
                give(media, answers(maker, name, status, type, media["schema"]))
    for type, item in document["webhooks"].items():
        for media in item["post"]["requestBody"]["content"].values():
            media["example"] = sent(Maker(schemas, {}).value(media["schema"]), type)


def give(media: Json, examples: Mapping[str, Any]) -> None:
    if len(examples) == 1:
        [media["example"]] = examples.values()
    else:
        media["examples"] = {label: {"value": value} for label, value in examples.items()}


def options_of(schema: Json) -> list[tuple[str, Json]]:
    """Return what a body may be, each with its name."""
    options = schema.get("anyOf", [schema])
    return [(referred(option) or "", option) for option in options]


def answers(maker: "Maker", operation: str, status: str, type: str, schema: Json) -> Mapping[str, Any]:
    if operation in ANSWERS or type in TEXTS:
        return {"": ANSWERS.get(operation, TEXTS.get(type))}
    if operation == "createTransferBatch":
        verbs = [{}, VERBS["createDeposit"]]
        made = [{**maker.value(reference("Transfer")), **verb, **QUEUED} for verb in verbs]
        return {"": {"results": [{"status": 202, "transfer": transfer} for transfer in made]}}
    changes = {**VERBS.get(operation, {}), **({**QUEUED, **QUEUED_BY.get(operation, {})} if status == "202" else {})}
    return {label: of_verb(maker.value(option), changes) for label, option in options_of(schema)}


def of_verb(value: Any, changes: Mapping[str, Any]) -> Any:
    """Return the example with the transfers in it as these changes make them."""
    if isinstance(value, dict) and {"type", "status", "entries"} <= value.keys():  # a transfer, or the preview of one
        return {**value, **changes}
    if isinstance(value, dict) and "data" in value:
        return {**value, "data": of_verb(value["data"], changes)}
    if isinstance(value, list):
        return [of_verb(item, changes) for item in value]
    return value


def sent(event: Json, type: str) -> Json:
    """Return the event as one of this type."""
    changes = EVENTS.get(type, {})
    return {**event, "type": type, "data": {**event["data"], **changes}}


class Maker:
    """Makes values that fit schemas of the document."""

    def __init__(self, schemas: Mapping[str, Json], objects: Mapping[str, Mapping[str, Any]]) -> None:
        """`objects` are samples by schema that come before those of SAMPLES."""
        self._schemas = schemas
        self._objects = objects

    def value(self, schema: Json, field: str = "") -> Any:
        """Return a value of this schema, for a field of this name."""
        if name := referred(schema):
            return self._named(name, field)
        if "properties" in schema:
            return self._object(schema, {})
        if options := schema.get("anyOf") or schema.get("oneOf"):
            return self._choice(options, field)
        if field in FIELDS and fits(schema, FIELDS[field]):
            return FIELDS[field]
        if schema.get("type") == "array":
            return [self.value(schema["items"])]
        return scalar(schema, field)

    def request(self, schema: Json) -> Any:
        """Return a body of this schema: its sample, or its required fields and those with a value of their own."""
        name = referred(schema) or ""
        if name in REQUESTS:
            return REQUESTS[name]
        found = self._schemas[name]
        required = found.get("required", ())
        given = {key: one for key, one in found["properties"].items() if key in required or key in FIELDS}
        return {key: self.value(one, key) for key, one in given.items()}

    def _named(self, name: str, field: str) -> Any:
        schema = self._schemas[name]
        sample = {**SAMPLES.get(name, {}), **self._objects.get(name, {})}
        return self._object(schema, sample) if "properties" in schema else self.value(schema, field)

    def _object(self, schema: Json, sample: Mapping[str, Any]) -> Json:
        return {key: sample[key] if key in sample else self.value(one, key) for key, one in schema["properties"].items()}

    def _choice(self, options: list[Json], field: str) -> Any:
        """Return a value of the first option. null, where it is one, unless the field has a sample."""
        others = [option for option in options if not is_null(option)]
        if len(others) < len(options) and not (field in FIELDS and any(fits(option, FIELDS[field]) for option in others)):
            return None
        return self.value(others[0], field)


def fits(schema: Json, value: Any) -> bool:
    """Return whether the sample of a field may stand for this schema, which may be of another field with the same name."""
    kinds = {"string": str, "integer": int, "boolean": bool}
    return isinstance(value, kinds.get(schema.get("type", ""), ())) and bool(re.search(schema.get("pattern", ""), str(value)))


def scalar(schema: Json, field: str) -> Any:
    """Return a value of a schema without parts."""
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    if given := schema.get("enum") or schema.get("examples"):
        return given[0]
    if found := re.match(r"\^([a-z]{3})_", schema.get("pattern", "")):
        return IDS.get(found[1], field)
    if schema.get("format") == "date-time":
        return TIME
    return {"string": field, "integer": 0, "number": 0.0, "boolean": False, "object": {}}.get(schema.get("type", ""))
