"""Some thousand random bodies over HTTP: 2xx or 4xx, each 4xx a problem of the contract."""

import pytest

from tests import fuzz
from tests.caller import new_key
from tests.http.bodies import PATHS, good
from tests.http.conftest import Limits

BODIES = 3_000
PARTS = 6
FIRST = 1_000_000  # other bodies than those of the unit test
ACCEPTED, REFUSED = {200, 201, 202}, {400, 409, 413, 422}  # 200 is a batch's


@pytest.mark.parametrize("part", range(PARTS))
def test_a_random_body_over_http_is_accepted_or_refused(limits: Limits, part: int) -> None:
    caller = limits.caller
    source, destination = limits.funded.encode(), caller.new_wallet().encode()
    moved = caller.applied(caller.deposit(limits.funded, 5))["id"]
    paths = (*PATHS, "/v1/transfers/batch")
    statuses = set()
    for number in range(FIRST + part * BODIES // PARTS, FIRST + (part + 1) * BODIES // PARTS):
        path = paths[number // 2 % len(paths)]
        filled = good(path).replace(b"SOURCE", source).replace(b"DESTINATION", destination).replace(b"WALLET", destination)
        body = fuzz.body(number, [filled])

        answer = caller.post(path.replace("TRANSFER", moved), body.content, key=None if path.endswith("batch") else new_key())

        assert answer.status in ACCEPTED | REFUSED, f"seed {body.seed}, {path}: {answer}"
        assert answer.status in ACCEPTED or answer.code, f"seed {body.seed}, {path}: {answer}"
        statuses.add(answer.status)

    assert statuses >= {202, 400, 422}
