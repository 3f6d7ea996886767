"""The first step of the fold, and the only one that differs by kind: turns a command into signed lines."""

from typing import NamedTuple, TypeAlias
from uuid import UUID

from core.ledger.commands import Command

# (wallet_id, amount): a change of one wallet's balance, which becomes an entry. `amount` is in minor units, signed, never 0. A bare
# tuple, unpacked under these two names: a NamedTuple per line would cost a fifth of the fold (docs/decisions).
Line: TypeAlias = tuple[UUID, int]


class Plan(NamedTuple):
    """What a command would do. The lines sum to zero, debits first, one per wallet: a transfer has one entry in a wallet."""

    transfer_id: UUID
    lines: tuple[Line, ...]


def plan(command: Command) -> Plan:
    """Return what the command would do. `check` then decides whether the wallets allow it.

    Deposits and transfers are planned alike: they differ only in the wallets that they name (core/ledger/kinds.py).
    """
    return Plan(command.transfer_id, ((command.source, -command.amount), (command.destination, command.amount)))
