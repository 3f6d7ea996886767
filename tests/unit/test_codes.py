"""Every code that an answer can hold is explained: the code is walked for them, so that a new one fails here until it is."""

import ast
from collections.abc import Iterator
from typing import get_args

import pytest

from api.http import codes, fields, validation
from api.http.problems import KINDS
from core import metrics
from core.ledger.refusals import Refusal
from core.webhooks.callback_url import UrlProblem
from core.webhooks.endpoints import DisabledReason
from tests.caller import Caller
from tests.system import ROOT
from worker.webhooks.send import Fault


def codes_in_calls(name: str, position: int) -> Iterator[str]:
    """Yield the text that stands at this position of each call of this name below api/."""
    for file in (ROOT / "api").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            called = node.func if isinstance(node, ast.Call) else None
            if isinstance(node, ast.Call) and isinstance(called, ast.Name) and called.id == name and len(node.args) > position:
                given = node.args[position]
                if isinstance(given, ast.Constant) and isinstance(given.value, str):
                    yield given.value


def test_every_field_code_is_explained_and_no_other() -> None:
    written = {*codes_in_calls("coded_error", 0), *codes_in_calls("FieldError", 1)}
    from_tables = {code for code, _ in (*validation.CODES.values(), validation.WRONG_TYPE)}
    from_tables |= {str(problem) for problem in fields.URL_DETAILS}

    assert written >= {"amount_not_integer", "same_wallet"}
    assert written | from_tables == set(codes.FIELDS)
    assert set(fields.URL_DETAILS) == set(UrlProblem)


def test_every_problem_is_explained() -> None:
    assert set(codes_in_calls("Problem", 0)) <= set(KINDS)


def test_every_other_code_is_explained_and_no_other() -> None:
    assert set(codes.SECTIONS["failure.code"]) == {str(code) for code in Refusal}
    assert all(codes.SECTIONS["failure.code"][code].endswith(f". {codes.AFTER_REJECTIONS[code]}") for code in Refusal)
    assert set(codes.DELIVERIES) == {str(fault) for fault in Fault}
    assert {*codes.DELIVERIES, "succeeded", "3xx", "4xx", "5xx"} == set(metrics.ATTEMPT_OUTCOMES)
    assert set(codes.DISABLED) == set(get_args(DisabledReason))


@pytest.mark.parametrize("place", codes.SECTIONS)
def test_a_code_is_explained_over_http_with_where_it_is_found(caller: Caller, place: str) -> None:
    listed = {row["code"]: row for row in caller.get("/problems").body["codes"]}

    for code, explanation in codes.SECTIONS[place].items():
        answer = caller.get(f"/problems/{code}")
        assert answer.status == 200
        assert code in KINDS or answer.body == listed[code]  # the code of a problem too has that meaning besides
        assert place in answer.body["found_in"]
        assert code in KINDS or answer.body["explanation"] == explanation
        assert explanation.endswith(".")
