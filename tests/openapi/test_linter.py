"""Spectral's recommended rules find nothing in the OpenAPI document."""

import copy
import json
import re
from pathlib import Path

import pytest

from tests.openapi.node import PACKAGE, RULESET, install_linter, lint
from tests.sdk.document import openapi


@pytest.mark.long  # 15 seconds of one core
def test_the_linter_finds_nothing_in_the_document_and_something_in_a_worse_one(tmp_path: Path) -> None:
    install_linter()
    document = openapi()
    worse = copy.deepcopy(document)
    del worse["paths"]["/v1/transfers"]["post"]["operationId"]
    worse["tags"] = [tag for tag in worse["tags"] if tag["name"] != "wallets"]
    worse["components"]["schemas"]["Unused"] = {"type": "string"}

    assert lint(document, tmp_path) == []
    found = lint(worse, tmp_path)
    for rule in ("operation-operationId", "operation-tag-defined", "oas3-unused-component"):
        assert any(f": {rule}: " in one for one in found), found


def test_the_linter_is_pinned_without_a_registry() -> None:
    manifest, lock = (json.loads((PACKAGE / name).read_text()) for name in ("package.json", "package-lock.json"))

    assert manifest["devDependencies"] == lock["packages"][""]["devDependencies"]
    assert [one for one in manifest["devDependencies"].values() if not re.fullmatch(r"\d+\.\d+\.\d+", one)] == []
    assert [name for name, one in lock["packages"].items() if name and not ("integrity" in one and "resolved" not in one)] == []


def test_a_rule_is_off_for_a_reason_alone() -> None:
    lines = RULESET.read_text().splitlines()

    assert 'extends: ["spectral:oas"]' in lines
    off = [number for number, line in enumerate(lines) if line.startswith("  ") and line.endswith(": off")]
    assert off
    assert [lines[number] for number in off if not lines[number - 1].startswith("  # ")] == []
