"""Where the queues of shards begin: below its floor a shard has no transfer in its queue, and will never have one.

Positions are drawn in one order and committed in another, so a small one may appear behind larger ones, and a floor must not
pass it. A floor rises to what is settled: every transaction that drew a position up to there has ended, and each later statement
sees its rows, or they never come. That is known without asking for the oldest transaction of the server, which may be anything of
any database, and open for days:

1. `saw`: a claim returned a row at position S. A sequence gives its numbers in order, so each position up to S was drawn before
   that, by a transaction that had already taken the lock of an INSERT on the queue: the lock is taken before the position is drawn.
2. `look`, by a later statement: the transactions V that hold such a lock. A transaction that drew a position up to S is in V, or
   has ended. V may hold others too, which delays what is settled and does no harm.
3. `look` again, later: no transaction of V is among those that hold one. Postgres makes a transaction visible before it releases
   its locks, at COMMIT PREPARED too. So all of V have ended, and a statement that begins now sees whatever will ever be at or
   below S.

A claim that began after 3, in a transaction that has locked the shard, has therefore seen all that the shard will ever have up to
S. Once that transaction is committed, the floor rises to S + 1, or to behind the last claimed position where more was left. Nothing
is lost where the process dies: a floor that was not stored is found again, and one that was stored is true.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping

LOOK_EVERY_S = 0.5  # a look at the server's locks takes some 0.3 ms, and all that takes a lock waits for part of that
LOOK_AFTER = 1_000  # positions; to read over so many deleted rows takes less than a look
# While a snapshot is held, a look at the queue steps over each row that was deleted above the stored floor, and a look at the floor
# over each version of its row that was ever stored. At 5000, ten million deleted rows leave 2000 versions.
STORE_AFTER = 5_000


class Floors:
    """What one session knows of the floors. Another session, perhaps after a crash of the server, must begin anew."""

    def __init__(self) -> None:
        self._own: dict[int, int] = {}  # by shard, what this session has proved or read
        self._stored: dict[int, int] = {}  # by shard, as it was when the shard was last locked
        self._finished: Counter[int] = Counter()  # by shard, how many were taken out of its queue since its floor was stored
        self._seen = 0  # the largest position that a claim returned
        self._settled = 0
        self._noted = 0  # becomes settled when all of _awaited have ended
        self._awaited: frozenset[str] = frozenset()
        self._looked_at = 0.0  # monotonic seconds

    def of(self, shards: Iterable[int]) -> list[int]:
        """Return from which position on each of these shards' queues is to be read."""
        return [self._own.get(shard, 0) for shard in shards]

    def is_look_due(self, now: float) -> bool:
        """Tell whether the transactions that write to the queue are to be looked at; `now` is in monotonic seconds."""
        return self._seen >= self._settled + LOOK_AFTER and now >= self._looked_at + LOOK_EVERY_S

    def saw(self, position: int) -> None:
        """Note a position that a claim has returned."""
        self._seen = max(self._seen, position)

    def look(self, writers: Collection[str], now: float) -> None:
        """Heed which transactions may write to the queue, as a statement begun after all that was seen before has found them."""
        self._looked_at = now
        if not self._awaited.isdisjoint(writers):
            return
        self._settled = self._noted
        self._noted, self._awaited = self._seen, frozenset(writers)
        if not writers:
            self._settled = self._noted

    @property
    def settled(self) -> int:
        """The position up to which a claim that begins now sees all that will ever be there."""
        return self._settled

    def locked(self, stored: Mapping[int, int]) -> None:
        """Note the stored floors of shards that are locked now. One that was lowered by a migration is heeded: it was not true."""
        for shard, floor in stored.items():
            if floor < self._stored.get(shard, 0):
                self._own[shard] = floor
            self._own[shard] = max(self._own.get(shard, 0), floor)
            self._stored[shard] = floor

    def to_store(self, shards: Iterable[int]) -> dict[int, int]:
        """Return the floors of those of these locked shards that are worth a new version of the shard's row."""
        return {
            shard: self._own[shard]
            for shard in shards
            if self._finished[shard] >= STORE_AFTER and self._own[shard] > self._stored[shard]
        }

    def stored(self, floors: Mapping[int, int]) -> None:
        """Note floors that were stored and committed."""
        self._stored.update(floors)
        for shard in floors:
            self._finished[shard] = 0

    def finished(self, shard: int, settled: int, positions: Collection[int], *, is_all: bool) -> None:
        """Raise a shard's floor over what was claimed and is taken out of its queue, committed.

        `settled` is what was settled when the claim began; `is_all`: the claim found no more in this shard.
        """
        begins = settled + 1
        if not is_all:
            begins = min(begins, max(positions) + 1)
        self._own[shard] = max(self._own.get(shard, 0), begins)
        self._finished[shard] += len(positions)
