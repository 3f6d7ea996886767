"""The pages hang together: every link leads somewhere, every page can be reached, and the README stays short."""

import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.http.problems import KINDS
from core.ledger.refusals import Refusal
from tests.system import ROOT

DOCS = ROOT / "docs"
INDEX = DOCS / "index.md"
README = ROOT / "README.md"
PAGES = tuple(sorted(DOCS.rglob("*.md")))
DECISIONS = tuple(sorted((DOCS / "decisions").glob("[0-9]*.md")))
TOP = tuple(sorted(ROOT.glob("*.md")))
WIDE = ("reference/", "contributing/", "benchmarks/")  # written from the code, or for readers of code, whose lines have 132

WIDTH = 110
README_LINES = range(120, 151)
FENCE = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
STATUS = re.compile(r"^Status: (accepted|superseded by \[.+\]\(.+\)), \d{4}-\d\d-\d\d$", re.MULTILINE)
PARTS = ["Context", "Decision", "Alternatives", "Consequences"]


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def in_folder(page: Path, *folders: str) -> bool:
    return str(page.relative_to(DOCS)).startswith(folders)


def prose(page: Path) -> str:
    return FENCE.sub("", page.read_text())


def links(page: Path) -> Iterator[tuple[Path, str]]:
    """The files, and the anchors in them, that a page links to in this repository."""
    for target in LINK.findall(prose(page)):
        if not re.match(r"[a-z]+:", target):
            path, _, anchor = target.partition("#")
            yield (page.parent / path).resolve() if path else page, anchor


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and MkDocs make them."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {slug(re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading)) for heading in headings}


def slug(heading: str) -> str:
    plain = unicodedata.normalize("NFKD", heading).encode("ascii", "ignore").decode()
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", plain).strip().lower())


def reachable(start: Path) -> set[Path]:
    found, ahead = {start}, [start]
    while ahead:
        new = {page for page, _ in links(ahead.pop()) if page.suffix == ".md" and page.is_file()} - found
        found |= new
        ahead.extend(new)
    return found


def test_the_readme_is_read_in_minutes() -> None:
    assert len(README.read_text().splitlines()) in README_LINES


@pytest.mark.parametrize("page", [README, *(page for page in PAGES if not in_folder(page, *WIDE))], ids=name)
def test_lines_fit_a_screen(page: Path) -> None:
    lines = page.read_text().splitlines()

    assert [line for line in lines if len(line) > WIDTH and not line.startswith(("|", "[![", "!["))] == []


@pytest.mark.parametrize("page", [*TOP, *PAGES], ids=name)
def test_every_link_and_anchor_leads_somewhere(page: Path) -> None:
    broken = [
        f"{target}#{anchor}"
        for target, anchor in links(page)
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target))
    ]

    assert broken == []


@pytest.mark.parametrize("page", [page for page in PAGES if not in_folder(page, "contributing/")], ids=name)
def test_a_page_links_to_nothing_outside_of_docs(page: Path) -> None:
    """A site has the folder `docs` only. A contributor reads the pages beside the code."""
    assert [str(target) for target, _ in links(page) if not target.is_relative_to(DOCS)] == []


def test_every_page_can_be_reached_from_the_index() -> None:
    reached = reachable(INDEX)

    assert [name(page) for page in PAGES if page not in reached] == []


@pytest.mark.parametrize("page", DECISIONS, ids=name)
def test_a_decision_has_a_status_a_date_and_its_parts(page: Path) -> None:
    text = page.read_text()

    assert STATUS.search(text)
    assert re.findall(r"^## (.+)$", prose(page), re.MULTILINE) == PARTS


def test_a_number_is_given_to_one_decision() -> None:
    numbers = [int(page.name[:4]) for page in DECISIONS]

    assert numbers == list(range(1, len(numbers) + 1))


def test_every_test_that_a_page_names_exists() -> None:
    named = {test for page in PAGES for test in re.findall(r"`(tests/[\w/]+\.py)", page.read_text())}

    assert named
    assert [test for test in sorted(named) if not (ROOT / test).exists()] == []


def test_the_guide_to_errors_says_what_to_do_for_each_problem_and_each_rejection() -> None:
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", (DOCS / "guides" / "errors.md").read_text(), re.MULTILINE)
    named = [code for row in rows for code in re.findall(r"`(\w+)`", row)]

    assert sorted(named) == sorted([*KINDS, *Refusal])
