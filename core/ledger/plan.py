"""The first step of the fold, and the only one that differs by kind: turns a command into signed lines and other changes."""

from collections.abc import Callable, Mapping
from typing import NamedTuple
from uuid import UUID

from core.ledger.book import Book, Parent
from core.ledger.commands import Command, Special
from core.ledger.kinds import Fit, Type
from core.ledger.lines import Lines, are_several_legs, turned_round
from core.ledger.refusals import Refusal

REST: frozenset[Fit | None] = frozenset({"rest", "rest_and_funds"})
FUNDS: frozenset[Fit | None] = frozenset({"funds", "rest_and_funds"})

REVERSIBLE: frozenset[Type] = frozenset({"deposit", "withdrawal", "transfer", "capture"})


class Change(NamedTuple):
    """What a special command would change beside balances.

    `moved` is what it comes to. `held` is added to what `wallet` has reserved. `parent` is its parent afterwards; for a hold,
    itself.
    """

    moved: int
    wallet: UUID
    held: int = 0
    parent: Parent | None = None


class Plan(NamedTuple):
    """What a command would do. The lines sum to zero, debits first, one per wallet: a transfer has one entry in a wallet.

    `refusal` is a reason that does not depend on what the wallets have: of time, or of the parent. The plan then changes nothing.
    """

    transfer_id: UUID
    lines: Lines
    change: Change | None = None
    refusal: Refusal | None = None


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
    return movement(command, special, within_funds(command, special, book, command.amount))


def plan_hold(command: Command, _: Special, book: Book) -> Plan:
    """Plan a hold: it reserves its amount, and becomes a parent."""
    opened = book.parents[command.transfer_id.int]._replace(is_applied=True)
    return Plan(command.transfer_id, (), Change(command.amount, command.source, held=command.amount, parent=opened))


def plan_capture(command: Command, special: Special, book: Book) -> Plan:
    """Plan a capture: what it takes was reserved. It counts as in time if it was accepted before the hold's end."""
    hold = parent_of(command, special, book)
    if hold is None or not hold.is_open or hold.expires_at is None or special.accepted_at >= hold.expires_at:
        return refused(command, Refusal.HOLD_CLOSED)
    amount = asked(command, special, hold)
    if amount > hold.remaining:
        return refused(command, Refusal.HOLD_EXCEEDED)
    rest = hold.remaining - amount if special.closes else 0
    after = hold._replace(captured=hold.captured + amount, returned=hold.returned + rest)
    return movement(command, special, amount, held=-amount - rest, parent=after)


def plan_release(command: Command, special: Special, book: Book) -> Plan:
    """Plan a release: what was reserved is available again. No entry shows it."""
    hold = parent_of(command, special, book)
    if hold is None or not hold.is_open:
        return refused(command, Refusal.HOLD_CLOSED)
    amount = asked(command, special, hold)
    if amount > hold.remaining:
        return refused(command, Refusal.HOLD_EXCEEDED)
    after = hold._replace(returned=hold.returned + amount)
    return Plan(command.transfer_id, (), Change(amount, command.source, held=-amount, parent=after))


def plan_reversal(command: Command, special: Special, book: Book) -> Plan:
    """Plan a reversal: the parent's movement turned round, of all that is left of it or of less."""
    parent = parent_of(command, special, book)
    if parent is None or not parent.remaining or asked(command, special, parent) > parent.remaining:
        return refused(command, Refusal.REVERSAL_EXCEEDED)
    amount = within_funds(command, special, book, asked(command, special, parent))
    return movement(command, special, amount, parent=parent._replace(returned=parent.returned + amount))


PLANS: Mapping[Type, Callable[[Command, Special, Book], Plan]] = {
    "deposit": plan_movement,
    "withdrawal": plan_movement,
    "transfer": plan_movement,
    "hold": plan_hold,
    "capture": plan_capture,
    "release": plan_release,
    "reversal": plan_reversal,
}


def refused(command: Command, refusal: Refusal) -> Plan:
    return Plan(command.transfer_id, (), refusal=refusal)


def movement(command: Command, special: Special, amount: int, *, held: int = 0, parent: Parent | None = None) -> Plan:
    """Return the plan of the command's lines, or that which moves the amount from its source to its destination."""
    lines = special.lines or ((command.source, -amount), (command.destination, amount))
    return Plan(command.transfer_id, lines, Change(amount, command.source, held, parent))


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
