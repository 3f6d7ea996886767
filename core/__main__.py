"""python -m core migrate | audit"""

import argparse
import sys

from core import log, settings
from core.audit import audit
from core.migrate import migrate


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m core", description="Look after Teller's database.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("migrate", help="bring the database to this version's schema; prints the first operator key it makes")
    commands.add_parser("audit", help="prove the ledger from its entries; exits with 1 and names what is wrong")
    command = parser.parse_args().command
    configured = settings.load()
    log.configure(configured.log_level)
    return {"migrate": run_migrate, "audit": run_audit}[command](configured)


def run_migrate(configured: settings.Settings) -> int:
    key = migrate(configured)
    print("database is up to date")
    if key:
        print(f"operator key: {key}")
        print("It is shown this once and kept nowhere: store it now.")
    return 0


def run_audit(configured: settings.Settings) -> int:
    report = audit(configured.database_url)
    for line in report.lines():
        print(line)
    return 0 if report.clean else 1


if __name__ == "__main__":
    sys.exit(main())
