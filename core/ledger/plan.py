"""The first step of the fold, and the only one that differs by kind: turns a command into signed lines and other changes."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from core.ledger.book import Book, Figures, Parent
from core.ledger.commands import Command, Special
from core.ledger.kinds import Fit, Type
from core.ledger.lines import Lines, are_several_legs, turned_round
from core.ledger.refusals import Refusal

REST: frozenset[Fit | None] = frozenset({"rest", "rest_and_funds"})
FUNDS: frozenset[Fit | None] = frozenset({"funds", "rest_and_funds"})

REVERSIBLE: frozenset[Type] = frozenset({"deposit", "withdrawal", "transfer", "capture"})


class Heeds(NamedTuple):
    """Which rules of the wallets that it touches a plan heeds, beside those that all plans heed.

    `debit_freeze`: a freeze of debits where it debits or reserves. `credit_freeze`: a freeze of credits where it credits.
    `counts`: the limits of debits, against which it then counts. All plans heed a closed wallet, and the limit of a balance.
    """

    debit_freeze: bool
    credit_freeze: bool
    counts: bool


NEW = Heeds(debit_freeze=True, credit_freeze=True, counts=True)
PROMISED = Heeds(debit_freeze=False, credit_freeze=True, counts=False)  # a capture, or the sweep of a closure
TURNED_ROUND = Heeds(debit_freeze=True, credit_freeze=True, counts=False)
FREE = Heeds(debit_freeze=False, credit_freeze=False, counts=False)  # a release, or a reversal by an operator


class Change(NamedTuple):
    """What a special command would change beside balances.

    `moved` is what it comes to. `held` is added to what `wallet` has reserved. `parent` is its parent afterwards; for a hold,
    itself. `closes`: the wallet is closed afterwards.
    """

    moved: int
    wallet: UUID
    held: int = 0
    parent: Parent | None = None
    closes: bool = False


class Plan(NamedTuple):
    """What a command would do. The lines sum to zero, debits first, one per wallet: a transfer has one entry in a wallet.

    `refusal` is a reason of time, of the parent, or of the wallet that a closure closes. The plan then changes nothing.
    `touched` are lines that become no entries: of a plan without lines, the wallets whose rules stand for it all the same. One of
    the amount 0 neither debits nor credits its wallet. `figures` are those of a `refusal` that has some.
    """

    transfer_id: UUID
    lines: Lines
    change: Change | None = None
    refusal: Refusal | None = None
    heeds: Heeds = NEW
    touched: Lines = ()
    figures: Sequence[Figures] = ()


def plan(command: Command, book: Book) -> Plan:
    """Return what the command would do. `check` then decides whether the wallets allow it.

    Deposits, withdrawals and transfers are planned alike: they differ only in the wallets that they name (core/ledger/kinds.py).

    Raises KeyError for a wallet, or for a hold in the batch, that is not in the book: a bug, never a refusal.
    """
    special = command.special
    if special is None:
        return Plan(command.transfer_id, ((command.source, -command.amount), (command.destination, command.amount)))
    if special.is_late:
        return refused(command, Refusal.DEADLINE_PASSED)
    return PLANS[special.type](command, special, book)


def plan_movement(command: Command, special: Special, book: Book) -> Plan:
    return movement(command, within_funds(command, special, book, command.amount))


def plan_hold(command: Command, _: Special, book: Book) -> Plan:
    """Plan a hold: it reserves its amount, and becomes a parent."""
    limits = book.wallets[command.source.int].limits
    opened = book.parents[command.transfer_id.int]._replace(is_applied=True, counted_on=None if limits is None else limits.today)
    change = Change(command.amount, command.source, held=command.amount, parent=opened)
    return Plan(command.transfer_id, (), change, touched=lines_of(command, command.amount))


def plan_capture(command: Command, special: Special, book: Book) -> Plan:
    """Plan a capture: what it takes was reserved. It counts as in time if it was accepted before the hold's end."""
    hold = parent_of(command, special, book)
    if hold is None or not hold.is_open or hold.expires_at is None or special.accepted_at >= hold.expires_at:
        return refused(command, Refusal.HOLD_CLOSED, PROMISED, lines_of(command, command.amount))
    amount = asked(command, special, hold)
    if amount > hold.remaining:
        return refused(command, Refusal.HOLD_EXCEEDED, PROMISED, lines_of(command, amount), left=hold.remaining, needed=amount)
    rest = hold.remaining - amount if special.closes else 0
    after = hold._replace(captured=hold.captured + amount, returned=hold.returned + rest)
    return movement(command, amount, PROMISED, held=-amount - rest, parent=after)


def plan_release(command: Command, special: Special, book: Book) -> Plan:
    """Plan a release: what was reserved is available again. No entry shows it, and it touches the source alone."""
    touched = ((command.source, 0),)
    hold = parent_of(command, special, book)
    if hold is None or not hold.is_open:
        return refused(command, Refusal.HOLD_CLOSED, FREE, touched)
    amount = asked(command, special, hold)
    if amount > hold.remaining:
        return refused(command, Refusal.HOLD_EXCEEDED, FREE, touched, left=hold.remaining, needed=amount)
    after = hold._replace(returned=hold.returned + amount)
    return Plan(command.transfer_id, (), Change(amount, command.source, held=-amount, parent=after), heeds=FREE, touched=touched)


def plan_reversal(command: Command, special: Special, book: Book) -> Plan:
    """Plan a reversal: the parent's movement turned round, of all that is left of it or of less."""
    parent, heeds = parent_of(command, special, book), TURNED_ROUND if special.by_client else FREE
    if parent is None or not parent.remaining or asked(command, special, parent) > parent.remaining:
        left, needed = (0, 0) if parent is None else (parent.remaining, asked(command, special, parent))
        return refused(command, Refusal.REVERSAL_EXCEEDED, heeds, lines_of(command, command.amount), left=left, needed=needed)
    amount = within_funds(command, special, book, asked(command, special, parent))
    return movement(command, amount, heeds, parent=parent._replace(returned=parent.returned + amount))


def plan_closure(command: Command, special: Special, book: Book) -> Plan:
    """Plan a closure: the wallet must have nothing reserved, and be empty unless it is swept. One that is empty sweeps nothing."""
    wallet = book.wallets[command.source.int]
    touched = lines_of(command, wallet.balance) if special.sweeps and wallet.balance else ((command.source, 0),)
    if wallet.held:
        return refused(command, Refusal.WALLET_HAS_HOLDS, PROMISED, touched)
    if wallet.balance and not special.sweeps:
        return refused(command, Refusal.WALLET_NOT_EMPTY, PROMISED, touched)
    change = Change(wallet.balance, command.source, closes=True)
    if wallet.balance:
        return Plan(command.transfer_id, touched, change, heeds=PROMISED)
    return Plan(command.transfer_id, (), change, heeds=PROMISED, touched=touched)


PLANS: Mapping[Type, Callable[[Command, Special, Book], Plan]] = {
    "deposit": plan_movement,
    "withdrawal": plan_movement,
    "transfer": plan_movement,
    "hold": plan_hold,
    "capture": plan_capture,
    "release": plan_release,
    "reversal": plan_reversal,
    "closure": plan_closure,
}


def refused(command: Command, refusal: Refusal, heeds: Heeds = NEW, touched: Lines = (), *, left: int = 0, needed: int = 0) -> Plan:
    """Return the plan that is refused for this reason, unless a rule of a wallet that it would touch is the first one.

    `left` and `needed` are of the parent, if it has too little left.
    """
    figures = (Figures(left, needed),) if needed else ()
    return Plan(command.transfer_id, (), refusal=refusal, heeds=heeds, touched=touched, figures=figures)


def movement(command: Command, amount: int, heeds: Heeds = NEW, *, held: int = 0, parent: Parent | None = None) -> Plan:
    """Return the plan of the command's lines, or that which moves the amount from its source to its destination."""
    return Plan(command.transfer_id, lines_of(command, amount), Change(amount, command.source, held, parent), heeds=heeds)


def lines_of(command: Command, amount: int) -> Lines:
    return command.lines or ((command.source, -amount), (command.destination, amount))


def parent_of(command: Command, special: Special, book: Book) -> Parent | None:
    """Return the command's parent; None if that is of another kind, or between other wallets. The API names no such parent."""
    parent = None if special.parent is None else book.parents.get(special.parent.int)
    return parent if parent is not None and fits_parent(command, special, parent) else None


def fits_parent(command: Command, special: Special, parent: Parent) -> bool:
    """Return whether the command may be a child of the parent.

    A reversal has the parent's lines turned round: more than two of them are reversed as a whole. A capture with lines takes from
    the hold's source, and gives to any wallets.
    """
    if special.type != "reversal":
        is_payee = special.lines is not None or command.destination == parent.destination
        return parent.type == "hold" and command.source == parent.source and is_payee
    if are_several_legs(parent.lines) or special.lines is not None:
        return parent.type in REVERSIBLE and parent.lines is not None and special.lines == turned_round(parent.lines)
    return parent.type in REVERSIBLE and (parent.destination, parent.source) == (command.source, command.destination)


def asked(command: Command, special: Special, parent: Parent) -> int:
    return parent.remaining if special.fit in REST else command.amount


def within_funds(command: Command, special: Special, book: Book, amount: int) -> int:
    """Return the amount, cut to what the debited wallet has available if the command says so. At least 1: `check` refuses that."""
    if special.fit not in FUNDS:
        return amount
    return max(min(amount, book.wallets[command.source.int].available), 1)
