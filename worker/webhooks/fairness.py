"""Who may have an attempt in flight, and who is next: so that no receiver keeps another waiting for ever.

A receiver is known by its last attempts. Those that are not known to be healthy have one place each, and together a part of the
places, of an owner's as of the process': however many they are, and however long their attempts take, the rest is for the healthy.
Those of which nothing is known have a part of their own, so that the failing do not keep a new one from being known.

Whoever has fewest places is next, and of those the one that had its turn longest ago. What is due for a receiver, how much and
since when, gives it no claim to another's turn: for a dead one under traffic there is always something that has been due longer.

docs/concepts/state-tables.md has the table of health.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from enum import StrEnum
from itertools import count
from typing import NamedTuple, Protocol, TypeVar

IN_FLIGHT_MAX = 256
PER_OWNER_MAX = 64  # an owner may have any number of receivers, all of them dead
PER_RECEIVER_MAX = 16  # of one that is healthy: 80 a second where each takes 200 ms
REMEMBERED_MAX = 20_000  # receivers: there is no end to the hosts that callers can name


class Health(StrEnum):
    HEALTHY = "healthy"  # the last attempt succeeded
    UNKNOWN = "unknown"  # there was none yet, since this process began; or it failed, and the one before had not
    FAILING = "failing"  # the last two failed, or all that there were


# Of the places of an owner, and of the process. When a process begins all are unknown: how soon the healthy are told then depends
# on how many of the others can be tried at a time.
PARTS = {Health.HEALTHY: 1.0, Health.UNKNOWN: 0.5, Health.FAILING: 0.25}


class Due(Protocol):
    """Something that is to be sent: to one of an owner's receivers."""

    @property
    def owner(self) -> str: ...
    @property
    def receiver(self) -> str: ...


Item = TypeVar("Item", bound=Due)


class Group(NamedTuple):
    """Attempts that have a limit in common: all, all of one health, an owner's, its of one health, its to one receiver."""

    owner: str = ""
    receiver: str = ""
    health: Health | None = None


class Place(NamedTuple):
    """A place in flight, to a receiver as it was known when the attempt began."""

    owner: str
    receiver: str
    health: Health

    @property
    def groups(self) -> Sequence[Group]:
        """Those that it counts in."""
        owner, receiver, health = self
        return Group(), Group(health=health), Group(owner), Group(owner, health=health), Group(owner, receiver)


class Known(NamedTuple):
    """What is known of a receiver, and when it had its last turn, counted in turns of all."""

    health: Health
    turn: int


NOTHING = Known(Health.UNKNOWN, 0)


class Places:
    """The places of one process."""

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
        self._missed: set[Group] = set()  # those that were full for somebody at the last look
        self._known: dict[tuple[str, str], Known] = {}  # the one that was heard of longest ago first
        self._turns = count(1)

    def any_free(self) -> bool:
        """Tell whether there is a place, for whomever."""
        return self._taken[Group()] < self._in_flight_max

    def admit(self, due: Iterable[Item]) -> list[Item]:
        """Return those for whom there is a place now. What the others lack is noted, and forgotten at the next look."""
        self._missed = set()
        admitted = []
        for one in due:
            full = self._full(self._place(one), self._taken)
            self._missed.update(full)
            if not full:
                admitted.append(one)
        return admitted

    def choose(self, admitted: Iterable[Item]) -> list[Item]:
        """Return who is next, one for each owner, as many as there are places for; where all else is equal, in the order given."""
        taken = self._taken.copy()
        chosen: dict[str, Item] = {}
        for one in sorted(admitted, key=self._has_had):
            if one.owner not in chosen and not self._full(place := self._place(one), taken):
                chosen[one.owner] = one
                taken.update(place.groups)
        return list(chosen.values())

    def counts(self, chosen: Sequence[Due]) -> list[int]:
        """Return how many attempts there may be at each of these now: one, and more in turns while there are places left."""
        taken = self._taken.copy()
        counts = [0] * len(chosen)
        places = dict(enumerate(map(self._place, chosen)))
        while places:
            for number, place in list(places.items()):
                if counts[number] and self._full(place, taken):
                    del places[number]
                else:
                    counts[number] += 1
                    taken.update(place.groups)
        return counts

    def take(self, one: Due) -> Place:
        """Take a place, which is to be given back. The receiver has had its turn by that."""
        place = self._place(one)
        self._taken.update(place.groups)
        self._know(place, place.health, next(self._turns))
        return place

    def heed(self, place: Place, *, succeeded: bool) -> None:
        """Note what became of the attempt that has this place."""
        failed = Health.UNKNOWN if place.health is Health.HEALTHY else Health.FAILING
        self._know(place, Health.HEALTHY if succeeded else failed, self._known_of(place).turn)

    def give_back(self, place: Place) -> bool:
        """Free a place. Returns whether somebody lacked it at the last look."""
        was_full = not self.any_free()
        self._taken -= Counter(place.groups)
        return was_full or not self._missed.isdisjoint(place.groups)

    def _full(self, place: Place, taken: Counter[Group]) -> list[Group]:
        return [group for group, most in zip(place.groups, self._limits(place.health), strict=True) if taken[group] >= most]

    def _limits(self, health: Health) -> Sequence[int]:
        """How many places each of a place's groups may have."""
        return (
            self._in_flight_max,
            part(self._in_flight_max, health),
            self._per_owner_max,
            part(self._per_owner_max, health),
            self._per_receiver_max if health is Health.HEALTHY else 1,
        )

    def _has_had(self, one: Due) -> tuple[int, int, int]:
        """How many places its owner has with those of its health, how many it has itself, and when it had its last turn."""
        *_, of_owner, to_receiver = self._place(one).groups
        return self._taken[of_owner], self._taken[to_receiver], self._known_of(one).turn

    def _place(self, one: Due) -> Place:
        return Place(one.owner, one.receiver, self._known_of(one).health)

    def _known_of(self, one: Due) -> Known:
        return self._known.get((one.owner, one.receiver), NOTHING)

    def _know(self, one: Due, health: Health, turn: int) -> None:
        self._known.pop((one.owner, one.receiver), None)
        if len(self._known) >= self._remembered_max:
            del self._known[next(iter(self._known))]  # to be learnt again, in one attempt
        self._known[one.owner, one.receiver] = Known(health, turn)


def part(places: int, health: Health) -> int:
    """Return how many of these places receivers of this health may have: one at least."""
    return max(1, int(places * PARTS[health]))
