"""The verbs: for each the fields of its request, the callers that may send it, and the submission that a request becomes.

A route of its own (api/v1/submit.py) and an item of a batch (api/v1/batch.py) both use a verb's row in VERBS. The door checks what
never changes: that the wallets and the parent exist, their types, the caller's rights and the form. The ledger decides all else.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

from pydantic import MISSING

from api.admission.auth import Caller
from api.http import idempotency
from api.http.problems import FieldError, Problem, invalid
from api.v1.requests import (
    MoneyRequest,
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
from core.currencies import USD
from core.ledger.kinds import REVERSIBLE, Fit, Type
from core.ledger.lines import LINES_MAX, Line, Lines, are_several_legs, turned_round
from core.ledger.money import AMOUNT_MAX
from core.ledger.sharding import shard_of
from core.transfers import Submission, Terms, Transfer
from core.wallets import Wallet

SHARED = ("reference", "metadata", "callback_url")  # the fields of each verb that Submission has too
SIDES = ("debits", "credits")  # the fields of lines
SAID = ("up_to", "scheduled_for", "apply_within_s", "expires_in_s", "final")  # fields that only some requests have or set


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


Model: TypeAlias = type[MoneyRequest]
Fields: TypeAlias = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Verb:
    """One verb. `source_field` and `destination_field` are the fields of its request that name wallets.

    `models` are what its request may be, the usual one first. `choose` says which of them a body has to be.
    """

    type: Type
    models: tuple[Model, ...]
    admit: Callable[[Caller, Transfer | None], None]  # raises Problem "forbidden"
    legs: Callable[[Any, Asked], Legs]  # raises Problem
    source_field: str | None = None
    destination_field: str | None = None
    names_parent: bool = False
    names_wallet: bool = False
    from_own: bool = False  # a client may name its own wallets alone as the source
    choose: Callable[[Fields, Caller, Transfer | None], int] | None = None  # raises Problem "forbidden"
    said: Sequence[str] = field(init=False)
    sides: Sequence[str] = field(init=False)

    def __post_init__(self) -> None:
        names = {name for model in self.models for name in model.model_fields}
        object.__setattr__(self, "said", tuple(name for name in SAID if name in names))
        object.__setattr__(self, "sides", tuple(name for name in SIDES if name in names))

    def model_of(self, fields: Fields, caller: Caller, parent: Transfer | None) -> Model:
        """Return what the body must be. Raises Problem for fields that are not for this caller."""
        return self.models[0 if self.choose is None else self.choose(fields, caller, parent)]

    def sources_of(self, new: MoneyRequest) -> Sequence[UUID]:
        """Return the wallets that the request names to be debited."""
        if isinstance(new, NewMultiLeg):
            return [line.wallet_id for line in new.debits]
        assert self.source_field is not None
        return [getattr(new, self.source_field)]

    def pointers(self, submission: Submission) -> Mapping[UUID, str]:
        """Return which field of the body names which wallet of the submission."""
        if submission.lines is not None:
            return {wallet: f"{pointer}/wallet_id" for pointer, (wallet, _) in pointed(submission.lines)}
        named = ((submission.source, self.source_field), (submission.destination, self.destination_field))
        return {wallet: f"/{name}" for wallet, name in named if name}


def build(verb: Verb, new: MoneyRequest, asked: Asked) -> Submission:
    """Return the submission of a validated request. Raises Problem when no such submission can ever be stored.

    The shard is that of the wallet that is debited or held, or that of the credited one if the debited one is external.

    For a source that the caller does not own, the submission names a wallet that does not exist. Both cases then run the same
    statements and get the same answer in the same time, so the answer does not tell which wallets exist.
    """
    currency = currency_of(new, asked)
    legs = verb.legs(new, asked)
    source, destination, lines = legs.source, legs.destination, legs.lines
    said: dict[str, Any] = {name: value for name in verb.said if (value := getattr(new, name, None))}
    shared = {"currency": currency, **{name: getattr(new, name) for name in SHARED}}
    fields = {"source": source, "destination": destination, "amount": amount_of(new), **shared, **said}
    if asked.parent is not None:
        fields["parent"] = asked.parent.id
    if legs.sweeps:
        fields["sweeps"] = True
    if lines is not None or asked.parent is not None:
        fields |= sides_of(verb, new)
    if verb.from_own:
        source, lines = own_or_absent(asked.caller, source, lines)
        legs = legs._replace(lines=lines)
    return Submission(
        id=ids.mint(),
        type=verb.type,
        source=source,
        destination=destination,
        amount=legs.amount,
        **shared,
        owner=asked.caller.owner,
        idempotency_key=asked.key,
        fingerprint=idempotency.fingerprint(verb.type, fields),
        shard=shard_of(destination if ids.is_external_wallet(source) else source, asked.shards),
        terms=terms_of(said, asked.parent, legs) if said or asked.parent or asked.wallet or lines else None,
    )


def sides_of(verb: Verb, new: MoneyRequest) -> Mapping[str, object]:
    """Return the lines that the request gives, by their fields."""
    given = {name: getattr(new, name, MISSING) for name in verb.sides}
    return {name: [[line.wallet_id, line.amount] for line in side] for name, side in given.items() if side is not MISSING}


def own_or_absent(caller: Caller, source: UUID, lines: Lines | None) -> tuple[UUID, Lines | None]:
    """Return the source and the lines with a new id for each debited wallet that the caller does not own."""
    if lines is None:
        return source if caller.sees_wallet(source) else ids.mint(), None
    own = {wallet: wallet if caller.sees_wallet(wallet) else ids.mint() for wallet in debited(lines)}
    return own[source], tuple((own.get(wallet, wallet), amount) for wallet, amount in lines)


def currency_of(new: Any, asked: Asked) -> str:
    """Return the currency of the request: USD if it gives none, or that of the parent or the wallet if it gives no amount either.

    Raises Problem for another currency than theirs: a caller that counts cents takes no yen by accident.
    """
    given: str = USD if new.currency is MISSING else new.currency
    named = asked.parent or asked.wallet
    if named is None:
        return given
    if new.currency is MISSING and amount_of(new) is None and getattr(new, "credits", MISSING) is MISSING:
        return named.currency
    if given != named.currency:
        what = "earlier transfer" if asked.parent else "wallet"
        raise invalid([FieldError("/currency", "currency_mismatch", f"the {what} has another currency")])
    return given


def terms_of(said: Mapping[str, Any], parent: Transfer | None, legs: Legs) -> Terms | None:
    """Return what the request says beyond two wallets and an amount. None if that is nothing, and it is no closure."""
    terms = Terms(
        parent=parent.id if parent else None,
        fit=legs.fit,
        closes=said.get("final", False),
        scheduled_for=said.get("scheduled_for"),
        apply_within_s=said.get("apply_within_s"),
        expires_in_s=said.get("expires_in_s"),
        sweeps=legs.sweeps,
        lines=legs.lines,
    )
    return terms if terms != Terms() or not legs.amount else None


def amount_of(new: Any) -> int | None:
    """Return the amount that the request gives. None where it has none: its lines, `fit` or a balance say it."""
    amount = getattr(new, "amount", MISSING)
    return None if amount is MISSING else int(amount)


def admit_operators(caller: Caller, parent: Transfer | None) -> None:
    if not caller.is_operator:
        raise Problem("forbidden")


def admit_all(caller: Caller, parent: Transfer | None) -> None:
    """Admit every caller: a wallet that the caller may not debit is answered as one that does not exist."""


def admit_payee(caller: Caller, parent: Transfer | None) -> None:
    """Admit operators and the client whose wallet the hold is for. A hold is a promise to it: the payer cannot take it back."""
    assert parent is not None
    if not caller.sees_wallet(parent.destination):
        raise Problem("forbidden")


def admit_credited(caller: Caller, parent: Transfer | None) -> None:
    """Admit operators and the client whose wallet alone was credited by another client.

    A deposit's money is not its to send back, nor is what others were credited.
    """
    assert parent is not None
    if caller.is_operator:
        return
    credited = [parent.destination] if parent.lines is None else [wallet for wallet, amount in parent.lines if amount > 0]
    if parent.type == "deposit" or not all(caller.sees_wallet(wallet) for wallet in credited):
        raise Problem("forbidden")


def choose_legs(fields: Fields, caller: Caller, parent: Transfer | None) -> int:
    """Return 1 for a transfer with debits and credits, else 0."""
    return int("debits" in fields or "credits" in fields)


def choose_capture(fields: Fields, caller: Caller, parent: Transfer | None) -> int:
    """Return 0. Raises Problem for a caller who may not say whom the capture pays."""
    if "credits" in fields and not caller.is_operator:
        raise Problem("forbidden")
    return 0


def choose_reversal(fields: Fields, caller: Caller, parent: Transfer | None) -> int:
    """Return 1 for the reversal of a transfer that is reversed as a whole, else 0."""
    return int(parent is not None and parent.is_multi_leg)


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
    if not asked.caller.is_operator:
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


VERBS: Mapping[str, Verb] = {  # by type
    "deposit": Verb("deposit", (NewDeposit,), admit_operators, legs_of_deposit, destination_field="wallet_id"),
    "withdrawal": Verb("withdrawal", (NewWithdrawal,), admit_operators, legs_of_withdrawal, source_field="wallet_id"),
    "transfer": Verb(
        "transfer",
        (NewTransfer, NewMultiLeg),
        admit_all,
        legs_of_transfer,
        source_field="source_wallet_id",
        destination_field="destination_wallet_id",
        from_own=True,
        choose=choose_legs,
    ),
    "hold": Verb(
        "hold",
        (NewHold,),
        admit_all,
        legs_of_hold,
        source_field="source_wallet_id",
        destination_field="destination_wallet_id",
        from_own=True,
    ),
    "capture": Verb("capture", (NewCapture,), admit_payee, legs_of_hold_part, names_parent=True, choose=choose_capture),
    "release": Verb("release", (NewRelease,), admit_payee, legs_of_hold_part, names_parent=True),
    "closure": Verb(
        "closure", (NewClosure,), admit_operators, legs_of_closure, destination_field="sweep_to_wallet_id", names_wallet=True
    ),
    "reversal": Verb(
        "reversal",
        (NewReversal, NewWholeReversal),
        admit_credited,
        legs_of_reversal,
        names_parent=True,
        choose=choose_reversal,
    ),
}
