"""The fold: a batch of commands, one by one, each on the wallets as those before it have left them.

A drain gives it what was claimed and locked, and writes what it returns, so that a transaction first decides all and then only
writes. Refusals are data: a refused command is as final as an applied one, and changes nothing.
"""

from collections.abc import Iterable

from core.ledger.book import Book, Outcome, Verdict
from core.ledger.check import check
from core.ledger.commands import Command
from core.ledger.plan import plan
from core.ledger.post import post


def apply(commands: Iterable[Command], book: Book) -> Outcome:
    """Apply the commands in order, and return what the book then holds to be written.

    Raises KeyError when a command names a wallet that is not in the book: a bug, never a refusal.
    """
    for command in commands:
        planned = plan(command)
        refusal = check(planned, book)
        if refusal is None:
            post(planned, book)
        book.verdicts.append(Verdict(planned.transfer_id, refusal))
    return book.outcome()
