"""What the pages are made of: Markdown that a site generator and GitHub show alike."""

import textwrap
from collections.abc import Iterable, Sequence

WIDTH = 110  # of a line of text; tables are wider


def document(title: str, about: str, *parts: str) -> str:
    """Return a page: its title, a paragraph about it, a notice for its readers, and its parts. Empty parts are left out."""
    notice = "Written from the code by `make reference`: do not edit."
    return "\n\n".join(filter(None, [f"# {title}", wrapped(about), notice, *parts])) + "\n"


def wrapped(text: str) -> str:
    return textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)


def table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table. A line break or a bar inside of a cell would end it."""
    lines = [headers, ["---"] * len(headers), *rows]
    return "\n".join(f"| {' | '.join(cell(text) for text in line)} |" for line in lines)


def cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|")


def code(text: object) -> str:
    return f"`{text}`"


def codes(texts: Iterable[object]) -> str:
    return ", ".join(code(text) for text in texts)
