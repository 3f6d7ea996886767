"""The template of a transfer that was just queued gives the bytes that rendering it gives."""

import json
from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import to_json

from api.admission.auth import OPERATOR
from api.v1.queued import queued_response
from core import ids
from core.render import render_transfer
from core.transfers import Submission, just_queued

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
        idempotency_key=st.just("key"),
        fingerprint=st.just(bytes(32)),
        shard=st.just(0),
        terms=st.none(),
    )


@given(
    submissions("transfer", CLIENTS, CLIENTS)
    | submissions("deposit", OUTSIDE, CLIENTS)
    | submissions("withdrawal", CLIENTS, OUTSIDE),
    TIMES,
)
def test_the_template_gives_what_rendering_gives(submission: Submission, created_at: datetime) -> None:
    transfer = just_queued(submission, created_at)
    response = queued_response(submission, created_at, OPERATOR)

    assert response.body == to_json(render_transfer(transfer, OPERATOR))
    assert response.headers["location"] == f"/v1/transfers/{json.loads(bytes(response.body))['id']}"
