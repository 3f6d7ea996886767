"""The part of docs/reference/cli.md about `teller`, from its tree of commands."""

import inspect
from collections.abc import Iterator

from cyclopts import App
from cyclopts.argument import Argument

from cli.app import ABOUT, ABOUT_DB, GROUPS, NOUNS, build
from cli.exits import MEANINGS
from cli.options import GLOBAL, PAYMENT
from tests.reference.markdown import code, table, wrapped

DB = "db"  # its arguments are those of `python -m core`, which the page has too

VALUES = {bool: "", int: " N", float: " SECONDS"}


def parts() -> Iterator[str]:
    """Yield the parts of the page: the options that all share, then each command."""
    names = [name for commands in GROUPS.values() for name in commands]
    under = [name for _, commands in NOUNS.values() for name in commands]
    teller = build([*names, *under])
    yield "## teller"
    yield "\n\n".join(wrapped(" ".join(paragraph.split())) for paragraph in ABOUT.split("\n\n"))
    yield table(("exit status", "meaning"), [(code(status), meaning) for status, meaning in MEANINGS])
    yield "Options of every command but `run`, `version`, `audit`, `db` and `completion`:"
    yield options(teller["deposit"], GLOBAL.name)
    yield "Options of what moves money:"
    yield options(teller["deposit"], PAYMENT.name)
    for name in names:
        yield from command(teller[name], f"teller {name}")
    yield f"### teller {DB}"
    yield wrapped(f"{ABOUT_DB[0].upper()}{ABOUT_DB[1:]}. Its arguments are those of `python -m core`, below.")
    for noun, (_, commands) in NOUNS.items():
        for name in commands:
            yield from command(teller[noun][name], f"teller {noun} {name}")


def command(app: App, name: str) -> Iterator[str]:
    found = [one for one in arguments(app) if groups(one) & {"Arguments", "Parameters"}]
    places = [one for one in found if not written(one).startswith("-")]
    moves_money = any(PAYMENT.name in groups(one) for one in arguments(app))
    yield f"### {' '.join([name, *(place(one) for one in places)])}"
    assert app.default_command is not None
    about = inspect.cleandoc(app.default_command.__doc__ or "").split("\n\n")
    yield "\n\n".join(wrapped(" ".join(paragraph.split())) for paragraph in about)
    if found:
        yield table(("argument", "meaning"), [(code(written(one)), meaning(one)) for one in found])
    if moves_money:
        yield "And the options of what moves money."


def options(app: App, group: str) -> str:
    rows = [(code(written(one)), meaning(one)) for one in arguments(app) if group in groups(one)]
    return table(("option", "meaning"), rows)


def arguments(app: App) -> list[Argument]:
    return [one for one in app.assemble_argument_collection(parse_docstring=True) if one.show]


def groups(argument: Argument) -> set[str]:
    found = argument.parameter.group
    return {getattr(group, "name", str(group)) for group in (found if isinstance(found, tuple) else ())}


def written(argument: Argument) -> str:
    """Return an option with its value, or the name of an argument by its place."""
    flags = [name for name in argument.names if name.startswith("-")]
    if not flags:
        return argument.names[0].upper()
    return f"{', '.join(flags)}{VALUES.get(argument.hint, ' TEXT')}"


def place(argument: Argument) -> str:
    return written(argument) if argument.required else f"[{written(argument)}]"


def meaning(argument: Argument) -> str:
    return argument.parameter.help or ""
