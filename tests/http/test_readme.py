"""The commands of README, walk-through, recipes and guides are run, and the containers' files agree with the code."""

import re
from pathlib import Path

import pytest
from pydantic.fields import FieldInfo

from core.settings import Settings
from tests import walkthrough
from tests.caller import OPERATOR_KEY
from tests.system import System

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("page", [page for page in walkthrough.PAGES if walkthrough.steps(page)], ids=lambda page: page.stem)
def test_the_commands_of_a_page_print_what_it_shows(shared_system: System, page: Path) -> None:
    assert walkthrough.check(page, shared_system.url, OPERATOR_KEY, shared_system.database_url) > 0


def test_the_audit_prints_what_the_walk_through_shows(shared_system: System) -> None:
    shown = re.search(r"^```\n(ok .*?)\n```$", walkthrough.START.read_text(), re.MULTILINE | re.DOTALL)

    assert shown
    assert without_counts(shown[1]) == without_counts("\n".join(shared_system.audit().lines()))


def without_counts(text: str) -> str:
    return re.sub(r"\d+(?= (transfers|entries|wallets|of clients|external))", "N", text)


def written(field: FieldInfo) -> str:
    """The default as a text; empty where there is none, where it is empty, or where it depends on the machine."""
    return "" if field.default in (None, ()) or field.default_factory else str(field.default)


COMPOSE = {
    name: default
    for name, default in re.findall(r"\$\{([A-Z_]+):-([^}]*)\}", (ROOT / "docker-compose.yml").read_text())
    if name != "COMPOSE_PROJECT_NAME"
}


def test_the_compose_file_has_the_defaults_of_the_code() -> None:
    """But for the shards, of which it says nothing: `migrate` warns where a number is set and ignored."""
    fields = {str(field.alias): field for field in Settings.model_fields.values() if field.alias != "TELLER_SHARDS"}

    assert COMPOSE["TELLER_SHARDS"] == ""
    assert {name: default for name, default in COMPOSE.items() if name in fields} == {
        name: written(fields[name]) if fields[name].default else "" for name in COMPOSE if name in fields
    }


def test_env_example_shows_every_setting_of_the_compose_file_with_its_default() -> None:
    example = dict(re.findall(r"^#?([A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE))

    assert example == COMPOSE
