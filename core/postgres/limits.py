"""The time limits, planner settings and keepalives of sessions: of the API and the deliverer, of the workers, of commands."""

from collections.abc import Mapping
from typing import Any

__all__ = ["API_LIMITS", "COMMAND_LIMITS", "KEEPALIVE", "PROBES", "ROUND_TRIP_WITHIN_S", "WORKER_LIMITS", "session_of"]

# Below the deadline of a request (1.8 s), so that the server ends a statement before the caller gets its 503.
API_LIMITS = {
    "statement_timeout": "1500ms",
    "lock_timeout": "1s",
    "idle_in_transaction_session_timeout": "2s",
    "transaction_timeout": "5s",
}

# Far below the job timeout of the queue (120 s): a drain ends by its own limits, never by a signal in the middle of a statement.
# An idle transaction means a frozen worker: ending it frees the wallets that it has locked.
# A worker that freezes between two statements of one round trip is not idle to PostgreSQL, which waits for the second one.
# transaction_timeout ends that; PostgreSQL 16 does not have it.
WORKER_LIMITS = {
    "statement_timeout": "5s",
    "lock_timeout": "2s",
    "idle_in_transaction_session_timeout": "5s",
    "transaction_timeout": "10s",
}

# Above each limit that a running server enforces (10 s): reached only by a server that hangs, or a COMMIT that waits for a standby.
ROUND_TRIP_WITHIN_S = 12.0

# A command of an operator has no limit: its duration depends on the size of the tables.
COMMAND_LIMITS = {
    "statement_timeout": "0",
    "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "transaction_timeout": "0",
}

# A prepared plan that was made on a nearly empty table reads the whole table and is kept for the connection's life. The table may
# hold a million rows a minute later. Each statement of core/sql has a path by an index, so the methods that read whole tables
# are switched off. Where no index path exists, as for a table of one row, PostgreSQL uses a method that is switched off. Up to
# version 17 it adds a penalty to the cost, which would exceed jit_above_cost at each execution: hence jit is off.
PLANNER = {
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_sort": "off",
    "jit": "off",
}

# Both ends detect a dead peer in about 20 s: the client by KEEPALIVE, the server by PROBES. Linux's default is two hours, in which
# the server keeps a connection slot for each lost session.
KEEPALIVE: dict[str, Any] = {
    "connect_timeout": 3,
    "keepalives_idle": 10,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
PROBES = {"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "3", "tcp_keepalives_count": "3"}


def session_of(limits: Mapping[str, str]) -> Mapping[str, str]:
    """Return the settings of a long-lived session with these limits."""
    return {**limits, **PLANNER, **PROBES}
