"""The fold: applies a batch of commands in order, each to the wallets after the commands before it.

A drain passes it the claimed transfers and the locked wallets, and writes what it returns. So a transaction first decides all
commands and then only writes. Refusals are data: a refused command is as final as an applied one, and changes no wallet and no
parent.
"""

from collections.abc import Iterable

from core.ledger.book import Book, Outcome, Verdict
from core.ledger.check import check
from core.ledger.commands import Command
from core.ledger.plan import Plan, plan
from core.ledger.post import post
from core.ledger.refusals import Refusal
from core.ledger.shortfall import shortfall_of


def apply(commands: Iterable[Command], book: Book) -> Outcome:
    """Apply the commands in order, and return what has to be written.

    Raises KeyError for a wallet that is not in the book: a bug, never a refusal.
    """
    for command in commands:
        planned = plan(command, book)
        refusal = check(planned, book)
        if refusal is None:
            post(planned, book)
        elif (shortfall := shortfall_of(planned, refusal, book)) is not None:
            book.shortfalls.append(shortfall)
        moved = None if command.special is None else moved_by(planned, refusal)
        book.verdicts.append(Verdict(command.transfer_id, refusal, moved))
    return book.outcome()


def moved_by(planned: Plan, refusal: Refusal | None) -> int:
    """Return what a special command came to."""
    return planned.change.moved if refusal is None and planned.change is not None else 0
