"""A wallet's shard never changes, and the shards share the wallets evenly."""

from collections import Counter
from uuid import UUID

import pytest

from core.ids import mint
from core.ledger.sharding import SHARDS_MAX, shard_of


@pytest.mark.parametrize(
    ("low_bits", "shards", "shard"),
    [(0x0, 1, 0), (0xF, 1, 0), (0x0, 16, 0), (0x1, 16, 1), (0xF, 16, 15), (0x10, 16, 0), (0x2A7, 16, 7), (0x3FF, SHARDS_MAX, 1023)],
)
def test_the_shard_is_the_low_bits_of_the_id(low_bits: int, shards: int, shard: int) -> None:
    assert shard_of(UUID(int=low_bits), shards) == shard
    assert shard_of(UUID(int=2**128 - SHARDS_MAX * 64 + low_bits), shards) == shard


def test_the_audits_sixteen_bits_hold_every_shard() -> None:
    assert SHARDS_MAX <= 2**15  # audit/queue.sql reads the last four hex digits


def test_minted_wallets_spread_evenly() -> None:
    counts = Counter(shard_of(mint(), 16) for _ in range(16_000))

    assert set(counts) == set(range(16))
    assert all(800 < count < 1200 for count in counts.values()), counts  # 1 000 ± 6.5 standard deviations
