"""Every SDK does what the shared cases of sdk/cases say."""

import json
import re
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.sdk.drivers import Driver
from tests.sdk.scripted import CASES, Received, Scripted


def cases() -> Iterator[Any]:
    for file in sorted(CASES.glob("*.json")):
        if file.name != "bodies.json":
            for case in json.loads(file.read_text()):
                yield pytest.param(case, id=f"{file.stem}: {case['name']}")


@pytest.mark.parametrize("case", list(cases()))
def test_the_sdk_does_what_the_case_says(driver: Driver, scripted: Scripted, case: Mapping[str, Any]) -> None:
    with scripted.playing(case.get("answers", [])) as received:
        began = time.monotonic()
        answer = driver.call(scripted.url, case["call"], case["args"], options=case.get("options"), then=case.get("then"))
        took_s = time.monotonic() - began

    for outcome in ("ok", "error"):
        assert (outcome in answer) == (outcome in case), answer
        assert differences(case.get(outcome), answer.get(outcome)) == []
    if "requests" in case:
        check_requests(case["requests"], received)
    assert len(received) == len(case.get("answers", []))
    assert took_s >= case.get("at_least_s", 0)
    if "hook" in case:
        assert answer["hook"] == case["hook"]


def differences(expected: Any, found: Any, at: str = "") -> list[str]:
    """Return where they differ. Members that `expected` does not name are not compared."""
    if isinstance(expected, dict) and isinstance(found, dict):
        return [each for name, value in expected.items() for each in differences(value, found.get(name), f"{at}/{name}")]
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        return [
            each
            for number, (value, other) in enumerate(zip(expected, found, strict=True))
            for each in differences(value, other, f"{at}/{number}")
        ]
    if at == "/class" and expected.startswith("~"):
        return [] if re.fullmatch(expected[1:], str(found)) else [f"{at}: {found!r} instead of {expected!r}"]
    same_kind = isinstance(expected, bool) == isinstance(found, bool)  # 1 == True, and 60 == 60.0 is meant
    return [] if expected == found and same_kind else [f"{at}: {found!r} instead of {expected!r}"]


def check_requests(expected: list[Any], received: list[Received]) -> None:
    assert len(received) == len(expected), received
    for number, (wanted, got) in enumerate(zip(expected, received, strict=True)):
        if wanted == "same":
            assert got.identity == received[number - 1].identity
            continue
        assert (got.method, got.path) == (wanted["method"], wanted["path"])
        for name, value in wanted.get("headers", {}).items():
            check_header(name, value, got.headers.get(name))
        if "body" in wanted:
            assert (json.loads(got.body) if got.body else None) == wanted["body"]


def check_header(name: str, wanted: str | None, got: str | None) -> None:
    if wanted is not None and wanted.startswith("~"):
        assert re.fullmatch(wanted[1:], got or ""), (name, got)
    else:
        assert got == wanted, name
