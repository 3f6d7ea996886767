"""Where the queues of shards begin: below its floor a shard has no transfer in its queue, and will never have one.

Transactions draw positions in one order and commit in another, so a small position may become visible after larger ones. A floor
must not pass it. A position S is settled when every transaction that drew a position up to S has ended: each later statement sees
its rows, or the rows never come. A floor rises to settled positions only. The oldest transaction of the server does not help here:
it may belong to any database and stay open for days. This works instead:

1. `saw`: position S has been drawn, because a claim returned it or the sequence says so. A sequence gives its numbers in order, so
   each position up to S was drawn before. The transaction that drew it already held the lock of an INSERT on the queue: Postgres
   takes that lock before it draws the position.
2. `look`, by a later statement: the transactions V that hold such a lock. A transaction that drew a position up to S is in V, or
   has ended. V may contain other transactions too. They delay the proof and do no harm.
3. `look` again, later: no transaction of V holds such a lock any more. Postgres makes a transaction visible before it releases
   its locks, at COMMIT PREPARED too. So all of V have ended, and a statement that begins now sees all rows that will ever be at or
   below S.

So a statement that began after step 3 has seen all rows that a shard will ever have up to S. The shard's floor may rise to S + 1,
or to the first position that the statement saw and left in the queue.

A worker keeps the floors that it proves in memory, batch by batch. The sweeper stores floors in the rows of `shards`, for sessions
that begin and for statements that only read. It does so seldom: while a snapshot is held, each version of such a row is one more to
step over. The sweeper passes over shards that are being drained, so a worker stores their floors. A process that dies loses
nothing: a floor that was not stored is proved again, and a stored floor is true.
"""

from collections.abc import Collection, Iterable, Mapping

LOOK_EVERY_S = 0.5  # a look at the server's locks takes some 0.3 ms, and every other taker of a lock waits for part of that time
LOOK_AFTER = 1_000  # positions; a claim steps over so many deleted rows in less time than a look takes
# Positions by which stored floors may lag. A statement that begins at the stored floors steps over so many deleted rows, of all
# shards together, in some 15 ms. Ten million transfers leave 200 versions of each shard's row.
SWEEPER_STORES_AFTER = 50_000
WORKER_STORES_AFTER = 100_000


class Settling:
    """The position up to which all positions are settled, as proved in one session.

    A new session begins without it: the server may have crashed in between.
    """

    def __init__(self) -> None:
        self.settled = 0
        self._seen = 0
        self._next_settled = 0  # is settled when all transactions of _awaited have ended
        self._awaited: frozenset[str] = frozenset()
        self._looked_at = 0.0  # monotonic seconds

    def saw(self, position: int) -> None:
        """Record a position that has been drawn."""
        self._seen = max(self._seen, position)

    def is_look_due(self, now: float) -> bool:
        """Return whether to look at the transactions that write to the queue; `now` is in monotonic seconds."""
        return self._seen >= self.settled + LOOK_AFTER and now >= self._looked_at + LOOK_EVERY_S

    def look(self, writers: Collection[str], now: float) -> None:
        """Record the transactions that hold a lock of the queue, found by a statement that began after each recorded position."""
        self._looked_at = now
        if not self._awaited.isdisjoint(writers):
            return
        self.settled = self._next_settled if writers else self._seen
        self._next_settled, self._awaited = self._seen, frozenset(writers)


class Floors:
    """The floors that a worker has proved or read in one session."""

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self.settling = Settling()
        self._own: dict[int, int] = {}  # by shard: the floor that this session has proved or read
        self._stored: dict[int, int] = {}  # by shard: the stored floor when the shard was last locked
        self._settled = 0  # the settled position when the last claim began

    def begin_claim(self, shards: Iterable[int]) -> list[int]:
        """Return the position at which the claim begins, for each of these shards."""
        self._settled = self.settling.settled
        return [self._own.get(shard, 0) for shard in shards]

    def locked(self, stored: Mapping[int, int]) -> None:
        """Record the stored floors of shards that are locked now.

        A stored floor that has fallen was false, and a migration has corrected it. This session's floors may then be false too, so
        it drops them all.
        """
        if any(floor < self._stored.get(shard, 0) for shard, floor in stored.items()):
            self._forget()
        for shard, floor in stored.items():
            self._own[shard] = max(self._own.get(shard, 0), floor)
            self._stored[shard] = floor

    def to_store(self, shards: Iterable[int]) -> dict[int, int]:
        """Return the floors of these locked shards that have risen by WORKER_STORES_AFTER positions since they were stored."""
        return {shard: self._own[shard] for shard in shards if self._own[shard] >= self._stored[shard] + WORKER_STORES_AFTER}

    def drained(self, shard: int, positions: Collection[int], *, is_all: bool) -> None:
        """Raise a locked shard's floor above the positions that a committed transaction has taken out of its queue.

        `is_all`: the claim found no further transfer in this shard.
        """
        begins = self._settled + 1 if is_all else min(self._settled, max(positions)) + 1
        self._own[shard] = max(self._own[shard], begins)
