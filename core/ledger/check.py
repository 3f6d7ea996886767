"""The second step of the fold, the same for all kinds: checks the limits of the wallets that a plan changes."""

from core.ledger.book import Book, Wallet
from core.ledger.money import BALANCE_MAX, EXTERNAL_BALANCE_MIN
from core.ledger.plan import Plan
from core.ledger.refusals import Refusal


def check(plan: Plan, book: Book) -> Refusal | None:
    """Return the first reason against the plan, in the order of `Refusal`, or None: then `post` cannot fail.

    Each line is checked on the balances after the lines before it, so that no entry shows a balance beyond its limits. These
    balances are dropped on return: the book does not change.

    Raises KeyError for a wallet that is not in the book: a bug, never a refusal.
    """
    wallets = book.wallets
    scratch: dict[int, int] = {}
    against: list[Refusal] = []
    for wallet_id, amount in plan.lines:
        key = wallet_id.int
        wallet = wallets[key]
        scratch[key] = balance = scratch.get(key, wallet.balance) + amount
        if not (EXTERNAL_BALANCE_MIN if wallet.external else 0) <= balance <= BALANCE_MAX:
            against.append(reason_against(wallet, balance))
    return next(reason for reason in Refusal if reason in against) if against else None


def reason_against(wallet: Wallet, balance: int) -> Refusal:
    """Return why this wallet may not have this balance, which is beyond its limits."""
    return Refusal.INSUFFICIENT_FUNDS if balance < 0 and not wallet.external else Refusal.BALANCE_LIMIT_EXCEEDED
