"""The time of a look for due deliveries and of a claim of one, beside millions of ended ones, while a snapshot is held.

python -m bench.dead_deliveries --rows 0 1 3 10     millions, each in its own database, on embedded servers

VACUUM keeps the index entries of rows that were deleted after the snapshot. This program inserts and deletes the rows itself: real
deliveries would take hours for the same entries (they leave two for each attempt, not one).
"""

import argparse
import statistics
import sys
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql

from bench.servers import Servers, embedded
from core.postgres.statements import statement
from local.server import ServerFailed
from local.terminal import Stopped, StopSignals, say

MILLION = 1_000_000
REPEATS = 50
RATIO_MAX = 3.0
RECEIVER = "dead.example.com"
LOOK = {"from_owner": "", "owners": [], "receivers": [], "per_owner": 100, "limit": 2000}

# Without the other indexes while the rows are made: they would take most of the time.
WITHOUT_INDEXES = (
    "ALTER TABLE deliveries DROP CONSTRAINT deliveries_target, DROP CONSTRAINT deliveries_pkey",
    "DROP INDEX deliveries_endpoint, deliveries_ended",
    "ALTER TABLE deliveries SET (autovacuum_enabled = false)",
)
WITH_KEY = "ALTER TABLE deliveries ADD PRIMARY KEY (id)"

FILL = (
    "INSERT INTO deliveries (id, owner, receiver, transfer_id, shard, next_attempt_at)"
    " SELECT gen_random_uuid(), 'operator', %s, gen_random_uuid(), 0, now() - interval '1 hour' + n * interval '1 us'"
    " FROM generate_series(1, %s) n"
)
DUE = "INSERT INTO deliveries (owner, receiver, transfer_id, shard) VALUES ('operator', %s, gen_random_uuid(), 0)"
FIRST = (
    "SELECT next_attempt_at FROM deliveries WHERE owner = 'operator' AND receiver = %s AND status = 'pending'"
    " AND next_attempt_at > now() - interval '1 minute'"
)
END = (
    "UPDATE deliveries SET status = 'delivered', next_attempt_at = NULL, finished_at = now()"
    " WHERE owner = 'operator' AND receiver = %s AND status = 'pending' AND next_attempt_at > now() - interval '1 minute'"
)
FAN_OUTS = "INSERT INTO fan_outs (audience, moment) SELECT 'operators', -n FROM generate_series(1, %s) n"


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench.dead_deliveries", description="Measure looks for due deliveries beside ended ones."
    )
    parser.add_argument("--rows", type=float, nargs="+", default=[0, 1, 3, 10], help="millions of ended deliveries")
    arguments = parser.parse_args()
    signals = StopSignals()
    signals.listen()
    try:
        with embedded(signals.ignore) as servers:
            return report([measure(servers, round(rows * MILLION)) for rows in arguments.rows])
    except ServerFailed as reason:
        sys.exit(f"bench: {reason}")
    except Stopped:
        say("stopped")
        return 1


def measure(servers: Servers, rows: int) -> list[float]:
    """Return: millions of rows; ms of a look, a claim, a look for fan-outs; pages of a look; ms of a look without a lower bound."""
    began = time.monotonic()
    with servers.system() as system, psycopg.connect(system.admin_database_url) as held:
        held.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        held.execute("SELECT 1")
        with psycopg.connect(system.admin_database_url, autocommit=True) as connection:
            fill(connection, rows)
            connection.execute("SET enable_seqscan = off")
            connection.execute("INSERT INTO receivers (owner, receiver, due_from) VALUES ('operator', %s, '-infinity')", [RECEIVER])
            connection.execute(DUE, [RECEIVER])
            without = milliseconds(connection, "deliverer/list_receivers", LOOK)
            connection.execute(statement("deliverer/advance_receivers"), {"owners": ["operator"], "receivers": [RECEIVER]})
            medians = [statistics.median(one) for one in zip(*(once(connection) for _ in range(REPEATS)), strict=True)]
            medians.append(pages(connection, "deliverer/list_receivers", LOOK))
    say(f"{rows / MILLION:g} million: measured within {time.monotonic() - began:.0f} s")
    return [rows / MILLION, *medians, without]


def fill(connection: psycopg.Connection[Any], rows: int) -> None:
    """Insert the rows, a million at a time, and delete them; then the same with a tenth as many fan-outs."""
    for change in WITHOUT_INDEXES:
        connection.execute(sql.SQL(change))
    for first in range(0, rows, MILLION):
        connection.execute(FILL, [RECEIVER, min(MILLION, rows - first)])
    connection.execute("DELETE FROM deliveries")
    connection.execute(FAN_OUTS, [rows // 10])
    connection.execute("DELETE FROM fan_outs")
    connection.execute(WITH_KEY)
    connection.execute("ANALYZE")


def once(connection: psycopg.Connection[Any]) -> tuple[float, float, float]:
    """Make one delivery due; return the milliseconds of a look for it, of its claim, and of a look for fan-outs."""
    connection.execute(END, [RECEIVER])
    connection.execute(DUE, [RECEIVER])
    look = milliseconds(connection, "deliverer/list_receivers", LOOK)
    since: datetime = connection.execute(FIRST, [RECEIVER]).fetchall()[0][0]
    wanted = {"owners": ["operator"], "receivers": [RECEIVER], "since": [since], "counts": [1], "lease_s": 30.0}
    claim = milliseconds(connection, "deliverer/claim_deliveries", wanted)
    fan_outs = milliseconds(connection, "deliverer/find_fan_outs", {"audiences": ["operators"], "bounds": [0]})
    return look, claim, fan_outs


def milliseconds(connection: psycopg.Connection[Any], name: str, params: Mapping[str, object]) -> float:
    began = time.perf_counter()
    connection.execute(statement(name), params).fetchall()
    return (time.perf_counter() - began) * 1000


def pages(connection: psycopg.Connection[Any], name: str, params: Mapping[str, object]) -> float:
    """Return how many pages the statement reads."""
    [([plan],)] = connection.execute("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + statement(name), params).fetchall()
    return float(plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"])


def report(measured: list[list[float]]) -> int:
    """Print the curve; return 1 when a look or a claim takes more than RATIO_MAX times as long as the first one."""
    say(f"{'millions':>10}{'look':>12}{'claim':>12}{'fan-outs':>12}{'look, pages':>14}{'no bound':>12}   ms, medians of {REPEATS}")
    for rows, look, claim, fan_outs, looked, without in measured:
        say(f"{rows:>10g}{look:>12.2f}{claim:>12.2f}{fan_outs:>12.2f}{looked:>14.0f}{without:>12.1f}")
    worst = max(max(one[1] / measured[0][1], one[2] / measured[0][2]) for one in measured)
    reached = "reached" if worst <= RATIO_MAX else "not reached"
    say(f"at most {worst:.2f} times the first; at most {RATIO_MAX:g}: {reached}")
    return 0 if worst <= RATIO_MAX else 1


if __name__ == "__main__":
    sys.exit(main())
