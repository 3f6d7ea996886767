"""The wallets of a batch while it is decided, and what has been decided of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from core.ledger.refusals import Refusal


class Wallet(NamedTuple):
    """A wallet as a drain sees it. `balance` in minor units; `version` counts its entries."""

    id: UUID
    external: bool
    balance: int
    version: int


class Entry(NamedTuple):
    """One line of a wallet's history: `amount` is signed, `version` is the wallet's after it."""

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
    """All that a batch writes: a verdict a command, the entries of the applied ones, and the wallets that changed, once each."""

    verdicts: list[Verdict]
    entries: list[Entry]
    wallets: list[Wallet]


class Book:
    """The wallets that a batch has locked, each as the commands so far have left it, and the verdicts and entries so far.

    `wallets` has the ids' integers as its keys: a UUID is hashed and compared by Python code, which would cost a third of the fold.
    """

    __slots__ = ("_locked", "entries", "verdicts", "wallets")

    def __init__(self, locked: Mapping[UUID, Wallet]) -> None:
        self._locked = locked
        self.wallets = {wallet.id.int: wallet for wallet in locked.values()}
        self.verdicts: list[Verdict] = []
        self.entries: list[Entry] = []

    def outcome(self) -> Outcome:
        """Return what the commands so far write. A wallet has changed when it is no longer the very one that was locked."""
        changed = [now for locked, now in zip(self._locked.values(), self.wallets.values(), strict=True) if now is not locked]
        return Outcome(self.verdicts, self.entries, changed)
