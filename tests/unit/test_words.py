"""Comments, docstrings, texts and documents name the component that acts, not an indefinite person: a limit for each top folder."""

import io
import re
import tokenize
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system import ROOT

WORDS = re.compile(
    r"\b(who|whoever|whom|somebody|anybody|nobody|anyone|someone|everyone|everybody|one['’]s|meanwhile)\b",  # noqa: RUF001 - as printed
    re.IGNORECASE,
)
AT_MOST = 5.0  # per 1 000 lines

MADE = {"node_modules", "dist", "build", "site"}  # by tools
SUFFIXES = (".md", ".py", ".sql")
STRINGS = {tokenize.COMMENT, tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}


def files_of(folder: str) -> list[Path]:
    """The files that are read; of the root, those that lie in it directly."""
    found = (ROOT / folder).glob("*") if folder == "." else (ROOT / folder).rglob("*")
    return sorted(file for file in found if file.suffix in SUFFIXES and not MADE & set(file.relative_to(ROOT).parts))


def prose(file: Path) -> Iterator[str]:
    """What a person reads: comments and strings of Python, comments of SQL, all of Markdown."""
    text = file.read_text()
    if file.suffix == ".py":
        yield from (token.string for token in tokenize.generate_tokens(io.StringIO(text).readline) if token.type in STRINGS)
    elif file.suffix == ".sql":
        yield from (line.partition("--")[2] for line in text.splitlines())
    else:
        yield text


def per_1_000_lines(files: list[Path]) -> tuple[float, Counter[str]]:
    """The count of WORDS per 1 000 lines, rounded to a tenth, and the files with the most of them."""
    counts = Counter({str(file.relative_to(ROOT)): sum(len(WORDS.findall(part)) for part in prose(file)) for file in files})
    lines = sum(len(file.read_text().splitlines()) for file in files)
    return round(1_000 * counts.total() / lines, 1), counts


def folders() -> list[str]:
    """The root and all folders in it that hold such files, but for hidden ones."""
    inside = sorted(
        path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".") and path.name not in MADE
    )
    return [".", *(name for name in inside if files_of(name))]


@pytest.mark.parametrize("folder", folders())
def test_a_folder_has_few_indefinite_pronouns(folder: str) -> None:
    count, by_file = per_1_000_lines(files_of(folder))

    assert count <= AT_MOST, f"{count} of at most {AT_MOST} per 1 000 lines, most in {by_file.most_common(5)}"


@pytest.mark.parametrize(
    ("name", "text", "count"),
    [
        ("a.py", '"""Nobody waits."""\nwho = f"{name} meanwhile"  # Anyone\n', 3),
        ("a.sql", "SELECT who, nobody  -- whoever asks, and one's own\n", 2),
        ("a.md", "Somebody's key.\nWhom? Whole, anybodys.\n", 2),
    ],
)
def test_words_are_counted_in_prose_alone_and_whole(tmp_path: Path, name: str, text: str, count: int) -> None:
    file = tmp_path / name
    file.write_text(text)

    assert sum(len(WORDS.findall(part)) for part in prose(file)) == count
