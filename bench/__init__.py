"""How fast Teller is, always beside something else that the same machine did in the same minute.

A machine's speed drifts, and figures of different days or machines say nothing about each other. So every ratio here comes from
runs that alternate: reference, measured, reference, measured, …, reference (bench/pairs.py). A measured run is divided by the mean
of the references right before and right after it, and half of how far those two lie apart is reported as the ratio's uncertainty.
The reference is pgbench (TPC-B-like, a transaction a transfer, on the same server), or the plain case of what is measured: uniform
wallets, one worker, an empty database, no held snapshot. Each measurement has a database and processes of its own, so any of them
can be run alone.

The load comes from wrk, which is compiled; only the latency at 100 a second is taken by a client in Python. What wrk counts must
agree with what the database holds, each database must pass the audit, and no answer may be an unexpected one: else the run fails.
It never fails for being slow.
"""
