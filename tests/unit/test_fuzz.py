"""Random bodies through what reads bodies: a request, or a problem of the contract with status 4xx, and nothing else.

The first 12 500 in each run, and the others in `make long`.
"""

import json

import pytest

from api.http.body import parse_object
from api.http.problems import KINDS, Problem, render_problem
from api.http.text import FIND_UNPRINTABLE
from api.http.validation import RequestModel, validate
from api.v1.batch import BatchShape, CaptureItem, TransferItem
from api.v1.clients import ClientRequest
from api.v1.requests import NewDeposit, NewHold, NewReversal, NewTransfer
from core.ledger.money import AMOUNT_MAX
from tests import fuzz

BODIES = 100_000
PARTS = [0, *(pytest.param(part, marks=pytest.mark.long) for part in range(1, 8))]

WALLET, OTHER = b'"wal_01h455vb4pex5vsknk084sn02q"', b'"wal_01h455vb4pex5vsknk084sn02r"'
MORE = b'"currency": "USD", "reference": "r\\u00fc", "metadata": {"k": "v", "l": "w"}}'
TRANSFER = b'{"source_wallet_id": ' + WALLET + b', "destination_wallet_id": ' + OTHER + b', "amount": 1050'
GOOD: dict[type[RequestModel], bytes] = {
    NewDeposit: b'{"wallet_id": ' + WALLET + b', "amount": 5, ' + MORE,
    NewTransfer: TRANSFER + b", " + MORE,
    ClientRequest: b'{"name": "Ada", "external_id": "u-17", "metadata": {"k": "v"}}',
    BatchShape: b'{"transfers": [' + TRANSFER + b', "idempotency_key": "k"}, {"amount": 1}]}',
    TransferItem: TRANSFER + b', "idempotency_key": "k-1"}',
    NewHold: TRANSFER + b', "expires_in_s": 60, "scheduled_for": "2026-01-31T09:30:00Z", "apply_within_s": 60}',
    NewReversal: b'{"up_to": true, "amount": 5, ' + MORE,
    CaptureItem: b'{"type": "capture", "parent_id": "trf_x", "final": true, "idempotency_key": "k-1"}',
}


def read(model: type[RequestModel], content: bytes) -> RequestModel | Problem:
    try:
        return validate(model, parse_object(content))
    except Problem as problem:
        return problem


def check(outcome: RequestModel | Problem) -> None:
    if isinstance(outcome, Problem):
        assert 400 <= KINDS[outcome.code].status < 500
        json.dumps(render_problem(outcome, "/", "id"), ensure_ascii=False).encode()
        return
    fields = outcome.model_dump()
    assert 1 <= fields.get("amount", 1) <= AMOUNT_MAX
    texts = [fields.get("reference"), fields.get("name"), fields.get("external_id")]
    texts += [text for pair in fields.get("metadata", {}).items() for text in pair]
    assert not any(text is not None and FIND_UNPRINTABLE(text) for text in texts)


@pytest.mark.parametrize("part", PARTS)
def test_a_random_body_is_a_request_or_a_problem(part: int) -> None:
    accepted = 0
    for number in range(part * BODIES // len(PARTS), (part + 1) * BODIES // len(PARTS)):
        model = list(GOOD)[number // 2 % len(GOOD)]
        body = fuzz.body(number, [GOOD[model]])
        try:
            outcome = read(model, body.content)
            check(outcome)
        except Exception as error:
            raise AssertionError(f"seed {body.seed}, {model.__name__}: {body.content[:300]!r}") from error
        accepted += not isinstance(outcome, Problem)

    assert 0.01 < accepted / (BODIES / len(PARTS)) < 0.5, "bodies that are all good or all bad prove nothing"
