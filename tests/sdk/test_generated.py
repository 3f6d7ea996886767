"""What is generated of the Python SDK is what the generator makes now, and the package has Teller's version."""

import ast
import re
import shutil
from pathlib import Path
from typing import get_args

import pytest
import teller_client
from teller_client.errors import REJECTIONS
from teller_client.models import RejectionCode

from core.version import VERSION
from tests.sdk.generate import PACKAGE, generate

FILES = {str(file.relative_to(PACKAGE)): file for file in sorted(PACKAGE.rglob("*.py"))}


def test_the_generated_files_are_what_python_m_tests_sdk_generate_writes(tmp_path: Path) -> None:
    package = tmp_path / "src" / "teller_client"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("_sync", "models.py", "__pycache__"))

    generate(package)

    made = {str(file.relative_to(package)): file.read_text() for file in sorted(package.rglob("*.py"))}
    assert made.keys() == FILES.keys()
    assert [name for name, text in made.items() if text != FILES[name].read_text()] == []


@pytest.mark.parametrize("name", FILES)
def test_each_file_is_python_3_10(name: str) -> None:
    ast.parse(FILES[name].read_text(), feature_version=(3, 10))


def test_the_package_has_the_version_of_teller() -> None:
    assert teller_client.__version__ == VERSION


def test_all_that_is_public_is_listed() -> None:
    assert sorted(teller_client.__all__) == teller_client.__all__
    assert [name for name in teller_client.__all__ if not hasattr(teller_client, name)] == []


def test_each_rejection_of_the_document_has_an_error() -> None:
    assert set(get_args(RejectionCode)) == REJECTIONS.keys()


def test_both_clients_have_the_same_functions() -> None:
    def functions(kind: type) -> set[str]:
        return {name for name in dir(kind) if not name.startswith("_")}

    pairs = [(teller_client.Teller, teller_client.AsyncTeller), (teller_client.SyncTransfer, teller_client.AsyncTransfer)]
    for threads, tasks in pairs:
        assert {re.sub("^aclose$", "close", name) for name in functions(tasks)} == functions(threads)
