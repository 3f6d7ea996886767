"""The first step of the fold, and the only one that differs by kind: what a command would do."""

from typing import NamedTuple, TypeAlias
from uuid import UUID

from core.ledger.commands import Command

# (wallet_id, amount): a change of one wallet's balance, which becomes an entry. `amount` in minor units, signed, never 0. A bare
# pair, unpacked under these two names: a NamedTuple a line would cost a fifth of the fold (docs/decisions).
Line: TypeAlias = tuple[UUID, int]


class Plan(NamedTuple):
    """What a command would do. The lines sum to zero, debits first, one a wallet: a transfer has one entry in a wallet."""

    transfer_id: UUID
    lines: tuple[Line, ...]


def plan(command: Command) -> Plan:
    """Return what the command would do, whether the wallets allow it or not.

    Deposits and transfers are alike here: they differ in which wallets they name (core/ledger/kinds.py).
    """
    return Plan(command.transfer_id, ((command.source, -command.amount), (command.destination, command.amount)))
