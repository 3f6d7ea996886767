"""What needs no API: run, version, audit, and what is done beside the database."""

import os
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from cli import output, profiles
from cli.exits import CANNOT, CONTRADICTED, WELL, Cannot
from core.version import VERSION

if TYPE_CHECKING:
    from core.admin.audit import Report

WITHIN_S = 3600.0
Rest = Annotated[str, Parameter(allow_leading_hyphen=True, show=False)]

# The URLs of local.json, by the setting that each one is.
URLS = {
    "DATABASE_URL": "database_url",
    "TELLER_WORKER_DATABASE_URL": "worker_database_url",
    "TELLER_DELIVERER_DATABASE_URL": "deliverer_database_url",
    "TELLER_ADMIN_DATABASE_URL": "admin_database_url",
}


def run() -> int:
    """Run the whole system here: embedded PostgreSQL and Redis, the API and the workers, until Ctrl-C.

    Its data and logs are in .teller, or in TELLER_DATA_DIR. The other settings are those of the environment.
    """
    from local.__main__ import main

    return main()


def version(*, json: Annotated[bool, Parameter(name="--json", negative="", help="print JSON")] = False) -> int:
    """Print the version of this command, which is Teller's."""
    if json:
        output.json_document({"version": VERSION})
    else:
        output.line(f"teller {VERSION}")
    return WELL


def audit(
    *,
    json: Annotated[bool, Parameter(name="--json", negative="", help="print JSON")] = False,
    within: Annotated[float, Parameter(help="seconds after which it gives up (default: 3600)")] = WITHIN_S,
) -> int:
    """Prove the ledger from its entries, in the database of DATABASE_URL, or of the system that runs in this folder.

    Exits with 1 and names what is wrong. `teller db audit --help` has more: checkpoints, samples, metrics.
    """
    from core import settings
    from core.admin.audit import audit as prove

    find_database()
    try:
        configured = settings.read(settings.Settings)
        report = prove(configured.url_of_workers, lambda _: None, within)
    except settings.BadSettings as bad:
        raise Cannot(str(bad)) from None
    print_report(report, is_json=json)
    return WELL if report.clean else CONTRADICTED


def print_report(report: "Report", *, is_json: bool) -> None:
    if not is_json:
        for line in report.lines():
            output.line(line)
        return
    checks = {
        name: {"count": report.counts[name], "shown": [violation.line() for violation in found]}
        for name, found in report.violations.items()
    }
    totals = {"transfers": report.transfers, "entries": report.entries, "wallets": report.wallets}
    output.json_document({"clean": report.clean, **totals, "checks": checks, "finished_at": now()})


def now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def db(*arguments: Rest) -> int:
    """Migrate, audit, checkpoint, reconcile, and keep keys, beside the database. `teller db --help` lists the commands.

    The database is that of DATABASE_URL, or of the system that runs in this folder.
    """
    from core.__main__ import main

    if not {"-h", "--help"} & set(arguments):
        find_database()
    try:
        return main(arguments, prog="teller db")
    except SystemExit as ended:  # argparse: help, or wrong usage
        return ended.code if isinstance(ended.code, int) else CANNOT


def find_database() -> None:
    """Set the URLs of the system that runs in this folder, where the environment names no database."""
    if "DATABASE_URL" in os.environ or "DATABASE_URL_FILE" in os.environ:
        return
    running: Mapping[str, object] | None = profiles.running_here()
    if running is None:
        raise Cannot("no database is named: set DATABASE_URL, or call it in the folder of a running `teller run`")
    os.environ.update({setting: str(running[name]) for setting, name in URLS.items() if running.get(name)})
