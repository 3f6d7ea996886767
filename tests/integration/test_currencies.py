"""Currencies in the database: external wallets, the join that keeps a transfer in one, the audit, repair, endpoints."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from uuid import UUID

import iso4217
import psycopg
import pytest

from core import ids, wallets
from core.admin.audit import audit
from core.currencies import CURRENCIES, USD
from core.ledger.sharding import shard_of
from core.transfers import Submission, Terms
from core.wallets import NewWallet
from tests.hooks import claim, fan_out, new_endpoint
from tests.integration.test_heal import mend
from tests.world import SHARDS, World, capture, hold, new_client, new_id, reversal, transfer, withdrawal


def new_wallet(world: World, currency: str, balance: int = 0) -> UUID:
    """Return a new client's wallet of this currency, its deposit applied."""
    [client] = world.insert_clients([new_client(currency=currency)])
    if balance:
        world.submit(paid_in(client.wallet.id, currency, balance))
        world.drain()
    return client.wallet.id


def paid_in(wallet: UUID, currency: str, amount: int) -> Submission:
    """A deposit of this currency, as the API would submit it."""
    shard = shard_of(wallet, SHARDS)
    sent = transfer(ids.external_wallet(shard, currency), wallet, amount, currency=currency)
    return replace(sent, type="deposit", shard=shard)


def add_wallet(world: World, client_id: UUID, currency: str) -> UUID:
    new = NewWallet(new_id(), client_id, currency, None, None)
    assert world.run(lambda connection: wallets.insert(connection, new))
    return new.id


def external(world: World) -> dict[str, list[UUID]]:
    rows = world.query("SELECT currency, array_agg(id ORDER BY id) FROM wallets WHERE kind = 'external' GROUP BY currency")
    return dict(rows)


def outside(*currencies: str) -> dict[str, list[UUID]]:
    return {currency: [ids.external_wallet(shard, currency) for shard in range(SHARDS)] for currency in currencies}


def test_the_table_holds_each_currency_of_the_package_that_has_a_minor_unit(world: World) -> None:
    rows = world.query("SELECT code, number, minor_unit FROM currencies")

    assert {code: (number, minor_unit) for code, number, minor_unit in rows} == {
        listed.code: (0 if listed.code == USD else listed.number, listed.exponent)
        for listed in iso4217.Currency
        if listed.exponent is not None
    }
    assert len(rows) == len(CURRENCIES) == 165


def test_a_currency_that_the_package_drops_or_changes_keeps_its_digits(world: World) -> None:
    world.query("INSERT INTO currencies (code, number, minor_unit) VALUES ('QQQ', 1, 3)")
    world.query("UPDATE currencies SET minor_unit = 4 WHERE code = 'ISK'")
    world.query("DELETE FROM currencies WHERE code = 'CHF'")

    mend(world)

    rows = world.query("SELECT code, minor_unit FROM currencies WHERE code IN ('QQQ', 'ISK', 'CHF') ORDER BY code")
    assert rows == [("CHF", 2), ("ISK", 4), ("QQQ", 3)]


def test_the_external_wallets_of_a_currency_are_made_with_its_first_wallet(world: World) -> None:
    assert external(world) == outside("USD")

    yen = new_wallet(world, "JPY")

    assert external(world) == outside("USD", "JPY")
    client = world.client_of(yen)
    add_wallet(world, client, "BHD")
    assert external(world) == outside("USD", "JPY", "BHD")
    assert audit(world.url).clean


def test_ids_in_python_and_in_the_database_agree(world: World) -> None:
    for currency in ("USD", "JPY", "CLF", "ZWG"):
        [(id,)] = world.query("SELECT external_wallet((SELECT number FROM currencies WHERE code = %s), 1023)", currency)
        assert id == ids.external_wallet(1023, currency)
        assert ids.is_external_wallet(id)


def test_first_wallets_of_a_currency_that_are_made_at_once_make_its_external_wallets_once(world: World) -> None:
    callers = 6
    together = Barrier(callers)

    def make(number: int) -> UUID:
        together.wait(10)
        return new_wallet(world, ("JPY", "BHD", "EUR")[number % 3])

    with ThreadPoolExecutor(callers) as threads:
        made = list(threads.map(make, range(callers)))

    assert len(set(made)) == callers
    assert external(world) == outside("USD", "JPY", "BHD", "EUR")
    assert audit(world.url).clean


def test_a_first_wallet_waits_for_another_and_makes_the_external_ones_if_that_fails(
    world: World, connection: psycopg.Connection[object]
) -> None:
    with ThreadPoolExecutor(1) as threads, connection.transaction(force_rollback=True):
        connection.execute("SELECT make_external_wallets('JPY')")
        made = threads.submit(new_wallet, world, "JPY")
        world.wait_until_blocked()
    made.result(10)

    assert external(world) == outside("USD", "JPY")


def test_the_api_makes_external_wallets_by_the_function_alone_and_none_of_its_own_choice(world: World) -> None:
    with psycopg.connect(world.url, autocommit=True) as api:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            api.execute("INSERT INTO wallets (id, kind, currency) VALUES (gen_random_uuid(), 'external', 'JPY')")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            api.execute("INSERT INTO currencies (code, number, minor_unit) VALUES ('QQQ', 1, 2)")
        with pytest.raises(psycopg.errors.UndefinedObject):
            api.execute("SELECT make_external_wallets('QQQ')")
        api.execute("SELECT make_external_wallets('JPY')")

    assert external(world) == outside("USD", "JPY")


def mixed(world: World) -> dict[str, Submission]:
    """Transfers that would touch two currencies, or be in a third."""
    yen, more_yen, dollars = new_wallet(world, "JPY", 100), new_wallet(world, "JPY"), world.new_wallet(100)
    held, moved = replace(hold(yen, more_yen, 50), currency="JPY"), transfer(yen, more_yen, 20, currency="JPY")
    world.submit(held, moved)
    world.drain()
    return {
        "a transfer": transfer(yen, dollars, 1, currency="JPY"),
        "a transfer the other way": transfer(dollars, yen, 1, currency="JPY"),
        "a transfer in a third": transfer(yen, more_yen, 1, currency="BHD"),
        "a deposit": replace(paid_in(yen, "JPY", 1), currency="USD"),
        "a deposit from outside of another": replace(paid_in(yen, "USD", 1), currency="JPY"),
        "a withdrawal": replace(withdrawal(yen, 1), currency="JPY"),
        "a hold": replace(hold(yen, dollars, 1), currency="JPY"),
        "a hold for outside": replace(hold(yen, None, 1), currency="JPY"),
        "a capture": capture(held, 1),
        "a reversal": reversal(moved, 1),
        "a transfer with terms": transfer(dollars, yen, 1, terms=Terms(apply_within_s=60)),
    }


def test_no_transfer_of_any_kind_touches_two_currencies(world: World) -> None:
    """Each is left out of its batch, and its neighbour is stored."""
    asked, payee = mixed(world), new_wallet(world, "JPY")
    good = {name: paid_in(payee, "JPY", 1) for name in asked}

    stored = {name: [row.id for row in world.submit(bad, good[name])] for name, bad in asked.items()}

    assert stored == {name: [one.id] for name, one in good.items()}


def test_money_of_three_currencies_moves_and_each_sums_to_zero(world: World) -> None:
    pairs = {currency: (new_wallet(world, currency, 1000), new_wallet(world, currency)) for currency in ("JPY", "USD", "BHD")}
    for currency, (payer, payee) in pairs.items():
        outside_of_it = ids.external_wallet(shard_of(payer, SHARDS), currency)
        held = replace(hold(payer, outside_of_it, 30), currency=currency)
        world.submit(transfer(payer, payee, 100, currency=currency), held)
        world.drain()
        world.submit(replace(capture(held, 10), currency=currency))
        world.drain()

    for payer, payee in pairs.values():
        assert (world.balance(payer), world.wallet(payer).held, world.balance(payee)) == (890, 20, 100)
    assert audit(world.url).clean


# What is done as the owner, and which checks name it.
DAMAGES: dict[str, tuple[Sequence[str], set[str]]] = {
    "a balance moved to a wallet of another currency": (
        [
            "UPDATE wallets SET balance = balance - 1 WHERE id = %(yen)s",
            "UPDATE wallets SET balance = balance + 1 WHERE id = %(dollars)s",
        ],
        {"zero_sum", "wallet_balances"},
    ),
    "a transfer between two currencies": (
        ["UPDATE transfers SET destination = %(dollars)s WHERE id = %(queued)s"],
        {"transfers"},
    ),
    "a transfer that says another currency": (["UPDATE transfers SET currency = 'BHD' WHERE id = %(queued)s"], {"transfers"}),
    "an external wallet of a used currency that is gone": (
        ["DELETE FROM wallets WHERE id = %(unused)s"],
        {"wallets"},
    ),
    "an external wallet in another currency than its id says": (
        ["UPDATE wallets SET currency = 'BHD' WHERE id = %(unused)s"],
        {"wallets"},
    ),
    "a wallet of no known currency": (
        ["UPDATE wallets SET currency = 'QQQ' WHERE id = %(fresh)s"],
        {"wallets"},
    ),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_the_audit_names_what_crosses_a_currency(world: World, name: str) -> None:
    yen, more_yen, dollars, fresh = (
        new_wallet(world, "JPY", 100),
        new_wallet(world, "JPY"),
        world.new_wallet(100),
        new_wallet(world, "JPY"),
    )
    queued = transfer(yen, more_yen, 1, currency="JPY")
    world.submit(queued)
    unused = next(id for id in outside("JPY")["JPY"] if world.wallet(id).version == 0)
    assert audit(world.url).clean
    statements, seen_by = DAMAGES[name]

    with psycopg.connect(world.owner_url) as owner:
        params = {"yen": yen, "dollars": dollars, "queued": queued.id, "unused": unused, "fresh": fresh}
        for statement in statements:
            assert owner.execute(statement.encode(), params).rowcount == 1

    report = audit(world.url)
    assert {check for check, count in report.counts.items() if count} == seen_by


def test_the_audit_sums_each_currency_alone(world: World) -> None:
    """An entry more of one currency and one less of another sum to zero together."""
    yen, dollars = new_wallet(world, "JPY", 100), world.new_wallet(100)
    with psycopg.connect(world.owner_url) as owner:
        owner.execute("SET session_replication_role = replica")
        for wallet, change in ((yen, -1), (dollars, 1)):
            owner.execute("UPDATE entries SET amount = amount + %s WHERE wallet_id = %s", [change, wallet])

    assert audit(world.url).counts["zero_sum"] == 2


def test_external_wallets_that_are_gone_are_made_again_with_what_their_entries_say(world: World) -> None:
    yen = new_wallet(world, "JPY", 70)
    gone = ids.external_wallet(shard_of(yen, SHARDS), "JPY")
    world.query("DELETE FROM wallets WHERE id = %s", gone)

    mend(world)

    assert (world.balance(gone), world.wallet(gone).currency) == (-70, "JPY")
    assert audit(world.url).clean


def test_shards_that_are_gone_are_made_again_from_external_wallets_of_any_currency(world: World) -> None:
    new_wallet(world, "JPY")
    world.query("DELETE FROM shards WHERE shard = 5")

    mend(world)

    assert world.query("SELECT shard FROM shards ORDER BY shard") == [(shard,) for shard in range(SHARDS)]


@pytest.mark.parametrize("when", ["made before the endpoint", "made after the endpoint"])
def test_a_clients_endpoint_is_told_of_all_its_wallets(world: World, when: str) -> None:
    dollars, payer = world.new_wallet(), new_wallet(world, "JPY", 100)
    client = world.client_of(dollars)
    if when == "made before the endpoint":
        yen, endpoint = add_wallet(world, client, "JPY"), new_endpoint(world, wallet_id=dollars)
    else:
        endpoint, yen = new_endpoint(world, wallet_id=dollars), add_wallet(world, client, "JPY")
    sent = transfer(payer, yen, 5, currency="JPY")
    world.submit(sent)
    world.drain()
    fan_out(world)

    deliveries = claim(world)

    assert [delivery.receiver for delivery in deliveries] == [str(endpoint.id)]
    [delivery] = deliveries
    assert f'"wallet_id":"{ids.text(ids.Prefix.WALLET, yen)}"'.encode() in delivery.body
    assert ids.text(ids.Prefix.WALLET, payer).encode() not in delivery.body.split(b'"entries"')[1]


def test_a_canceled_transfer_of_another_currency_is_told_to_the_clients_endpoint(world: World) -> None:
    dollars, payer = world.new_wallet(), new_wallet(world, "JPY", 100)
    new_endpoint(world, wallet_id=dollars, events=["transfer.canceled"])
    yen = add_wallet(world, world.client_of(dollars), "JPY")
    sent = transfer(payer, yen, 5, currency="JPY")
    world.submit(sent)

    assert world.query("SELECT cancel_transfer(%s)", sent.id) == [(True,)]
    fan_out(world)

    assert world.query("SELECT transfer_id FROM deliveries") == [(sent.id,)]
