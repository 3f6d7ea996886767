"""The requests that submit a transfer: for each verb its fields."""

from typing import Annotated

from pydantic import MISSING, BeforeValidator, Field

from api.http.fields import (
    HOLD_S_DEFAULT,
    SIDE_LINES_MAX,
    Amount,
    ApplyWithinS,
    Currency,
    HoldS,
    Metadata,
    ParsedWalletId,
    Reference,
    ScheduledFor,
    Url,
    check_line_count,
)
from api.http.validation import RequestModel
from core.currencies import USD

UP_TO = Field(default=False, description="true: as much of the amount as the available funds allow; refused when that is nothing")
SCHEDULED_FOR = Field(default=None, description="not before this time, at most 366 days ahead; a past time means now")


class MoneyRequest(RequestModel):
    """The fields that all verbs share. An optional field that is absent is None."""

    reference: Reference | None = None
    metadata: Metadata = Field(default_factory=dict)
    callback_url: Url | None = None
    apply_within_s: ApplyWithinS | None = Field(
        default=None, description="rejected with `deadline_passed` if it has waited longer in the queue when a worker takes it up"
    )


class FirstRequest(MoneyRequest):
    """A request that names no earlier transfer."""

    currency: Currency = Field(default=USD, description="that of the wallets; left out: USD, whatever theirs is")


class PartRequest(MoneyRequest):
    """A request about an earlier transfer, in its currency."""

    currency: Currency | MISSING = Field(
        default=MISSING, description="left out: the earlier transfer's if `amount` is left out too, else USD, whatever its is"
    )


class NewDeposit(FirstRequest):
    """Money from outside Teller for a client's wallet."""

    wallet_id: ParsedWalletId
    amount: Amount


class NewWithdrawal(FirstRequest):
    """Money from a client's wallet to outside Teller."""

    wallet_id: ParsedWalletId
    amount: Amount
    up_to: bool = UP_TO
    scheduled_for: ScheduledFor | None = SCHEDULED_FOR


class NewTransfer(FirstRequest):
    """Money from one client's wallet for another client's wallet."""

    source_wallet_id: ParsedWalletId
    destination_wallet_id: ParsedWalletId
    amount: Amount
    up_to: bool = UP_TO
    scheduled_for: ScheduledFor | None = SCHEDULED_FOR


class NewLine(RequestModel):
    """A wallet, and how much it is debited or credited."""

    wallet_id: ParsedWalletId
    amount: Amount


Side = Annotated[list[NewLine], Field(min_length=1, max_length=SIDE_LINES_MAX), BeforeValidator(check_line_count)]


class NewMultiLeg(FirstRequest):
    """Money out of one or several clients' wallets for one or several others: 3 to 32 lines, applied whole or not at all."""

    debits: Side = Field(description="a client's key: its own wallet alone")
    credits: Side = Field(description="of the same sum as the debits; no wallet stands in two lines")
    scheduled_for: ScheduledFor | None = SCHEDULED_FOR


class NewHold(FirstRequest):
    """Money of a client's wallet that is reserved for a payee until it is captured, released or expires."""

    source_wallet_id: ParsedWalletId
    destination_wallet_id: ParsedWalletId | MISSING = Field(
        default=MISSING, description="the payee; left out: to outside Teller, for operators alone"
    )
    amount: Amount
    expires_in_s: HoldS = Field(
        default=HOLD_S_DEFAULT, description="from acceptance, or from `scheduled_for`; what is left then is released"
    )
    scheduled_for: ScheduledFor | None = SCHEDULED_FOR


class NewCapture(PartRequest):
    """Money that a hold has reserved, for its payee."""

    amount: Amount | MISSING = Field(default=MISSING, description="left out: all that is left of the hold")
    final: bool = Field(default=False, description="true: what this capture leaves of the hold is released")
    credits: Side | MISSING = Field(
        default=MISSING, description="for these wallets, and not for the hold's payee; they sum to the amount; for operators alone"
    )


class NewRelease(PartRequest):
    """Money that a hold has reserved, available again to its source."""

    amount: Amount | MISSING = Field(default=MISSING, description="left out: all that is left of the hold")


class NewClosure(MoneyRequest):
    """The end of a wallet. Without a sweep it must be empty."""

    currency: Currency | MISSING = Field(default=MISSING, description="left out: the wallet's")
    sweep_to_wallet_id: ParsedWalletId | MISSING = Field(default=MISSING, description="where its balance goes")
    sweep_outside: bool = Field(default=False, description="true: its balance goes to outside Teller")


class NewReversal(PartRequest):
    """Money of an applied transfer, back to where it came from."""

    amount: Amount | MISSING = Field(default=MISSING, description="left out: all that was not yet reversed")
    up_to: bool = UP_TO


class NewWholeReversal(PartRequest):
    """All money of an applied transfer with several debits or credits, back to where it came from."""
