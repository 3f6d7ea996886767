"""A shard is a fixed slice of all wallets; what is debited from one wallet is applied in order because it is in one shard."""

from uuid import UUID

SHARDS_MAX = 1024  # a sweep looks at each one every second


def shard_of(wallet_id: UUID, shards: int) -> int:
    """Return the wallet's shard, 0 ≤ shard < shards: the low bits of its id.

    `shards` is a power of two that was fixed by the first migration. Never derived from the number of workers: those come and go.
    """
    return wallet_id.int & (shards - 1)
