"""The batcher: the one worker that waits for more transfers. Other workers hand their shards over to it, with the flags up.

If several workers waited, they would divide the same transfers into smaller transactions, which wait for each other's wallets.
docs/concepts/state-tables.md draws its states.
"""

from collections.abc import Collection
from pathlib import Path

from core.failpoint import failpoint
from core.ledger.sharding import SHARDS_MAX
from core.redis.hints import HintProtocol, Hints
from core.redis.keys import BATCHER, HANDED_OVER, flag

__all__ = ["BATCHER_TTL_S", "Batcher"]

HAND_OVER = Path(__file__).with_name("hand_over.lua").read_text()

BATCHER_TTL_S = 5  # after a batcher has died, the place is free again in 5 s; a running batcher renews it with each take_over


class Batcher(HintProtocol):
    """The batcher's place, which one worker holds, and the set of shards that were handed over to it."""

    def __init__(self, hints: Hints) -> None:
        super().__init__(hints)
        self._hand_over = hints.redis.register_script(HAND_OVER)

    def become(self) -> bool:
        """Take the batcher's place and return True, if it is free. Only the batcher calls `take_over`, and `release` at its end."""
        return bool(self._hints.attempt(lambda: self._hints.redis.set(BATCHER, 1, nx=True, ex=BATCHER_TTL_S)))

    def hand_over(self, shards: Collection[int]) -> bool:
        """Hand the shards over to the batcher and return True. Without a batcher, lower their flags: then look once more."""
        keys, args = [BATCHER, HANDED_OVER, *map(flag, shards)], [BATCHER_TTL_S * 1000, *shards]
        is_handed_over = bool(shards) and bool(self._hints.attempt(lambda: self._hand_over(keys, args)))
        failpoint("doorbell.after_hand_over")
        return is_handed_over

    def take_over(self) -> list[int]:
        """Return the shards that were handed over since the last call, and renew the place."""
        return self._hints.attempt(lambda: self._take_over(BATCHER_TTL_S)) or []

    def release(self) -> list[int]:
        """Free the place, and return the shards that were handed over: the caller drains them, or rings for them."""
        return self._hints.attempt(lambda: self._take_over(0)) or []

    def _take_over(self, place_for_s: int) -> list[int]:
        """Take the shards that were handed over, and keep the place for `place_for_s` seconds more, in one step.

        At most SHARDS_MAX members are read; a larger set was not written by Teller, and its rest is deleted.
        """
        with self._hints.redis.pipeline() as transaction:
            transaction.spop(HANDED_OVER, SHARDS_MAX)
            transaction.unlink(HANDED_OVER)
            transaction.expire(BATCHER, place_for_s)
            handed_over, _, _ = transaction.execute()
        return [int(shard) for shard in handed_over if shard.isdigit() and len(shard) <= 4 and int(shard) < SHARDS_MAX]
