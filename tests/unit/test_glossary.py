"""The glossary explains the words of tables and classes, and no class or file is named by a word that it excludes."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from core.admin.migrate import MIGRATIONS
from tests.system import ROOT

PAGE = (ROOT / "docs" / "concepts" / "glossary.md").read_text()
ROWS = re.findall(r"^\| ([^|]+) \| [^|]+ \| ?([^|]*) ?\|$", PAGE, re.MULTILINE)
TERMS = {term.strip() for term, _ in ROWS} - {"word", "---"}
EXCLUDED = {word.strip() for _, words in ROWS for word in words.split(",")} - {"", "not", "---"}
GONE = {"gatherer", "doorman", "signer"}  # of the words of earlier versions

# Words of class names that mean in Teller what they mean in every program.
GENERAL = {
    "async",
    "bounded",
    "connection",
    "database",
    "id",
    "kind",
    "new",
    "page",
    "parser",
    "pool",
    "request",
    "settings",
    "view",
}
SHARED_BY = 3  # classes of one word make it one to explain


def files() -> Iterator[Path]:
    for package in ("api", "core", "worker"):
        yield from (ROOT / package).rglob("*.py")


def classes() -> Iterator[str]:
    for file in files():
        yield from (node.name for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.ClassDef))


def words_of(name: str) -> list[str]:
    """The words of a name in CamelCase, each in the singular."""
    return [singular(word.lower()) for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z][a-z0-9]+", name)]


def singular(word: str) -> str:
    return re.sub(r"ies$", "y", word) if word.endswith("ies") else word if word.endswith("ss") else word.removesuffix("s")


EXPLAINED = {singular(word) for term in TERMS for word in re.split(r"[ -]", term)}


def test_the_glossary_is_short_and_has_each_word_once() -> None:
    terms = [term.strip() for term, _ in ROWS if term.strip() in TERMS]

    assert 40 <= len(terms) == len(set(terms)) <= 100


def test_every_table_of_the_schema_is_explained() -> None:
    text = "".join(file.read_text() for file in MIGRATIONS.glob("*.sql"))
    tables = set(re.findall(r"CREATE TABLE (?:IF NOT EXISTS )?(\w+)", text)) | {"migrations"}

    assert {table for table in tables if not {singular(word) for word in table.split("_")} <= EXPLAINED} == set()


def test_every_word_that_several_classes_share_is_explained() -> None:
    count = Counter(word for name in set(classes()) for word in set(words_of(name)))
    shared = {word for word, times in count.items() if times >= SHARED_BY}

    assert shared - EXPLAINED - {singular(word) for word in GENERAL} == set()


def test_no_class_and_no_file_is_named_by_an_excluded_word() -> None:
    excluded = {singular(word) for word in EXCLUDED | GONE}
    named = {name: words_of(name) for name in classes()}
    named |= {str(file.relative_to(ROOT)): [singular(word) for word in file.stem.split("_")] for file in files()}

    assert {name: words for name, words in named.items() if excluded & set(words)} == {}


def test_no_word_is_both_explained_and_excluded() -> None:
    assert TERMS.isdisjoint(EXCLUDED)
