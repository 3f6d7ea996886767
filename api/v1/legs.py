"""The wallets and the amount of a request: which wallets each verb debits and credits, and what of that the door refuses.

The door checks what never changes: the form, and the types of the wallets and of the parent. The ledger decides all else.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from pydantic import MISSING

from api.admission.auth import Caller
from api.http.problems import FieldError, Problem, invalid
from api.v1.requests import (
    NewCapture,
    NewClosure,
    NewDeposit,
    NewHold,
    NewLine,
    NewMultiLeg,
    NewRelease,
    NewReversal,
    NewTransfer,
    NewWholeReversal,
    NewWithdrawal,
)
from core import ids
from core.ledger.kinds import REVERSIBLE, Fit
from core.ledger.lines import LINES_MAX, Line, Lines, are_several_legs, turned_round
from core.ledger.money import AMOUNT_MAX
from core.ledger.sharding import shard_of
from core.transfers import Transfer
from core.wallets import Wallet


class Asked(NamedTuple):
    """The caller, its idempotency key, and the number of shards. The path names the earlier transfer `parent`, or the `wallet`.

    A caller of whom a verb says `from_own` knows of all its wallets.
    """

    caller: Caller
    key: str
    shards: int
    parent: Transfer | None = None
    wallet: Wallet | None = None


class Legs(NamedTuple):
    """The wallets of a submission and its amount. The amount is the most that it may be where `fit` leaves it open.

    `lines` are given where it does not simply move the amount from the source to the destination. A closure `sweeps` if it moves
    the balance of its source to its destination, and its amount is 0.
    """

    source: UUID
    destination: UUID
    amount: int
    fit: Fit | None = None
    lines: Lines | None = None
    sweeps: bool = False


def amount_of(new: Any) -> int | None:
    """Return the amount that the request gives. None where it has none: its lines, `fit` or a balance say it."""
    amount = getattr(new, "amount", MISSING)
    return None if amount is MISSING else int(amount)


def outside(wallet: UUID, new: NewDeposit | NewWithdrawal | NewHold, asked: Asked) -> UUID:
    """Return the external wallet of this wallet's shard, in the request's currency."""
    return ids.external_wallet(shard_of(wallet, asked.shards), new.currency)


def legs_of_deposit(new: NewDeposit, asked: Asked) -> Legs:
    return Legs(outside(new.wallet_id, new, asked), new.wallet_id, new.amount)


def legs_of_withdrawal(new: NewWithdrawal, asked: Asked) -> Legs:
    return Legs(new.wallet_id, outside(new.wallet_id, new, asked), new.amount, fit_of(up_to=new.up_to))


def legs_of_transfer(new: NewTransfer | NewMultiLeg, asked: Asked) -> Legs:
    if isinstance(new, NewMultiLeg):
        return legs_of_lines(lines_of(new.debits, new.credits))
    source, destination = new.source_wallet_id, new.destination_wallet_id
    refuse_same(source, destination)
    return Legs(source, destination, new.amount, fit_of(up_to=new.up_to))


def legs_of_hold(new: NewHold, asked: Asked) -> Legs:
    """A hold without a destination is for the external wallet of its source's shard. Clients must name one."""
    source = new.source_wallet_id
    refuse_external(source, "/source_wallet_id")
    if new.destination_wallet_id is not MISSING:
        refuse_same(source, new.destination_wallet_id)
        refuse_external(new.destination_wallet_id, "/destination_wallet_id")
        return Legs(source, new.destination_wallet_id, new.amount)
    if not asked.caller.sees_all:
        raise invalid([FieldError("/destination_wallet_id", "required", "is required: only operators hold money for outside")])
    return Legs(source, outside(source, new, asked), new.amount)


def legs_of_hold_part(new: NewCapture | NewRelease, asked: Asked) -> Legs:
    """A capture or a release is of the two wallets of its hold."""
    parent = asked.parent
    assert parent is not None
    if parent.type != "hold":
        raise Problem("not_a_hold")
    if isinstance(new, NewCapture) and new.credits is not MISSING:
        return legs_of_capture(new.credits, amount_of(new), parent)
    return legs_of_part(parent.source, parent.destination, amount_of(new), up_to=False, parent=parent)


def legs_of_capture(credits: Sequence[NewLine], amount: int | None, hold: Transfer) -> Legs:
    """Return the legs of a capture for these wallets. The hold's payee alone among them is the usual case, and has no lines."""
    lines = ((hold.source, -sum(line.amount for line in credits)), *((line.wallet_id, line.amount) for line in credits))
    errors = errors_of_lines(lines)
    if amount is not None and amount != -lines[0][1]:
        errors.append(FieldError("/credits", "unbalanced", "must sum to the amount"))
    if errors:
        raise invalid(errors)
    legs = legs_of_lines(lines)
    return legs._replace(lines=None) if len(lines) == 2 and legs.destination == hold.destination else legs


def legs_of_reversal(new: NewReversal | NewWholeReversal, asked: Asked) -> Legs:
    """A reversal is of the parent's wallets, turned round. One of several debits or credits is of all lines of its parent."""
    parent = asked.parent
    assert parent is not None
    if parent.status != "applied" or parent.type not in REVERSIBLE:
        raise Problem("not_reversible")
    if isinstance(new, NewWholeReversal):
        assert parent.lines is not None
        return legs_of_lines(turned_round(parent.lines))
    return legs_of_part(parent.destination, parent.source, amount_of(new), up_to=new.up_to, parent=parent)


def legs_of_closure(new: NewClosure, asked: Asked) -> Legs:
    """A closure is from the wallet to its heir, or to the external wallet of its shard, also where it sweeps nothing."""
    wallet = asked.wallet
    assert wallet is not None
    if new.sweep_to_wallet_id is MISSING:
        return Legs(wallet.id, ids.external_wallet(shard_of(wallet.id, asked.shards), wallet.currency), 0, sweeps=new.sweep_outside)
    if new.sweep_outside:
        raise invalid([FieldError("/sweep_outside", "unknown_field", "is no field beside sweep_to_wallet_id")])
    refuse_same(wallet.id, new.sweep_to_wallet_id, "/sweep_to_wallet_id")
    refuse_external(new.sweep_to_wallet_id, "/sweep_to_wallet_id")
    return Legs(wallet.id, new.sweep_to_wallet_id, 0, sweeps=True)


def legs_of_part(source: UUID, destination: UUID, given: int | None, *, up_to: bool, parent: Transfer) -> Legs:
    """Return the legs of a part of the parent's amount: what is given, or else all that is left of it."""
    return Legs(source, destination, given or parent.total, fit_of(up_to=up_to, rest=given is None))


def legs_of_lines(lines: Lines) -> Legs:
    """Return the legs of these lines: the first debit, the first credit, what all credits sum to."""
    credits = [line for line in lines if line[1] > 0]
    return Legs(lines[0][0], credits[0][0], sum(amount for _, amount in credits), lines=lines)


def lines_of(debits: Sequence[NewLine], credits: Sequence[NewLine]) -> Lines:
    """Return the signed lines of a request. Raises Problem if they are not 3 to 32, of different wallets, with equal sums."""
    lines = (*((line.wallet_id, -line.amount) for line in debits), *((line.wallet_id, line.amount) for line in credits))
    errors = errors_of_lines(lines)
    if not are_several_legs(lines):
        errors.append(FieldError("/credits", "too_few_lines", "a transfer with lines has at least three"))
    if sum(amount for _, amount in lines):
        errors.append(FieldError("/credits", "unbalanced", "must have the same sum as the debits"))
    if errors:
        raise invalid(errors)
    return lines


def errors_of_lines(lines: Lines) -> list[FieldError]:
    """Return what is wrong with lines whose sides may each be as long as they like, each below the limit of a side."""
    errors = []
    seen: set[UUID] = set()
    for pointer, (wallet, _) in pointed(lines):
        if wallet in seen:
            errors.append(FieldError(f"{pointer}/wallet_id", "duplicate_wallet", "stands in another line"))
        elif ids.is_external_wallet(wallet):
            errors.append(FieldError(f"{pointer}/wallet_id", "wallet_not_found", "there is no such wallet"))
        seen.add(wallet)
    if len(lines) > LINES_MAX:
        errors.append(FieldError("/credits", "too_many_lines", f"a transfer has at most {LINES_MAX} lines"))
    if sum(amount for _, amount in lines if amount > 0) > AMOUNT_MAX:
        errors.append(FieldError("/credits", "amount_too_large", f"the credits must sum to at most {AMOUNT_MAX}"))
    return errors


def pointed(lines: Lines) -> Iterator[tuple[str, Line]]:
    """Yield each line with where it stands in the request."""
    debits = len(debited(lines))
    for place, line in enumerate(lines):
        yield f"/debits/{place}" if place < debits else f"/credits/{place - debits}", line


def debited(lines: Lines) -> list[UUID]:
    return [wallet for wallet, amount in lines if amount < 0]


def fit_of(*, up_to: bool, rest: bool = False) -> Fit | None:
    if rest:
        return "rest_and_funds" if up_to else "rest"
    return "funds" if up_to else None


def refuse_same(source: UUID, destination: UUID, pointer: str = "/destination_wallet_id") -> None:
    if source == destination:
        raise invalid([FieldError(pointer, "same_wallet", "source and destination are the same wallet")])


def refuse_external(wallet: UUID, pointer: str) -> None:
    """Raises Problem for an external wallet where a client's is expected: callers do not name external wallets."""
    if ids.is_external_wallet(wallet):
        raise invalid([FieldError(pointer, "wallet_not_found", "there is no such wallet")])
