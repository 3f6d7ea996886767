"""The receivers that may have deliveries due, by owner. A claim looks at a bounded number, later claims at the others.

A look reads one index entry of each receiver: its longest due delivery. While any snapshot is held in the database, the index
entries of ended deliveries stay before it. So each receiver has a bound in Postgres at which the look begins
(core/sql/deliverer/advance_receivers.sql). The bound is moved once in many attempts, because each move leaves a dead row too.
"""

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from core import log
from core.errors import Unavailable
from core.postgres.pool import Database

# How many receivers a claim looks at, in all and of one owner: ten microseconds each, so 20 ms at most. An owner may name any
# number of hosts in callback URLs; an owner with more than a hundred receivers is looked at in turns.
LOOK_AT_MAX = 2000
LOOK_AT_OF_OWNER_MAX = 100

ADVANCE_AFTER = 1000  # ended attempts at a receiver; each leaves up to two dead index entries, together half a millisecond a look
ADVANCE_MAX = 20  # receivers at a time; a guess

# A pass over all due deliveries finds receivers that no look finds: a transaction lasted for longer than the bounds allow, or an
# older version made the delivery.
RECOVER_EVERY_S = 300.0  # a guess
RECOVER_MAX = 1000  # receivers a statement: some ten milliseconds

logger = log.get(__name__)


class PendingReceiver(NamedTuple):
    """A receiver that may have pending deliveries, and since when the longest due one is due; None if none is due.

    An empty `receiver` means that this owner has no further receivers.
    """

    owner: str
    receiver: str
    due_since: datetime | None


class Receiver(NamedTuple):
    """A receiver of an owner: an endpoint's id, or a callback's host."""

    owner: str
    receiver: str


class Receivers:
    """The receivers of a database, and how far one process has looked at them."""

    def __init__(
        self,
        database: Database,
        *,
        look_at_max: int = LOOK_AT_MAX,
        look_at_of_owner_max: int = LOOK_AT_OF_OWNER_MAX,
        advance_after: int = ADVANCE_AFTER,
        recover_every_s: float = RECOVER_EVERY_S,
    ) -> None:
        self._database = database
        self._look_at_max = look_at_max
        self._look_at_of_owner_max = look_at_of_owner_max
        self._advance_after = advance_after
        self._recover_every_s = recover_every_s
        self.goes_on = False  # whether the last look left receivers out
        self._from_owner = ""
        self._after: dict[str, str] = {}  # by owner with many receivers: the last receiver that was looked at
        self._finished_owners: set[str] = set()  # owners looked at to their last receiver, since `goes_on` was false
        self._newly_due: dict[Receiver, None] = {}  # receivers of new deliveries, the oldest first
        self._ended: Counter[Receiver] = Counter()  # attempts that ended since the receiver's bound was moved
        self._recover_at = time.monotonic()
        self._recovered = Receiver("", "")

    async def look(self) -> list[PendingReceiver]:
        """Return the pending receivers: all, or as many as one look reads; later looks read the others. Raises Unavailable.

        Receivers of new deliveries are looked at in any case.
        """
        await self._advance()
        await self._recover()
        params = {
            "from_owner": self._from_owner,
            "owners": list(self._after),
            "receivers": list(self._after.values()),
            "per_owner": self._look_at_of_owner_max,
            "limit": self._look_at_max,
        }
        pending = await self._database.fetch("deliverer/list_receivers", params, PendingReceiver)
        self._go_on_after(pending)
        return [*(each for each in pending if each.receiver), *await self._look_at_newly_due(pending)]

    def add_due(self, due: Iterable[tuple[str, str]]) -> None:
        """Look at these receivers next: they have new deliveries. The oldest beyond LOOK_AT_MAX wait for their turn."""
        self._newly_due.update(dict.fromkeys(Receiver(*each) for each in due))
        for oldest in list(self._newly_due)[: max(0, len(self._newly_due) - self._look_at_max)]:
            del self._newly_due[oldest]

    def count_ended(self, owner: str, receiver: str, count: int = 1) -> None:
        """Count ended attempts at a receiver: their index entries stand before its due deliveries."""
        self._ended[Receiver(owner, receiver)] += count

    async def _look_at_newly_due(self, pending: Sequence[PendingReceiver]) -> list[PendingReceiver]:
        """Return the receivers of new deliveries that the look left out. They stay in the list while they have deliveries due."""
        seen = {Receiver(each.owner, each.receiver) for each in pending}
        left_out = [each for each in self._newly_due if each not in seen]
        if not left_out:
            self._newly_due.clear()
            return []
        params = {"owners": [each.owner for each in left_out], "receivers": [each.receiver for each in left_out]}
        found = await self._database.fetch("deliverer/look_at_receivers", params, PendingReceiver)
        self._newly_due = dict.fromkeys(Receiver(each.owner, each.receiver) for each in found)
        return found

    def _go_on_after(self, pending: Sequence[PendingReceiver]) -> None:
        """Record where the next look begins: at the owner where this one was cut off, and after the last receiver of each owner.

        Looks go on until each owner has been looked at to its last receiver. An owner that is finished earlier begins again.
        """
        began, self._from_owner = self._from_owner, pending[-1].owner if len(pending) == self._look_at_max else ""
        counts = Counter(each.owner for each in pending)
        full = {each.owner: each.receiver for each in pending if counts[each.owner] == self._look_at_of_owner_max}
        left_out = {owner: after for owner, after in self._after.items() if owner < began or "" < self._from_owner <= owner}
        self._after = left_out | full
        self._finished_owners |= counts.keys() - full.keys() - {self._from_owner}
        self.goes_on = bool(self._from_owner) or not self._after.keys() <= self._finished_owners
        if not self.goes_on:
            self._finished_owners = set()

    async def _advance(self) -> None:
        """Move the bounds of the receivers with many ended attempts."""
        many = [receiver for receiver, count in self._ended.most_common(ADVANCE_MAX) if count >= self._advance_after]
        if many:
            params = {"owners": [each.owner for each in many], "receivers": [each.receiver for each in many]}
            await self._database.fetch("deliverer/advance_receivers", params, dict)
            for receiver in many:
                del self._ended[receiver]

    async def _recover(self) -> None:
        """Continue the pass over all due deliveries, or begin one if it is time. A statement that fails ends the pass."""
        if time.monotonic() < self._recover_at:
            return
        params = {**self._recovered._asdict(), "limit": RECOVER_MAX}
        try:
            passed = await self._database.fetch("deliverer/recover_receivers", params, Receiver)
        except Unavailable:
            logger.warning("receivers not recovered: the index of due deliveries took too long to read")
            passed = []
        self._recovered = passed[-1] if len(passed) == RECOVER_MAX else Receiver("", "")
        if not self._recovered.owner:
            self._recover_at = time.monotonic() + self._recover_every_s
