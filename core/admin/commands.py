"""What the commands of `python -m core` do. Each takes the settings and its arguments, prints, and returns the exit status.

Status 0 is success, 1 an audit or a comparison that found something, 2 a command that could not do its work.
"""

import json
import sys
import time
from argparse import Namespace
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import psycopg
from psycopg.rows import class_row

from core import exposition, ids, keys
from core.admin import checkpoint, checkpoint_file, since
from core.admin.audit import Report, audit, store
from core.admin.bank_file import Layout
from core.admin.checkpoint_file import Checkpoint
from core.admin.migrate import migrate
from core.admin.reconcile import Scope, Summary, reconcile
from core.admin.since import Depth
from core.currencies import USD
from core.errors import CannotDo
from core.ids import Prefix
from core.keys import Key, Role
from core.postgres.connections import connect_command
from core.postgres.session import Unfit
from core.postgres.statements import statement
from core.settings import Settings


def run_migrate(settings: Settings, arguments: Namespace) -> int:
    key = migrate(settings, repair=arguments.repair)
    print("database is up to date")
    if key:
        print_new_key("operator", key)
    return 0


def run_audit(settings: Settings, arguments: Namespace) -> int:
    began = time.monotonic()
    report = audited(settings, arguments)
    seconds = time.monotonic() - began
    for line in [json.dumps(report.shown())] if arguments.json else report.lines():
        print(line)
    if isinstance(report, Report) and (reason := store(settings.url_of_workers, report, seconds)):
        print(f"teller: the result is not recorded: {reason}", file=sys.stderr)
    if arguments.textfile:
        try:
            write_metrics(arguments.textfile, report, seconds)
        except OSError as error:
            failed = fail(f"{arguments.textfile} cannot be written: {error.strerror}")
            return failed if report.clean else 1
    return 0 if report.clean else 1


def audited(settings: Settings, arguments: Namespace) -> Report | since.Report:
    """Audit the whole ledger, or against the checkpoint that --since names."""
    if arguments.since is None:
        if arguments.full or arguments.part or arguments.sample or arguments.key_file:
            raise CannotDo("--full, --part, --sample and --key-file are of an audit with --since FILE")
        return audit(settings.url_of_workers, progress_of(arguments), arguments.within)
    known = checkpoint_file.read(arguments.since, checkpoint_file.read_key(arguments.key_file))
    part, parts = arguments.part or (0, 0)
    depth = Depth(full=arguments.full, part=part, parts=parts, sample=arguments.sample or 0)
    return since.audit_since(settings.url_of_workers, known, depth, progress_of(arguments), arguments.within)


def run_checkpoint(settings: Settings, arguments: Namespace) -> int:
    file, key = arguments.file, checkpoint_file.read_key(arguments.key_file)
    if file.exists():
        return fail(f"{file} exists, and a checkpoint replaces no file")
    earlier = checkpoint_file.read(arguments.since, key) if arguments.since else None
    made, report = checkpoint.make(settings.url_of_workers, earlier, progress_of(arguments), arguments.within)
    for line in report.lines() if report else ():
        print(line)
    if made is None:
        print("no checkpoint is written")
        return 1
    try:
        checkpoint_file.write(file, made, key)
    except OSError as error:
        return fail(f"{file} cannot be written: {error.strerror}")
    print_checkpoint(file, made)
    return 0


def print_checkpoint(file: Path, made: Checkpoint) -> None:
    for currency, of in made.currencies.items():
        print(
            f"{currency}: {of.transfers} transfers, {of.entries} entries, {-of.paid_out} in clients' wallets,"
            f" last event {of.last_event.id}"
        )
    transfers, entries = (sum(getattr(of, name) for of in made.currencies.values()) for name in ("transfers", "entries"))
    print(f"checkpoint {file}: {transfers} transfers, {entries} entries, {len(made.segments)} segments")
    print(f"digest {made.digest}")


def run_reconcile(settings: Settings, arguments: Namespace) -> int:
    layout = Layout(
        reference=arguments.reference_column,
        amount=arguments.amount_column,
        currency_column=arguments.currency_column,
        date=arguments.date_column,
        currency=arguments.currency or USD,
        decimals=arguments.decimals,
        delimiter=arguments.delimiter,
        encoding=arguments.encoding,
        unsigned=arguments.unsigned,
    )
    scope = Scope(arguments.start, arguments.end, arguments.currency, arguments.types)
    for found in reconcile(settings.url_of_workers, arguments.file, layout, scope, arguments.within):
        for line in [json.dumps(found.shown())] if arguments.json else found.lines():
            print(line)
    return 0 if isinstance(found, Summary) and found.agrees else 1


def progress_of(arguments: Namespace) -> Callable[[str], None]:
    return print_progress if arguments.progress or sys.stderr.isatty() else lambda _: None


def run_keys_make(settings: Settings, arguments: Namespace) -> int:
    role: Role | None = "operator" if arguments.operator else "viewer" if arguments.viewer else None
    key, stored = keys.new_key(arguments.client, role=role, name=arguments.name)
    with connect_command(owner_url(settings)) as connection:
        inserted = connection.execute(statement("keys/insert"), asdict(stored)).fetchone()
    if inserted is None:
        return fail("there is no such client")
    print(f"key id: {ids.text(Prefix.KEY, stored.id)}")
    print_new_key(stored.role, key)
    return 0


def run_keys_list(settings: Settings, arguments: Namespace) -> int:
    params = {"client_id": arguments.client, "before": ids.LAST, "limit": None}
    with connect_command(owner_url(settings), writes=False) as connection:
        rows = connection.cursor(row_factory=class_row(Key)).execute(statement("keys/list"), params)
        print(columns("KEY", "HINT", "OF", "MADE", "LAST USED", "REVOKED", "NAME"))
        if settings.operator_key and arguments.client is None:
            print(columns("configured", keys.hint(settings.operator_key), "operator", "-", "-", "-", "configured"))
        for key in rows:
            of = ids.text(Prefix.CLIENT, key.client_id) if key.client_id else key.role
            times = (instant(time) for time in (key.created_at, key.last_used_at, key.revoked_at))
            print(columns(ids.text(Prefix.KEY, key.id), key.hint, of, *times, key.name or "-"))
    return 0


def run_keys_revoke(settings: Settings, arguments: Namespace) -> int:
    with connect_command(owner_url(settings)) as connection:
        revoked = connection.execute(statement("keys/revoke"), {"id": arguments.key}).fetchone()
    if revoked is None:
        return fail("there is no such key")
    print("revoked; within 5 seconds it opens nothing any more")  # CACHED_FOR_S in api/admission/auth.py
    return 0


def write_metrics(file: Path, report: Report | since.Report, seconds: float) -> None:
    """Write the report as a textfile for node_exporter: an audit ends before a scraper could reach it. Raises OSError.

    Of an audit against a checkpoint only the violations are written, with names of their own. node_exporter refuses a sample that
    two files hold, and the age of the last audit is that of one of the whole ledger.
    """
    is_whole = isinstance(report, Report)
    counts = {check if is_whole else f"since_{check}": float(count) for check, count in report.counts.items()}
    families = [exposition.family("teller_audit_violations", "What the last audit found to break a check", "check", counts)]
    if is_whole:
        families += [
            exposition.level("teller_audit_seconds", "What the last audit took", seconds),
            exposition.level("teller_audit_finished_timestamp_seconds", "When the last audit ended", time.time()),
        ]
    exposition.write(file, families)


def print_progress(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def print_new_key(role: str, key: str) -> None:
    print(f"{role} key: {key}")
    print("It is shown this once and kept nowhere: store it now.")


def columns(key: str, hint: str, of: str, *others: str) -> str:
    return "  ".join([f"{key:30}", f"{hint:8}", f"{of:30}", *(f"{other:20}" for other in others)]).rstrip()


def instant(time: datetime | None) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ") if time else "-"


def fail(reason: str) -> int:
    """Print the reason to standard error and return 2."""
    print(f"teller: {reason}", file=sys.stderr)
    return 2


def owner_url(settings: Settings) -> str:
    """Return the owner's URL where one is configured: only the owner may insert an operator's key."""
    return settings.admin_database_url or settings.database_url


def describe_fault(error: psycopg.Error, settings: Settings, arguments: Namespace) -> str | None:
    """Return a line about a fault of the environment, without host, port or user. None for a bug: its traceback has to be seen."""
    setting = setting_of_url(settings, arguments)
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        return (
            f"the role that {setting} names may not do this ({error.diag.message_primary}):"
            " do it as the owner of the tables, named in TELLER_ADMIN_DATABASE_URL"
        )
    if isinstance(error, psycopg.errors.UndefinedTable) and arguments.run is not run_migrate:
        return "the database is not migrated: run python -m core migrate first"
    if isinstance(error, psycopg.ProgrammingError) and not error.sqlstate:
        return f"{setting} is not a valid connection string"
    if isinstance(error, psycopg.OperationalError):
        return describe_outage(error, setting)
    return None


def describe_outage(error: psycopg.OperationalError, setting: str) -> str:
    if isinstance(error, Unfit):
        return str(error)
    if error.sqlstate:
        return f"the database failed (SQLSTATE {error.sqlstate})"
    return f"the database that {setting} names is away, or refuses the connection"


def setting_of_url(settings: Settings, arguments: Namespace) -> str:
    """Return the name of the setting whose URL the command connects by."""
    if arguments.run in {run_audit, run_checkpoint, run_reconcile}:
        return "TELLER_WORKER_DATABASE_URL" if settings.worker_database_url else "DATABASE_URL"
    return "TELLER_ADMIN_DATABASE_URL" if settings.admin_database_url else "DATABASE_URL"
