"""Sends webhooks: makes deliveries of final transfers, claims those due, signs and sends them, records each attempt.

core/sql/deliverer belongs to it alone. worker.__main__ may import it, and tests.
"""
