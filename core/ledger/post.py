"""The third step of the fold, the same for all kinds: changes the book. It cannot fail."""

from uuid import UUID

from core.ledger.book import Book, Closed, Entry, Parent, Wallet
from core.ledger.plan import Change, Plan
from core.ledger.rules import Limits, Rules


def post(plan: Plan, book: Book) -> None:
    """Add an entry for each line of the plan, in order, and make its other change. `check` must have returned None for it."""
    wallets, entries, transfer_id = book.wallets, book.entries, plan.transfer_id
    for wallet_id, amount in plan.lines:
        key = wallet_id.int
        wallet = wallets[key]
        balance, version = wallet.balance + amount, wallet.version + 1
        wallets[key] = Wallet(wallet.id, wallet.external, balance, version, wallet.held, wallet.rules)
        entries.append(Entry(wallet_id, version, transfer_id, amount, balance))
        if wallet.rules is not None:
            count(plan, wallet_id, amount, book)
    if plan.change is not None:
        post_change(plan, plan.change, book)


def count(plan: Plan, wallet_id: UUID, amount: int, book: Book) -> None:
    """Count a debit against the limits of its wallet, if it has any and the plan is of a kind that counts."""
    wallet = book.wallets[wallet_id.int]
    limits = wallet.limits
    if limits is not None and amount < 0 and plan.heeds.counts:
        replace_limits(wallet, limits.counting(-amount, limits.today), book)
        book.counted[plan.transfer_id] = limits.today


def post_change(plan: Plan, change: Change, book: Book) -> None:
    """Reserve or give back, replace the parent, close the wallet."""
    if change.held:
        wallet = book.wallets[change.wallet.int]
        book.wallets[change.wallet.int] = wallet._replace(held=wallet.held + change.held)
    for wallet_id, amount in plan.touched:
        count(plan, wallet_id, amount, book)
    if change.parent is not None:
        give_back(change.parent, book)
        book.parents[change.parent.id.int] = change.parent
    if change.closes:
        wallet = book.wallets[change.wallet.int]
        book.wallets[change.wallet.int] = wallet._replace(rules=(wallet.rules or Rules())._replace(is_closed=True))
        book.closures.append(Closed(change.wallet, plan.transfer_id))


def give_back(parent: Parent, book: Book) -> None:
    """Give back to the windows what a hold returns of what counts in them."""
    wallet = book.wallets[parent.source.int]
    limits = wallet.limits
    returned = parent.returned - book.parents[parent.id.int].returned
    if limits is not None and parent.type == "hold" and parent.counted_on is not None and returned:
        replace_limits(wallet, limits.counting(-returned, parent.counted_on), book)


def replace_limits(wallet: Wallet, limits: Limits, book: Book) -> None:
    assert wallet.rules is not None
    book.wallets[wallet.id.int] = wallet._replace(rules=wallet.rules._replace(limits=limits))
