"""What the ledger reads before it decides a batch: what special transfers say, the wallets, the parents.

Each function is a generator without I/O. It yields the statements of one round trip and is sent their rows; it returns what it has
read. A drain runs them over its pipeline and locks the wallets (worker/ledger/apply.py). A preview runs the same ones in a
read-only snapshot and locks nothing (core/preview.py). So what a drain reads for a new kind of transfer, a preview reads too.
"""

from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias, TypeVar
from uuid import UUID

from core.ledger.book import Book, Parent, Wallet, with_rules
from core.ledger.commands import Command, wallets_of
from core.queued_transfer import QueuedTransfer, SpecialTransfer, parent_of_row

Result = TypeVar("Result")


class Read(NamedTuple):
    """A statement of core/sql, its parameters, and what makes an object of each of its rows."""

    name: str
    params: Mapping[str, object]
    row: Callable[..., Any]


# Yields what one round trip reads, and is sent the rows of each of these statements, in order.
Reading: TypeAlias = Generator[Sequence[Read], Sequence[Sequence[Any]] | None, Result]


def read_specials(queued: Sequence[QueuedTransfer]) -> Reading[Mapping[UUID, SpecialTransfer]]:
    """Return what the special transfers say, by their ids. Reads nothing if there is none."""
    ids = [transfer.transfer_id for transfer in queued if transfer.special]
    if not ids:
        return {}
    [found] = (yield [Read("drain/find_specials", {"ids": ids}, SpecialTransfer)]) or ()
    return {special.transfer_id: special for special in found}


def read_book(
    commands: Sequence[Command], specials: Collection[SpecialTransfer], *, wallets: str, unstored: Sequence[Parent] = ()
) -> Reading[Book]:
    """Return the book of the commands: their wallets, read by the statement `wallets`, and then their parents.

    A drain's statement locks the wallets, so that whatever takes from a parent has ended before the parent is read. `unstored` are
    parents that no table has.
    """
    parent_ids = {special.parent_id for special in specials} - {None}
    lock = Read(wallets, {"ids": list(wallets_of(commands))}, Wallet)
    find = [Read("drain/find_parents", {"ids": list(parent_ids)}, parent_of_row)] if parent_ids else []
    locked, *found = (yield [lock, *find]) or ()
    parents = [*unstored, *(parent for rows in found for parent in rows)]
    return Book(with_rules(locked), {parent.id: parent for parent in parents})
