"""The parameters with which a connection starts: which host comes first, whether it must be the primary, and the startup packet."""

import os
import re
import socket
from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

__all__ = [
    "READS_ONLY",
    "application_name",
    "has_one_host",
    "is_read_only",
    "last_good_first",
    "packet",
    "primary_only",
    "relaxed",
    "remember",
]

NEWEST_LIMIT = "transaction_timeout"  # PostgreSQL 16 does not have it, and refuses a startup packet that names it
PACKET_LIMITS = ("statement_timeout", "lock_timeout", "idle_session_timeout", "idle_in_transaction_session_timeout", NEWEST_LIMIT)

READS_ONLY = "no server that DATABASE_URL leads to takes writes: each is a standby, or read-only"

LAST_GOOD: dict[str, tuple[str, str]] = {}  # by URL: host and port


def application_name(kind: str) -> str:
    """Return the name of this process's sessions, as pg_stat_activity shows it: "teller KIND HOST:PID", of 63 bytes at most.

    GET /v1/ops/processes reads it. `kind` is api, worker, sweeper, deliverer or command.
    """
    host = socket.gethostname().encode("ascii", "replace").decode()[:38]
    return f"teller {kind} {host}:{os.getpid()}"


def primary_only(url: str) -> dict[str, Any]:
    """Return the parameter that makes libpq skip a standby, unless the URL (or PGTARGETSESSIONATTRS) sets it."""
    is_set = "target_session_attrs" in conninfo_to_dict(url) or "PGTARGETSESSIONATTRS" in os.environ
    return {} if is_set else {"target_session_attrs": "read-write"}


def packet(url: str, limits: Mapping[str, str]) -> dict[str, Any]:
    """Return the startup packet's parameters: the encoding, and the limits, so that no default ends `session/set`.

    The options of the URL or of PGOPTIONS come first: of two values of a limit, the later one, Teller's, takes effect.
    """
    given = str(conninfo_to_dict(url).get("options") or os.environ.get("PGOPTIONS", ""))
    own = [f"-c {name}={limits.get(name, '0')}" for name in PACKET_LIMITS]
    return {"client_encoding": "UTF8", "options": " ".join([given, *own]).strip()}


def relaxed(params: Mapping[str, Any], error: psycopg.Error, *, may_read_only: bool) -> dict[str, Any] | None:
    """Return the parameters to try after a server refused these; None when no others would help.

    PostgreSQL 16 refuses the limit that it does not have. A pooler may refuse all options; the statement session/set needs none.
    A single host that is read-only is better than no host: the server answers reads and refuses writes, and readiness reports it.
    With several hosts, another one is the primary or will be promoted.
    """
    options = params.get("options", "")
    if f'"{NEWEST_LIMIT}"' in str(error) and (match := re.search(rf"-c {NEWEST_LIMIT}=\S+", options)):
        return {**params, "options": options.replace(match[0], "")}
    if "unsupported startup parameter" in str(error) and options:
        return {**params, "options": ""}
    if may_read_only and "target_session_attrs" in params and is_read_only(error):
        return {name: value for name, value in params.items() if name != "target_session_attrs"}
    return None


def is_read_only(error: psycopg.Error) -> bool:
    """Return whether libpq gave the connection up because its server takes no writes: by the text of its message."""
    return any(words in str(error) for words in ("session is read-only", "server is in hot standby mode"))


def remember(url: str, connection: psycopg.BaseConnection[Any]) -> None:
    """Remember the host of this connection as the one to try first."""
    LAST_GOOD[url] = (connection.info.host, str(connection.info.port))


def last_good_first(url: str) -> dict[str, Any]:
    """Return the URL's hosts, the last good one first: a host that hangs costs each new connection its whole connect_timeout."""
    given = conninfo_to_dict(url)
    hosts = str(given.get("host", "")).split(",")
    ports = str(given.get("port", "")).split(",")
    pairs = list(zip(hosts, ports if len(ports) == len(hosts) else ports * len(hosts), strict=False))
    if len(hosts) == 1 or "hostaddr" in given or LAST_GOOD.get(url) not in pairs:
        return {}
    pairs.sort(key=lambda pair: pair != LAST_GOOD[url])
    return {"host": ",".join(host for host, _ in pairs), "port": ",".join(port for _, port in pairs)}


def has_one_host(url: str) -> bool:
    return "," not in str(conninfo_to_dict(url).get("host", ""))
