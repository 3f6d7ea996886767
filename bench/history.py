"""The time and the memory of checkpoints, of audits against them and of a reconciliation, on a ledger of a million entries.

python -m bench.history --entries 1000000 --wallets 100000 --new 10000     on embedded servers

This program inserts the rows itself: a deposit for each wallet, then transfers between wallets, a hundred for each event row.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil  # type: ignore[import-untyped]
import psycopg

from bench.auditing import LOOK_EVERY_S, rss_of
from bench.errors import UnexpectedAnswer
from bench.memory import MIB
from bench.servers import Servers, embedded
from bench.system import OwnSystem
from local.server import ServerFailed
from local.terminal import Stopped, StopSignals, say

FUNCTIONS = """
CREATE FUNCTION pg_temp.made(kind text, number bigint) RETURNS uuid LANGUAGE sql IMMUTABLE
    RETURN ('00000000-0000-7000-' || kind || '-' || lpad(to_hex(number), 12, '0'))::uuid
"""
CLIENTS = """
INSERT INTO clients (id, name, metadata) SELECT pg_temp.made('8300', n), 'Bench', '{}' FROM generate_series(1, %(wallets)s) n
"""
OF_CLIENTS = """
INSERT INTO wallets (id, client_id, currency)
SELECT pg_temp.made('8100', n), pg_temp.made('8300', n), 'USD' FROM generate_series(1, %(wallets)s) n
"""
# The transfer of number n: up to the number of wallets a deposit of ten million dollars, then a cent from one wallet to another.
MOVED = """
CREATE TEMP TABLE moved AS
SELECT n, pg_temp.made('8200', n) AS id, is_deposit,
       CASE WHEN is_deposit THEN 1000000000 ELSE 1 END AS amount,
       CASE WHEN is_deposit THEN pg_temp.made('8000', payer %% 16) ELSE pg_temp.made('8100', payer) END AS source,
       pg_temp.made('8100', payee) AS destination,
       payer %% 16 AS shard
  FROM (
        SELECT n, n <= %(wallets)s AS is_deposit,
               CASE WHEN n <= %(wallets)s THEN n ELSE 1 + n * 7919 %% %(wallets)s END AS payer,
               CASE WHEN n <= %(wallets)s THEN n ELSE 1 + (n * 7919 + 1 + n %% 97) %% %(wallets)s END AS payee
          FROM generate_series(%(first)s::bigint, %(last)s::bigint) n
       ) one
"""
TRANSFERS = """
INSERT INTO transfers (id, type, status, source, destination, amount, currency, reference, metadata, owner, idempotency_key,
                       fingerprint, shard, finished_at, moment, ordinal)
SELECT id, CASE WHEN is_deposit THEN 'deposit' ELSE 'transfer' END, 'applied', source, destination, amount, 'USD',
       CASE WHEN is_deposit THEN 'in-' || n END, '{}', 'operator', n::text, sha256('f'), shard, now(), (n - 1) / 100 - 1000000,
       1 + (n - 1) % 100
  FROM moved
"""
EVENTS = """
INSERT INTO events (moment, transfer_ids)
SELECT moment, array_agg(id ORDER BY ordinal) FROM (
    SELECT (n - 1) / 100 - 1000000 AS moment, 1 + (n - 1) % 100 AS ordinal, id FROM moved) placed GROUP BY moment
"""
ENTRIES = """
INSERT INTO entries (wallet_id, version, transfer_id, amount, balance_after)
SELECT line.wallet_id, w.version + row_number() OVER own, line.id, line.amount, w.balance + sum(line.amount) OVER own
  FROM (
        SELECT n, id, source AS wallet_id, -amount AS amount FROM moved
        UNION ALL
        SELECT n, id, destination, amount FROM moved
       ) line
  JOIN wallets w ON w.id = line.wallet_id
WINDOW own AS (PARTITION BY line.wallet_id ORDER BY line.n)
"""
WALLETS = """
UPDATE wallets w SET version = e.version, balance = e.balance_after
  FROM (SELECT DISTINCT ON (wallet_id) wallet_id, version, balance_after FROM entries ORDER BY wallet_id, version DESC) e
 WHERE e.wallet_id = w.id AND e.version <> w.version
"""


def main() -> int:
    arguments = parser().parse_args()
    signals = StopSignals()
    signals.listen()
    try:
        with embedded(signals.ignore) as servers, servers.system() as system, TemporaryDirectory() as folder:
            measure(servers, system, Path(folder), arguments)
    except (ServerFailed, UnexpectedAnswer) as reason:
        sys.exit(f"bench: {reason}")
    except Stopped:
        say("stopped")
        return 1
    return 0


def parser() -> argparse.ArgumentParser:
    history = argparse.ArgumentParser(prog="python -m bench.history", description="Measure checkpoints and audits against them.")
    history.add_argument("--entries", type=int, default=1_000_000, help="of the history")
    history.add_argument("--wallets", type=int, default=100_000, help="of clients")
    history.add_argument("--new", type=int, default=10_000, help="entries behind the first checkpoint")
    return history


def measure(servers: Servers, system: OwnSystem, folder: Path, arguments: argparse.Namespace) -> None:
    entries, wallets = arguments.entries, arguments.wallets
    first, second = str(folder / "first.json"), str(folder / "second.json")
    with psycopg.connect(system.admin_database_url, autocommit=True) as connection:
        connection.execute(FUNCTIONS.encode())
        for statement in (CLIENTS, OF_CLIENTS):
            connection.execute(statement.encode(), {"wallets": wallets})
        fill(connection, wallets, 1, entries // 2)
        say(f"{'':50}{'s':>8}{'MiB, client':>14}{'MiB, backend':>14}")
        run(servers, system, "checkpoint", first)
        fill(connection, wallets, entries // 2 + 1, (entries + arguments.new) // 2)
    run(servers, system, "audit", "--since", first)
    run(servers, system, "checkpoint", second, "--since", first)
    run(servers, system, "audit", "--since", second)
    for depth in (["--sample", "1"], ["--full"]):
        run(servers, system, "audit", "--since", second, *depth)
    run(servers, system, "audit")
    bank = folder / "bank.csv"
    bank.write_text("reference,amount\n" + "".join(f"in-{number},1000000000\n" for number in range(1, wallets + 1)))
    run(servers, system, "reconcile", str(bank))
    say(f"files: {Path(first).stat().st_size} and {Path(second).stat().st_size} bytes")


def fill(connection: psycopg.Connection[Any], wallets: int, first: int, last: int) -> None:
    """Make the transfers of these numbers final, with their entries, balances and events."""
    values: Mapping[str, int] = {"wallets": wallets, "first": first, "last": last}
    connection.execute(MOVED.encode(), values)
    for statement in (TRANSFERS, EVENTS, ENTRIES, WALLETS, "DROP TABLE moved", "ANALYZE"):
        connection.execute(statement.encode())


def run(servers: Servers, system: OwnSystem, *argv: str) -> None:
    """Run the command as an operator does; print its time, its own memory and the memory of the server's largest backend."""
    environment = {**os.environ, "DATABASE_URL": system.admin_database_url}
    postmaster = psutil.Process(servers.postgres.pid)
    began, client, server = time.monotonic(), 0.0, 0.0
    started = [sys.executable, "-m", "core", *argv]
    with subprocess.Popen(started, env=environment, stdout=subprocess.PIPE, text=True) as command:  # noqa: S603
        while command.poll() is None:
            client, server = max(client, rss_of(command.pid)), max(server, private_of(postmaster))
            time.sleep(LOOK_EVERY_S)
        output, _ = command.communicate()
    if command.returncode:
        raise UnexpectedAnswer(output)
    what = " ".join(Path(part).name for part in argv)
    say(f"{what:50}{time.monotonic() - began:>8.1f}{client:>14.0f}{server:>14.0f}")


def private_of(postmaster: psutil.Process) -> float:
    """Return the MiB that the largest backend has for itself alone, without the shared buffers."""
    largest = 0.0
    for backend in postmaster.children(recursive=True):
        with suppress(psutil.Error):
            largest = max(largest, backend.memory_full_info().uss / MIB)
    return largest


if __name__ == "__main__":
    sys.exit(main())
