"""What `migrate` mends of a damaged database, and what it can only name.

Damage is what no process of Teller writes: it takes a statement by hand, or a stolen password. Each statement here changes nothing
in a database that is whole.
"""

import sys
from collections.abc import Iterator

import psycopg

from core.errors import CannotDo
from core.ledger.money import CURRENCY
from core.postgres.statements import statement

MOMENT_MAX = 2**60  # beyond it stands no transaction's id that a server can have given, however often it was restored


def heal(owner: psycopg.Connection) -> None:
    """Mend the feed, the shards, their external wallets and the queue, and say on standard error what was mended.

    Raises CannotDo where only its administrator can tell what is right.
    """
    for mend in (heal_feed, heal_shards, heal_queue, heal_floors):
        for line in mend(owner):
            tell(line)


def heal_feed(owner: psycopg.Connection) -> Iterator[str]:
    """Let the next event have its place: behind all that are stored, and within what the type of its moment holds."""
    if rows(owner, "heal/feed"):
        yield "the feed had no usable row: it has one again"
    if far := rows(owner, "heal/delete_far_events"):
        yield f"{far} rows of events stood where others are still to come, and no transfer knows of them: they are deleted"
    row = owner.execute("SELECT max(moment) FROM events").fetchone()
    assert row is not None
    if row[0] is not None and row[0] >= MOMENT_MAX:
        raise CannotDo(
            f"an event stands at the moment {row[0]}, which no transaction of any server reaches, and its transfers say the"
            " same: nothing becomes final. Restore the database, or move that event and its transfers to a moment that is free"
        )
    rows(owner, "heal/continue_feed")


def heal_shards(owner: psycopg.Connection) -> Iterator[str]:
    """Let each shard have its row and its external wallet. Raises CannotDo where their count cannot be told."""
    with owner.transaction():
        if made := rows(owner, "heal/shards"):
            yield f"{made} shards were missing: they are there again"
        if made := rows(owner, "heal/insert_external_wallets", currency=CURRENCY):
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
    if strays := rows(owner, "heal/queue"):
        yield f"{strays} places in the queue were of no queued transfer, or not the place of theirs: they are put right"


def heal_floors(owner: psycopg.Connection) -> Iterator[str]:
    """Let each look at a shard's queue begin at or below what is queued in it."""
    if lowered := rows(owner, "heal/lower_floors"):
        yield f"the floors of {lowered} shards hid queued transfers: they are lowered"


def repair(owner: psycopg.Connection) -> None:
    """Make what follows from transfers and entries follow from them again: places in the queue, balances. Reads all of both.

    It takes the lock of the shards' table: drains wait for its end, and it waits for those that run.
    """
    with owner.transaction():
        owner.execute("LOCK TABLE shards IN EXCLUSIVE MODE")
        queued = rows(owner, "heal/repair_queue")
        wallets = rows(owner, "heal/repair_wallets")
    tell(f"repaired: {queued} queued transfers had no place in the queue, {wallets} wallets had not the balance of their entries")


def rows(owner: psycopg.Connection, name: str, **params: object) -> int:
    """Run the statement of that name and return how many rows it wrote, or returned."""
    return owner.execute(statement(name), params).rowcount


def tell(line: str) -> None:
    print(f"warning: {line}", file=sys.stderr)
