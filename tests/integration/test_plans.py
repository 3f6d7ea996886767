"""Every statement finds its rows by key, whatever the planner's statistics say.

A plan is made when a session first needs it and kept for the session's life: here while all tables are empty and the statistics say
so. Then tens of thousands of rows come, and what each statement reads is counted: rows by table, and buffers.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
import pytest
from psycopg import ClientCursor

from core import ids, transfers
from core.postgres.connections import connect_worker
from core.postgres.statements import statement
from core.transfer_lists import UNFILTERED
from tests.databases import Databases
from tests.sql import STATEMENTS
from tests.world import SHARDS, World, deposit, new_client, transfer
from worker.ledger.apply import Applier

Connection = psycopg.Connection[Any]

ROWS = 25_000  # of each table; of the queue half
QUEUED = ROWS // 2
KEYS = 100  # that a statement is given, if it takes several
LIMIT = 21  # of a page

# What is not asked beside a load, or by key.
EXEMPT = {
    **dict.fromkeys(
        (name for name in STATEMENTS if name.startswith("audit/")), "reads everything, by its own session, and says so"
    ),
    **dict.fromkeys(
        (name for name in STATEMENTS if name.startswith(("history/", "since/", "reconcile/"))),
        "a command's; its transaction switches off sequential scans",
    ),
    **dict.fromkeys(
        ("admin/add_checksums", "admin/fill_checksums", "admin/find_checksums", "admin/list_checksums"), "a migration's"
    ),
    "session/check": "reads settings",
    "admin/compare_owner": "a migration's; reads the catalogue",
    "heal/continue_feed": "a migration's",
    "sweep/find_last_position": "reads a sequence",
    "admin/create_migrations": "a migration's; makes a table",
    "admin/create_role": "a migration's; makes a role",
    "heal/delete_far_events": "a migration's",
    "session/fence": "writes a sequence",
    "session/find_backend": "reads the session",
    "admin/find_role": "a migration's; reads the catalogue",
    "admin/grant_rights": "a migration's; grants rights",
    "admin/insert_currencies": "a migration's",
    "admin/insert_external_wallets": "a migration's",
    "keys/insert_first_operator": "a migration's",
    "admin/insert_migration": "a migration's",
    "admin/set_serves_from": "a migration's",
    "admin/insert_shards": "a migration's",
    **dict.fromkeys(
        (
            *("heal/insert_external_wallets", "heal/feed", "heal/queue", "heal/due", "heal/shards"),
            *("heal/repair_due", "heal/repair_parents", "heal/repair_queue", "heal/repair_wallets", "heal/repair_running_totals"),
            *("heal/repair_rules", "heal/repair_counted", "heal/repair_counters", "heal/repair_parties", "heal/repair_identities"),
        ),
        "a migration's",
    ),
    "retention/limit_retention": "sets a limit",
    "totals/hurry": "sets a setting",
    "preview/begin": "sets a setting",
    "preview/read_clock": "reads the clock",
    "admin/limit_temporary_files": "a migration's; changes a role",
    "session/list_backends": "reads the server's sessions",
    "admin/store_audit": "an audit's, in a table with a thousand rows",
    "ops/find_holder": "reads the server's sessions",
    "ops/find_last_audit": "reads a table with a thousand rows",
    "ops/limit_statements": "sets a setting",
    "ops/list_blocked": "reads the server's tables of locks and sessions",
    "ops/list_drains": "reads the server's sessions, and a table with a row a shard",
    "ops/list_sessions": "reads the server's sessions",
    "ops/measure_database": "reads the server's state, and a table with a row a migration",
    "admin/list_lock_holders": "reads the server's table of locks",
    "admin/list_open_functions": "a migration's; reads the catalogue",
    "session/list_role_settings": "a migration's; reads the catalogue",
    "admin/list_strangers": "a migration's; reads the catalogue",
    "admin/list_migrations": "reads a table with a row a migration",
    "drain/list_queue_writers": "reads the server's table of locks",
    "heal/lower_floors": "a migration's",
    "events/measure_horizon": "reads a snapshot",
    "admin/revoke_rights": "a migration's; revokes rights",
    "admin/set_password": "a migration's; changes a role",
    "session/set": "sets settings",
}


def uuid(kind: int, number: int) -> UUID:
    """The id of the row of this number, as `filled` makes it."""
    return UUID(f"00000000-0000-7000-{8000 + kind}-{number:012x}")


CLIENT, WALLET, TRANSFER, ENDPOINT, DELIVERY, KEY = 100, 200, 300, 400, 500, 600
LONG_WALLET = uuid(WALLET, 6000)  # which has a history of QUEUED entries, one a second from 2020 on, and running totals
SOME = range(10_001, 10_001 + KEYS)
QUEUED_SOME = range(QUEUED + 5_001, QUEUED + 5_001 + KEYS)
NEW_SOME = range(ROWS + 1, ROWS + 1 + KEYS)


def made(kind: int, number: str = "n") -> str:
    """The same id in SQL."""
    return f"('00000000-0000-7000-{8000 + kind}-' || lpad(to_hex({number}), 12, '0'))::uuid"


def filling(rows: int) -> str:
    """The SQL that fills the tables with so many rows each, and the queue with half as many."""
    queued = rows // 2
    source, destination = made(WALLET, "(n % 5000 + 1)"), made(WALLET, "(n % 5000 + 2)")
    receiving, delivered = made(ENDPOINT, "(n % 100 + 1)"), made(TRANSFER, f"(n % {queued - 1} + 1)")
    return f"""
INSERT INTO clients (id, name, external_id, metadata, idempotency_key, fingerprint)
SELECT {made(CLIENT)}, 'Ada ' || n, 'x' || n, '{{}}', 'c' || n, sha256('f') FROM generate_series(1, {rows}) n;

INSERT INTO wallets (id, client_id, kind, currency, idempotency_key, fingerprint)
SELECT {made(WALLET)}, {made(CLIENT)}, 'client', 'USD', CASE WHEN n = {rows} THEN 'w' END, CASE WHEN n = {rows} THEN sha256('f') END
  FROM generate_series(1, {rows}) n;

INSERT INTO keys (id, role, client_id, digest)
SELECT {made(KEY)}, 'client', {made(CLIENT)}, sha256(n::text::bytea)
  FROM generate_series(1, {rows}) n;

INSERT INTO transfers (id, type, status, finished_at, source, destination, amount, currency, metadata, owner, idempotency_key,
                       fingerprint, shard, moment, ordinal, callback_url, parent, expires_at, moved, reference)
SELECT {made(TRANSFER)}, CASE n % 5 WHEN 0 THEN 'reversal' WHEN 1 THEN 'hold' ELSE 'transfer' END,
       CASE WHEN n > {queued} THEN 'queued' ELSE 'applied' END,
       CASE WHEN n <= {queued} THEN now() END,
       {source}, {destination}, 1, 'USD', '{{}}', 'cli_' || n % 5000, 't' || n, sha256('f'), n % {SHARDS},
       CASE WHEN n <= {queued} THEN n - 1000000 END, CASE WHEN n <= {queued} THEN 1 END, 'https://example.com/',
       CASE WHEN n % 5 = 0 THEN {made(TRANSFER, "(n % 100 + 1)")} END, CASE WHEN n % 5 = 1 THEN now() + interval '1 day' END,
       CASE WHEN n % 5 < 2 AND n <= {queued} THEN 1 END, 'r' || n % 100
  FROM generate_series(1, {rows}) n;

INSERT INTO parties (wallet_id, transfer_id)
SELECT {made(WALLET, "(n % 5000 + 3)")}, {made(TRANSFER)} FROM generate_series(1, {rows}) n;

INSERT INTO queue (shard, transfer_id) SELECT n % {SHARDS}, {made(TRANSFER)} FROM generate_series({queued + 1}, {rows}) n;

INSERT INTO due (wallet_id, transfer_id, verb, shard, due_at)
SELECT {source}, {made(TRANSFER)}, CASE WHEN n % 2 = 0 THEN 'apply' ELSE 'release' END, n % {SHARDS},
       now() + CASE WHEN n % 250 = 0 THEN interval '-1 hour' ELSE interval '1 day' END
  FROM generate_series(1, {rows}) n;

INSERT INTO entries (wallet_id, version, transfer_id, amount, balance_after)
SELECT {source}, 2 * n, {made(TRANSFER)}, -1, 0 FROM generate_series(1, {queued}) n
UNION ALL
SELECT {destination}, 2 * n + 1, {made(TRANSFER)}, 1, 0 FROM generate_series(1, {queued}) n;

INSERT INTO entries (wallet_id, version, transfer_id, amount, balance_after, created_at)
SELECT {made(WALLET, "6000")}, n, {made(TRANSFER)}, 1, n, '2020-01-01Z'::timestamptz + n * interval '1 second'
  FROM generate_series(1, {queued}) n;

INSERT INTO running_totals (wallet_id, version, credits, latest)
SELECT {made(WALLET, "6000")}, n, n, '2020-01-01Z'::timestamptz + n * interval '1 second'
  FROM generate_series(64, {queued} - 64, 64) n;

UPDATE wallets SET version = {queued}, balance = {queued} WHERE id = {made(WALLET, "6000")};

INSERT INTO events (moment, transfer_ids) SELECT n - 1000000, ARRAY[{made(TRANSFER)}] FROM generate_series(1, {queued}) n;

INSERT INTO webhook_endpoints (id, owner, wallet_id, url, events, secret)
SELECT {made(ENDPOINT)}, 'cli_' || n, {made(WALLET)}, 'https://example.com/', '{{transfer.applied}}', 'whsec_' || repeat('A', 32)
  FROM generate_series(1, {rows}) n;

INSERT INTO webhook_secrets (owner, secret) SELECT 'cli_' || n, 'whsec_' || repeat('A', 32) FROM generate_series(1, {rows}) n;

INSERT INTO deliveries (id, owner, receiver, transfer_id, endpoint_id, shard, status, next_attempt_at, finished_at)
SELECT {made(DELIVERY)}, 'cli_' || n % 100, {receiving}, {delivered}, {receiving}, 0,
       CASE WHEN n % 3 = 0 THEN 'failed' ELSE 'pending' END,
       CASE WHEN n % 3 > 0 THEN now() END, CASE WHEN n % 3 = 0 THEN now() END
  FROM generate_series(1, {rows}) n;

INSERT INTO delivery_attempts (delivery_id, number, started_at, duration_ms, status_code)
SELECT {made(DELIVERY)}, 1, now(), 1, 500 FROM generate_series(1, {rows}) n;

INSERT INTO webhook_endpoints (id, owner, url, events, secret)
SELECT {made(ENDPOINT, "(1000000 + n)")}, 'operator', 'https://example.com/', '{{transfer.applied}}', 'whsec_' || repeat('A', 32)
  FROM generate_series(1, 50) n;

INSERT INTO receivers (owner, receiver, used_at)
SELECT 'cli_' || n % 100, {made(ENDPOINT, "(n % 100 + 1)")}::text || CASE WHEN n < 100 THEN '' ELSE n::text END,
       now() - interval '2 hours'
  FROM generate_series(0, {rows}) n;

INSERT INTO endpoint_events (moment, id, owner, endpoint_id, endpoint)
SELECT n - 1000000, {made(KEY)}, 'cli_' || n, {made(ENDPOINT)}, '{{}}' FROM generate_series(1, {rows}) n;

INSERT INTO fan_outs (audience, moment)
SELECT audience, n - 1000000 FROM generate_series(1, {queued}) n, unnest(ARRAY['parties', 'operators', 'endpoints']) audience;

INSERT INTO wallet_changes (wallet_id, number, before, after, reason)
SELECT {made(WALLET, "(n % 5000 + 1)")}, n / 5000 + 1, jsonb_build_object('n', n), jsonb_build_object('n', n + 1), 'r'
  FROM generate_series(0, {rows - 1}) n;

INSERT INTO client_changes (client_id, number, before, after, reason)
SELECT {made(CLIENT, "(n % 5000 + 1)")}, n / 5000 + 1, jsonb_build_object('n', n), jsonb_build_object('n', n + 1), 'r'
  FROM generate_series(0, {rows - 1}) n;
"""


KEPT = {"migrations", "currencies", "shards", "feed", "delivery_bounds"}


def empty(world: World) -> None:
    """Delete it all again: the tables have their pages still, and the statistics say that nothing is in them."""
    for table in ("entries", "wallet_changes", "client_changes"):
        world.query(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
    for (table,) in world.query("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"):
        if table not in KEPT:
            world.query(f"DELETE FROM {table}")
    world.query("ALTER SEQUENCE queue_position_seq RESTART")
    world.query("ANALYZE")


class Case(NamedTuple):
    """A statement's parameters, and how many rows it is to find: what it reads is bounded by that."""

    params: Mapping[str, object]
    keys: int = 1
    waiting: int = 0  # rows of the queue that it is to read besides, which costs what waits


NOW = datetime(2020, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
SECRET = "whsec_" + "B" * 32
PAGE = {"before": ids.LAST, "limit": LIMIT}
FROM_ALL: dict[str, object] = {**UNFILTERED, **PAGE, "down_to": ids.FIRST, "seen_by": None}
PERIOD = {"created_from": NOW, "created_to": NOW + timedelta(days=40_000)}
SOUGHT = {  # all filters at once
    **PERIOD,
    "wallet_id": uuid(WALLET, 7),
    "client_id": uuid(CLIENT, 7),
    "status": "applied",
    "type": "reversal",
    "parent": uuid(TRANSFER, 6),
    "reference": "r7",
    "amount_from": 1,
    "amount_to": 1,
    "seen_by": uuid(CLIENT, 7),
}
TRANSFERS = [uuid(TRANSFER, number) for number in QUEUED_SOME]
SHARDS_LEFT = list(range(SHARDS))
NEW = transfers.columns_of(
    [
        replace(
            transfer(uuid(WALLET, number), uuid(WALLET, number + 1), 1),
            id=uuid(TRANSFER, new),
            idempotency_key=f"new{number}",
            shard=number % SHARDS,
        )
        for new, number in zip(NEW_SOME, SOME, strict=True)
    ]
)
COUNTERS = ("today", "debits_today", "debits_this_month")
NEW_SPECIAL = NEW | {
    "parent": [None] * KEYS,
    "amount": [2] * KEYS,
    "fit": ["funds", None] * (KEYS // 2),
    "closes": [False] * KEYS,
    "scheduled_for": [NOW, None] * (KEYS // 2),
    "apply_within_s": [60] * KEYS,
    "expires_in_s": [None] * KEYS,
    "sweeps": [False] * KEYS,
    "wallet_ids": [
        transfers.array_text(uuid(WALLET, number + other) for other in range(3)) if number % 2 == 0 else None for number in SOME
    ],
    "amounts": [None, "{-2,1,1}"] * (KEYS // 2),
}
BOUND = -1_000_000
RECEIVING = {
    "owners": [f"cli_{number}" for number in range(KEYS)],
    "receivers": [str(uuid(ENDPOINT, number + 1)) for number in range(KEYS)],
}
ENDPOINT_OF = {"id": uuid(ENDPOINT, 7), "owner": "cli_7"}

CASES = {
    "deliverer/advance_receivers": Case(RECEIVING, KEYS),
    "webhooks/cancel_deliveries": Case({"endpoint_id": uuid(ENDPOINT, 7), "limit": KEYS}, KEYS),
    "deliverer/claim_deliveries": Case(
        {
            "owners": [f"cli_{number}" for number in range(KEYS)],
            "receivers": [str(uuid(ENDPOINT, number + 1)) for number in range(KEYS)],
            "since": [NOW] * KEYS,
            "counts": [2] * KEYS,
            "lease_s": 60.0,
        },
        16 * KEYS,
    ),
    "drain/claim_queue": Case({"shards": SHARDS_LEFT, "floors": [0] * SHARDS, "limit": 10}, 10 * SHARDS),
    "queue/count": Case({"most": 100_000}, SHARDS, waiting=QUEUED),
    "queue/count_by_client": Case({"most": 500, "at_least": 1}, 500),
    "queue/count_due": Case({"client_id": uuid(CLIENT, 8), "most": LIMIT}, LIMIT),
    "queue/count_shards": Case({}, SHARDS),
    "queue/find_place": Case({"id": uuid(TRANSFER, ROWS), "shard": ROWS % SHARDS, "most": KEYS}, 2 * KEYS),
    "retention/delete_deliveries": Case({"days": 0, "limit": KEYS, "attempts": 5, "whole": False}, KEYS),
    "webhooks/delete_endpoint": Case(ENDPOINT_OF),
    "drain/put_off_release": Case({"transfer_id": uuid(TRANSFER, 7)}),
    "drain/delete_due": Case({"id": [uuid(TRANSFER, number) for number in SOME]}, KEYS),
    "drain/delete_queue": Case(
        {
            "shard": [number % SHARDS for number in QUEUED_SOME],
            "position": [number - QUEUED for number in QUEUED_SOME],
        },
        KEYS,
    ),
    "retention/delete_receivers": Case({"limit": KEYS}, KEYS),
    "deliverer/fan_out_endpoints": Case({"bound": BOUND, "rows": KEYS}, KEYS),
    "deliverer/fan_out_operators": Case({"bound": BOUND, "fan_outs": 32, "rows": KEYS}, 4 * KEYS),
    "deliverer/fan_out_parties": Case({"bound": BOUND, "fan_outs": 32, "transfers": KEYS}, 4 * KEYS),
    "clients/find": Case({"id": uuid(CLIENT, 7)}),
    "clients/find_by_key": Case({"idempotency_key": "c7"}),
    "webhooks/find_delivery": Case({"id": uuid(DELIVERY, 7), "owner": "cli_7", "attempts": 5}),
    "webhooks/find_delivery of any": Case({"id": uuid(DELIVERY, 7), "owner": None, "attempts": 5}),
    "webhooks/find_endpoint": Case(ENDPOINT_OF),
    "webhooks/find_endpoint of any": Case({**ENDPOINT_OF, "owner": None}),
    "events/find": Case({"id": uuid(TRANSFER, 7), "client_id": None, "owner": "operator"}),
    "deliverer/find_fan_outs": Case({"audiences": ["parties", "operators", "endpoints"], "bounds": [BOUND] * 3}, 3),
    "keys/find": Case({"digest": b"7"}),
    "keys/find_by_id": Case({"id": uuid(KEY, 7)}),
    "transfers/find": Case({"ids": [uuid(TRANSFER, number) for number in SOME]}, KEYS),
    "transfers/find_by_key": Case(
        {
            "owners": [f"cli_{number % 5000}" for number in SOME],
            "idempotency_keys": [f"t{number}" for number in SOME],
        },
        KEYS,
    ),
    "wallets/find": Case({"id": uuid(WALLET, 7)}),
    "wallets/find_by_key": Case({"idempotency_key": "w"}),
    "wallets/find_of_client": Case({"client_id": uuid(CLIENT, 7)}),
    "wallets/find_sides": Case({"ids": [uuid(WALLET, number) for number in SOME]}, KEYS),
    "wallets/insert": Case(
        {
            "id": uuid(WALLET, ROWS + 1),
            "client_id": uuid(CLIENT, 7),
            "currency": "EUR",
            "idempotency_key": "new",
            "fingerprint": b"f" * 32,
        },
        SHARDS,
    ),
    "webhooks/find_secret": Case({"owner": "cli_7"}),
    "drain/find_parents": Case({"ids": TRANSFERS}, KEYS),
    "drain/find_specials": Case({"ids": TRANSFERS}, KEYS),
    "drain/finish_transfers": Case({"transfer_id": TRANSFERS, "refusal": [None] * KEYS, "moved": [1] * KEYS}, KEYS),
    "clients/insert": Case(
        {
            "id": uuid(CLIENT, ROWS + 1),
            "name": "Ada",
            "external_id": None,
            "metadata": "{}",
            "idempotency_key": "new",
            "fingerprint": b"f" * 32,
            "wallet_id": uuid(WALLET, ROWS + 1),
            "currency": "USD",
        },
        SHARDS,  # the external wallets are made, where all wallets were deleted
    ),
    "webhooks/insert_endpoint": Case(
        {
            "id": uuid(ENDPOINT, ROWS + 1),
            "owner": "cli_7",
            "wallet_id": uuid(WALLET, 7),
            "url": "https://example.com/",
            "events": ["transfer.applied"],
            "description": None,
            "secret": SECRET,
            "client_max": 20,
        }
    ),
    "drain/insert_entries": Case(
        {
            "wallet_id": [uuid(WALLET, number) for number in SOME],
            "version": [200_000] * KEYS,
            "transfer_id": TRANSFERS,
            "amount": [1] * KEYS,
            "balance_after": [1] * KEYS,
        },
        KEYS,
    ),
    "keys/insert": Case(
        {"id": uuid(KEY, ROWS + 1), "role": "client", "client_id": uuid(CLIENT, 7), "digest": b"d" * 32, "name": None}, 2
    ),  # a trigger looks into the catalogue
    "transfers/insert": Case(NEW, KEYS),
    "transfers/insert_special": Case(NEW_SPECIAL, 4 * KEYS),
    "drain/insert_due": Case({"id": [uuid(TRANSFER, 10 * number + 6) for number in range(KEYS)]}, KEYS),  # holds without an end
    "webhooks/insert_secret": Case({"owner": "new", "secret": SECRET}),
    "clients/list": Case({**PAGE, "external_id": None, "name": None}, LIMIT),
    "clients/list of an external id": Case({**PAGE, "external_id": "x7", "name": "ada"}, LIMIT),
    "clients/list_by_name": Case({"name": "aDa 1", "after_name": "Ada 12", "after": ids.FIRST, "limit": LIMIT}, LIMIT),
    "clients/list_by_name of many": Case({"name": "a", "after_name": "", "after": ids.FIRST, "limit": LIMIT}, LIMIT),
    "webhooks/list_deliveries_of_endpoint": Case(
        {**PAGE, "endpoint_id": uuid(ENDPOINT, 7), "statuses": ["pending", "failed"], "attempts": 5}, 2 * LIMIT
    ),
    "webhooks/list_endpoints": Case({**PAGE, "owner": "cli_7"}, LIMIT),
    "events/list": Case({"moment": -995_000, "ordinal": 1, "limit": LIMIT}, LIMIT),
    "keys/list": Case({**PAGE, "client_id": None}, LIMIT),
    "keys/list of a client": Case({**PAGE, "client_id": uuid(CLIENT, 7)}, LIMIT),
    "transfers/list_queued": Case(PAGE, LIMIT, waiting=QUEUED),
    "deliverer/list_receivers": Case(
        {"from_owner": "", "owners": ["cli_7"], "receivers": [""], "per_owner": 10, "limit": KEYS},
        4 * KEYS,
    ),
    "webhooks/list_deliveries_of_transfer": Case(
        {**PAGE, "transfer_id": uuid(TRANSFER, 7), "owner": "cli_6", "status": None, "attempts": 5}, LIMIT
    ),
    "webhooks/list_deliveries_of_transfer of all": Case(
        {**PAGE, "transfer_id": uuid(TRANSFER, 7), "owner": None, "status": None, "attempts": 5}, LIMIT
    ),
    "transfers/list": Case({**FROM_ALL, "window": LIMIT}, LIMIT),
    "transfers/list by all filters": Case({**FROM_ALL, **SOUGHT, "window": LIMIT}, 3 * LIMIT),
    "transfers/list of a period": Case(
        {**FROM_ALL, **PERIOD, "before": uuid(TRANSFER, 9_000), "down_to": uuid(TRANSFER, 8_990), "window": 10_000}, LIMIT
    ),
    "transfers/list_by_key": Case({**FROM_ALL, **SOUGHT, "owner": "cli_7", "idempotency_key": "t7"}),
    "transfers/list_by_any_key": Case({"idempotency_key": "t7", "limit": LIMIT}),
    "transfers/list_by_reference": Case({**FROM_ALL, "reference": "r7", "window": LIMIT}, LIMIT),
    "transfers/list_by_reference of a period": Case(
        {
            **FROM_ALL,
            **PERIOD,
            "reference": "r7",
            "window": 10_000,
            "before": uuid(TRANSFER, 20_000),
            "down_to": uuid(TRANSFER, 19_800),
        },
        2,
    ),
    "transfers/list_by_reference by all filters": Case({**FROM_ALL, **SOUGHT, "window": LIMIT}, 3 * LIMIT),
    "transfers/list_children": Case(
        {**FROM_ALL, "client_id": uuid(CLIENT, 7), "parent": uuid(TRANSFER, 6), "window": LIMIT}, LIMIT
    ),
    "transfers/list_children by all filters": Case({**FROM_ALL, **SOUGHT, "window": LIMIT}, 3 * LIMIT),
    "transfers/list_open_holds": Case({**PAGE, "wallet_id": uuid(WALLET, 8)}, LIMIT),
    "transfers/list_scheduled": Case(PAGE, LIMIT),
    "sweep/list_waiting_shards": Case({"waited_s": 2.0}, SHARDS),
    "wallets/list_entries": Case({"wallet_id": uuid(WALLET, 7), "before": 1_000_000, "after": 0, "limit": LIMIT}, LIMIT),
    "preview/find_wallets": Case({"ids": [uuid(WALLET, number) for number in SOME]}, KEYS),
    "periods/find": Case({"wallet_id": LONG_WALLET, "since": NOW + 2 * HOUR, "until": NOW + 3 * HOUR, "through": None}, 64),
    "periods/find without totals": Case({"wallet_id": uuid(WALLET, 7), "since": NOW, "until": NOW + HOUR, "through": None}, 64),
    "periods/list_entries": Case({"wallet_id": LONG_WALLET, "after": 7_000, "ends": 9_000, "limit": LIMIT}, LIMIT),
    "periods/sum_credits": Case({"wallet_id": LONG_WALLET, "begins": 7_000, "ends": 7_100}, KEYS),
    "totals/insert": Case({"ids": [LONG_WALLET]}, 64),
    "events/list_of_client": Case(
        {"moment": -995_000, "ordinal": 1, "window": KEYS, "client_id": uuid(CLIENT, 7), "owner": "cli_7", "limit": LIMIT},
        2 * KEYS,
    ),
    "transfers/list_of_wallet": Case({**FROM_ALL, "wallet_id": uuid(WALLET, 7), "window": LIMIT}, 2 * LIMIT),
    "transfers/list_of_wallet of a client": Case({**FROM_ALL, "client_id": uuid(CLIENT, 7), "window": LIMIT}, 2 * LIMIT),
    "transfers/list_of_wallet by all filters": Case({**FROM_ALL, **SOUGHT, "window": LIMIT}, 4 * LIMIT),
    "deliverer/list_delivery_bounds": Case({}, 4),
    "deliverer/look_at_receivers": Case(RECEIVING, KEYS),
    "deliverer/move_delivery_bound": Case({"name": "parties", "value": 1}),
    "deliverer/recover_receivers": Case({"owner": "", "receiver": "", "limit": KEYS}, KEYS),
    "drain/lock_shards": Case({"shards": SHARDS_LEFT}, SHARDS),
    "drain/lock_wallets": Case({"ids": [uuid(WALLET, number) for number in SOME]}, KEYS),
    "deliverer/mark_delivery": Case(
        {
            "status": "pending",
            "retry_in_s": 60.0,
            "id": uuid(DELIVERY, 7),
            "claimed_until": NOW,
            "started_at": NOW,
            "duration_ms": 1,
            "status_code": 500,
            "error": None,
            "gone": False,
            "failing_max_s": 60.0,
            "url": "https://example.com/",
        }
    ),
    "queue/measure": Case({}, SHARDS, waiting=2 * QUEUED),
    "keys/note_use": Case({"ids": [uuid(KEY, number) for number in SOME]}, KEYS),
    "sweep/raise_floors": Case({"settled": QUEUED, "lag": 1}, SHARDS),
    "deliverer/step_over_fan_out": Case({"audience": "parties", "moment": BOUND + 7, "after_ordinal": 0}),
    "drain/store_floors": Case({"shards": SHARDS_LEFT, "floors": [1] * SHARDS}, SHARDS),
    "webhooks/redeliver_all": Case(
        {"endpoint_id": uuid(ENDPOINT, 7), "since_id": uuid(DELIVERY, 0), "since": NOW, "limit": KEYS}, 2 * KEYS
    ),
    "webhooks/redeliver": Case({"id": uuid(DELIVERY, 7), "owner": "cli_7"}),
    "keys/revoke": Case({"id": uuid(KEY, 7)}),
    "webhooks/rotate_endpoint_secret": Case({**ENDPOINT_OF, "secret": SECRET, "old_signs_for_s": 60.0}),
    "webhooks/rotate_secret": Case({"owner": "cli_7", "secret": SECRET, "old_signs_for_s": 60.0}),
    "webhooks/update_endpoint": Case(
        {**ENDPOINT_OF, "url": None, "events": None, "describes": False, "description": None, "status": "disabled"}
    ),
    "drain/update_parents": Case({"id": TRANSFERS, "captured": [0] * KEYS, "returned": [1] * KEYS}, KEYS),
    "drain/update_counters": Case(
        {"wallet_id": [uuid(WALLET, number) for number in SOME], **dict.fromkeys(COUNTERS, [1] * KEYS)}, KEYS
    ),
    "drain/note_counted": Case(
        {"transfer_id": [uuid(TRANSFER, 5 * number + 3) for number in range(KEYS)], "day": [1] * KEYS}, KEYS
    ),
    "drain/note_shortfalls": Case({"transfer_id": TRANSFERS, "available": [None] * KEYS, "needed": [None] * KEYS}, KEYS),
    "drain/close_wallets": Case(
        {"wallet_id": [uuid(WALLET, number + 1) for number in range(KEYS)], "transfer_id": TRANSFERS}, 3 * KEYS
    ),
    "wallets/change": Case({"id": uuid(WALLET, 7), "changes": '{"frozen": "all"}', "key_id": None, "reason": "r"}, 5),
    "clients/change": Case({"id": uuid(CLIENT, 7), "changes": '{"external_id": "new"}', "key_id": None, "reason": "r"}, 5),
    "clients/list_changes": Case({"client_id": uuid(CLIENT, 7), "before": 2**40, "limit": LIMIT}, LIMIT),
    "ops/count_scheduled": Case({"most": KEYS}, KEYS),
    "wallets/list_changes": Case({"wallet_id": uuid(WALLET, 7), "before": 2**40, "limit": LIMIT}, LIMIT),
    "drain/update_wallets": Case(
        {"id": [uuid(WALLET, number) for number in SOME], "balance": [1] * KEYS, "version": [1] * KEYS, "held": [1] * KEYS}, KEYS
    ),
    "sweep/queue_due": Case({"most": 64, "least": 8}, KEYS, waiting=QUEUED),
    "transfers/cancel": Case({"id": uuid(TRANSFER, QUEUED + 5_001)}, waiting=QUEUED // SHARDS),
}


def statement_of(case: str) -> str:
    return case.partition(" ")[0]


class Session:
    """A session as the product opens it: its plans are made once and kept."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._cursor = ClientCursor(connection)
        self._prepared: dict[str, list[str]] = {}
        connection.execute("SET plan_cache_mode = force_generic_plan")

    def execute(self, name: str, params: Mapping[str, object], before: str = "") -> list[Any]:
        """Execute a statement of core/sql as a prepared one; change nothing."""
        with self._connection.transaction(force_rollback=True):
            names = self._prepare(name)
            values = f"({', '.join(['%s'] * len(names))})" if names else ""
            self._cursor.execute(f'{before} EXECUTE "{name}" {values}'.encode(), [params[one] for one in names])
            return self._cursor.fetchall() if self._cursor.description else []

    def make_plans(self) -> None:
        for name, case in CASES.items():
            self.execute(statement_of(name), case.params)

    def plan(self, case: Case, name: str) -> dict[str, Any]:
        """Execute it and return the plan that it was executed by, with what was read."""
        plan: dict[str, Any] = self.execute(name, case.params, "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON)")[0][0][0]["Plan"]
        return plan

    def _prepare(self, name: str) -> list[str]:
        """Prepare it, unless it is, and return the names of its parameters in their order."""
        if name not in self._prepared:
            text = statement(name)
            names = list(dict.fromkeys(re.findall(r"%\((\w+)\)[sb]", text)))
            numbered = re.sub(r"%\((\w+)\)[sb]", lambda found: f"${names.index(found[1]) + 1}", text)
            self._connection.execute(f'PREPARE "{name}" AS {numbered}'.encode())
            self._prepared[name] = names
        return self._prepared[name]


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", []):
        yield from nodes(inner)


def rows_read(plan: dict[str, Any]) -> Counter[str]:
    """Count, by table and else by the kind of node, the rows that were read: returned by a scan, or thrown away by anything."""
    read: Counter[str] = Counter()
    for node in nodes(plan):
        rows = sum(number for what, number in node.items() if what.startswith("Rows Removed by"))
        if node["Node Type"].endswith("Scan"):
            rows += node["Actual Rows"]
        read[node.get("Relation Name", node["Node Type"])] += round(rows * node["Actual Loops"])
    return read


MADE = ("on empty tables", "on emptied tables", "on statistics of emptied tables")


@pytest.fixture(scope="module")
def sessions(databases: Databases) -> Iterator[dict[str, Session]]:
    """Sessions on filled databases, by when they made their plans: before there was a row, when all had been deleted again, and
    when there were rows again.
    """
    fresh, used = unanalyzed(databases), unanalyzed(databases)
    with (
        closing(connect_worker(fresh.url)) as early,
        closing(connect_worker(used.url)) as later,
        closing(connect_worker(used.url)) as late,
    ):
        opened = dict(zip(MADE, map(Session, (early, later, late)), strict=True))
        opened["on empty tables"].make_plans()
        fresh.query(filling(ROWS))
        used.query(filling(1_000))
        empty(used)
        opened["on emptied tables"].make_plans()
        used.query(filling(ROWS))
        for session in opened.values():  # after an ANALYZE, the first write also reads what the catalog says of functions in CHECKs
            session.execute("clients/insert", CASES["clients/insert"].params)
        yield opened


def test_every_statement_is_tried_or_exempt() -> None:
    assert {statement_of(case) for case in CASES} | EXEMPT.keys() == STATEMENTS.keys()
    assert not {statement_of(case) for case in CASES} & EXEMPT.keys()


@pytest.mark.parametrize("made_when", MADE)
@pytest.mark.parametrize("name", CASES)
def test_a_plan_reads_by_key(sessions: dict[str, Session], name: str, made_when: str) -> None:
    case = CASES[name]

    plan = sessions[made_when].plan(case, statement_of(name))

    read = rows_read(plan)
    by_key = 6 * case.keys + 40
    assert read["transfers"] <= by_key
    assert max(read.values()) <= by_key + 2 * case.waiting, read
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] <= 30 * case.keys + 40 + case.waiting


def test_a_drain_that_began_on_an_empty_queue_reads_a_backlog_by_key(databases: Databases) -> None:
    """Its session has made and kept its plans while the queue was empty, and the statistics said so."""
    world = unanalyzed(databases)
    with closing(connect_worker(world.url)) as connection, closing(Applier(lambda: connection)) as applier:
        connection.execute("SET plan_cache_mode = force_generic_plan")
        [client] = world.insert_clients([new_client(shard=3)])
        for number in range(6):  # the driver prepares a statement when it comes again
            if number == 3:
                world.query("ANALYZE")  # the queue has a page, and no row
            world.submit(deposit(client.wallet.id, 1))
            assert applier.apply([3], 512).finished == 1
        world.query(BACKLOG)
        before = read_by(world, connection)

        finished = 0
        while batch := applier.apply(range(SHARDS), 32).finished:
            finished += batch

        after = read_by(world, connection)
    assert finished == DRAINED
    read = {(table, way): after[table, way] - before[table, way] for table, way in after}
    assert read["queue", "scan"] + read["transfers", "scan"] + read["wallets", "scan"] == 0
    assert read["queue", "index"] <= 4 * DRAINED
    assert read["transfers", "index"] <= 4 * DRAINED
    assert read["wallets", "index"] <= 6 * DRAINED


DRAINED = 10_000
BACKLOG = f"""
WITH client AS (
    INSERT INTO clients (id, name, metadata) SELECT {made(CLIENT)}, 'Ada', '{{}}' FROM generate_series(1, {DRAINED}) n
), wallet AS (
    INSERT INTO wallets (id, client_id, kind, currency)
    SELECT {made(WALLET)}, {made(CLIENT)}, 'client', 'USD' FROM generate_series(1, {DRAINED}) n
), sent AS (
    INSERT INTO transfers (id, type, source, destination, amount, currency, metadata, owner, idempotency_key, fingerprint, shard)
    SELECT {made(TRANSFER)}, 'deposit', ('00000000-0000-7000-8000-' || lpad(to_hex(n % {SHARDS}), 12, '0'))::uuid, {made(WALLET)},
           1, 'USD', '{{}}', 'operator', 't' || n, sha256('f'), n % {SHARDS}
      FROM generate_series(1, {DRAINED}) n
)
INSERT INTO queue (shard, transfer_id) SELECT n % {SHARDS}, {made(TRANSFER)} FROM generate_series(1, {DRAINED}) n
"""


def unanalyzed(databases: Databases) -> World:
    """A migrated world. Its statistics were taken while all tables were empty, and are never taken again."""
    url = databases.migrated()
    world = World(url, databases.owner_url(url))
    for (table,) in world.query("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"):
        world.query(f"ALTER TABLE {table} SET (autovacuum_enabled = false)")
    world.query("ANALYZE")
    return world


def read_by(world: World, connection: Connection) -> Counter[tuple[str, str]]:
    """Count what this session, and those that have ended, have read of each table, by scans of it and by its indexes."""
    connection.execute("SELECT pg_stat_force_next_flush()")
    read: Counter[tuple[str, str]] = Counter()
    for table, scanned in world.query("SELECT relname, seq_tup_read FROM pg_stat_user_tables"):
        read[table, "scan"] += scanned
    for table, entries in world.query("SELECT relname, idx_tup_read FROM pg_stat_user_indexes"):
        read[table, "index"] += entries
    return read
