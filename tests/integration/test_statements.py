"""core/sql as a whole: each of its files is used, says what it does, and is understood by Postgres."""

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import psycopg
import pytest

from core.clients import Client
from core.postgres import db, statements
from core.transfers import Transfer
from tests.system import ROOT

FILES = sorted(db.SQL.glob("*.sql"))
PARTS = sorted(statements.PARTS.glob("*.sql"))
SOURCES = [file for package in ("core", "api", "worker", "local") for file in sorted((ROOT / package).rglob("*.py"))]
CODE = "\n".join(file.read_text() for package in ("core", "api", "worker") for file in sorted((ROOT / package).rglob("*.py")))

# What the one transaction that moves money is made of.
DRAIN = (
    *("lock_shards", "claim_queue", "lock_wallets", "insert_entries", "update_wallets", "finish_transfers", "delete_queue"),
    "store_floors",
)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_statement_is_mentioned_by_some_code(file: Path) -> None:
    assert f'"{file.stem}"' in CODE


def test_no_code_mentions_a_statement_that_is_not_there() -> None:
    mentioned = re.findall(r'(?:statement|fetch)\((?:connection, )?"(\w+)"', CODE)

    assert len(mentioned) > 15
    assert set(mentioned) <= {file.stem for file in FILES}


@pytest.mark.parametrize("name", DRAIN)
def test_a_statement_of_the_drain_is_used_by_the_part_of_the_worker_that_moves_money_alone(name: str) -> None:
    users = {str(file.relative_to(ROOT)) for file in SOURCES if f'"{name}"' in file.read_text()}

    assert users == {"worker/ledger/apply.py"}


@pytest.mark.parametrize("file", [*FILES, *PARTS], ids=lambda file: file.stem)
def test_a_statement_begins_by_saying_what_it_does(file: Path) -> None:
    assert re.match(r"-- [A-Z][^\n]{15}", file.read_text())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_an_index_or_constraint_that_a_header_names_exists(connection: psycopg.Connection[Any], file: Path) -> None:
    header = " ".join(line for line in file.read_text().splitlines() if line.startswith("--"))
    named = set(re.findall(r"\b\w+_(?:pkey|key)\b|\bentries_transfer\b|\btransfers_(?:source|destination)\b", header))

    rows = connection.execute("SELECT indexname FROM pg_indexes WHERE schemaname = 'public'").fetchall()

    assert named <= {name for (name,) in rows}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_statement_is_sent_with_its_parts_filled_in(file: Path) -> None:
    assert "{{" not in db.statement(file.stem)


@pytest.mark.parametrize("file", PARTS, ids=lambda file: file.stem)
def test_a_part_stands_in_several_statements_or_in_another_part(file: Path) -> None:
    named = re.compile(rf"\{{\{{{file.stem}\b")

    assert sum(bool(named.search(other.read_text())) for other in [*FILES, *PARTS]) > 1


def test_a_part_that_does_not_exist_is_no_statement() -> None:
    with pytest.raises(FileNotFoundError):
        statements.composed("SELECT {{no_such_part}}")


def test_the_columns_of_a_transfer_are_read_by_one_part() -> None:
    """A column that is added to it is read by every statement."""
    readers = ["claim_deliveries", "find_event", "find_transfers", "find_transfers_by_key", "list_events", "list_queued_transfers"]

    assert [file.stem for file in FILES if "{{transfer}}" in file.read_text()] == [
        *readers,
        "list_transfers",
        "list_wallet_events",
        "list_wallet_transfers",
    ]
    assert [file.stem for file in FILES if re.search(r"json_agg\(.*\bversion\b", file.read_text())] == []


def test_a_transfer_and_a_client_are_read_with_just_their_fields(connection: psycopg.Connection[Any]) -> None:
    read = {
        Transfer: connection.execute(db.statement("find_transfers"), {"ids": []}),
        Client: connection.execute(db.statement("find_client"), {"id": None}),
    }

    for record, cursor in read.items():
        assert sorted(column.name for column in cursor.description or []) == sorted(field.name for field in fields(record))
