"""The reference pages are what the code says: `make reference` writes them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from core.settings import Settings
from tests.reference import PAGES, settings, sql_roles
from tests.system import ROOT

COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: Mapping[str, Any] = COMPOSE["services"]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_what_the_code_says(name: str) -> None:
    file = ROOT / name

    assert file.read_text() == PAGES[name](), f"{name} is not current: make reference"


def test_every_file_of_the_reference_is_written() -> None:
    assert {str(file.relative_to(ROOT)) for file in Path(ROOT, "docs", "reference").iterdir()} <= set(PAGES)


@pytest.mark.parametrize("service", ["migrate", "api", "worker", "sweeper", "deliverer"])
def test_a_container_is_given_no_setting_that_its_process_does_not_read(service: str) -> None:
    fields = {str(field.alias): field for field in Settings.model_fields.values()}
    given = fields.keys() & SERVICES[service]["environment"].keys()

    assert given
    assert {name for name in given if service not in settings.about_of(fields[name]).read_by} == set()


def test_every_setting_says_what_it_means() -> None:
    assert [field.alias for field in settings.fields().values() if not field.description] == []


def test_every_variable_of_the_compose_file_is_described() -> None:
    read = set(settings.compose_defaults())

    assert read - {str(field.alias) for field in settings.fields().values()} == {*settings.CONTAINERS, "COMPOSE_PROJECT_NAME"}


def test_a_grant_of_another_form_is_not_left_out() -> None:
    with pytest.raises(sql_roles.NotUnderstood):
        sql_roles.rights("GRANT {api} TO {worker}")
