"""Where the queues of shards begin: below its floor a shard has no transfer in its queue, and will never have one.

Positions are drawn in one order and committed in another, so a small one may appear behind larger ones, and a floor must not
pass it. A floor rises to what is settled: every transaction that drew a position up to there has ended, and each later statement
sees its rows, or they never come. That is known without asking for the oldest transaction of the server, which may be anything of
any database, and open for days:

1. `saw`: position S has been drawn: a claim returned it, or the sequence says so. A sequence gives its numbers in order, so each
   position up to S was drawn before that, by a transaction that had already taken the lock of an INSERT on the queue: the lock is
   taken before the position is drawn.
2. `look`, by a later statement: the transactions V that hold such a lock. A transaction that drew a position up to S is in V, or
   has ended. V may hold others too, which delays what is settled and does no harm.
3. `look` again, later: no transaction of V is among those that hold one. Postgres makes a transaction visible before it releases
   its locks, at COMMIT PREPARED too. So all of V have ended, and a statement that begins now sees whatever will ever be at or
   below S.

A statement that began after 3 has therefore seen all that a shard will ever have up to S, and the shard's floor may rise to S + 1,
or to the first position that it saw and left in the queue. A worker keeps what it proves for itself, batch by batch. Stored in the
shard's row, for sessions that begin and for statements that only look, is what the sweeper proves, seldom: while a snapshot is held
each version of that row is one more to step over. A worker stores too, where the sweeper does not come: it passes over shards that
are being drained. Nothing is lost where a process dies: a floor that was not stored is found again, and a stored one is true.
"""

from collections.abc import Collection, Iterable, Mapping

LOOK_EVERY_S = 0.5  # a look at the server's locks takes some 0.3 ms, and all that takes a lock waits for part of that
LOOK_AFTER = 1_000  # positions; to step over so many deleted rows takes less than a look
# Positions by which stored floors may lag. A look that begins at the stored floors steps over so many deleted rows, of all shards
# together, in some 15 ms; and ten million leave 200 versions of each shard's row.
SWEEPER_STORES_AFTER = 50_000
WORKER_STORES_AFTER = 100_000


class Settling:
    """Up to which position all is settled, as one session has seen it.

    Another session, perhaps after a crash of the server, must begin anew.
    """

    def __init__(self) -> None:
        self.settled = 0
        self._seen = 0
        self._noted = 0  # becomes settled when all of _awaited have ended
        self._awaited: frozenset[str] = frozenset()
        self._looked_at = 0.0  # monotonic seconds

    def saw(self, position: int) -> None:
        """Note a position that has been drawn."""
        self._seen = max(self._seen, position)

    def is_look_due(self, now: float) -> bool:
        """Tell whether to look at the transactions that write to the queue; `now` is in monotonic seconds."""
        return self._seen >= self.settled + LOOK_AFTER and now >= self._looked_at + LOOK_EVERY_S

    def look(self, writers: Collection[str], now: float) -> None:
        """Heed which transactions may write to the queue, as found by a statement that began after all that was seen."""
        self._looked_at = now
        if not self._awaited.isdisjoint(writers):
            return
        self.settled = self._noted if writers else self._seen
        self._noted, self._awaited = self._seen, frozenset(writers)


class Floors:
    """A worker's own floors, in one session."""

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self.settling = Settling()
        self._own: dict[int, int] = {}  # by shard, what this session has proved or read
        self._stored: dict[int, int] = {}  # by shard, as it was when the shard was last locked
        self._settled = 0  # when the last claim began

    def begin_claim(self, shards: Iterable[int]) -> list[int]:
        """Return from which position on each of these shards' queues is to be read."""
        self._settled = self.settling.settled
        return [self._own.get(shard, 0) for shard in shards]

    def locked(self, stored: Mapping[int, int]) -> None:
        """Note the stored floors of shards that are locked now.

        A floor that was lowered was not true: a migration has healed it. What this session knows may then be just as false.
        """
        if any(floor < self._stored.get(shard, 0) for shard, floor in stored.items()):
            self._forget()
        for shard, floor in stored.items():
            self._own[shard] = max(self._own.get(shard, 0), floor)
            self._stored[shard] = floor

    def to_store(self, shards: Iterable[int]) -> dict[int, int]:
        """Return the floors of those of these locked shards that are worth a new version of the shard's row."""
        return {shard: self._own[shard] for shard in shards if self._own[shard] >= self._stored[shard] + WORKER_STORES_AFTER}

    def drained(self, shard: int, positions: Collection[int], *, is_all: bool) -> None:
        """Raise a locked shard's floor over what was claimed, and is taken out of its queue by a transaction that is committed.

        `is_all`: the claim found no more in this shard.
        """
        begins = self._settled + 1 if is_all else min(self._settled, max(positions)) + 1
        self._own[shard] = max(self._own[shard], begins)
