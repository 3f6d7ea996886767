"""The template of a transfer that was just queued gives the bytes that rendering it gives."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import to_json

from api.admission.auth import OPERATOR, Caller
from api.v1.queued import queued_response
from core import ids
from core.render import render_transfer
from core.transfers import Submission, just_queued

CLIENT = Caller(is_operator=False, owner="cli_x", key="key_x")
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
CLIENTS = st.uuids(version=4)
OUTSIDE = st.integers(0, 15).map(ids.external_wallet)
TIMES = st.datetimes(timezones=st.just(UTC))


def submissions(type: str, source: st.SearchStrategy[UUID], destination: st.SearchStrategy[UUID]) -> st.SearchStrategy[Submission]:
    return st.builds(
        Submission,
        id=st.uuids(),
        type=st.just(type),
        source=source,
        destination=destination,
        amount=st.integers(1, 10**18),
        currency=st.just("USD"),
        reference=st.none() | TEXTS,
        metadata=st.dictionaries(TEXTS, TEXTS, max_size=3),
        callback_url=st.none() | TEXTS,
        owner=st.just(OPERATOR.owner),
        idempotency_key=st.sampled_from(["key", 'k\\"%s']),
        fingerprint=st.just(bytes(32)),
        shard=st.integers(0, 1023),
        submitted_by=st.none() | st.sampled_from(["configured", "key_01jcqkpq80fgd8ybht9de6tzmf"]),
        terms=st.none(),
    )


@given(
    submissions("transfer", CLIENTS, CLIENTS)
    | submissions("deposit", OUTSIDE, CLIENTS)
    | submissions("withdrawal", CLIENTS, OUTSIDE),
    TIMES,
    st.sampled_from([OPERATOR, CLIENT]),
)
def test_the_template_gives_what_rendering_gives(submission: Submission, created_at: datetime, caller: Caller) -> None:
    submission = replace(submission, owner=caller.owner)
    transfer = just_queued(submission, created_at)
    response = queued_response(submission, created_at, caller)

    assert response.body == to_json(render_transfer(transfer, caller))
    assert response.headers["location"] == f"/v1/transfers/{json.loads(bytes(response.body))['id']}"
