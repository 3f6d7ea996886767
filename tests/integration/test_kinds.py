"""The table of kinds, and the places that repeat parts of it: the schema, the HTTP API and the metrics."""

import re
from dataclasses import replace
from random import Random
from typing import get_args
from uuid import UUID

import pytest

from core import metrics
from core.ids import external_wallet
from core.ledger.book import Book, Parent, Wallet
from core.ledger.commands import Command, Special
from core.ledger.fold import apply
from core.ledger.kinds import KINDS, STATUSES, Side, Type
from core.ledger.money import AMOUNT_MAX, BALANCE_MAX, EXTERNAL_BALANCE_MIN
from core.ledger.refusals import Refusal
from core.ledger.rules import Limits, Rules
from core.transfers import Terms
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
        (type, source, destination, special): replace(
            submission(wallets[source][0], wallets[destination][1], int(type != "closure"), shard),
            type=type,
            terms=terms_of(type, special=special),
        )
        for type in KINDS
        for source in SIDES
        for destination in SIDES
        for special in (False, True)
        if special or type in PLAIN
    }

    stored = {
        inserted.id
        for special in (False, True)
        for inserted in world.submit(*(one for (*_, is_special), one in asked.items() if is_special is special))
    }

    allowed = {(type, *sides) for type, kind in KINDS.items() for sides in kind.sides}
    met = [case for case, one in asked.items() if one.id in stored]
    assert {(type, source, destination) for type, source, destination, special in met if special} == allowed
    assert {(type, source, destination) for type, source, destination, special in met if not special} == {
        case for case in allowed if case[0] in PLAIN
    }


PLAIN = ("deposit", "withdrawal", "transfer")  # the types that need no terms


def terms_of(type: Type, *, special: bool) -> Terms | None:
    if not special:
        return None
    return Terms(
        parent=UUID(int=7) if type in {"capture", "release", "reversal"} else None,
        expires_in_s=60 if type == "hold" else None,
        apply_within_s=60,
    )


EXAMPLES = 5000  # of each type: with four seeds, each reason turned up in the first 251
EXPIRES = 1_769_817_600_000_000
BEFORE = EXPIRES - 1
MOVEMENTS: list[Type] = ["deposit", "withdrawal", "transfer", "capture"]
LIMITS = [Limits(None, debit, day, month, today=5, month_began=1, debits_today=1, debits_this_month=1)
          for debit, day, month in ((3, None, None), (None, 3, None), (None, None, 3))]  # fmt: skip
RULES = [*[None] * 8, Rules(is_closed=True), Rules(frozen="all"), *(Rules(limits=limits) for limits in LIMITS)]
NEAR = range(11)
BALANCES: dict[Side, list[range]] = {
    "client": [NEAR, range(BALANCE_MAX - 10, BALANCE_MAX + 1)],
    "external": [
        range(-10, 1),
        range(EXTERNAL_BALANCE_MIN, EXTERNAL_BALANCE_MIN + 11),
        range(BALANCE_MAX - 10, BALANCE_MAX + 1),
    ],
}


def mostly(dice: Random) -> bool:
    return dice.random() < 5 / 6


def random_refusals(type: Type, dice: Random) -> set[Refusal]:
    """Apply one transfer of the type to a random book; return why it was refused, if it was."""
    sides = dice.choice(sorted(KINDS[type].sides))
    amount = dice.choice([dice.randint(1, 10), AMOUNT_MAX])
    balances = [dice.choice(dice.choice(BALANCES[side])) for side in sides]
    source, destination = (
        Wallet(UUID(int=number), side == "external", balance, 1)
        for number, side, balance in zip((1, 2), sides, balances, strict=True)
    )
    of: Type = dice.choice(MOVEMENTS) if type == "reversal" else "hold"
    child, parent = UUID(int=9), UUID(int=9 if type == "hold" else 8)
    turned = (2, 1) if type == "reversal" else (1, 2)
    total, captured, is_applied = dice.randint(1, 12), dice.randint(0, 1), mostly(dice)
    known = Parent(parent, of, UUID(int=turned[0]), UUID(int=turned[1]), is_applied and type != "hold", total, captured, 0, EXPIRES)
    accepted_at = BEFORE if mostly(dice) else EXPIRES
    special = Special(type, accepted_at, parent, is_late=not mostly(dice), by_client=True, sweeps=mostly(dice))
    holds = type in {"capture", "release"} or (type == "closure" and not mostly(dice))
    held = min(total, balances[0]) if holds and sides[0] == "client" else 0
    book = {
        one.id: one._replace(rules=None if one.external else dice.choice(RULES))
        for one in (source._replace(held=held), destination)
    }
    outcome = apply([Command(child, source.id, destination.id, amount, special)], Book(book, {parent: known}))
    return {verdict.refusal for verdict in outcome.verdicts if verdict.refusal}


@pytest.mark.parametrize("type", KINDS)
def test_the_ledger_refuses_a_type_for_the_reasons_of_the_table_and_no_others(type: Type) -> None:
    dice, met = Random(0), set[Refusal]()
    for _ in range(EXAMPLES):
        met |= random_refusals(type, dice)

    # Any transfer that fails again and again is given up on by the worker, whatever its type.
    assert met | {Refusal.INTERNAL} == KINDS[type].refusals


def test_the_metrics_count_by_the_types_and_the_refusals_of_the_table() -> None:
    assert set(metrics.ACCEPTED) == set(KINDS)
    assert set(metrics.REJECTED) == set(Refusal)


def test_the_http_api_lists_the_types_the_statuses_and_the_refusals_of_the_table(caller: Caller) -> None:
    document = caller.get("/openapi.json").body
    schemas = document["components"]["schemas"]
    filters = {one["name"]: one["schema"] for one in document["paths"]["/v1/transfers"]["get"]["parameters"]}
    [type, status] = [{"$ref": f"#/components/schemas/{name}"} for name in ("TransferType", "TransferStatus")]

    assert schemas["TransferType"]["enum"] == list(KINDS)
    assert schemas["TransferStatus"]["enum"] == [*STATUSES, "scheduled"]
    assert schemas["RejectionCode"]["enum"] == list(Refusal)
    assert (schemas["Transfer"]["properties"]["type"], schemas["Entry"]["properties"]["type"], filters["type"]) == (
        type,
        type,
        type,
    )
    assert schemas["Transfer"]["properties"]["status"]["$ref"] == status["$ref"]
    assert filters["status"] == status


def test_a_clients_key_submits_the_types_of_the_table_and_no_others(caller: Caller) -> None:
    ada, ben = caller.new_client(), caller.new_wallet(10)
    key = caller.request("POST", f"/v1/clients/{ada['id']}/keys").body["key"]
    client = Caller(caller.url, key)
    own = ada["wallet"]["id"]

    caller.applied(caller.deposit(own, 10))
    hold = caller.applied(caller.hold(ben, own, 2))["id"]
    paid = caller.applied(caller.transfer(ben, own, 2))["id"]

    asked = {
        "deposit": client.deposit(own, 1),
        "withdrawal": client.withdraw(own, 1),
        "transfer": client.transfer(own, ben, 1),
        "hold": client.hold(own, ben, 1),
        "capture": client.capture(hold, amount=1),
        "release": client.release(hold, amount=1),
        "reversal": client.reverse(paid, amount=1),
        "closure": client.close_wallet(own),
    }
    client.close()

    assert set(asked) == set(KINDS)
    assert {type: answer.status for type, answer in asked.items()} == {
        type: 202 if kind.client_may_submit else 403 for type, kind in KINDS.items()
    }
