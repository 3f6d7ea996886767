"""What a transfer does to two wallets, decided without I/O.

`apply` is given what a drain has claimed and locked, and returns everything that must be written, so that a transaction first
decides all and then only writes. Refusals are data: a refused transfer is as final as an applied one, and changes nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from core.ledger.money import BALANCE_MAX, EXTERNAL_BALANCE_MIN


class Refusal(StrEnum):
    """Why a transfer was rejected, in order of precedence."""

    INSUFFICIENT_FUNDS = "insufficient_funds"
    BALANCE_LIMIT_EXCEEDED = "balance_limit_exceeded"
    INTERNAL = "internal"  # never decided here: given up on after failing again and again on its own


class Wallet(NamedTuple):
    """A wallet as a drain sees it. `balance` in minor units; `version` counts its entries."""

    id: UUID
    external: bool
    balance: int
    version: int


class Claim(NamedTuple):
    """A queued transfer that a drain has taken up; `amount` in minor units, at least 1."""

    transfer_id: UUID
    source: UUID
    destination: UUID
    amount: int


class Entry(NamedTuple):
    """One line of a wallet's history: `amount` is signed, `version` is the wallet's after it."""

    wallet_id: UUID
    version: int
    transfer_id: UUID
    amount: int
    balance_after: int


class Verdict(NamedTuple):
    transfer_id: UUID
    refusal: Refusal | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """All that a batch writes: a verdict a claim, two entries an applied one, and the wallets that changed, once each."""

    verdicts: list[Verdict]
    entries: list[Entry]
    wallets: list[Wallet]


def apply(claims: Iterable[Claim], wallets: Mapping[UUID, Wallet]) -> Outcome:
    """Apply the claims one by one, in order, each to the wallets as the one before left them.

    Raises KeyError when a claim names a wallet that is not among `wallets`: a bug, never a refusal.
    """
    verdicts: list[Verdict] = []
    entries: list[Entry] = []
    changed: dict[UUID, Wallet] = {}
    for claim in claims:
        source = changed.get(claim.source) or wallets[claim.source]
        destination = changed.get(claim.destination) or wallets[claim.destination]
        refusal = decide(claim, source, destination)
        verdicts.append(Verdict(claim.transfer_id, refusal))
        if refusal is None:
            for wallet, amount in ((source, -claim.amount), (destination, claim.amount)):
                after = post(wallet, amount)
                changed[after.id] = after
                entries.append(Entry(after.id, after.version, claim.transfer_id, amount, after.balance))
    return Outcome(verdicts, entries, list(changed.values()))


def decide(claim: Claim, source: Wallet, destination: Wallet) -> Refusal | None:
    """Return why the transfer must be refused, or None. After None, nothing may fail."""
    if not source.external and source.balance < claim.amount:
        return Refusal.INSUFFICIENT_FUNDS
    if source.external and source.balance - claim.amount < EXTERNAL_BALANCE_MIN:
        return Refusal.BALANCE_LIMIT_EXCEEDED
    if destination.balance + claim.amount > BALANCE_MAX:
        return Refusal.BALANCE_LIMIT_EXCEEDED
    return None


def post(wallet: Wallet, amount: int) -> Wallet:
    """Return the wallet after one more entry of this signed amount."""
    return Wallet(wallet.id, wallet.external, wallet.balance + amount, wallet.version + 1)
