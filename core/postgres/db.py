"""The former module of all of these, while its users are renamed. The next commit removes it."""

from core.postgres.connections import AsyncConnection as Connection
from core.postgres.connections import connect_command as connect_for_command
from core.postgres.connections import connect_worker as connect
from core.postgres.deadline import ANSWER_WITHIN_S, answer_by
from core.postgres.deadline import start as start_clock
from core.postgres.faults import is_of_the_connection, is_transient, took_too_long
from core.postgres.limits import API_LIMITS, WORKER_LIMITS, session_of
from core.postgres.pool import CONNECTIONS, OWNER_CONNECTIONS, POOL_TIMEOUT_S, PROCESS_CONNECTIONS, Database
from core.postgres.queries import fence, fetch
from core.postgres.statements import SQL, literal, statement

__all__ = [
    "ANSWER_WITHIN_S",
    "API_LIMITS",
    "CONNECTIONS",
    "OWNER_CONNECTIONS",
    "POOL_TIMEOUT_S",
    "PROCESS_CONNECTIONS",
    "SQL",
    "WORKER_LIMITS",
    "Connection",
    "Database",
    "answer_by",
    "connect",
    "connect_for_command",
    "fence",
    "fetch",
    "is_of_the_connection",
    "is_transient",
    "literal",
    "session_of",
    "start_clock",
    "statement",
    "took_too_long",
]
