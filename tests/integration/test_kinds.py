"""The table of kinds, and the places that repeat parts of it: the schema, the HTTP API and the metrics."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, get_args
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import metrics
from core.ids import external_wallet
from core.ledger.book import Book, Wallet
from core.ledger.commands import Command
from core.ledger.fold import apply
from core.ledger.kinds import KINDS, STATUSES, Side, Type
from core.ledger.money import AMOUNT_MAX, BALANCE_MAX, EXTERNAL_BALANCE_MIN
from core.ledger.refusals import Refusal
from tests.caller import Caller
from tests.world import World, submission

SIDES: tuple[Side, ...] = get_args(Side)


def values_in_check(world: World, table: str, constraint: str) -> set[str]:
    """Return the text literals of a CHECK.

    They are looked up by pg_get_constraintdef: `CHECK ((type = ANY (ARRAY['deposit'::text, 'transfer'::text])))`.
    """
    find = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = %s::regclass AND conname = %s"
    [(definition,)] = world.query(find, table, constraint)
    return set(re.findall(r"'([^']*)'::text", definition))


def test_the_table_has_a_row_for_each_type() -> None:
    assert list(KINDS) == list(get_args(Type))


def test_the_schema_has_the_types_the_statuses_the_refusals_and_the_sides_of_the_table(world: World) -> None:
    assert values_in_check(world, "transfers", "known_type") == set(KINDS)
    assert values_in_check(world, "transfers", "known_status") == set(STATUSES)
    assert values_in_check(world, "transfers", "known_failure_code") == set(Refusal)
    assert values_in_check(world, "wallets", "known_kind") == set(SIDES)


def test_a_transfer_is_stored_between_wallets_of_the_sides_of_its_type_and_no_others(world: World) -> None:
    shard = 3
    wallets = {
        "client": world.new_wallets(0, 0, shard=shard),
        "external": [external_wallet(shard), external_wallet(shard + 1)],
    }
    asked = {
        (type, source, destination): replace(submission(wallets[source][0], wallets[destination][1], 1, shard), type=type)
        for type in KINDS
        for source in SIDES
        for destination in SIDES
    }

    stored = {inserted.id for inserted in world.submit(*asked.values())}

    allowed = {(type, kind.source, kind.destination) for type, kind in KINDS.items()}
    assert {sides for sides, one in asked.items() if one.id in stored} == allowed


AMOUNTS = st.one_of(st.integers(1, 10), st.just(AMOUNT_MAX))
BALANCES = {
    "client": st.one_of(st.integers(0, 10), st.integers(BALANCE_MAX - 10, BALANCE_MAX)),
    "external": st.one_of(st.integers(-10, 0), st.integers(EXTERNAL_BALANCE_MIN, EXTERNAL_BALANCE_MIN + 10)),
}


@pytest.mark.parametrize("type", KINDS)
def test_the_ledger_refuses_a_type_for_the_reasons_of_the_table_and_no_others(type: Type) -> None:
    kind = KINDS[type]
    met: set[Refusal] = set()

    @settings(max_examples=300, deadline=None, derandomize=True, database=None)
    @given(AMOUNTS, BALANCES[kind.source], BALANCES[kind.destination])
    def apply_one(amount: int, source: int, destination: int) -> None:
        book = {
            UUID(int=1): Wallet(UUID(int=1), external=kind.source == "external", balance=source, version=1),
            UUID(int=2): Wallet(UUID(int=2), external=kind.destination == "external", balance=destination, version=1),
        }
        outcome = apply([Command(UUID(int=9), UUID(int=1), UUID(int=2), amount)], Book(book))
        met.update(verdict.refusal for verdict in outcome.verdicts if verdict.refusal)

    apply_one()

    # Any transfer that fails again and again is given up on by the worker, whatever its type.
    assert met | {Refusal.INTERNAL} == kind.refusals


def test_the_metrics_count_by_the_types_and_the_refusals_of_the_table() -> None:
    assert set(metrics.ACCEPTED) == set(KINDS)
    assert set(metrics.REJECTED) == set(Refusal)


def enums(schema: Any) -> Iterator[list[str]]:
    """Yield each enum of the schema, however deep it lies."""
    if isinstance(schema, dict):
        if "enum" in schema:
            yield schema["enum"]
        for part in schema.values():
            yield from enums(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from enums(part)


def test_the_http_api_lists_the_types_the_statuses_and_the_refusals_of_the_table(caller: Caller) -> None:
    document = caller.get("/openapi.json").body
    schemas = document["components"]["schemas"]
    [status] = [one for one in document["paths"]["/v1/transfers"]["get"]["parameters"] if one["name"] == "status"]

    assert list(enums(schemas["TransferView"]["properties"]["type"])) == [list(KINDS)]
    assert list(enums(schemas["WalletEntryView"]["properties"]["type"])) == [list(KINDS)]
    assert list(enums(schemas["TransferView"]["properties"]["status"])) == [list(STATUSES)]
    assert list(enums(status)) == [list(STATUSES)]
    assert schemas["Refusal"]["enum"] == list(Refusal)


def test_a_clients_key_submits_the_types_of_the_table_and_no_others(caller: Caller) -> None:
    ada, ben = caller.new_client(), caller.new_wallet()
    key = caller.request("POST", f"/v1/clients/{ada['id']}/keys").body["key"]
    client = Caller(caller.url, key)
    own = ada["wallet"]["id"]

    asked = {"deposit": client.deposit(own, 1), "transfer": client.transfer(own, ben, 1)}
    client.close()

    assert set(asked) == set(KINDS)
    assert {type: answer.status for type, answer in asked.items()} == {
        type: 202 if kind.client_may_submit else 403 for type, kind in KINDS.items()
    }
