"""Lines: what a transfer does to its wallets. They sum to zero, debits first, one line a wallet."""

from typing import TypeAlias
from uuid import UUID

# (wallet_id, amount): a change of one wallet's balance, which becomes an entry. `amount` is in minor units, signed, never 0. A bare
# tuple, unpacked under these two names: a NamedTuple per line would cost a fifth of the fold (docs/decisions).
Line: TypeAlias = tuple[UUID, int]
Lines: TypeAlias = tuple[Line, ...]

LINES_MAX = 32  # of a transfer


def turned_round(lines: Lines) -> Lines:
    """Return the lines that take these back: what was credited is debited, and stands first."""
    credited = tuple((wallet_id, -amount) for wallet_id, amount in lines if amount > 0)
    return credited + tuple((wallet_id, -amount) for wallet_id, amount in lines if amount < 0)


def are_several_legs(lines: Lines | None) -> bool:
    """Return whether these are more than one debit and one credit. A transfer without lines of its own has one of each."""
    return lines is not None and len(lines) > 2
