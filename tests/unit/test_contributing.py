"""What the pages for contributors and SECURITY.md name is there."""

import re
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]

from core.settings import SECRETS
from tests.system import ROOT

GENERATED = "house-map.md"
PAGES = [
    ROOT / "CONTRIBUTING.md",
    ROOT / "SECURITY.md",
    *(page for page in sorted((ROOT / "docs" / "contributing").glob("*.md")) if page.name != GENERATED),
]
FOLDERS = ("api/", "core/", "worker/", "local/", "bench/", "tests/", "docs/", ".ci/")
EXAMPLES = {"core/admin/migrations/0012_what_it_brings.sql"}


def named_in(page: Path) -> set[str]:
    return set(re.findall(r"`([^`\s]+)`", page.read_text()))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    named = {name for name in named_in(page) if name.startswith(FOLDERS) or name.endswith((".txt", ".toml", ".yml"))}

    assert {name for name in named - EXAMPLES if not (ROOT / name).exists()} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(((?!https?:)[^)#]+)", page.read_text())

    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_target_of_make_that_a_page_names_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {target for page in PAGES for target in re.findall(r"(?:`|^)make ([a-z]+)", page.read_text(), re.MULTILINE)}

    assert {"check", "reference", "lock", "mutants"} <= named <= targets


def test_the_table_of_secrets_has_each_secret_of_the_settings() -> None:
    security = (ROOT / "SECURITY.md").read_text()

    assert [name for name in SECRETS if f"`{name}`" not in security] == []


def test_the_workflow_calls_the_check_of_every_machine() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())

    assert ".ci/run" in [step.get("run") for step in workflow["jobs"]["run"]["steps"]]
