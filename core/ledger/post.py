"""The third step of the fold, the same for all kinds: changes the book. It cannot fail."""

from core.ledger.book import Book, Entry, Wallet
from core.ledger.plan import Change, Plan


def post(plan: Plan, book: Book) -> None:
    """Add an entry for each line of the plan, in order, and make its other change. `check` must have returned None for it."""
    wallets, entries, transfer_id = book.wallets, book.entries, plan.transfer_id
    for wallet_id, amount in plan.lines:
        key = wallet_id.int
        wallet = wallets[key]
        balance, version = wallet.balance + amount, wallet.version + 1
        wallets[key] = Wallet(wallet.id, wallet.external, balance, version, wallet.held)
        entries.append(Entry(wallet_id, version, transfer_id, amount, balance))
    if plan.change is not None:
        post_change(plan.change, book)


def post_change(change: Change, book: Book) -> None:
    """Reserve or give back, and replace the parent."""
    if change.held:
        wallet = book.wallets[change.wallet.int]
        book.wallets[change.wallet.int] = wallet._replace(held=wallet.held + change.held)
    if change.parent is not None:
        book.parents[change.parent.id.int] = change.parent
