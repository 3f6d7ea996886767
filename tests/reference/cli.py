"""docs/reference/cli.md: `teller` from its tree of commands, the rest from parsers and docstrings of the modules that are run."""

import argparse
import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

from tests.reference import teller
from tests.reference.markdown import code, document, table
from tests.system import ROOT

ABOUT = (
    "Every command: `teller`, which people use, and the programs of each package. `make` lists the targets that run"
    " most of them. The settings that each one reads are in [settings](settings.md)."
)
PACKAGES = ("core", "api", "worker", "console", "local", "bench", "tests/nemesis", "tests/mutants", "tests/reference")


def page() -> str:
    return document("Commands", ABOUT, *teller.parts(), *(part for file in commands() for part in section(file)))


def commands() -> Iterator[Path]:
    """The files that are run as programs."""
    for package in PACKAGES:
        for file in sorted((ROOT / package).glob("*.py")):
            if '\nif __name__ == "__main__":' in file.read_text():
                yield file


def module_of(file: Path) -> str:
    return ".".join(file.relative_to(ROOT).with_suffix("").parts)


def section(file: Path) -> Iterator[str]:
    module = module_of(file)
    yield f"## python -m {module.removesuffix('.__main__')}"
    first, _, rest = (ast.get_docstring(ast.parse(file.read_text())) or "").partition("\n")
    yield "\n\n".join(filter(None, [first, rest.strip()]))
    parser = getattr(importlib.import_module(module), "parser", None)
    if parser is not None:
        yield from described(parser(), heading=False)


def described(parser: argparse.ArgumentParser, *, heading: bool) -> Iterator[str]:
    """Return what a parser and its commands take. argparse's own text differs between versions of Python, so it is not used."""
    if heading:
        yield f"### {parser.prog}"
        yield parser.description or ""
    taken = [action for action in parser._actions if not isinstance(action, argparse._HelpAction | argparse._SubParsersAction)]
    if taken:
        yield table(("argument", "meaning"), [(code(written(action)), meaning(action)) for action in taken])
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below in dict.fromkeys(action.choices.values()):
                yield from described(below, heading=True)


def written(action: argparse.Action) -> str:
    value = "" if action.nargs == 0 else str(action.metavar or action.dest.upper())
    several = f"{value} …" if action.nargs in {"*", "+"} else value
    return " ".join(filter(None, [", ".join(action.option_strings), several]))


def meaning(action: argparse.Action) -> str:
    text = action.help or ""
    needs_default = action.option_strings and action.nargs != 0 and action.default and "default" not in text
    return f"{text} (default: {action.default})" if needs_default else text
