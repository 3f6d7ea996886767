"""The second step of the fold, the same for all kinds: checks the limits of the wallets that a plan changes."""

from core.ledger.book import Book, Wallet
from core.ledger.money import BALANCE_MAX, EXTERNAL_BALANCE_MIN
from core.ledger.plan import Plan
from core.ledger.refusals import Refusal


def check(plan: Plan, book: Book) -> Refusal | None:
    """Return the first reason against the plan, in the order of `Refusal`, or None: then `post` cannot fail.

    Each line is checked on the balances after the lines before it, so that no entry shows a balance beyond its limits. These
    balances are dropped on return: the book does not change. What a wallet has reserved is not there for a debit, except for the
    part that the plan itself takes back.

    Raises KeyError for a wallet that is not in the book: a bug, never a refusal.
    """
    wallets = book.wallets
    scratch: dict[int, int] = {}
    against = [] if plan.change is None and plan.refusal is None else reasons_beside_lines(plan, book)
    for wallet_id, amount in plan.lines:
        key = wallet_id.int
        wallet = wallets[key]
        scratch[key] = balance = scratch.get(key, wallet.balance) + amount
        if not (EXTERNAL_BALANCE_MIN if wallet.external else wallet.held) <= balance <= BALANCE_MAX:
            against += reasons_against(plan, wallet, balance)
    return next(reason for reason in Refusal if reason in against) if against else None


def reasons_beside_lines(plan: Plan, book: Book) -> list[Refusal]:
    """Return the plan's own reason, and whether the wallet lacks what the plan would reserve."""
    reasons = [] if plan.refusal is None else [plan.refusal]
    change = plan.change
    if change is not None and change.held > book.wallets[change.wallet.int].available:
        reasons.append(Refusal.INSUFFICIENT_FUNDS)
    return reasons


def reasons_against(plan: Plan, wallet: Wallet, balance: int) -> list[Refusal]:
    """Return why this wallet may not have this balance, if it may not."""
    change = plan.change
    taken_back = -change.held if change is not None and change.wallet == wallet.id else 0
    if balance > BALANCE_MAX or (wallet.external and balance < EXTERNAL_BALANCE_MIN):
        return [Refusal.BALANCE_LIMIT_EXCEEDED]
    return [] if wallet.external or balance >= wallet.held - taken_back else [Refusal.INSUFFICIENT_FUNDS]
