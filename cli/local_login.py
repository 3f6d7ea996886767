"""A key for the system of `make run` or `teller run` in this folder, made beside its database when none is stored yet.

Its local.json holds the password of the embedded database's owner, and only the account that runs it may read the file. So the key
gives that account nothing that it has not.
"""

import socket
from dataclasses import asdict
from typing import Any

from cli import output, profiles
from cli.exits import Cannot
from cli.options import Common


def target_or_login(common: Common) -> profiles.Target:
    """Return the API and the key of this call. For the embedded system of this folder a missing key is made. Raises Cannot."""
    try:
        return profiles.target(common)
    except Cannot:
        running = profiles.running_here()
        if common.key or common.url or running is None or not is_meant(common) or not is_embedded(running):
            raise
    key = make_key(running)
    profiles.store_local_key(key)
    output.note(f"teller: made an operator key for {running['api_url']} and stored it beside its data, in {profiles.data_dir()}")
    return profiles.target(common)


def is_meant(common: Common) -> bool:
    """Return whether the call is for the system of this folder, and not for a login or an address of the environment."""
    places = [place for place in profiles.sources(common) if place.url]
    return bool(places) and places[0].said_by == profiles.LOCAL


def is_embedded(running: dict[str, Any]) -> bool:
    """Return whether its PostgreSQL is the one that it has started itself: in a database of others no key is made unasked."""
    return (running.get("pids") or {}).get("postgres") is not None


def make_key(running: dict[str, Any]) -> str:
    """Make an operator key in the database of the system that runs here, and return it. Raises Cannot."""
    import psycopg

    from core import keys
    from core.postgres.statements import statement

    key, stored = keys.new_key(name=key_name())
    try:
        with psycopg.connect(running["admin_database_url"], connect_timeout=5) as connection:
            connection.execute(statement("keys/insert"), asdict(stored))
    except (psycopg.Error, KeyError):
        raise Cannot(f"no key for {running['api_url']}, and its database did not take a new one: set TELLER_KEY") from None
    return key


def key_name() -> str:
    return f"teller on {socket.gethostname()}"[:100]
