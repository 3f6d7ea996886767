"""The fold: applies a batch of commands in order, each to the wallets after the commands before it.

A drain passes it the claimed transfers and the locked wallets, and writes what it returns. So a transaction first decides all
commands and then only writes. Refusals are data: a refused command is as final as an applied one, and changes no wallet.
"""

from collections.abc import Iterable

from core.ledger.book import Book, Outcome, Verdict
from core.ledger.check import check
from core.ledger.commands import Command
from core.ledger.plan import plan
from core.ledger.post import post


def apply(commands: Iterable[Command], book: Book) -> Outcome:
    """Apply the commands in order, and return what has to be written.

    Raises KeyError for a wallet that is not in the book: a bug, never a refusal.
    """
    for command in commands:
        planned = plan(command)
        refusal = check(planned, book)
        if refusal is None:
            post(planned, book)
        book.verdicts.append(Verdict(planned.transfer_id, refusal))
    return book.outcome()
