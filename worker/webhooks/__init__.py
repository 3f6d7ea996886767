"""Sends webhooks: makes deliveries of final transfers, claims those due, signs and sends them, records each attempt.

core/sql/deliverer is used by this package alone. worker.__main__ and tests may import it.
"""
