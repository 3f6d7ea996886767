"""The record of a transfer: what a request becomes, and what it becomes once it is stored."""

from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import get_args
from uuid import UUID

import pytest

from api.admission.auth import OPERATOR, Caller
from api.http.idempotency import Fingerprinted
from api.http.validation import validate
from api.v1.batch import BATCHED, ITEMS, TransferItem
from api.v1.clients import ClientRequest, build_client
from api.v1.legs import Asked
from api.v1.requests import NewDeposit, NewHold, NewTransfer, NewWithdrawal
from api.v1.verbs import VERBS, build
from core.ledger.kinds import KINDS
from core.postgres.statements import parameters
from core.transfers import SUBMITTED, Submission, Transfer, columns_of, just_queued

ADA, BEN = "wal_01jcqkpq80fgd8ybht9de6tzmf", "wal_01jcqkpq80fgd8ybht9de6tzmg"
STRANGER = Caller(is_operator=False, owner="cli_x", wallet_ids={UUID(int=5)})
BETWEEN = {"source_wallet_id": ADA, "destination_wallet_id": BEN}
ALL = {
    "amount": 1250,
    "currency": "USD",
    "reference": "rent ü",
    "metadata": {"order": "7", "b": "2"},
    "callback_url": "https://example.com/hook",
}
SHARDS = 16
ASKED = Asked(OPERATOR, "k", SHARDS)


def transfer(fields: dict[str, object], caller: Caller = OPERATOR) -> Submission:
    return build(VERBS["transfer"], validate(NewTransfer, BETWEEN | fields), Asked(caller, "k", SHARDS))


def deposit(fields: dict[str, object]) -> Submission:
    return build(VERBS["deposit"], validate(NewDeposit, {"wallet_id": ADA, **fields}), Asked(OPERATOR, "k", SHARDS))


def child(type: str, fields: dict[str, object]) -> Submission:
    """A child of a hold with the id 7, or of that hold once it has moved its money."""
    hold = build(VERBS["hold"], validate(NewHold, BETWEEN | {"amount": 9}), ASKED)
    parent = replace(just_queued(hold, datetime.now(UTC)), id=UUID(int=7))
    if type == "reversal":
        parent = replace(parent, type="transfer", status="applied")
    return build(VERBS[type], validate(VERBS[type].models[0], fields), Asked(OPERATOR, "k", SHARDS, parent))


def item(fields: dict[str, object]) -> Submission:
    item = validate(TransferItem, BETWEEN | fields | {"idempotency_key": "k"})
    return build(VERBS["transfer"], item, Asked(OPERATOR, "k", SHARDS))


# Of the version that had these verbs first.
OF_VERBS: dict[str, tuple[Fingerprinted, str]] = {
    "a withdrawal of what is there": (
        build(VERBS["withdrawal"], validate(NewWithdrawal, {"wallet_id": ADA, "amount": 5, "up_to": True}), ASKED),
        "7ce837fb8a87d6c9840bfe1f1305532b78fe4015ac680ac25c27e3495a0033ec",
    ),
    "a transfer with a deadline": (
        transfer({"amount": 1, "apply_within_s": 60}),
        "43202973729474113f5f8f980a891415020e01860c1cbfcc52a41b43caf5e748",
    ),
    "a hold": (
        build(VERBS["hold"], validate(NewHold, BETWEEN | {"amount": 9}), ASKED),
        "1717b3c79c7ea8475089b35b9e2b09faf3b9f0630aa6d7b58b8a245a4a30200f",
    ),
    "a final capture of all": (
        child("capture", {"final": True}),
        "b886ff527f4affefadc937d7708ccc64a9f8026973f0b54e5374176db7de7342",
    ),
    "a release": (child("release", {"amount": 2}), "cab883cd84f45347bec63bb57a3f2b231515e21be6b34d4eb2671bad2b4e05e9"),
    "a reversal of what is there": (
        child("reversal", {"up_to": True}),
        "986caa39b2e66d583887245cf36411b5459a9e6df55938aceb61c27b9f9aa3b4",
    ),
}

# Of commit f0ac868, which built the fingerprinted fields by hand.
EARLIER: dict[str, tuple[Fingerprinted, str]] = {
    **OF_VERBS,
    "a transfer with all fields": (transfer(ALL), "523688c26190c04b3aceb71d310b87bbb1037a9f6f53c516f3941957519bd615"),
    "the same out of a wallet of others": (
        transfer(ALL, STRANGER),
        "523688c26190c04b3aceb71d310b87bbb1037a9f6f53c516f3941957519bd615",
    ),
    "the same in a batch": (item(ALL), "523688c26190c04b3aceb71d310b87bbb1037a9f6f53c516f3941957519bd615"),
    "a plain transfer": (transfer({"amount": 1}), "a23d0329b0d0743d879ffa0d22924be41a6933284454914b690b3676ebda5acf"),
    "a deposit with all fields": (deposit(ALL), "7c4cf370ff7199abf292b13eef89a5988aaa19e436033ac83c865c71647ea6f6"),
    "a plain deposit": (deposit({"amount": 1}), "eee1cec659d8dca5479f2aff4a06bb0888022ea8346d5d9ba5e9abde82594333"),
    "a client": (
        build_client(validate(ClientRequest, {"name": "Ada", "external_id": "a-1", "metadata": {"b": "2"}}), "k"),
        "7b71388600d8875fc25931f816ad7fec9f2e2c4a4b133f9fcc39df64b322a2ff",
    ),
}


@pytest.mark.parametrize("name", EARLIER)
def test_a_request_has_the_fingerprint_that_an_earlier_version_stored(name: str) -> None:
    """Else a retry of a request from before an upgrade would be refused as another request."""
    asked, stored = EARLIER[name]

    assert asked.fingerprint is not None
    assert asked.fingerprint.hex() == stored


def test_each_type_is_a_verb_and_an_item_of_a_batch() -> None:
    assert set(VERBS) == {*BATCHED, "closure"} == set(KINDS)  # a wallet is closed on its own
    assert {model for verb in BATCHED.values() for model in verb.models} == set(ITEMS)
    for type, verb in VERBS.items():
        assert verb.type == type
        for model in verb.models if type in BATCHED else ():
            assert issubclass(ITEMS[model], model)
            assert get_args(ITEMS[model].model_fields["type"].annotation) == (type,)
            assert ("parent_id" in ITEMS[model].model_fields) == verb.names_parent


def test_each_field_of_a_submission_is_a_parameter_of_the_statement_that_stores_it() -> None:
    assert sorted(parameters("submission")) == sorted(SUBMITTED) == sorted(columns_of([]))


def test_submissions_are_stored_by_column() -> None:
    full, plain = transfer(ALL), deposit({"amount": 1})

    columns = columns_of([full, plain])

    assert {name: values for name, values in columns.items() if name != "metadata"} == {
        name: [getattr(full, name), getattr(plain, name)] for name in SUBMITTED if name != "metadata"
    }
    assert columns["metadata"] == ['{"order": "7", "b": "2"}', "{}"]


def test_a_transfer_that_was_just_queued_is_its_submission_without_an_outcome() -> None:
    sent, now = transfer(ALL), datetime.now(UTC)

    queued = just_queued(sent, now)

    assert isinstance(queued, Transfer)
    assert {**{name: getattr(queued, name) for name in SUBMITTED}, "terms": None} == asdict(sent)
    assert (queued.status, queued.failure_code, queued.created_at, queued.finished_at, queued.entries) == (
        "queued",
        None,
        now,
        None,
        [],
    )
