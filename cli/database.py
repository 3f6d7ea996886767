"""teller audit and teller db: what is done beside the database."""

import os
import time
from argparse import Namespace
from collections.abc import Mapping
from typing import Annotated

import psycopg
from cyclopts import Parameter

from cli import output, profiles
from cli.exits import CANNOT, CONTRADICTED, WELL, Cannot
from core import settings
from core.__main__ import main
from core.admin import commands
from core.admin.audit import Report
from core.admin.audit import audit as prove
from core.errors import CannotDo

WITHIN_S = 3600.0
Rest = Annotated[str, Parameter(allow_leading_hyphen=True, show=False)]

# The URLs of local.json, by the setting that each one is.
URLS = {
    "DATABASE_URL": "database_url",
    "TELLER_WORKER_DATABASE_URL": "worker_database_url",
    "TELLER_DELIVERER_DATABASE_URL": "deliverer_database_url",
    "TELLER_ADMIN_DATABASE_URL": "admin_database_url",
}


def audit(
    *,
    json: Annotated[bool, Parameter(name="--json", negative="", help="print JSON")] = False,
    within: Annotated[float, Parameter(help="seconds after which it gives up (default: 3600)")] = WITHIN_S,
) -> int:
    """Prove the ledger from its entries, in the database of DATABASE_URL, or of the system that runs in this folder.

    Exits with 1 and names what is wrong. `teller db audit --help` has more: checkpoints, samples, metrics.
    """
    find_database()
    report = proved(within)
    print_report(report, is_json=json)
    return WELL if report.clean else CONTRADICTED


def proved(within: float) -> Report:
    """Return the report. Raises Cannot for settings that are not valid, and for a database that does not answer."""
    try:
        configured = settings.read(settings.Settings)
        return prove(configured.url_of_workers, lambda _: None, within)
    except (settings.BadSettings, CannotDo) as reason:
        raise Cannot(str(reason)) from None
    except psycopg.Error as error:
        if (fault := commands.describe_fault(error, configured, Namespace(run=commands.run_audit))) is None:
            raise
        raise Cannot(fault) from None


def print_report(report: Report, *, is_json: bool) -> None:
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
