"""The README is run, and what it lists is checked against the code."""

import re
from pathlib import Path

from api.problems import KINDS
from core.settings import Settings
from local.settings import Settings as LocalSettings
from tests import walkthrough
from tests.caller import OPERATOR_KEY
from tests.system import System

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def test_the_walk_through_prints_what_the_readme_shows(shared_system: System) -> None:
    assert walkthrough.check(shared_system.url, OPERATOR_KEY) > 3


def test_the_settings_table_lists_every_setting_with_its_default() -> None:
    listed = dict(re.findall(r"^\| `([A-Z_]+)` \| ([^|]*) \|", README, re.MULTILINE))
    fields = {**LocalSettings.model_fields, **Settings.model_fields}

    for field in fields.values():
        assert field.alias in listed
        default = listed[field.alias].strip().strip("`")
        if field.default is not None and not field.is_required():
            assert default == str(field.default), field.alias
    assert set(listed) == {field.alias for field in fields.values()} | COMPOSE_SETTINGS


COMPOSE_SETTINGS = {"POSTGRES_PASSWORD", "REDIS_PASSWORD"}


def test_env_example_and_compose_file_know_the_same_settings() -> None:
    example = set(re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    compose = set(re.findall(r"\$\{([A-Z_]+):?-", (ROOT / "docker-compose.yml").read_text())) - {"COMPOSE_PROJECT_NAME"}

    assert example == compose


def test_every_test_that_the_readme_names_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)`", README)

    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_readme_names_no_problem_code_that_does_not_exist() -> None:
    for code in re.findall(r"`([a-z_]+)` \(4\d\d\)", README):
        assert code in KINDS
