"""The version stands in core/version.py; the package reads it there, and the changelog agrees with it."""

import re
import tomllib

from core.version import VERSION
from tests.system import ROOT


def test_the_project_has_the_version_of_the_code() -> None:
    described = tomllib.loads((ROOT / "pyproject.toml").read_text())

    assert "version" in described["project"]["dynamic"]
    assert described["tool"]["hatch"]["version"]["path"] == "core/version.py"


def test_the_changelog_has_a_dated_section_for_each_version_newest_first() -> None:
    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    dated = [re.fullmatch(r"\[(\d+\.\d+\.\d+)\] - (\d{4}-\d{2}-\d{2})", heading) for heading in headings[1:]]
    versions = [(match[1], match[2]) for match in dated if match]

    assert headings[0] == "[Unreleased]"
    assert len(versions) == len(headings) - 1
    assert versions[0][0] == VERSION
    assert [date for _, date in versions] == sorted((date for _, date in versions), reverse=True)
