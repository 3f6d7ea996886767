"""What is counted agrees with what else says so."""

import pytest

from core import metrics
from worker.webhooks.send import Attempt, Fault


@pytest.mark.parametrize("fault", Fault)
def test_every_fault_of_an_attempt_is_counted_under_its_own_word(fault: Fault) -> None:
    outcome = Attempt(None, fault, 0.1).outcome

    assert outcome == fault
    assert outcome in metrics.DELIVERIES


def test_every_status_is_counted_under_one_of_few_words() -> None:
    outcomes = {status: Attempt(status, None, 0.1).outcome for status in range(1000)}

    assert set(outcomes.values()) == {"succeeded", "3xx", "4xx", "5xx", "answer_invalid"}
    assert {status for status, outcome in outcomes.items() if outcome == "succeeded"} == set(range(200, 300))
    assert [outcomes[status] for status in (99, 199, 300, 404, 599, 600)] == [
        *("answer_invalid", "answer_invalid", "3xx", "4xx", "5xx", "answer_invalid")
    ]
    assert set(outcomes.values()) | set(Fault) == set(metrics.DELIVERIES)
