"""Limits of attempts in flight, by the receiver's health, and whose turn is next: no receiver makes another wait for ever.

A healthy receiver has up to 16 slots. An unknown or a failing receiver has one. All unknown receivers together have at most a half
of the slots of their owner and of the process, all failing ones a quarter. So dead receivers, in any number and with any duration
of their attempts, leave the rest to the healthy. The unknown have a share of their own, so failing receivers do not keep a new one
from its first attempt.

The receiver with the fewest slots is next; among equals, the one with the oldest last turn. How many deliveries a receiver has due,
and since when, does not matter: a dead receiver under traffic always has one that has been due for longer.

docs/concepts/state-tables.md has the table of health. docs/decisions/0035-receivers.md gives the reasons.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from enum import StrEnum
from itertools import count
from typing import NamedTuple, Protocol, TypeVar

IN_FLIGHT_MAX = 256  # a guess; one event loop serves so many attempts beside each other
PER_OWNER_MAX = 64  # a quarter; an owner may have any number of receivers, all of them dead
PER_RECEIVER_MAX = 16  # of a healthy receiver: 80 attempts a second where each takes 200 ms
REMEMBERED_MAX = 20_000  # receivers, a guess; callers can name any number of hosts


class Health(StrEnum):
    HEALTHY = "healthy"  # the last attempt succeeded
    UNKNOWN = "unknown"  # no attempt since the process began; or the last one failed, and the one before it had not
    FAILING = "failing"  # the last two attempts failed, or all that there were


# Shares of an owner's slots and of the process' slots. Guesses with a reason: all receivers are unknown when a process begins, so
# the share of the unknown decides how soon the healthy ones get their first attempt.
SHARES = {Health.HEALTHY: 1.0, Health.UNKNOWN: 0.5, Health.FAILING: 0.25}


class Due(Protocol):
    """A receiver of an owner, or a delivery to it."""

    @property
    def owner(self) -> str: ...
    @property
    def receiver(self) -> str: ...


Item = TypeVar("Item", bound=Due)


class Group(NamedTuple):
    """Attempts with a common limit: all, all of one health, an owner's, an owner's of one health, those at one receiver."""

    owner: str = ""
    receiver: str = ""
    health: Health | None = None


class Slot(NamedTuple):
    """A slot of one attempt in flight, with the receiver's health when the attempt began."""

    owner: str
    receiver: str
    health: Health

    @property
    def groups(self) -> Sequence[Group]:
        """The groups that the attempt counts in."""
        owner, receiver, health = self
        return Group(), Group(health=health), Group(owner), Group(owner, health=health), Group(owner, receiver)


class ReceiverHealth(NamedTuple):
    """A receiver's health, and the number of its last turn, counted over all receivers."""

    health: Health
    turn: int


NEVER_TRIED = ReceiverHealth(Health.UNKNOWN, 0)


class SlotLimits:
    """The slots of one process: which are taken, and which receiver may take the next."""

    def __init__(
        self,
        in_flight_max: int = IN_FLIGHT_MAX,
        per_owner_max: int = PER_OWNER_MAX,
        per_receiver_max: int = PER_RECEIVER_MAX,
        remembered_max: int = REMEMBERED_MAX,
    ) -> None:
        self._in_flight_max = in_flight_max
        self._per_owner_max = per_owner_max
        self._per_receiver_max = per_receiver_max
        self._remembered_max = remembered_max
        self._taken: Counter[Group] = Counter()
        self._missed: set[Group] = set()  # groups that kept a receiver out at the last look, because they were full
        self._receivers: dict[tuple[str, str], ReceiverHealth] = {}  # the one recorded longest ago first
        self._turns = count(1)

    def any_free(self) -> bool:
        """Return whether the process has a free slot."""
        return self._taken[Group()] < self._in_flight_max

    def admit(self, due: Iterable[Item]) -> list[Item]:
        """Return the items that may have a slot now. The full groups of the others are recorded until the next call."""
        self._missed = set()
        admitted = []
        for item in due:
            full = self._full(self._slot(item), self._taken)
            self._missed.update(full)
            if not full:
                admitted.append(item)
        return admitted

    def choose(self, admitted: Iterable[Item]) -> list[Item]:
        """Return one item of each owner: the one with the next turn. Owners take slots in the order of these turns.

        An owner for which no slot is left gets none. Items with equal turns stay in the order given.
        """
        taken = self._taken.copy()
        chosen: dict[str, Item] = {}
        for item in sorted(admitted, key=self._turn_key):
            if item.owner not in chosen and not self._full(slot := self._slot(item), taken):
                chosen[item.owner] = item
                taken.update(slot.groups)
        return list(chosen.values())

    def counts(self, chosen: Sequence[Due]) -> list[int]:
        """Return how many attempts may begin at each of these now: one, and then more in turns while slots are free."""
        taken = self._taken.copy()
        counts = [0] * len(chosen)
        slots = dict(enumerate(map(self._slot, chosen)))
        while slots:
            for number, slot in list(slots.items()):
                if counts[number] and self._full(slot, taken):
                    del slots[number]
                else:
                    counts[number] += 1
                    taken.update(slot.groups)
        return counts

    def take(self, item: Due) -> Slot:
        """Take a slot, to be given back after the attempt. The receiver's turn is counted here."""
        slot = self._slot(item)
        self._taken.update(slot.groups)
        self._remember(slot, slot.health, next(self._turns))
        return slot

    def record(self, slot: Slot, *, succeeded: bool) -> None:
        """Record the result of the slot's attempt."""
        failed = Health.UNKNOWN if slot.health is Health.HEALTHY else Health.FAILING
        self._remember(slot, Health.HEALTHY if succeeded else failed, self._health_of(slot).turn)

    def give_back(self, slot: Slot) -> bool:
        """Free a slot. Returns whether the last look left a receiver out for want of it."""
        was_full = not self.any_free()
        self._taken -= Counter(slot.groups)
        return was_full or not self._missed.isdisjoint(slot.groups)

    def _full(self, slot: Slot, taken: Counter[Group]) -> list[Group]:
        """Return the groups of the slot that are full."""
        return [group for group, most in zip(slot.groups, self._limits(slot.health), strict=True) if taken[group] >= most]

    def _limits(self, health: Health) -> Sequence[int]:
        """Return the limit of each group of a slot, in the order of `Slot.groups`."""
        return (
            self._in_flight_max,
            share_of(self._in_flight_max, health),
            self._per_owner_max,
            share_of(self._per_owner_max, health),
            self._per_receiver_max if health is Health.HEALTHY else 1,
        )

    def _turn_key(self, item: Due) -> tuple[int, int, int]:
        """Return what decides the next turn, the smallest first: slots of the owner for this health, of the receiver, last turn."""
        *_, of_owner, to_receiver = self._slot(item).groups
        return self._taken[of_owner], self._taken[to_receiver], self._health_of(item).turn

    def _slot(self, item: Due) -> Slot:
        return Slot(item.owner, item.receiver, self._health_of(item).health)

    def _health_of(self, item: Due) -> ReceiverHealth:
        return self._receivers.get((item.owner, item.receiver), NEVER_TRIED)

    def _remember(self, item: Due, health: Health, turn: int) -> None:
        self._receivers.pop((item.owner, item.receiver), None)
        if len(self._receivers) >= self._remembered_max:
            del self._receivers[next(iter(self._receivers))]  # unknown again; its next attempt records its health
        self._receivers[item.owner, item.receiver] = ReceiverHealth(health, turn)


def share_of(slots: int, health: Health) -> int:
    """Return how many of these slots receivers of this health may have together: at least one."""
    return max(1, int(slots * SHARES[health]))
