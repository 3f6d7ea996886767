"""How fast Teller is, beside a reference that the same machine runs in the same minute.

A machine's speed drifts, so figures of different days or machines cannot be compared. Each ratio comes from alternating runs:
reference, measured, reference, measured, …, reference (bench/pairs.py). A measured run is divided by the mean of the references
right before and right after it; half of the distance between those two is reported as the uncertainty of the ratio. The reference
is pgbench (TPC-B-like, a transaction a transfer, on the same server), or the plain case of the same measurement: uniform wallets,
one worker, an empty database, no held snapshot. Each measurement has its own database and processes, so each can be run alone.

wrk, which is compiled, makes the load; only the latency at 100 a second is measured by a client in Python. A run fails when wrk's
count disagrees with the database, when an audit finds damage, or when an answer is unexpected. It does not fail because it is slow.
"""
