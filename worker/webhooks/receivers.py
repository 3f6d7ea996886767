"""The receivers that may have deliveries due, by owner, looked at in turns.

A look reads one index entry of each receiver, the longest due. What has ended stays in the index before it while any snapshot is
held in the database, so each receiver has a bound in Postgres at which the look begins (core/sql/deliverer/advance_receivers.sql).
The bound is moved once in many attempts, because a bound that is moved leaves a dead row too.
"""

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from core import log
from core.errors import Unavailable
from core.postgres.pool import Database

# How many receivers a claim looks at, ten microseconds each: in all, and of an owner, which may name any number of hosts in
# callback URLs. An owner that has more is looked at in turns.
LOOK_AT_MAX = 2000
LOOK_AT_OF_OWNER_MAX = 100

ADVANCE_AFTER = 1000  # ended attempts to a receiver, each of which left up to two dead index entries: half a millisecond
ADVANCE_MAX = 20  # receivers at a time

# What no look finds, because a transaction lasted for longer than the bounds allow, or an older version made it, is found by this.
RECOVER_EVERY_S = 300.0
RECOVER_MAX = 1000  # receivers by one statement: some ten milliseconds

logger = log.get(__name__)


class Waiting(NamedTuple):
    """A receiver which may have deliveries pending, and since when the longest due is; None when none is.

    With an empty receiver it says that this owner has no more of them.
    """

    owner: str
    receiver: str
    due_since: datetime | None


class Receiver(NamedTuple):
    owner: str
    receiver: str


class Receivers:
    """The receivers of a database, as one process looks at them."""

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
        self.goes_on = False
        self._from_owner = ""
        self._after: dict[str, str] = {}  # of owners with many receivers: the last one that was looked at
        self._ended: set[str] = set()  # owners that have been looked at to their end, since there was a look that did not go on
        self._fresh: dict[Receiver, None] = {}  # those that something has just been made due to
        self._worn: Counter[Receiver] = Counter()  # attempts that have ended since the bound was moved
        self._recover_at = time.monotonic()
        self._recovered = Receiver("", "")

    async def look(self) -> list[Waiting]:
        """Return the receivers that wait: all, or as many as one turn looks at; later turns look at the others. Raises Unavailable.

        Those that something has just been made due to are looked at in each case.
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
        waiting = await self._database.fetch("deliverer/list_receivers", params, Waiting)
        self._go_on_after(waiting)
        return [*(one for one in waiting if one.receiver), *await self._look_at_fresh(waiting)]

    def expect(self, due: Iterable[tuple[str, str]]) -> None:
        """Look at these receivers next: something has just been made due to them."""
        self._fresh.update(dict.fromkeys(Receiver(*one) for one in due))
        for one in list(self._fresh)[: max(0, len(self._fresh) - self._look_at_max)]:
            del self._fresh[one]  # to be found in its turn

    def wear(self, owner: str, receiver: str, count: int = 1) -> None:
        """Count attempts at a receiver that have ended: their index entries stand before what is due."""
        self._worn[Receiver(owner, receiver)] += count

    async def _look_at_fresh(self, waiting: Sequence[Waiting]) -> list[Waiting]:
        """Return those of the fresh that the look left out. They stay fresh while there is something due to them."""
        seen = {Receiver(one.owner, one.receiver) for one in waiting}
        left_out = [one for one in self._fresh if one not in seen]
        if not left_out:
            self._fresh.clear()
            return []
        params = {"owners": [one.owner for one in left_out], "receivers": [one.receiver for one in left_out]}
        found = await self._database.fetch("deliverer/look_at_receivers", params, Waiting)
        self._fresh = dict.fromkeys(Receiver(one.owner, one.receiver) for one in found)
        return found

    def _go_on_after(self, waiting: Sequence[Waiting]) -> None:
        """Note where the next turn begins: with the owner that this one was cut off at, and after each owner's last receiver.

        The turns go on until each owner has been looked at to its end; those that come to theirs sooner begin again.
        """
        began, self._from_owner = self._from_owner, waiting[-1].owner if len(waiting) == self._look_at_max else ""
        counts = Counter(one.owner for one in waiting)
        full = {one.owner: one.receiver for one in waiting if counts[one.owner] == self._look_at_of_owner_max}
        left_out = {owner: after for owner, after in self._after.items() if owner < began or "" < self._from_owner <= owner}
        self._after = left_out | full
        self._ended |= counts.keys() - full.keys() - {self._from_owner}
        self.goes_on = bool(self._from_owner) or not self._after.keys() <= self._ended
        if not self.goes_on:
            self._ended = set()

    async def _advance(self) -> None:
        """Move the bounds of those that many attempts have ended at."""
        worn = [one for one, count in self._worn.most_common(ADVANCE_MAX) if count >= self._advance_after]
        if worn:
            params = {"owners": [one.owner for one in worn], "receivers": [one.receiver for one in worn]}
            await self._database.fetch("deliverer/advance_receivers", params, dict)
            for one in worn:
                del self._worn[one]

    async def _recover(self) -> None:
        """Go on with the pass that finds what no look finds, or begin it when it is time. A part that fails ends the pass."""
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
