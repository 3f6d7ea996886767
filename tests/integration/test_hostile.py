"""A stolen password of each process's role: what no single statement can do with it, and what is left of a database it was used on.

Each statement is tried by each role. Either it is refused, or the audit names what it did, and after `migrate --repair` a deposit
is applied and its event is read.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import errors

from core import events, keys
from core.admin.audit import audit
from core.admin.migrate import migrate
from core.settings import Settings
from tests.databases import Databases, with_role
from tests.world import World, deposit, hold, transfer

ROLES = ["api", "worker", "deliverer"]

A_TRANSFER = (
    "INSERT INTO transfers (id, type, source, destination, amount, currency, metadata, owner, idempotency_key, fingerprint,"
    " shard{more})"
    " SELECT gen_random_uuid(), 'transfer', {source}, {destination}, 1, 'USD', '{{}}', 'operator', gen_random_uuid()::text,"
    " sha256('x'), {shard}{values} FROM transfers t WHERE type = 'transfer' LIMIT 1"
)


def a_transfer(source: str = "t.source", destination: str = "t.destination", shard: str = "t.shard", **given: str) -> str:
    more, values = (", ".join(["", *part]) for part in (given, given.values()))
    return A_TRANSFER.format(source=source, destination=destination, shard=shard, more=more, values=values)


def placed(made: str) -> str:
    """The transfer that this makes, with its place in the queue, as the API stores it."""
    return f"WITH made AS ({made} RETURNING *) INSERT INTO queue (shard, transfer_id) SELECT shard, id FROM made"


AN_ENTRY = "INSERT INTO entries (wallet_id, version, transfer_id, amount, balance_after)"
A_DELIVERY = "INSERT INTO deliveries (owner, receiver, transfer_id, shard)"
A_KEY = "id, role, client_id, digest"
FINAL = {"status": "'applied'", "finished_at": "now()", "moment": "1", "ordinal": "1"}
NO_FAILURE = "failure_code = NULL, available = NULL, needed = NULL"

# Callback URLs from which no receiver's host can be cut, or one that no row can hold.
NO_CALLBACKS = [
    *("'x'", "'/'", "'//'", "'https:///x'", "'https://'", "'https://:443/'", "'https://?x'", "'file://x/y'", "'//example.com/'"),
    *("'https://' || repeat('a', 261) || '.com/'", "'https://[' || repeat('1', 300) || ']/'", "E'https://example.com/\\n'"),
    *("'https://user@example.com/'", "'https://exämple.com/'", "'https://example.com#x'"),
]

# What would stop the ledger for good, forge it, or take it over, and that every role is refused. The world below has a queued
# transfer, a rejected one and applied ones.
REFUSED = [
    "INSERT INTO events (moment, transfer_ids) VALUES (9223372036854775807, ARRAY[gen_random_uuid()])",
    "INSERT INTO events (moment, transfer_ids) VALUES (1152921504606846976, ARRAY[gen_random_uuid()])",
    "INSERT INTO events (moment, transfer_ids) SELECT moment - 1, ARRAY[gen_random_uuid()] FROM events LIMIT 1",
    "UPDATE events SET moment = moment + 1000",
    "UPDATE events SET transfer_ids = ARRAY[gen_random_uuid()]",
    "DELETE FROM events",
    "UPDATE feed SET shift = 1152921504606846976",
    "UPDATE feed SET shift = -1000",
    "DELETE FROM feed",
    "INSERT INTO feed VALUES (1)",
    a_transfer(**FINAL),
    *(a_transfer(callback_url=url) for url in NO_CALLBACKS),
    a_transfer(created_at="'294276-01-01Z'"),
    a_transfer(created_at="now() + interval '1 year'"),
    "UPDATE transfers SET amount = amount * 2",
    "UPDATE transfers SET destination = source, source = destination",
    "UPDATE transfers SET owner = 'cli_', idempotency_key = id::text",
    "UPDATE transfers SET created_at = now() + interval '1 year', finished_at = now() + interval '1 year' WHERE status <> 'queued'",
    "UPDATE transfers SET finished_at = '294276-01-01Z' WHERE status <> 'queued'",
    "UPDATE transfers SET finished_at = 'infinity' WHERE status <> 'queued'",
    "DELETE FROM transfers",
    f"INSERT INTO queue (shard, position, transfer_id) OVERRIDING SYSTEM VALUE VALUES (0, {2**63 - 1}, gen_random_uuid())",
    f"INSERT INTO queue (shard, position, transfer_id) OVERRIDING SYSTEM VALUE VALUES (0, {-(2**63) + 1}, gen_random_uuid())",
    "UPDATE queue SET position = DEFAULT",
    "UPDATE queue SET shard = 99",
    "TRUNCATE queue",
    "SELECT setval('queue_position_seq', 9223372036854775807)",
    "SELECT nextval('queue_position_seq')",
    "ALTER SEQUENCE queue_position_seq RESTART WITH 9223372036854775807",
    f"{AN_ENTRY[:-1]}, created_at) VALUES (gen_random_uuid(), 1, gen_random_uuid(), 1, 1, '294276-01-01Z')",
    "UPDATE entries SET amount = 0",
    "DELETE FROM entries",
    "UPDATE wallets SET kind = 'external', client_id = NULL",
    "UPDATE wallets SET client_id = gen_random_uuid() WHERE kind = 'client'",
    "INSERT INTO wallets (id, kind, currency) VALUES (gen_random_uuid(), 'external', 'USD')",
    "INSERT INTO wallets (id, client_id, currency, balance, version) VALUES (gen_random_uuid(), gen_random_uuid(), 'USD', 5, 1)",
    "DELETE FROM wallets",
    "INSERT INTO clients (id, name, metadata, created_at) VALUES (gen_random_uuid(), 'Eve', '{}', 'infinity')",
    "DELETE FROM clients",
    "INSERT INTO shards (shard) VALUES (16)",
    "DELETE FROM shards",
    "UPDATE shards SET shard = shard + 100",
    "INSERT INTO keys (id, role, digest) VALUES (gen_random_uuid(), 'operator', sha256('mine'))",
    f"INSERT INTO keys ({A_KEY}, created_at) VALUES (gen_random_uuid(), 'client', gen_random_uuid(), sha256('mine'), 'infinity')",
    "UPDATE keys SET revoked_at = NULL",
    "UPDATE keys SET revoked_at = revoked_at + interval '1 second'",
    "UPDATE keys SET revoked_at = 'infinity' WHERE revoked_at IS NULL",
    "UPDATE keys SET last_used_at = 'infinity'",
    "UPDATE keys SET role = 'operator', client_id = NULL",
    "UPDATE keys SET digest = sha256('mine')",
    "DELETE FROM keys",
    "INSERT INTO migrations (name) VALUES ('9999_everything')",
    "DELETE FROM migrations",
    "CREATE TABLE mine (id uuid)",
    "SELECT lo_from_bytea(0, repeat('a', 1000)::bytea)",
    "SELECT pg_logical_emit_message(true, 'a', repeat('b', 1000))",
    "COPY entries TO PROGRAM 'cat'",
    "LOCK TABLE transfers IN ACCESS EXCLUSIVE MODE",
    "LOCK TABLE entries IN SHARE MODE",
    "LOCK TABLE shards IN EXCLUSIVE MODE",
    "SELECT rolpassword FROM pg_authid",
]

# What one role alone can do with what it is for. The audit names each of these, and none of them stops the ledger for good.
NAMED = [
    ("worker", "INSERT INTO events (transfer_ids) VALUES (ARRAY[gen_random_uuid()])"),
    ("worker", "INSERT INTO events (transfer_ids) SELECT transfer_ids FROM events LIMIT 1"),
    ("worker", "INSERT INTO events (transfer_ids) SELECT ARRAY[id] FROM transfers WHERE status = 'queued'"),
    ("worker", "INSERT INTO events (transfer_ids) SELECT array_agg(gen_random_uuid()) FROM generate_series(1, 100000)"),
    ("api", a_transfer()),
    ("api", a_transfer(shard="99")),
    ("api", a_transfer(shard="t.shard + 1")),
    ("api", a_transfer(source="'00000000-0000-7000-8000-000000000000'")),
    ("api", placed(a_transfer(source="gen_random_uuid()"))),
    ("api", placed(a_transfer(shard="99"))),
    ("worker", "UPDATE transfers SET finished_at = now() + interval '1 year' WHERE status <> 'queued'"),
    ("worker", "UPDATE transfers SET moment = moment + 1 WHERE moment IS NOT NULL"),
    ("worker", "UPDATE transfers SET moment = 9223372036854775807 WHERE moment IS NOT NULL"),
    ("worker", "UPDATE transfers SET ordinal = ordinal + 1 WHERE moment IS NOT NULL"),
    ("worker", f"UPDATE transfers SET status = 'queued', {NO_FAILURE}, finished_at = NULL, moment = NULL, ordinal = NULL"),
    ("worker", "UPDATE transfers SET status = 'applied', finished_at = now(), moment = 1, ordinal = 1 WHERE status = 'queued'"),
    ("worker", f"UPDATE transfers SET status = 'applied', {NO_FAILURE} WHERE status = 'rejected'"),
    ("worker", "UPDATE transfers SET status = 'rejected', failure_code = 'internal' WHERE status = 'applied'"),
    ("api", "INSERT INTO queue (shard, transfer_id) SELECT 0, gen_random_uuid() FROM generate_series(1, 1000)"),
    ("api", "INSERT INTO queue (shard, transfer_id) SELECT shard, id FROM transfers WHERE status <> 'queued'"),
    ("api", "INSERT INTO queue (shard, transfer_id) SELECT shard, id FROM transfers WHERE status = 'queued'"),
    ("api", "INSERT INTO queue (shard, transfer_id) SELECT (shard + 1) % 16, id FROM transfers WHERE status = 'queued'"),
    ("api", "INSERT INTO queue (shard, transfer_id) SELECT 99, id FROM transfers WHERE status = 'queued'"),
    ("worker", "DELETE FROM queue"),
    ("worker", f"{AN_ENTRY} VALUES (gen_random_uuid(), 1, gen_random_uuid(), 1, 1)"),
    ("worker", f"{AN_ENTRY} SELECT id, version + 1, gen_random_uuid(), 5, balance + 5 FROM wallets WHERE kind = 'client'"),
    (
        "worker",
        (
            f"WITH made AS ({AN_ENTRY} SELECT w.id, w.version + 1, t.id, CASE w.id WHEN t.source THEN -amount ELSE amount END, 0"
            " FROM transfers t JOIN wallets w ON w.id IN (t.source, t.destination) WHERE t.status = 'queued' RETURNING *)"
            " UPDATE wallets w SET version = made.version, balance = w.balance + made.amount FROM made WHERE made.wallet_id = w.id"
        ),
    ),
    ("worker", "UPDATE wallets SET balance = balance + 5, version = version + 1 WHERE kind = 'client'"),
    ("worker", "UPDATE wallets SET balance = 0 WHERE kind = 'client' AND held = 0"),
    ("worker", "UPDATE wallets SET version = 9007199254740991"),
    ("worker", "INSERT INTO running_totals SELECT id, 64, 10, now() FROM wallets"),
    ("worker", f"INSERT INTO running_totals SELECT id, {2**52}, 0, '2000-01-01Z' FROM wallets WHERE kind = 'client'"),
    ("worker", "UPDATE shards SET floor = 9223372036854775807"),
    ("worker", "UPDATE wallets SET version = 9007199254740991, balance = 9007199254740991 WHERE kind = 'client'"),
    ("api", "INSERT INTO wallets (id, client_id, currency) VALUES (gen_random_uuid(), gen_random_uuid(), 'USD')"),
    ("worker", "UPDATE wallets SET held = 0 WHERE held > 0"),
    ("worker", "DELETE FROM due"),
    (
        "api",
        (
            "INSERT INTO due (wallet_id, transfer_id, shard, due_at)"
            " SELECT source, id, shard, 'infinity' FROM transfers WHERE status <> 'queued'"
        ),
    ),
    ("api", "INSERT INTO clients (id, name, metadata) VALUES (gen_random_uuid(), 'Eve', '{}')"),
    ("deliverer", f"{A_DELIVERY} SELECT owner, 'evil.example.com', id, shard FROM transfers WHERE status = 'queued'"),
    ("deliverer", f"{A_DELIVERY} VALUES ('operator', 'evil.example.com', gen_random_uuid(), 0)"),
]

# What is secret, and which roles read it, because they need it.
SECRETS = {
    "SELECT digest FROM keys": {"api"},
    "SELECT secret FROM webhook_secrets": {"api", "deliverer"},
    "SELECT secret FROM webhook_endpoints": {"api", "deliverer"},
    "SELECT balance FROM wallets": {"api", "worker"},
    "SELECT metadata FROM clients": {"api", "worker"},
}


@dataclass(frozen=True)
class Thieves:
    """Databases that are alike, each migrated for three roles, and the URLs of those roles."""

    databases: Databases
    logins: dict[str, str]  # an URL of each role, for another database
    template: str

    def fresh(self) -> "Victim":
        """A copy: with applied transfers, a rejected one and a queued one, and a revoked key of an operator."""
        url = self.databases.copy(self.template)
        return Victim({process: at(one, url) for process, one in self.logins.items()}, self.databases.owner_url(url))


@dataclass(frozen=True)
class Victim:
    urls: dict[str, str]
    owner_url: str

    @property
    def world(self) -> World:
        """The database as its owner sees it."""
        return World(self.owner_url, self.owner_url)

    def attempt(self, process: str, statement: str) -> str:
        """Run it as the role; "denied" for want of a right, "refused" by a constraint, a trigger or a type, else "done"."""
        with psycopg.connect(self.urls[process], autocommit=True) as connection:
            try:
                with connection.transaction():
                    connection.execute(statement.encode())
            except errors.InsufficientPrivilege:
                return "denied"
            except (errors.IntegrityError, errors.DataError, errors.GeneratedAlways):
                return "refused"
        return "done"

    def migrate(self) -> None:
        given = {
            "DATABASE_URL": self.urls["api"],
            "TELLER_WORKER_DATABASE_URL": self.urls["worker"],
            "TELLER_DELIVERER_DATABASE_URL": self.urls["deliverer"],
            "TELLER_ADMIN_DATABASE_URL": self.owner_url,
            "TELLER_OPERATOR_KEY": "k" * 40,
        }
        migrate(Settings.model_validate(given), repair=True)

    def assert_works(self) -> None:
        """A client is made, deposited to and told of, by the roles that do so."""
        api, worker = World(self.urls["api"], self.owner_url), World(self.urls["worker"], self.owner_url)
        wallet = api.new_wallet()
        sent = deposit(wallet, 5)
        api.submit(sent)
        worker.drain()
        assert api.statuses(sent.id) == [("applied", None)]
        assert api.balance(wallet) == 5
        assert api.ask(lambda database: events.find(database, sent.id)) is not None


def at(url: str, database_url: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=urlsplit(database_url).path))


@pytest.fixture(scope="module")
def thieves(databases: Databases) -> Thieves:
    url = databases.empty()
    logins = {process: with_role(url, databases.new_role(), f"a-password-{process}") for process in ROLES}
    victim = Victim(logins, databases.owner_url(url))
    victim.migrate()
    world = victim.world
    rich, poor = world.new_wallets(100, 0, shard=3)
    for sent in (transfer(rich, poor, 10), transfer(poor, rich, 1000), hold(rich, poor, 5)):
        world.submit(sent)
        world.drain()
    world.submit(transfer(rich, poor, 1))
    _, kept = keys.new_key()
    world.query("INSERT INTO keys (id, role, digest, revoked_at) VALUES (%s, 'operator', %s, now())", kept.id, kept.digest)
    _, kept = keys.new_key()
    world.query("INSERT INTO keys (id, role, digest) VALUES (%s, 'operator', %s)", kept.id, kept.digest)
    return Thieves(databases, logins, url)


@pytest.fixture(scope="module")
def scene(thieves: Thieves) -> Victim:
    """For what is refused: it changes nothing, so all may try it here."""
    return thieves.fresh()


@pytest.mark.parametrize("statement", REFUSED)
def test_what_would_stop_forge_or_take_over_the_ledger_is_refused_to_every_role(scene: Victim, statement: str) -> None:
    assert {process: scene.attempt(process, statement) for process in ROLES if scene.attempt(process, statement) == "done"} == {}


@pytest.mark.parametrize(("process", "statement"), NAMED)
def test_what_a_role_can_damage_is_named_by_the_audit_and_stops_the_ledger_no_longer_than_until_the_next_migration(
    thieves: Thieves, scene: Victim, process: str, statement: str
) -> None:
    both = {"api", "worker"}  # the sweeper, too, queues transfers, and a drain notes when holds end
    others = {*ROLES} - (both if statement.startswith(("INSERT INTO queue", "INSERT INTO due")) else {process})
    assert {other: scene.attempt(other, statement) for other in others} == dict.fromkeys(others, "denied")
    victim = thieves.fresh()
    assert audit(victim.urls["worker"]).clean

    assert victim.attempt(process, statement) == "done"

    assert not audit(victim.urls["worker"]).clean
    victim.migrate()
    victim.assert_works()


@pytest.mark.parametrize("statement", SECRETS)
def test_a_role_reads_the_secrets_that_it_needs_and_no_others(scene: Victim, statement: str) -> None:
    assert {process for process in ROLES if scene.attempt(process, statement) == "done"} == SECRETS[statement]
