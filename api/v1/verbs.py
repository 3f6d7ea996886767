"""The verbs: for each the fields of its request, the callers that may send it, and the submission that a request becomes.

A route of its own (api/v1/submit.py) and an item of a batch (api/v1/batch.py) both use a verb's row in VERBS. The door checks what
never changes: that the wallets and the parent exist, their types, the caller's rights and the form. The ledger decides all else.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from uuid import UUID

from pydantic import MISSING

from api.admission.auth import Caller
from api.http import idempotency
from api.http.problems import FieldError, Problem, invalid
from api.v1.legs import (
    Asked,
    Legs,
    amount_of,
    debited,
    legs_of_closure,
    legs_of_deposit,
    legs_of_hold,
    legs_of_hold_part,
    legs_of_reversal,
    legs_of_transfer,
    legs_of_withdrawal,
    pointed,
)
from api.v1.requests import (
    MoneyRequest,
    NewCapture,
    NewClosure,
    NewDeposit,
    NewHold,
    NewMultiLeg,
    NewRelease,
    NewReversal,
    NewTransfer,
    NewWholeReversal,
    NewWithdrawal,
)
from core import ids
from core.currencies import USD
from core.ledger.kinds import Type
from core.ledger.lines import Lines
from core.ledger.sharding import shard_of
from core.transfers import ATTACHED, Submission, Terms, Transfer

SIDES = ("debits", "credits")  # the fields of lines
SAID = ("up_to", "scheduled_for", "apply_within_s", "expires_in_s", "final")  # fields that only some requests have or set


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
    shared = {"currency": currency, **{name: getattr(new, name) for name in ATTACHED}}
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
        submitted_by=asked.caller.key,
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


def admit_operators(caller: Caller, parent: Transfer | None) -> None:
    """Admit operators; and viewers, of which only previews get this far (api/callers.py)."""
    if not caller.sees_all:
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
    if caller.sees_all:
        return
    credited = [parent.destination] if parent.lines is None else [wallet for wallet, amount in parent.lines if amount > 0]
    if parent.type == "deposit" or not all(caller.sees_wallet(wallet) for wallet in credited):
        raise Problem("forbidden")


def choose_legs(fields: Fields, caller: Caller, parent: Transfer | None) -> int:
    """Return 1 for a transfer with debits and credits, else 0."""
    return int("debits" in fields or "credits" in fields)


def choose_capture(fields: Fields, caller: Caller, parent: Transfer | None) -> int:
    """Return 0. Raises Problem for a caller who may not say whom the capture pays."""
    if "credits" in fields and not caller.sees_all:
        raise Problem("forbidden")
    return 0


def choose_reversal(fields: Fields, caller: Caller, parent: Transfer | None) -> int:
    """Return 1 for the reversal of a transfer that is reversed as a whole, else 0."""
    return int(parent is not None and parent.is_multi_leg)


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
