"""The second step of the fold, the same for all kinds: checks the funds and the rules of the wallets that a plan touches."""

from core.ledger.book import Book, Wallet
from core.ledger.money import BALANCE_MAX, COUNTED_MAX, EXTERNAL_BALANCE_MIN
from core.ledger.plan import Heeds, Plan
from core.ledger.refusals import Refusal
from core.ledger.rules import Limits, Rules


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
        if wallet.rules is not None:
            against += reasons_of_rules(wallet.rules, plan.heeds, amount, balance)
        if not (EXTERNAL_BALANCE_MIN if wallet.external else wallet.held) <= balance <= BALANCE_MAX:
            against += reasons_against(plan, wallet, balance)
    return next(reason for reason in Refusal if reason in against) if against else None


def reasons_beside_lines(plan: Plan, book: Book) -> list[Refusal]:
    """Return the plan's own reason, those of wallets without a line, and whether a wallet lacks what the plan would reserve."""
    reasons = [] if plan.refusal is None else [plan.refusal]
    for wallet_id, amount in plan.touched:
        rules = book.wallets[wallet_id.int].rules
        if rules is not None:
            reasons += reasons_of_rules(rules, plan.heeds, amount)
    change = plan.change
    if change is not None and change.held > book.wallets[change.wallet.int].available:
        reasons.append(Refusal.INSUFFICIENT_FUNDS)
    return reasons


def reasons_of_rules(rules: Rules, heeds: Heeds, amount: int, balance: int | None = None) -> list[Refusal]:
    """Return which rules of a wallet are against a line of this amount. `balance` is the wallet's after it, with an entry."""
    reasons = [Refusal.WALLET_CLOSED] if rules.is_closed else []
    if (heeds.debit_freeze if amount < 0 else heeds.credit_freeze) and rules.stops(amount):
        reasons.append(Refusal.WALLET_FROZEN)
    if rules.limits is not None:
        reasons += reasons_of_limits(rules.limits, heeds, amount, balance)
    return reasons


def reasons_of_limits(limits: Limits, heeds: Heeds, amount: int, balance: int | None) -> list[Refusal]:
    passed: list[tuple[int, int | None, Refusal]] = []
    if amount < 0 and heeds.counts:
        passed = amounts_within_limits(limits, -amount)
    elif amount > 0 and balance is not None:
        passed = [(balance, limits.balance_max, Refusal.BALANCE_LIMIT_EXCEEDED)]
    return [refusal for value, most, refusal in passed if most is not None and value > most]


def amounts_within_limits(limits: Limits, amount: int) -> list[tuple[int, int | None, Refusal]]:
    """Return for each limit of debits what counts against it with a debit of this amount, its value, and the reason to refuse."""
    return [
        (amount, limits.debit_max, Refusal.DEBIT_LIMIT_EXCEEDED),
        (limits.debits_today + amount, limits.debits_per_day_max, Refusal.DAILY_LIMIT_EXCEEDED),
        (limits.debits_this_month + amount, limits.debits_per_month_max or COUNTED_MAX, Refusal.MONTHLY_LIMIT_EXCEEDED),
    ]


def reasons_against(plan: Plan, wallet: Wallet, balance: int) -> list[Refusal]:
    """Return why this wallet may not have this balance, if it may not."""
    change = plan.change
    taken_back = -change.held if change is not None and change.wallet == wallet.id else 0
    if balance > BALANCE_MAX or (wallet.external and balance < EXTERNAL_BALANCE_MIN):
        return [Refusal.BALANCE_LIMIT_EXCEEDED]
    return [] if wallet.external or balance >= wallet.held - taken_back else [Refusal.INSUFFICIENT_FUNDS]
