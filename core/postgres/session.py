"""What Teller needs of a session with Postgres: set by statement when the session begins, and asked back in the same round trip.

A setting in the startup packet's `options` is not enough: PgBouncer drops it. A default of the server, the database or the role is
not enough: each of them can change, and a role can change its own. A session that cannot be as it must be is refused in words.
"""

import secrets
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import psycopg

from core.postgres.statements import statement

# What changes the meaning of a statement, or how a value is read and written.
MEANING = {
    "client_encoding": "UTF8",
    "DateStyle": "ISO, MDY",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "array_nulls": "on",
    "standard_conforming_strings": "on",
    "transform_null_equals": "off",
    "search_path": "public, pg_temp",  # a temporary table of the role must not stand in for one of Teller's
    "row_security": "on",
    "restrict_nonsystem_relation_kind": "",
    "default_tablespace": "",
    "temp_tablespaces": "",
    "default_table_access_method": "heap",
    "session_replication_role": "origin",  # "replica" turns triggers off; a superuser alone may set it, so it is only asked
    "server_encoding": "UTF8",  # fixed when the database was made
}

# What changes when a transaction ends, and whether an answered COMMIT is durable. synchronous_commit is raised, never lowered.
CONDUCT = {
    "default_transaction_isolation": "read committed",
    "default_transaction_deferrable": "off",
    "idle_session_timeout": "0",
    "exit_on_error": "off",
    "client_connection_check_interval": "1s",  # a killed client's backend lets its locks go within a second
    "synchronous_commit": "on",
}

# What changes plans. To compile a statement costs more than the longest of Teller's statements of few rows takes.
PLANS = {"plan_cache_mode": "auto", "jit": "off"}

# Any of these that a default turns off can make a statement by key read a whole table.
METHODS = ["bitmapscan", "hashagg", "hashjoin", "indexonlyscan", "indexscan", "material", "mergejoin", "nestloop", "seqscan"]

TAKEN = {"synchronous_commit": {"on", "remote_apply"}}  # more than one value that is right

# On a Unix socket there are none, and none are needed.
ONLY_WISHED = frozenset({"tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_keepalives_count"})

POOLED = (
    "two connections of Teller share one session of the server: the pooler that DATABASE_URL leads to is in transaction mode or"
    " statement mode, and Teller needs session mode (PgBouncer: pool_mode=session)"
)


class Unfit(psycopg.OperationalError):
    """The server answers, and this session with it cannot be as Teller needs it. The message says why, for an operator."""


class Session(NamedTuple):
    """A session that is as it must be. `pid` and `server_started` tell it from any other; `is_pooled`: a pooler is in between."""

    pid: int
    server_started: str
    mark: str
    is_pooled: bool


class Setting(NamedTuple):
    name: str
    value: str
    made: str | None
    found: str
    before: str | None
    pid: int
    server_started: str


def needs(limits: Mapping[str, str]) -> Mapping[str, str]:
    """Return all settings of a session with these limits, which may be any setting."""
    methods = {f"enable_{method}": "on" for method in METHODS}
    return {**MEANING, **CONDUCT, **PLANS, **methods, **limits}


def question(limits: Mapping[str, str]) -> Mapping[str, Any]:
    """Return the parameters of the statement set_session."""
    wanted = needs(limits)
    return {"names": list(wanted), "values": list(wanted.values()), "mark": secrets.token_hex(8)}


def answered(mark: str, client_pid: int, rows: Iterable[tuple[Any, ...]]) -> Session:
    """Return the session of these rows of set_session. Raises Unfit. `client_pid`: what the other end calls this session."""
    settings = [Setting(*row) for row in rows]
    first = settings[0]
    if first.before:
        raise Unfit(POOLED)
    if refusals := [refusal(setting) for setting in settings if not is_right(setting)]:
        raise Unfit("; ".join(refusals))
    return Session(first.pid, first.server_started, mark, is_pooled=first.pid != client_pid)


def is_right(setting: Setting) -> bool:
    return setting.name in ONLY_WISHED or setting.found in TAKEN.get(setting.name, {setting.value})


def refusal(setting: Setting) -> str:
    if setting.name == "server_encoding":
        return encoding_refusal(setting.found)
    return f"the setting {setting.name} is '{setting.found}', must be '{setting.value}', and does not change"


def encoding_refusal(encoding: str) -> str:
    return (
        f"the database's encoding is {encoding}, and Teller's data needs UTF8: make another database"
        " (createdb -E UTF8 -T template0 --locale=C NAME)"
    )


def set_up(connection: psycopg.Connection[Any], limits: Mapping[str, str]) -> Session:
    """Set and ask back what the session needs. Raises Unfit, and psycopg.Error."""
    asked = question(limits)
    name_statements(connection, asked["mark"])
    rows = connection.execute(statement("session/set"), asked, prepare=False).fetchall()
    return answered(asked["mark"], connection.info.backend_pid, rows)


async def set_up_async(connection: psycopg.AsyncConnection[Any], limits: Mapping[str, str]) -> Session:
    """As set_up."""
    asked = question(limits)
    name_statements(connection, asked["mark"])
    cursor = await connection.execute(statement("session/set"), asked, prepare=False)
    return answered(asked["mark"], connection.info.backend_pid, await cursor.fetchall())


def name_statements(connection: psycopg.BaseConnection[Any], mark: str) -> None:
    """Number the connection's prepared statements from a random start.

    Two connections that a pooler lets share a session then meet a statement that is not there, an error, and never each other's
    statement under the same name. It leans on a name that psycopg does not promise to keep: psycopg is pinned.
    """
    connection._prepared._prepared_idx = int(mark, 16)  # there is no other way to name them
