"""teller version."""

from typing import Annotated

from cyclopts import Parameter

from cli import output
from cli.exits import WELL
from core.version import VERSION


def version(*, json: Annotated[bool, Parameter(name="--json", negative="", help="print JSON")] = False) -> int:
    """Print the version of this command, which is Teller's."""
    if json:
        output.json_document({"version": VERSION})
    else:
        output.line(f"teller {VERSION}")
    return WELL
