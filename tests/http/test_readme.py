"""The README is run, and what it lists is checked against the code."""

import re
from pathlib import Path

from pydantic.fields import FieldInfo

from core.settings import Settings
from local.settings import Settings as LocalSettings
from tests import walkthrough
from tests.caller import OPERATOR_KEY
from tests.system import System

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def test_the_walk_through_prints_what_the_readme_shows(shared_system: System) -> None:
    assert walkthrough.check(shared_system.url, OPERATOR_KEY) > 3


def test_the_audit_prints_what_the_readme_shows(shared_system: System) -> None:
    shown = re.search(r"^```\n(ok .*?)\n```$", README, re.MULTILINE | re.DOTALL)

    assert shown
    assert without_counts(shown[1]) == without_counts("\n".join(shared_system.audit().lines()))


def without_counts(text: str) -> str:
    return re.sub(r"\d+(?= (transfers|entries|wallets))", "N", text)


def test_the_settings_table_lists_every_setting_with_its_default() -> None:
    listed = {name: default.strip() for name, default in re.findall(r"^\| `([A-Z_]+)` \| ([^|]*) \|", README, re.MULTILINE)}

    shown = {str(field.alias): default_of(name, field) for name, field in LocalSettings.model_fields.items()}
    assert listed == {name: default or listed.get(name) for name, default in shown.items()} | {
        name: f"`{default}`" for name, default in COMPOSE.items() if name not in shown
    }


def default_of(name: str, field: FieldInfo) -> str | None:
    """The default as the table shows it; None where words say what it is."""
    elsewhere = Settings.model_fields.get(name, field)
    if field.default == "":  # make run brings a server of its own
        return f"embedded by `make run`; {'required' if elsewhere.is_required() else f'`{elsewhere.default}`'} elsewhere"
    return None if field.default is None else f"`{field.default}`"


COMPOSE = {
    name: default
    for name, default in re.findall(r"\$\{([A-Z_]+):-([^}]*)\}", (ROOT / "docker-compose.yml").read_text())
    if name != "COMPOSE_PROJECT_NAME"
}


def test_the_compose_file_has_the_defaults_of_the_code() -> None:
    fields = {str(field.alias): field for field in Settings.model_fields.values()}

    assert {name: default for name, default in COMPOSE.items() if name in fields} == {
        name: str(fields[name].default or "") for name in COMPOSE if name in fields
    }


def test_env_example_shows_every_setting_of_the_compose_file_with_its_default() -> None:
    example = dict(re.findall(r"^#?([A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE))

    assert example == COMPOSE


def test_every_test_that_the_readme_names_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)`", README)

    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []
