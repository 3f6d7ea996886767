"""Repairs a damaged database, as part of `migrate`; damage that it cannot repair ends the command with a message.

Damage is what no process of Teller writes: it needs a statement by hand, or a stolen password. In an undamaged database no
statement here changes anything.
"""

import sys
from collections.abc import Iterator

import psycopg

from core.errors import CannotDo
from core.postgres.statements import statement

# Moments are transaction ids plus a shift. No server reaches this one: at a million transactions a second it takes 36 000 years.
MOMENT_MAX = 2**60


def heal(owner: psycopg.Connection) -> None:
    """Repair the feed, the shards, their external wallets and the queue. Prints each repair to standard error.

    Raises CannotDo for damage of which only the database's administrator can know what is right.
    """
    for step in (heal_feed, heal_shards, heal_queue, heal_due, heal_floors):
        for line in step(owner):
            warn(line)


def heal_feed(owner: psycopg.Connection) -> Iterator[str]:
    """Make the next event's moment greater than all stored ones, and within the range of its type."""
    if run(owner, "heal/feed"):
        yield "the feed had no usable row: it has one again"
    if far := run(owner, "heal/delete_far_events"):
        yield f"{far} rows of events stood where later events belong, and were of no transfer: they are deleted"
    row = owner.execute("SELECT max(moment) FROM events").fetchone()
    assert row is not None
    if row[0] is not None and row[0] >= MOMENT_MAX:
        raise CannotDo(
            f"an event stands at the moment {row[0]}, which no transaction of any server reaches, and its transfers say the"
            " same: nothing becomes final. Restore the database, or move that event and its transfers to a moment that is free"
        )
    run(owner, "heal/continue_feed")


def heal_shards(owner: psycopg.Connection) -> Iterator[str]:
    """Insert missing shards and external wallets. Raises CannotDo if the number of shards is not a power of two."""
    with owner.transaction():
        if made := run(owner, "heal/shards"):
            yield f"{made} shards were missing: they are there again"
        if made := run(owner, "heal/insert_external_wallets"):
            yield f"{made} external wallets were missing: they are there again, with the balances of their entries"
        row = owner.execute("SELECT count(*), max(shard) FROM shards").fetchone()
        assert row is not None
        count, last = row
        if count and (count & (count - 1) or last != count - 1):
            raise CannotDo(
                f"there are {count} shards and the last has the number {last}: a power of two of them is numbered from 0 on."
                " Delete the shards that do not belong there and their external wallets"
            )


def heal_queue(owner: psycopg.Connection) -> Iterator[str]:
    if strays := run(owner, "heal/queue"):
        yield f"{strays} places in the queue were of no queued transfer, or not the place of theirs: they are put right"


def heal_due(owner: psycopg.Connection) -> Iterator[str]:
    if strays := run(owner, "heal/due"):
        yield f"{strays} times at which something is due were of no scheduled transfer and of no open hold: they are deleted"


def heal_floors(owner: psycopg.Connection) -> Iterator[str]:
    """Lower each floor that is above a queued position of its shard."""
    if lowered := run(owner, "heal/lower_floors"):
        yield f"the floors of {lowered} shards hid queued transfers: they are lowered"


def repair(owner: psycopg.Connection) -> None:
    """Derive places in the queue, what is due, remainders, balances, rules and parties from transfers, entries and histories.

    Locks the table of shards: it waits for the drains that run, and later ones wait for it.
    """
    with owner.transaction():
        owner.execute("LOCK TABLE shards IN EXCLUSIVE MODE")
        parents = run(owner, "heal/repair_parents")
        due = run(owner, "heal/repair_due")
        queued = run(owner, "heal/repair_queue")
        wallets = run(owner, "heal/repair_wallets")
        rules = run(owner, "heal/repair_rules")
        counted = run(owner, "heal/repair_counted") + run(owner, "heal/repair_counters")
        totals = run(owner, "heal/repair_running_totals")
        parties = run(owner, "heal/repair_parties")
        identities = run(owner, "heal/repair_identities")
    warn(
        f"repaired: {queued} queued transfers had no place in the queue, {due} times at which something is due were wrong,"
        f" {parents} transfers did not say what their children took, {wallets} wallets had not the balance of their entries, or"
        f" had not reserved what their holds have left, {rules} wallets had not the rules of their history, {counted} wallets or"
        f" transfers did not count what their limits need, {parties} parties were missing or of no line, and {identities}"
        " identities were not those of their wallets"
    )
    if totals:
        warn(f"repaired: {totals} running totals were not those of their entries, or came after one: the workers add them again")


def run(owner: psycopg.Connection, name: str, **params: object) -> int:
    """Run the statement of that name and return the number of rows that it wrote or returned."""
    return owner.execute(statement(name), params).rowcount


def warn(line: str) -> None:
    print(f"warning: {line}", file=sys.stderr)
