"""Shards: each wallet belongs to one. All debits of a wallet are queued in its shard, and so are applied in order."""

from uuid import UUID

SHARDS_MAX = 1024  # a sweep reads the queue of each shard every second


def shard_of(wallet_id: UUID, shards: int) -> int:
    """Return the wallet's shard, 0 ≤ shard < shards: the low bits of its id.

    `shards` is a power of two that the first migration fixed. It does not depend on the number of workers, which may change.
    """
    return wallet_id.int & (shards - 1)
