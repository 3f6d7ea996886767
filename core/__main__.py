"""python -m core migrate | audit | keys"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias
from uuid import UUID

import psycopg

from core import ids, log, settings
from core.admin import commands
from core.admin.audit import WITHIN_S
from core.errors import CannotDo
from core.ids import Prefix
from core.settings import Settings

Command = Callable[[Settings, argparse.Namespace], int]
Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def main() -> int:
    """Run the command that the arguments name and return its exit status: core/admin/commands.py."""
    arguments = parser().parse_args()
    try:
        configured = settings.read(Settings)
        log.configure(configured.log_level)
        return int(arguments.run(configured, arguments))
    except (settings.BadSettings, CannotDo) as reason:
        return commands.fail(str(reason))
    except psycopg.Error as error:
        if (fault := commands.describe_fault(error, configured, arguments)) is None:
            raise
        return commands.fail(fault)


def parser() -> argparse.ArgumentParser:
    teller = argparse.ArgumentParser(prog="python -m core", description="Look after Teller's database.")
    verbs = teller.add_subparsers(required=True, metavar="COMMAND")
    add_migrate(verbs)
    add_audit(verbs)
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
    audit.add_argument("--progress", action="store_true", help="print how each check went to standard error, as on a terminal")
    audit.add_argument("--textfile", type=Path, metavar="FILE", help="write the outcome as metrics, for node_exporter (*.prom)")
    within = f"give up after this time (default: {WITHIN_S:g})"
    audit.add_argument("--within", type=positive, default=WITHIN_S, metavar="SECONDS", help=within)


def add_keys(verbs: Subparsers) -> None:
    make = add(verbs, "make", commands.run_keys_make, "make a key and print it, this once")
    holder = make.add_mutually_exclusive_group(required=True)
    holder.add_argument("--operator", action="store_true", help="a key that may do everything")
    holder.add_argument(
        "--client", type=id_of(Prefix.CLIENT), metavar="CLIENT_ID", help="a key bound to this client and its wallets"
    )
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


def positive(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < 1e6:
        raise ValueError(text)
    return seconds


if __name__ == "__main__":
    sys.exit(main())
