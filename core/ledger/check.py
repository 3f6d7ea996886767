"""The second step of the fold, the same for all kinds: whether the wallets allow what a command would do."""

from core.ledger.book import Book, Wallet
from core.ledger.money import BALANCE_MAX, EXTERNAL_BALANCE_MIN
from core.ledger.plan import Plan
from core.ledger.refusals import Refusal


def check(plan: Plan, book: Book) -> Refusal | None:
    """Return the first reason against the plan, in the order of `Refusal`, or None: then `post` cannot fail.

    The lines are tried in order on a scratch, each on the balances that those before it would leave, so that no entry can show a
    balance beyond its limits. The scratch is dropped on return: this changes nothing in the book.

    Raises KeyError when a line names a wallet that is not in the book: a bug, never a refusal.
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
