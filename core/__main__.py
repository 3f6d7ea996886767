"""python -m core migrate | audit"""

import argparse
import sys

import psycopg

from core import log, settings
from core.audit import audit
from core.migrate import migrate
from core.rights import CannotLetIn


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m core", description="Look after Teller's database.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("migrate", help="bring the database to this version's schema; prints the first operator key it makes")
    commands.add_parser("audit", help="prove the ledger from its entries; exits with 1 and names what is wrong")
    command = parser.parse_args().command
    url = "DATABASE_URL"  # the one that is connected to
    try:
        configured = settings.read(settings.Settings)
        if command == "migrate" and configured.admin_database_url:
            url = "TELLER_ADMIN_DATABASE_URL"
        log.configure(configured.log_level)
        return {"migrate": run_migrate, "audit": run_audit}[command](configured)
    except (settings.BadSettings, CannotLetIn) as reason:
        return cannot(str(reason))
    except psycopg.errors.InsufficientPrivilege as error:
        return cannot(
            f"the role that {url} names may not do this ({error.diag.message_primary}):"
            " migrate as the owner of the tables, named in TELLER_ADMIN_DATABASE_URL"
        )
    except psycopg.ProgrammingError as error:
        if error.sqlstate:  # a bug in a statement: its traceback is wanted
            raise
        return cannot(f"{url} is not a valid connection string")
    except psycopg.OperationalError as error:  # its own text names host, port and user
        if error.sqlstate:
            return cannot(f"the database failed (SQLSTATE {error.sqlstate})")
        return cannot(f"the database that {url} names is away, or does not let us in")


def run_migrate(configured: settings.Settings) -> int:
    key = migrate(configured)
    print("database is up to date")
    if key:
        print(f"operator key: {key}")
        print("It is shown this once and kept nowhere: store it now.")
    return 0


def run_audit(configured: settings.Settings) -> int:
    try:
        report = audit(configured.database_url)
    except psycopg.errors.UndefinedTable:
        return cannot("the database is not migrated: run python -m core migrate first")
    for line in report.lines():
        print(line)
    return 0 if report.clean else 1


def cannot(reason: str) -> int:
    """Say why nothing was done or found out; 2, because 1 means that the audit found damage."""
    print(f"teller: {reason}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
