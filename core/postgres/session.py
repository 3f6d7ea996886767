"""The settings that Teller needs in a session: set by a statement when the session begins, and read back in the same round trip.

The `options` of the startup packet are not enough: PgBouncer drops them. Defaults of the server, the database or the role are not
enough: each can change, and a role can change its own. A session in which a setting does not take effect is refused with a reason.
"""

import secrets
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import psycopg

from core.postgres.statements import statement

# Settings that change the meaning of a statement, or the format of a value.
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
    "search_path": "public, pg_temp",  # a temporary table of the role must not hide one of Teller's
    "row_security": "on",
    "restrict_nonsystem_relation_kind": "",
    "default_tablespace": "",
    "temp_tablespaces": "",
    "default_table_access_method": "heap",
    "session_replication_role": "origin",  # "replica" disables triggers. Only a superuser may set it, so it is only read
    "server_encoding": "UTF8",  # fixed when the database was created
}

# Settings that change when a transaction ends, and whether a COMMIT that returned is durable. synchronous_commit is never lowered.
CONDUCT = {
    "default_transaction_isolation": "read committed",
    "default_transaction_deferrable": "off",
    "idle_session_timeout": "0",
    "exit_on_error": "off",
    "client_connection_check_interval": "1s",  # the backend of a killed client releases its locks within a second
    "synchronous_commit": "on",
}

# Settings that change plans. Compiling a statement (jit) takes longer than any of Teller's statements on few rows.
PLANS = {"plan_cache_mode": "auto", "jit": "off"}

# If a default disables one of these, a statement by key can read a whole table.
METHODS = ["bitmapscan", "hashagg", "hashjoin", "indexonlyscan", "indexscan", "material", "mergejoin", "nestloop", "seqscan"]

ACCEPTED = {"synchronous_commit": {"on", "remote_apply"}}  # settings with more than one right value

# On a Unix socket keepalives do not exist, and are not needed.
OPTIONAL = frozenset({"tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_keepalives_count"})

POOLED = (
    "two connections of Teller share one session of the server: the pooler that DATABASE_URL leads to is in transaction mode or"
    " statement mode, and Teller needs session mode (PgBouncer: pool_mode=session)"
)


class Unfit(psycopg.OperationalError):
    """The server answers, and cannot give a session that Teller needs. The message gives an operator the reason."""


class Session(NamedTuple):
    """A session whose settings were checked. `pid` and `server_started` identify it; `is_pooled`: through a pooler."""

    pid: int
    server_started: str
    mark: str
    is_pooled: bool


class Setting(NamedTuple):
    """A row of the statement session/set: the needed value, what set_config returned, the value in force, and an earlier mark."""

    name: str
    value: str
    applied: str | None
    actual: str
    earlier_mark: str | None
    pid: int
    server_started: str


def needs(limits: Mapping[str, str]) -> Mapping[str, str]:
    """Return all settings of a session with these limits. `limits` may contain any setting, and takes precedence."""
    methods = {f"enable_{method}": "on" for method in METHODS}
    return {**MEANING, **CONDUCT, **PLANS, **methods, **limits}


def parameters(limits: Mapping[str, str]) -> Mapping[str, Any]:
    """Return the parameters of the statement session/set."""
    wanted = needs(limits)
    return {"names": list(wanted), "values": list(wanted.values()), "mark": secrets.token_hex(8)}


def checked(mark: str, client_pid: int, rows: Iterable[tuple[Any, ...]]) -> Session:
    """Return the session from the rows of session/set. Raises Unfit. `client_pid`: the backend pid that libpq was given."""
    settings = [Setting(*row) for row in rows]
    first = settings[0]
    if first.earlier_mark:
        raise Unfit(POOLED)
    if refusals := [refusal(setting) for setting in settings if not is_right(setting)]:
        raise Unfit("; ".join(refusals))
    return Session(first.pid, first.server_started, mark, is_pooled=first.pid != client_pid)


def is_right(setting: Setting) -> bool:
    return setting.name in OPTIONAL or setting.actual in ACCEPTED.get(setting.name, {setting.value})


def refusal(setting: Setting) -> str:
    if setting.name == "server_encoding":
        return encoding_refusal(setting.actual)
    return f"the setting {setting.name} is '{setting.actual}', must be '{setting.value}', and does not change"


def encoding_refusal(encoding: str) -> str:
    return (
        f"the database's encoding is {encoding}, and Teller's data needs UTF8: make another database"
        " (createdb -E UTF8 -T template0 --locale=C NAME)"
    )


def set_up(connection: psycopg.Connection[Any], limits: Mapping[str, str]) -> Session:
    """Set the session's settings and read them back. Raises Unfit, and psycopg.Error."""
    params = parameters(limits)
    name_statements(connection, params["mark"])
    rows = connection.execute(statement("session/set"), params, prepare=False).fetchall()
    return checked(params["mark"], connection.info.backend_pid, rows)


async def set_up_async(connection: psycopg.AsyncConnection[Any], limits: Mapping[str, str]) -> Session:
    """As set_up."""
    params = parameters(limits)
    name_statements(connection, params["mark"])
    cursor = await connection.execute(statement("session/set"), params, prepare=False)
    return checked(params["mark"], connection.info.backend_pid, await cursor.fetchall())


def name_statements(connection: psycopg.BaseConnection[Any], mark: str) -> None:
    """Number the connection's prepared statements from a random start.

    If a pooler lets two connections share a session, a statement of the other connection is then missing, which is an error. With
    equal names, one connection would execute the other's statement. This uses a private name of psycopg, which is pinned.
    """
    connection._prepared._prepared_idx = int(mark, 16)  # psycopg has no public way to name them
