"""Moves money: drains shards of the queue, one transaction a batch, retries failed batches, sweeps shards that no job drained.

core/sql/drain and core/sql/sweep are used by this package alone. worker.__main__ and tests may import it.
"""
