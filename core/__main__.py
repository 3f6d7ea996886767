"""python -m core migrate | audit | keys"""

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from core import exposition, ids, keys, log, settings
from core.admin.audit import WITHIN_S, Report, audit
from core.admin.migrate import migrate
from core.errors import CannotDo
from core.ids import Prefix
from core.keys import Key
from core.postgres.connections import connect_command
from core.postgres.session import Unfit
from core.postgres.statements import statement
from core.settings import Settings


def main() -> int:
    arguments = parser().parse_args()
    try:
        configured = settings.read(Settings)
        log.configure(configured.log_level)
        return int(arguments.run(configured, arguments))
    except (settings.BadSettings, CannotDo) as reason:
        return cannot(str(reason))
    except psycopg.Error as error:
        named_in = name_of_url(configured, arguments.run)
        if (fault := fault_of(error, named_in, migrates=arguments.run is run_migrate)) is None:
            raise
        return cannot(fault)


def name_of_url(configured: Settings, run: Callable[[Settings, argparse.Namespace], int]) -> str:
    """The setting by which the command gets into the database."""
    if run is run_audit:
        return "TELLER_WORKER_DATABASE_URL" if configured.worker_database_url else "DATABASE_URL"
    return "TELLER_ADMIN_DATABASE_URL" if configured.admin_database_url else "DATABASE_URL"


def owner_url(configured: Settings) -> str:
    """The owner's URL where it is given: an operator's key is made by the owner alone."""
    return configured.admin_database_url or configured.database_url


def fault_of(error: psycopg.Error, named_in: str, *, migrates: bool) -> str | None:
    """Say what is wrong around us, without host, port or user; None for a bug, whose traceback is wanted."""
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        return (
            f"the role that {named_in} names may not do this ({error.diag.message_primary}):"
            " do it as the owner of the tables, named in TELLER_ADMIN_DATABASE_URL"
        )
    if isinstance(error, psycopg.errors.UndefinedTable) and not migrates:
        return "the database is not migrated: run python -m core migrate first"
    if isinstance(error, psycopg.ProgrammingError) and not error.sqlstate:
        return f"{named_in} is not a valid connection string"
    if isinstance(error, psycopg.OperationalError):
        if isinstance(error, Unfit) or error.sqlstate:
            return str(error) if isinstance(error, Unfit) else f"the database failed (SQLSTATE {error.sqlstate})"
        return f"the database that {named_in} names is away, or does not let us in"
    return None


def parser() -> argparse.ArgumentParser:
    teller = argparse.ArgumentParser(prog="python -m core", description="Look after Teller's database.")
    commands = teller.add_subparsers(required=True, metavar="COMMAND")
    what = "bring the database to this version's schema and mend what is damaged; prints the first operator key it makes"
    migrating = command(commands, "migrate", run_migrate, what)
    repair = "also read all transfers and entries, and make the queue and the balances follow from them"
    migrating.add_argument("--repair", action="store_true", help=repair)
    auditing = command(commands, "audit", run_audit, "prove the ledger from its entries; exits with 1 and names what is wrong")
    auditing.add_argument("--progress", action="store_true", help="say how each check went, as on a terminal, on standard error")
    auditing.add_argument("--textfile", type=Path, metavar="FILE", help="write the outcome as metrics, for node_exporter (*.prom)")
    within = f"give up after so long (default: {WITHIN_S:g})"
    auditing.add_argument("--within", type=positive, default=WITHIN_S, metavar="SECONDS", help=within)
    what = "make, list and revoke API keys"
    keys_parser = commands.add_parser("keys", help=what, description=what)
    key_commands = keys_parser.add_subparsers(required=True, metavar="COMMAND")
    make = command(key_commands, "make", run_keys_make, "make a key and print it, this once")
    whose = make.add_mutually_exclusive_group(required=True)
    whose.add_argument("--operator", action="store_true", help="a key that may do everything")
    whose.add_argument("--client", type=id_of(Prefix.CLIENT), metavar="CLIENT_ID", help="a key bound to this client and its wallet")
    listing = command(key_commands, "list", run_keys_list, "list all keys, newest first, the revoked ones too")
    listing.add_argument("--client", type=id_of(Prefix.CLIENT), metavar="CLIENT_ID", help="only those of this client")
    revoke = command(key_commands, "revoke", run_keys_revoke, "let a key open nothing from now on")
    revoke.add_argument("key", type=id_of(Prefix.KEY), metavar="KEY_ID", help="the key's id, key_…, as keys list shows it")
    return teller


def command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    run: Callable[[Settings, argparse.Namespace], int],
    help: str,
) -> argparse.ArgumentParser:
    made = commands.add_parser(name, help=help, description=help)
    made.set_defaults(run=run)
    return made


def id_of(prefix: Prefix) -> Callable[[str], UUID]:
    def parse(text: str) -> UUID:
        try:
            return ids.parse(prefix, text)
        except ids.UnknownId as error:  # does not repeat the text, which may be a key
            raise argparse.ArgumentTypeError(str(error)) from None

    return parse


def positive(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < 1e6:
        raise ValueError(text)
    return seconds


def run_migrate(configured: Settings, arguments: argparse.Namespace) -> int:
    key = migrate(configured, repair=arguments.repair)
    print("database is up to date")
    if key:
        show_once("operator", key)
    return 0


def run_audit(configured: Settings, arguments: argparse.Namespace) -> int:
    shows_progress = arguments.progress or sys.stderr.isatty()
    began = time.monotonic()
    report = audit(configured.url_of_workers, say if shows_progress else lambda _: None, arguments.within)
    for line in report.lines():
        print(line)
    if arguments.textfile:
        try:
            write_metrics(arguments.textfile, report, time.monotonic() - began)
        except OSError as error:
            failed = cannot(f"{arguments.textfile} cannot be written: {error.strerror}")
            return failed if report.clean else 1
    return 0 if report.clean else 1


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def write_metrics(file: Path, report: Report, seconds: float) -> None:
    """Write what the audit found where it is scraped: an audit ends before anybody could scrape it."""
    found = {check: float(count) for check, count in report.found.items()}
    families = [
        exposition.family("teller_audit_violations", "What the last audit found to break a check", "check", found),
        exposition.level("teller_audit_seconds", "What the last audit took", seconds),
        exposition.level("teller_audit_finished_timestamp_seconds", "When the last audit ended", time.time()),
    ]
    exposition.write(file, families)


def run_keys_make(configured: Settings, arguments: argparse.Namespace) -> int:
    key, kept = keys.new(arguments.client)
    with connect_command(owner_url(configured)) as connection:
        made = connection.execute(statement("keys/insert"), asdict(kept)).fetchone()
    if made is None:
        return cannot("there is no such client")
    print(f"key id: {ids.text(Prefix.KEY, kept.id)}")
    show_once(kept.role, key)
    return 0


def run_keys_list(configured: Settings, arguments: argparse.Namespace) -> int:
    params = {"client_id": arguments.client, "before": ids.LAST, "limit": None}
    with connect_command(owner_url(configured), writes=False) as connection:
        found = connection.cursor(row_factory=class_row(Key)).execute(statement("keys/list"), params)
        print(row("KEY", "HINT", "OF", "MADE", "LAST USED", "REVOKED"))
        for key in found:
            of = ids.text(Prefix.CLIENT, key.client_id) if key.client_id else key.role
            times = (instant(time) for time in (key.created_at, key.last_used_at, key.revoked_at))
            print(row(ids.text(Prefix.KEY, key.id), key.hint, of, *times))
    return 0


def run_keys_revoke(configured: Settings, arguments: argparse.Namespace) -> int:
    with connect_command(owner_url(configured)) as connection:
        revoked = connection.execute(statement("keys/revoke"), {"id": arguments.key}).fetchone()
    if revoked is None:
        return cannot("there is no such key")
    print("revoked; within 5 seconds it opens nothing any more")
    return 0


def row(key: str, hint: str, of: str, *times: str) -> str:
    return "  ".join([f"{key:30}", f"{hint:8}", f"{of:30}", *(f"{time:20}" for time in times)]).rstrip()


def instant(time: datetime | None) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ") if time else "-"


def show_once(role: str, key: str) -> None:
    print(f"{role} key: {key}")
    print("It is shown this once and kept nowhere: store it now.")


def cannot(reason: str) -> int:
    """Say why nothing was done or found out; 2, because 1 means that the audit found damage."""
    print(f"teller: {reason}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
