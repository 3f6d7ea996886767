"""What is counted agrees with what else says so."""

import tomllib
from pathlib import Path

from core import metrics

ROOT = Path(__file__).parents[2]


def test_the_version_is_that_of_the_project() -> None:
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == metrics.VERSION
