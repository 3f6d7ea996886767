"""The figures of a refusal: what was available when the command was refused, and what it needed."""

from collections.abc import Sequence

from core.ledger.book import Book, Figures, Shortfall
from core.ledger.check import amounts_within_limits
from core.ledger.plan import Plan
from core.ledger.refusals import Refusal

OF_LIMITS = frozenset({Refusal.DEBIT_LIMIT_EXCEEDED, Refusal.DAILY_LIMIT_EXCEEDED, Refusal.MONTHLY_LIMIT_EXCEEDED})


def shortfall_of(plan: Plan, refusal: Refusal, book: Book) -> Shortfall | None:
    """Return the figures of a plan that was refused, in minor units. The book is as it was when the plan was checked.

    They are of the funds of a debited wallet, of its limit, or of what the parent had left: of the first that was too little. The
    other refusals have none.
    """
    figures: Sequence[Figures] = plan.figures if refusal is plan.refusal else ()
    if refusal is Refusal.INSUFFICIENT_FUNDS:
        figures = funds(plan, book)
    elif refusal in OF_LIMITS:
        figures = within_limits(plan, refusal, book)
    for available, needed in figures:
        if needed > available:
            return Shortfall(plan.transfer_id, max(available, 0), needed)
    return None


def funds(plan: Plan, book: Book) -> list[Figures]:
    """Return what each debited wallet has available and has to give. What the plan itself takes back is available to it."""
    change = plan.change
    figures: list[Figures] = []
    if change is not None and change.held > 0:
        figures.append(Figures(book.wallets[change.wallet.int].available, change.held))
    for wallet_id, amount in plan.lines:
        wallet = book.wallets[wallet_id.int]
        taken_back = -change.held if change is not None and change.wallet == wallet_id else 0
        if amount < 0 and not wallet.external:
            figures.append(Figures(wallet.available + taken_back, -amount))
    return figures


def within_limits(plan: Plan, refusal: Refusal, book: Book) -> list[Figures]:
    """Return what is left of this limit of each debited wallet that has it, and what would count against it."""
    figures: list[Figures] = []
    for wallet_id, amount in (*plan.lines, *plan.touched):
        limits = book.wallets[wallet_id.int].limits
        if limits is not None and amount < 0:
            for counted, most, reason in amounts_within_limits(limits, -amount):
                if reason is refusal and most is not None:
                    figures.append(Figures(most - (counted + amount), -amount))
    return figures
