"""The third step of the fold, the same for all kinds: changes the book. It cannot fail."""

from core.ledger.book import Book, Entry, Wallet
from core.ledger.plan import Plan


def post(plan: Plan, book: Book) -> None:
    """Add an entry for each line of the plan, in order. `check` must have returned None for this plan and book."""
    wallets, entries, transfer_id = book.wallets, book.entries, plan.transfer_id
    for wallet_id, amount in plan.lines:
        key = wallet_id.int
        wallet = wallets[key]
        balance, version = wallet.balance + amount, wallet.version + 1
        wallets[key] = Wallet(wallet.id, wallet.external, balance, version)
        entries.append(Entry(wallet_id, version, transfer_id, amount, balance))
