"""Running totals: for each 64 entries of a wallet one row, so that a statement need not sum a long history (core/periods.py).

They are derived from entries that never change, and added after the COMMIT that moved the money, when a job ends: a batch pays for
them one look at its versions. If a process dies before it has added them, the next one that comes to the wallet adds them.
"""

from collections.abc import Iterable
from uuid import UUID

from core.ledger.book import Entry
from core.postgres.connections import SyncConnection
from core.postgres.statements import statement

TOTAL_EVERY = 64  # entries, as core/sql/totals/insert.sql has it. A statement reads one such stretch at each of its two ends


class Totals:
    """The wallets of this process that need running totals."""

    def __init__(self) -> None:
        self._wallets: set[UUID] = set()

    def note(self, entries: Iterable[Entry]) -> None:
        """Note the wallets whose versions have passed a multiple of TOTAL_EVERY."""
        self.ask_for(entry.wallet_id for entry in entries if not entry.version % TOTAL_EVERY)

    def ask_for(self, wallets: Iterable[UUID]) -> None:
        """Note these wallets, however many entries they have."""
        self._wallets.update(wallets)

    @property
    def are_due(self) -> bool:
        return bool(self._wallets)

    def add(self, connection: SyncConnection) -> None:
        """Add the rows of the wallets, in a transaction that waits for no disk: what a crash takes of them is added again.

        A wallet with a long history that has none stays noted, and gets further rows at the next call. Raises psycopg.Error; the
        wallets are then forgotten, until their next entries.
        """
        ids, self._wallets = list(self._wallets), set()
        with connection.transaction():
            connection.execute(statement("totals/hurry"))
            self._wallets = {id for (id,) in connection.execute(statement("totals/insert"), {"ids": ids})}
