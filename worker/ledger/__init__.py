"""Moves money: drains shards of the queue in one transaction each time, retries what fails, sweeps what no doorbell announced.

core/sql/drain and core/sql/sweep belong to it alone. worker.__main__ may import it, and tests.
"""
