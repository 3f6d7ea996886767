"""python -m core migrate | audit | checkpoint | reconcile | keys"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias
from uuid import UUID

import psycopg

from core import command_line, ids, log, running, settings
from core.admin import bank_file, commands
from core.admin.audit import WITHIN_S
from core.errors import CannotDo
from core.ids import Prefix
from core.ledger.kinds import KINDS
from core.settings import Settings

PROG = "python -m core"

Command = Callable[[Settings, argparse.Namespace], int]
Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def main(argv: Sequence[str] | None = None, prog: str = PROG) -> int:
    """Run the command that the arguments name and return its exit status: core/admin/commands.py."""
    arguments = parser(prog).parse_args(argv)
    try:
        configured = read_settings()
        log.configure(configured.log_level)
        return int(arguments.run(configured, arguments))
    except (settings.BadSettings, CannotDo) as reason:
        return commands.fail(str(reason))
    except psycopg.Error as error:
        if (fault := commands.describe_fault(error, configured, arguments)) is None:
            raise
        return commands.fail(fault)


def read_settings() -> Settings:
    """Read the settings; where no database is configured, those of the system that runs here. Raises BadSettings."""
    for line in settings.unknown_lines(os.environ):
        print(f"warning: {line}", file=sys.stderr)
    found = running.databases()
    if found:
        print(f"teller: on the system that runs in {running.data_dir()}", file=sys.stderr)
    try:
        return settings.read(Settings, found)
    except settings.BadSettings as bad:
        if found or "DATABASE_URL: Field required" not in str(bad):
            raise
        raise settings.BadSettings(f"{bad}\n(and nothing that `make run` started runs in {running.data_dir()})") from None


def parser(prog: str = PROG) -> argparse.ArgumentParser:
    teller = command_line.parser(prog, "Look after Teller's database.")
    verbs = teller.add_subparsers(required=True, metavar="COMMAND")
    add_migrate(verbs)
    add_audit(verbs)
    add_checkpoint(verbs)
    add_reconcile(verbs)
    help = "make, list and revoke API keys"
    add_keys(verbs.add_parser("keys", help=help, description=help).add_subparsers(required=True, metavar="COMMAND"))
    return teller


def add_migrate(verbs: Subparsers) -> None:
    help = "bring the database to this version's schema and mend what is damaged; prints the first operator key it makes"
    migrate = add(verbs, "migrate", commands.run_migrate, help)
    repair = "also read all transfers and entries, and derive the queue and the balances from them again"
    migrate.add_argument("--repair", action="store_true", help=repair)


def add_audit(verbs: Subparsers) -> None:
    audit = add(verbs, "audit", commands.run_audit, "prove the ledger from its entries; exits with 1 and names what is wrong")
    audit.add_argument("--textfile", type=Path, metavar="FILE", help="write the outcome as metrics, for node_exporter (*.prom)")
    audit.add_argument("--json", action="store_true", help="print the outcome as one JSON object")
    since = "instead, check what came after this checkpoint, and that each wallet was then as the checkpoint says"
    audit.add_argument("--since", type=Path, metavar="FILE", help=since)
    add_key_file(audit)
    depth = audit.add_mutually_exclusive_group()
    full = "with --since: also read the whole history again and compare it"
    depth.add_argument("--full", action="store_true", help=full)
    some = "with --since: the same for each Nth segment of the history, from the Kth on"
    depth.add_argument("--part", type=part, metavar="K/N", help=some)
    sample = "with --since: the same for so many segments of the history, at random"
    depth.add_argument("--sample", type=count, metavar="N", help=sample)
    add_limits(audit)


def add_checkpoint(verbs: Subparsers) -> None:
    help = "write a file against which `audit --since` shows whether the history was changed; exits with 1 if --since finds damage"
    checkpoint = add(verbs, "checkpoint", commands.run_checkpoint, help)
    checkpoint.add_argument("file", type=Path, metavar="FILE", help="the file to write; it must not exist")
    since = "continue this checkpoint: audit against it, and read only what is new"
    checkpoint.add_argument("--since", type=Path, metavar="FILE", help=since)
    add_key_file(checkpoint)
    add_limits(checkpoint)


def add_reconcile(verbs: Subparsers) -> None:
    help = "compare a bank's CSV with what came in and went out, by reference; exits with 1 if they differ; writes nothing"
    reconcile = add(verbs, "reconcile", commands.run_reconcile, help)
    reconcile.add_argument("file", type=Path, metavar="FILE", help="the CSV: a header, then a row for each booking")
    start = "compare what Teller booked from then on: RFC 3339, or a day, which begins at 00:00 UTC"
    reconcile.add_argument("--from", dest="start", type=time, metavar="TIME", help=start)
    end = "compare what Teller booked before this time"
    reconcile.add_argument("--to", dest="end", type=time, metavar="TIME", help=end)
    currency = "compare only this one; it is also that of a file without a column of currencies (default there: USD)"
    reconcile.add_argument("--currency", type=currency_code, metavar="CODE", help=currency)
    types = "compare only transfers of these types, separated by commas (default: all that have a wallet outside)"
    reconcile.add_argument("--types", type=kinds, metavar="TYPES", help=types)
    decimals = "amounts in the file are numbers with up to so many decimals (default: integers of minor units)"
    reconcile.add_argument("--decimals", type=int, choices=range(5), metavar="N", help=decimals)
    unsigned = "compare amounts without their signs, for a file that has no minus before what went out"
    reconcile.add_argument("--unsigned", action="store_true", help=unsigned)
    for column in ("reference", "amount", "currency", "date"):
        help = f"the column with the {column}"
        reconcile.add_argument(f"--{column}-column", default=column, metavar="NAME", help=help)
    help = "what separates values; `tab` for a tab"
    reconcile.add_argument("--delimiter", type=delimiter, default=",", metavar="CHAR", help=help)
    help = f"the file's encoding: {', '.join(bank_file.ENCODINGS)}"
    reconcile.add_argument("--encoding", choices=bank_file.ENCODINGS, default="utf-8", metavar="NAME", help=help)
    help = "print JSON, an object a line: each difference, then the summary"
    reconcile.add_argument("--json", action="store_true", help=help)
    add_limits(reconcile)


def add_key_file(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--key-file", type=Path, metavar="FILE", help="the file with the key that signs checkpoints")


def add_limits(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--progress", action="store_true", help="print how each step went to standard error, as on a terminal")
    within = f"give up after this time (default: {WITHIN_S:g})"
    verb.add_argument("--within", type=positive, default=WITHIN_S, metavar="SECONDS", help=within)


def add_keys(verbs: Subparsers) -> None:
    make = add(verbs, "make", commands.run_keys_make, "make a key and print it, this once")
    holder = make.add_mutually_exclusive_group(required=True)
    holder.add_argument("--operator", action="store_true", help="a key that may do everything")
    holder.add_argument("--viewer", action="store_true", help="a key that reads what an operator reads, and changes nothing")
    holder.add_argument(
        "--client", type=id_of(Prefix.CLIENT), metavar="CLIENT_ID", help="a key bound to this client and its wallets"
    )
    make.add_argument("--name", type=key_name, metavar="NAME", help="for people: what the key is for, in at most 100 characters")
    listing = add(verbs, "list", commands.run_keys_list, "list all keys, newest first, the revoked ones too")
    listing.add_argument("--client", type=id_of(Prefix.CLIENT), metavar="CLIENT_ID", help="only those of this client")
    revoke = add(verbs, "revoke", commands.run_keys_revoke, "revoke a key for ever")
    revoke.add_argument("key", type=id_of(Prefix.KEY), metavar="KEY_ID", help="the key's id, key_…, as keys list shows it")


def add(verbs: Subparsers, name: str, run: Command, help: str) -> argparse.ArgumentParser:
    verb = verbs.add_parser(name, help=help, description=help)
    verb.set_defaults(run=run)
    return verb


def id_of(prefix: Prefix) -> Callable[[str], UUID]:
    def parse(text: str) -> UUID:
        try:
            return ids.parse(prefix, text)
        except ids.UnknownId as error:  # its message does not repeat the text, which may be a key
            raise argparse.ArgumentTypeError(str(error)) from None

    return parse


def key_name(text: str) -> str:
    if not (1 <= len(text) <= 100 and text.isprintable()):
        raise argparse.ArgumentTypeError("is not 1 to 100 printable characters")
    return text


def positive(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < 1e6:
        raise ValueError(text)
    return seconds


def part(text: str) -> tuple[int, int]:
    one, _, of = text.partition("/")
    number, parts = int(one), int(of)
    if not 1 <= number <= parts <= 10_000:
        raise ValueError(text)
    return number, parts


def count(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 1_000_000:
        raise ValueError(text)
    return number


def time(text: str) -> datetime:
    """Return the time of a text in RFC 3339, or the beginning in UTC of a day."""
    read = datetime.fromisoformat(text)
    if len(text) == len("2026-01-31"):
        return read.replace(tzinfo=UTC)
    if read.tzinfo is None:
        raise argparse.ArgumentTypeError("needs an offset, such as 2026-01-31T00:00:00Z")
    return read


def currency_code(text: str) -> str:
    if not (len(text) == 3 and text.isascii() and text.isalpha() and text.isupper()):
        raise argparse.ArgumentTypeError("is not three capital letters")
    return text


def kinds(text: str) -> list[str]:
    named = text.split(",")
    if unknown := [name for name in named if name not in KINDS]:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of {', '.join(KINDS)}")
    return named


def delimiter(text: str) -> str:
    text = "\t" if text == "tab" else text
    if len(text) != 1 or text in '"\r\n' or not text.isascii():
        raise argparse.ArgumentTypeError("is not one character, such as ; or tab")
    return text


if __name__ == "__main__":
    sys.exit(main())
