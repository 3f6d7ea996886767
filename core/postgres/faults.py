"""What an error of PostgreSQL means: whether the same work may succeed later, and whether it needs another connection.

Source of the states: PostgreSQL manual, appendix A.
"""

import psycopg

__all__ = ["is_of_the_connection", "is_transient", "took_too_long"]

# Faults, not refusals: serialization failure, deadlock, lock not available, operator intervention (shutdown, timeouts),
# insufficient resources (disk, memory, connections), connection exceptions, read-only transaction (a standby), and a transaction
# that was idle or open for too long.
# All of class 42 (no such table or column, no right to it) means an unfinished deployment and says nothing about a transfer: taken
# for a refusal, it would reject the whole queue.
# A prepared statement that is missing (26000), or does not fit its table any more (0A000), means another session or a migration.
# Teller uses no feature that 0A000 could mean otherwise.
TRANSIENT_STATES = ("40001", "40P01", "55P03", "57", "53", "08", "25006", "25P03", "25P04", "42", "26000", "0A000")

# The connection is of no further use: its server is no longer the primary, or shuts down, or its session is another one.
CONNECTION_STATES = ("08", "57P", "25006", "25P03", "25P04", "26000", "42P05", "0A000")

TIME_OVER_STATES = ("57014", "25P04")  # statement_timeout, transaction_timeout


def is_transient(error: BaseException) -> bool:
    """Return whether the same work may succeed later. After class 08 and a lost connection the outcome is unknown.

    A server without free connections gives an OperationalError without SQLSTATE.
    """
    if not isinstance(error, psycopg.Error):
        return False
    if error.sqlstate is None:
        return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return error.sqlstate.startswith(TRANSIENT_STATES)


def took_too_long(error: BaseException) -> bool:
    """Return whether the server ended a statement or a transaction because its time was over."""
    return isinstance(error, psycopg.Error) and error.sqlstate in TIME_OVER_STATES


def is_of_the_connection(error: psycopg.Error) -> bool:
    """Return whether this connection cannot do the work, and another connection may."""
    return error.sqlstate is not None and error.sqlstate.startswith(CONNECTION_STATES)
