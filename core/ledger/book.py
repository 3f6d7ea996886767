"""The wallets of a batch while it is decided, and the verdicts and entries so far."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from core.ledger.refusals import Refusal


class Wallet(NamedTuple):
    """A wallet as a drain reads it. `balance` is in minor units; `version` counts its entries."""

    id: UUID
    external: bool
    balance: int
    version: int


class Entry(NamedTuple):
    """An entry of a wallet. `amount` is signed; `version` and `balance_after` are the wallet's after it."""

    wallet_id: UUID
    version: int
    transfer_id: UUID
    amount: int
    balance_after: int


class Verdict(NamedTuple):
    """`refusal` is None when the command was applied."""

    transfer_id: UUID
    refusal: Refusal | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """All that a batch writes: a verdict per command, the entries of the applied commands, and each wallet that changed, once."""

    verdicts: list[Verdict]
    entries: list[Entry]
    wallets: list[Wallet]


class Book:
    """The wallets that a batch has locked, each after the commands so far, and the verdicts and entries so far.

    The keys of `wallets` are the ids as integers: Python code hashes and compares a UUID, which would cost a third of the fold.
    """

    __slots__ = ("_locked", "entries", "verdicts", "wallets")

    def __init__(self, locked: Mapping[UUID, Wallet]) -> None:
        self._locked = locked
        self.wallets = {wallet.id.int: wallet for wallet in locked.values()}
        self.verdicts: list[Verdict] = []
        self.entries: list[Entry] = []

    def outcome(self) -> Outcome:
        """Return what the commands so far write. A wallet has changed if it is not the same object that was locked."""
        changed = [now for locked, now in zip(self._locked.values(), self.wallets.values(), strict=True) if now is not locked]
        return Outcome(self.verdicts, self.entries, changed)
