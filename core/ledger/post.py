"""The third step of the fold, the same for all kinds: it cannot fail."""

from core.ledger.book import Book, Entry, Wallet
from core.ledger.plan import Plan


def post(plan: Plan, book: Book) -> None:
    """Make an entry of each of the plan's lines, in order. `check` must have found nothing against the plan, in this book."""
    for wallet_id, amount in plan.lines:
        before = book.wallets[wallet_id]
        after = Wallet(before.id, before.external, before.balance + amount, before.version + 1)
        book.wallets[before.id] = after
        book.entries.append(Entry(after.id, after.version, plan.transfer_id, amount, after.balance))
