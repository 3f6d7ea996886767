"""core/sql as a whole: each of its files is used, says what it does, and is understood by Postgres."""

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import psycopg
import pytest

from core.admin import since
from core.admin.audit import CHECKS
from core.clients import Client
from core.postgres import statements
from core.postgres.statements import statement
from core.transfers import Transfer
from tests.sql import STATEMENTS
from tests.system import ROOT

PARTS = sorted(statements.PARTS.glob("*.sql"))
SOURCES = [file for package in ("core", "api", "worker", "local") for file in sorted((ROOT / package).rglob("*.py"))]
CODE = "\n".join(file.read_text() for file in SOURCES)

# The folder of a statement says which code may use it.
USERS = {
    "drain": ("worker/ledger/", "core/book_reads.py", "core/preview.py"),  # a preview reads what a drain reads
    "totals": ("worker/ledger/totals.py",),
    "preview": ("core/preview.py",),
    "periods": ("core/periods.py",),
    "sweep": ("worker/ledger/",),
    "deliverer": ("worker/webhooks/",),
    "retention": ("worker/retention.py",),
    "queue": ("api/", "worker/ledger/"),
    "ops": ("api/operations/ops.py",),
    "transfers": ("core/transfers.py", "core/transfer_lists.py"),
    "wallets": ("core/wallets.py",),
    "clients": ("core/clients.py",),
    "keys": ("core/keys.py", "core/admin/commands.py"),
    "events": ("core/events.py", "api/operations/"),
    "webhooks": ("core/webhooks/",),
    "audit": ("core/admin/",),
    "since": ("core/admin/",),
    "history": ("core/admin/",),
    "reconcile": ("core/admin/",),
    "admin": ("core/admin/", "core/keys.py", "api/admission/readiness.py"),
    "heal": ("core/admin/",),
    "session": ("core/postgres/", "api/admission/readiness.py"),
}


def users(name: str) -> set[str]:
    return {str(file.relative_to(ROOT)) for file in SOURCES if f'"{name}"' in file.read_text()}


@pytest.mark.parametrize("name", [name for name in STATEMENTS if not name.startswith(("audit/", "since/"))])
def test_a_statement_is_used_by_the_code_that_its_folder_names(name: str) -> None:
    allowed = USERS[name.partition("/")[0]]

    assert users(name)
    assert {user for user in users(name) if not user.startswith(allowed)} == set()


def test_the_audit_uses_each_of_its_statements() -> None:
    assert {f"audit/{check}" for check in (*CHECKS, "counts")} == {name for name in STATEMENTS if name.startswith("audit/")}


def test_the_audit_against_a_checkpoint_uses_each_of_its_statements() -> None:
    assert {f"since/{check}" for check in since.STATEMENTS} == {name for name in STATEMENTS if name.startswith("since/")}


def test_no_code_mentions_a_statement_that_is_not_there() -> None:
    mentioned = re.findall(r'(?:statement|fetch|fetch_one)\((?:connection, )?"([\w/]+)"', CODE)

    assert len(mentioned) > 15
    assert set(mentioned) <= STATEMENTS.keys()


@pytest.mark.parametrize("file", [*STATEMENTS.values(), *PARTS], ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_a_statement_begins_by_saying_what_it_does(file: Path) -> None:
    assert re.match(r"-- [A-Z][^\n]{15}", file.read_text())


def test_each_index_and_constraint_that_a_header_names_exists(connection: psycopg.Connection[Any]) -> None:
    rows = connection.execute("SELECT indexname FROM pg_indexes WHERE schemaname = 'public'").fetchall()

    there = {index for (index,) in rows}
    assert {name: named - there for name, named in indexes_named().items() if named - there} == {}


def indexes_named() -> dict[str, set[str]]:
    """Return, by statement, the indexes and constraints that its header names."""
    headers = {
        name: " ".join(line for line in file.read_text().splitlines() if line.startswith("--")) for name, file in STATEMENTS.items()
    }
    pattern = re.compile(r"\b\w+_(?:pkey|key)\b|\bentries_transfer\b|\btransfers_(?:source|destination)\b")
    return {name: set(pattern.findall(header)) for name, header in headers.items()}


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_statement_is_sent_with_its_parts_filled_in(name: str) -> None:
    assert "{{" not in statement(name)


@pytest.mark.parametrize("file", PARTS, ids=lambda file: file.stem)
def test_a_part_stands_in_several_statements_or_in_another_part(file: Path) -> None:
    named = re.compile(rf"\{{\{{{file.stem}\b")

    assert sum(bool(named.search(other.read_text())) for other in [*STATEMENTS.values(), *PARTS]) > 1


def test_a_part_that_does_not_exist_is_no_statement() -> None:
    with pytest.raises(FileNotFoundError):
        statements.composed("SELECT {{no_such_part}}")


def test_the_columns_of_a_transfer_are_read_by_one_part() -> None:
    """A column that is added to it is read by every statement."""
    readers = [
        "deliverer/claim_deliveries",
        *("events/find", "events/list", "events/list_of_client"),
        *("transfers/find", "transfers/find_by_key", "transfers/list"),
        *("transfers/list_by_any_key", "transfers/list_by_key", "transfers/list_by_reference"),
        *("transfers/list_children", "transfers/list_of_wallet"),
        *("transfers/list_open_holds", "transfers/list_queued", "transfers/list_scheduled"),
    ]

    assert [name for name, file in STATEMENTS.items() if "{{transfer}}" in file.read_text()] == readers
    assert [name for name, file in STATEMENTS.items() if re.search(r"json_agg\(.*\bversion\b", file.read_text())] == []


def test_a_transfer_and_a_client_are_read_with_just_their_fields(connection: psycopg.Connection[Any]) -> None:
    read = {
        Transfer: connection.execute(statement("transfers/find"), {"ids": []}),
        Client: connection.execute(statement("clients/find"), {"id": None}),
    }

    for record, cursor in read.items():
        columns = {column.name for column in cursor.description or []}
        lines = {"wallet_ids", "amounts"} & columns  # two columns make one field
        assert columns - lines | ({"lines"} if lines else set()) == {field.name for field in fields(record)}
