"""docs/contributing/house-map.md, from the first line of each module and of each SQL statement."""

import ast
import tokenize
from collections.abc import Iterator
from pathlib import Path

from tests.reference.markdown import code, document, table
from tests.system import ROOT

ABOUT = "Where is the line that …? Each file and the first line of what it says of itself."
PACKAGES = {
    "api": "The API: HTTP at the door. Imports core, and nothing imports it.",
    "core": "What the API and the workers share. Imports neither.",
    "worker": "The workers, the sweeper and the deliverer. Imports core, and nothing imports it.",
    "console": "The console: a client of the HTTP API. Imports core, and nothing imports it.",
    "cli": "`teller`, the command. Calls the API over HTTP, and `core` and `local` beside the database. Only teller imports it.",
    "teller": "The command as it is installed.",
    "local": "`make run`: the whole system on this machine.",
    "bench": "`make bench`: speed, beside pgbench of the same run.",
    "tests": "The tests, and what they break systems with.",
}
BEFORE_A_DOCSTRING = {tokenize.ENCODING, tokenize.COMMENT, tokenize.NL}


def page() -> str:
    return document("House map", ABOUT, *(part for package, about in PACKAGES.items() for part in section(package, about)))


def section(package: str, about: str) -> Iterator[str]:
    yield f"## {package}"
    yield about
    files = [
        (file, first_line(file)) for file in sorted((ROOT / package).rglob("*.py"), key=lambda file: file.relative_to(ROOT).parts)
    ]
    yield table(("file", "holds"), [(link(file), line) for file, line in files if line])
    statements = sorted((ROOT / package).rglob("*.sql"))
    if statements:
        yield f"### SQL of {package}"
        yield table(("file", "does"), [(link(file), first_sentence(file)) for file in statements])


def link(file: Path) -> str:
    path = file.relative_to(ROOT)
    return f"[{code(path)}](../../{path})"


def first_line(file: Path) -> str:
    """Return the first line of the docstring; empty for a file without one, such as an `__init__.py` that only marks a package."""
    with file.open() as source:  # read to its first statement only
        tokens = (token for token in tokenize.generate_tokens(source.readline) if token.type not in BEFORE_A_DOCSTRING)
        first = next(tokens)
    return str(ast.literal_eval(first.string)).strip().partition("\n")[0] if first.type == tokenize.STRING else ""


def first_sentence(file: Path) -> str:
    """Return the first sentence of the comment that a statement begins with."""
    comment = " ".join(line.removeprefix("--").strip() for line in header(file))
    return f"{comment.partition('. ')[0].rstrip('.')}."


def header(file: Path) -> Iterator[str]:
    for line in file.read_text().splitlines():
        if not line.startswith("--"):
            return
        yield line
